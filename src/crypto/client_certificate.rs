//! The certificate that a client shows a server in the TLS handshake (RFC 8446 §4.4.2, RFC 8705 §2).
use super::der;
use super::digest::sha256;
use super::error::KeyError;
use super::signing_key::Der;
use super::signing_key::unescaped;
use crate::model::Credential;
use crate::model::UnixTime;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use std::fmt;
use std::sync::Arc;

const CERTIFICATE: &str = "certificate";
const PRIVATE_KEY: &str = "private_key";

/// A certificate, those between it and its authority, and its key. Prints without any of them.
#[derive(Clone)]
pub struct ClientCertificate {
    certified: Arc<CertifiedKey>,
    digest: [u8; 32],
    not_after: UnixTime,
}

impl ClientCertificate {
    /// Reads the credential fields `certificate` (one or more, its own first) and `private_key`, both in PEM;
    /// line breaks may be written as `\n`.
    pub fn read(credential: &Credential) -> Result<Self, KeyError> {
        let text = |field: &'static str| {
            let value = credential.field(field).filter(|it| !it.is_empty());
            let value = value.ok_or(KeyError { field, what: "has no value" })?;
            Ok(unescaped(value.expose()))
        };
        let (chain, key) = (text(CERTIFICATE)?, text(PRIVATE_KEY)?);
        let unusable = |field, what| KeyError { field, what };
        let certificates: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(chain.as_bytes()).collect();
        let certificates = certificates.ok().filter(|it| !it.is_empty());
        let certificates =
            certificates.ok_or_else(|| unusable(CERTIFICATE, "is no certificate in PEM"))?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
            .map_err(|_| unusable(PRIVATE_KEY, "is no private key in PEM"))?;
        let signing = any_supported_type(&Der(key).0)
            .map_err(|_| unusable(PRIVATE_KEY, "is a key that TLS has no use for"))?;
        let certified = CertifiedKey::new(certificates, signing);
        certified
            .keys_match()
            .map_err(|_| unusable(PRIVATE_KEY, "does not belong to the certificate"))?;
        // None of them is any good without the others.
        let ends = certified.cert.iter().map(|it| der::not_after(it)).min().flatten();
        let not_after = ends.ok_or_else(|| unusable(CERTIFICATE, "has no readable end"))?;
        // The certificate names its public key, and so the private one.
        let parts: Vec<&[u8]> = certified.cert.iter().map(|it| it.as_ref()).collect();
        let digest = sha256(&parts.concat());
        Ok(Self { certified: Arc::new(certified), digest, not_after })
    }

    pub fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }

    /// When it ends, or the first of those between it and its authority.
    pub fn not_after(&self) -> UnixTime {
        self.not_after
    }

    /// SHA-256 of the certificate itself, in hex: what `openssl x509 -fingerprint -sha256` says, without colons.
    pub fn fingerprint(&self) -> String {
        let own = self.certified.cert.first().map_or(&[][..], |it| it.as_ref());
        hex::encode(sha256(own))
    }

    /// Tells one from another.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

impl PartialEq for ClientCertificate {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for ClientCertificate {}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[client certificate]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::CertificateParams;
    use rcgen::KeyPair;

    /// A certificate and its key, in PEM.
    fn pair() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["client.test".to_owned()]).unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    fn read(certificate: &str, key: &str) -> Result<ClientCertificate, String> {
        let fields = [(CERTIFICATE, certificate), (PRIVATE_KEY, key)];
        let fields = fields.into_iter().filter(|it| !it.1.is_empty());
        ClientCertificate::read(&fields.collect()).map_err(|it| it.to_string())
    }

    #[test]
    fn a_certificate_and_its_key_are_taken_and_anything_else_is_told() {
        let ((certificate, key), (other, _)) = (pair(), pair());
        let one_line = |it: &str| it.replace('\n', "\\n");
        assert!(read(&certificate, &key).is_ok());
        assert!(read(&one_line(&certificate), &one_line(&key)).is_ok());
        assert!(read(&[&*certificate, &*other].concat(), &key).is_ok(), "its own first");
        let broken = certificate.replace("CERTIFICATE-----\n", "CERTIFICATE-----\n!");
        for (certificate, key, problem) in [
            ("", &*key, "the credential field `certificate` has no value"),
            (&certificate, "", "the credential field `private_key` has no value"),
            (&key, &key, "the credential field `certificate` is no certificate in PEM"),
            (&broken, &key, "the credential field `certificate` is no certificate in PEM"),
            (
                &certificate,
                &certificate,
                "the credential field `private_key` is no private key in PEM",
            ),
            (&other, &key, "the credential field `private_key` does not belong to the certificate"),
        ] {
            assert_eq!(read(certificate, key).unwrap_err(), problem);
        }
    }

    #[test]
    fn each_certificate_is_told_from_another_and_none_is_printed() {
        let ((certificate, key), (other, other_key)) = (pair(), pair());
        let read = |certificate: &str, key: &str| read(certificate, key).unwrap();
        assert_eq!(read(&certificate, &key), read(&certificate, &key));
        assert_ne!(read(&certificate, &key), read(&other, &other_key));
        assert_ne!(read(&certificate, &key), read(&[&*certificate, &*other].concat(), &key));
        assert_eq!(format!("{:?}", read(&certificate, &key)), "[client certificate]");
    }
}
