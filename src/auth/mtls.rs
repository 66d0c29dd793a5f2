//! A certificate of the client's own, shown in the TLS handshake (RFC 8446 §4.4.2): nothing is put on requests.
use super::AuthError;
use super::Prepared;
use crate::crypto::ClientCertificate;
use crate::model::Credential;
use std::sync::Arc;

/// The credential fields that it takes.
pub(super) const FIELDS: [&str; 5] =
    ["certificate", "private_key", "private_key_password", "pkcs12", "pkcs12_password"];

/// The settings as written: `mtls: {}`.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Deserialize,
    serde::Serialize,
    schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct RawMtls {}

/// Certificate and key in PEM, or both in a PKCS #12 file.
pub(super) fn prepare(credential: &Credential) -> Result<Prepared, Vec<AuthError>> {
    let [certificate, private_key, key_password, pkcs12, password] = FIELDS;
    let has = |field: &&str| credential.field(field).is_some();
    let (needed, unneeded) = match has(&pkcs12) {
        true => (&[][..], &[certificate, private_key, key_password][..]),
        false => (&[certificate, private_key][..], &[password][..]),
    };
    let missing = needed.iter().filter(|it| !has(it));
    let missing = missing.map(|it| AuthError::Missing { field: (*it).to_owned() });
    let besides = unneeded.iter().filter(|it| has(it)).map(|it| {
        let what = match has(&pkcs12) {
            true => "stands beside `pkcs12`, which has all of it",
            false => "is for `pkcs12`, which is not there",
        };
        AuthError::Unusable { field: (*it).to_owned(), what }
    });
    let faults: Vec<_> = missing.chain(besides).collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    let certificate = ClientCertificate::read(credential).map_err(|it| vec![it.into()])?;
    Ok(Prepared::showing(Arc::new(certificate)))
}

#[cfg(test)]
mod tests {
    use super::super::Scheme;

    #[test]
    fn a_credential_is_one_of_two_sets_of_fields() {
        for (fields, told) in [
            (&[][..], &["`certificate` is missing", "`private_key` is missing"][..]),
            (&["private_key"], &["`certificate` is missing"]),
            (
                &["certificate", "private_key", "pkcs12_password"],
                &["`pkcs12_password` is for `pkcs12`"],
            ),
            (&["pkcs12", "certificate"], &["`certificate` stands beside `pkcs12`"]),
            (
                &["pkcs12", "private_key_password"],
                &["`private_key_password` stands beside `pkcs12`"],
            ),
            (&["pkcs12", "pkcs12_password"], &["`pkcs12` is not in Base64"]),
            (&["pkcs12"], &["`pkcs12` is not in Base64"]),
            (&["certificate", "private_key"], &["`certificate` is no certificate in PEM"]),
        ] {
            let credential = fields.iter().map(|it| (*it, "!")).collect();
            let faults = Scheme::Mtls.prepare(&credential).unwrap_err();
            assert_eq!(faults.len(), told.len(), "{fields:?} {faults:?}");
            for (fault, told) in faults.iter().zip(told) {
                assert!(fault.to_string().contains(told), "{fields:?} {fault}");
            }
        }
    }
}
