//! The Basic scheme: `Authorization: Basic base64(username ":" password)`.
//!
//! Source: RFC 7617. The texts are sent as UTF-8 (§2.1).
use super::AuthError;
use super::Prepared;
use super::slot::Slot;
use crate::model::Credential;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use zeroize::Zeroizing;

/// The credential fields that it takes.
pub(super) const FIELDS: [&str; 2] = ["username", "password"];

/// The settings as written: `basic: {}`.
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
pub struct RawBasic {}

/// One of the two may be empty, as many APIs ask for a key beside an empty password; not both.
pub(super) fn prepare(credential: &Credential) -> Result<Prepared, Vec<AuthError>> {
    let [username, password] =
        FIELDS.map(|field| credential.field(field).map_or("", |it| it.expose()));
    let unsendable = |field: &str, what| AuthError::Unsendable { field: field.to_owned(), what };
    let mut faults = Vec::new();
    for (field, value) in FIELDS.into_iter().zip([username, password]) {
        if value.contains(['\r', '\n']) {
            faults.push(unsendable(field, "a line break"));
        } else if value.contains(char::is_control) {
            faults.push(unsendable(field, "a control character"));
        }
    }
    if username.contains(':') {
        faults.push(unsendable(FIELDS[0], "a colon"));
    }
    if username.is_empty() && password.is_empty() {
        faults.push(AuthError::Empty { field: FIELDS[1].to_owned() });
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let pair = Zeroizing::new([username, password].join(":"));
    let mut value =
        Zeroizing::new(String::with_capacity("Basic ".len() + pair.len().div_ceil(3) * 4));
    value.push_str("Basic ");
    STANDARD.encode_string(pair.as_bytes(), &mut value);
    let mut prepared = Prepared::default();
    prepared.put(&Slot::Header(AUTHORIZATION), &value);
    prepared.watch(credential, FIELDS[1]);
    Ok(prepared)
}

#[cfg(test)]
mod tests {
    use super::super::Scheme;
    use super::*;

    fn prepared(username: &str, password: &str) -> Result<Prepared, Vec<AuthError>> {
        Scheme::Basic
            .prepare(&Credential::from_iter([("username", username), ("password", password)]))
    }

    #[test]
    fn sends_the_examples_of_rfc_7617() {
        for (username, password, value) in [
            ("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), // §2
            ("test", "123£", "Basic dGVzdDoxMjPCow=="),                       // §2.1
            ("key", "", "Basic a2V5Og=="),
            ("", "key", "Basic OmtleQ=="),
            ("a", "b:c", "Basic YTpiOmM="),
        ] {
            let prepared = prepared(username, password).unwrap();
            let [(name, sent)] = prepared.headers() else { panic!("one header") };
            assert_eq!((name, sent.as_bytes()), (&AUTHORIZATION, value.as_bytes()));
            assert!(sent.is_sensitive());
        }
    }

    #[test]
    fn refuses_what_rfc_7617_can_not_carry() {
        let unsendable = |field: &str, what| AuthError::Unsendable { field: field.into(), what };
        for (username, password, fault) in [
            ("a:b", "c", unsendable("username", "a colon")),
            ("a\n", "c", unsendable("username", "a line break")),
            ("a", "c\n", unsendable("password", "a line break")),
            ("a", "c\0", unsendable("password", "a control character")),
            ("", "", AuthError::Empty { field: "password".into() }),
        ] {
            assert_eq!(prepared(username, password).unwrap_err(), [fault]);
        }
    }

    #[test]
    fn missing_and_unknown_fields_are_all_named() {
        let faults =
            Scheme::Basic.prepare(&Credential::from_iter([("user", "u"), ("password", "p")]));
        let fields: Vec<String> =
            faults.unwrap_err().iter().map(|it| it.field().to_owned()).collect();
        assert_eq!(fields, ["username", "user"]);
    }
}
