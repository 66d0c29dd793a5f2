//! The certificate that a client shows a server in the TLS handshake (RFC 8446 §4.4.2, RFC 8705 §2).
use super::der::Certificate;
use super::digest::sha256;
use super::error::KeyError;
use super::password;
use super::password::Password;
use super::password::Unopened;
use super::pkcs12::Pkcs12;
use super::signing_key::Der;
use super::signing_key::unescaped;
use crate::model::Credential;
use crate::model::UnixTime;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

const CERTIFICATE: &str = "certificate";
const PRIVATE_KEY: &str = "private_key";
const PRIVATE_KEY_PASSWORD: &str = "private_key_password";
const PKCS12: &str = "pkcs12";
const PKCS12_PASSWORD: &str = "pkcs12_password";

/// Certificates in one file, at most.
const CERTIFICATES_MAX: usize = 32;

/// In Base64: a key and a long chain are 10 KiB.
const PKCS12_LEN_MAX: usize = 256 << 10;

const ENCRYPTED_BEGIN: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";

/// A certificate, those between it and its authority, and its key. Prints without any of them.
#[derive(Clone)]
pub struct ClientCertificate {
    certified: Arc<CertifiedKey>,
    digest: [u8; 32],
    not_after: UnixTime,
}

impl ClientCertificate {
    /// Reads the credential fields `certificate` (one or more, its own first) and `private_key`, both in PEM, line breaks
    /// written as `\n` or not, with `private_key_password` where the key is encrypted; or `pkcs12`, a file in Base64, with
    /// `pkcs12_password`.
    pub fn read(credential: &Credential) -> Result<Self, KeyError> {
        let value = |field: &'static str| {
            let value = credential.field(field).filter(|it| !it.is_empty());
            value.map(|it| it.expose())
        };
        if let Some(file) = value(PKCS12) {
            return Self::of_file(file, value(PKCS12_PASSWORD).unwrap_or_default());
        }
        let needed = |field| {
            let value = value(field).ok_or(KeyError { field, what: "has no value" })?;
            Ok(unescaped(value))
        };
        let (chain, key) = (needed(CERTIFICATE)?, needed(PRIVATE_KEY)?);
        let certificates: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(chain.as_bytes()).collect();
        let certificates = certificates.ok().filter(|it| !it.is_empty());
        let certificates = certificates
            .ok_or(KeyError { field: CERTIFICATE, what: "is no certificate in PEM" })?;
        let key = private_key(&key, value(PRIVATE_KEY_PASSWORD))?;
        Self::of(certificates, &key, (CERTIFICATE, PRIVATE_KEY))
    }

    /// Of a PKCS #12 file. Its own certificate is the one that its key belongs to, wherever it stands.
    fn of_file(file: &str, password: &str) -> Result<Self, KeyError> {
        let unusable = |what| KeyError { field: PKCS12, what };
        let text: String = file.split_ascii_whitespace().collect();
        if text.len() > PKCS12_LEN_MAX {
            return Err(unusable("is longer than 256 KiB"));
        }
        let file = STANDARD.decode(text).map(Zeroizing::new);
        let file = file.map_err(|_| unusable("is not in Base64"))?;
        let Pkcs12 { key, certificates } = Pkcs12::open(&file, password).map_err(unusable)?;
        let key = Der(PrivatePkcs8KeyDer::from(key.to_vec()).into());
        if certificates.len() > CERTIFICATES_MAX {
            return Err(unusable("has more than 32 certificates in it"));
        }
        let mut ordered: Vec<_> = certificates.into_iter().map(CertificateDer::from).collect();
        let signing = any_supported_type(&key.0)
            .map_err(|_| unusable("has a key that TLS has no use for"))?;
        let public_key = signing.public_key();
        let is_own = |it: &CertificateDer<'_>| {
            let read = Certificate::read(it);
            read.is_some_and(|it| {
                public_key.as_ref().is_some_and(|key| key.as_ref() == it.public_key)
            })
        };
        let at = ordered.iter().position(is_own);
        if let Some(at) = at {
            ordered[..=at].rotate_right(1);
        }
        Self::of(ordered, &key, (PKCS12, PKCS12))
    }

    /// `fields`: what certificates and key stand in.
    fn of(
        certificates: Vec<CertificateDer<'static>>,
        key: &Der,
        fields: (&'static str, &'static str),
    ) -> Result<Self, KeyError> {
        let unusable = |what| KeyError { field: fields.1, what };
        let signing =
            any_supported_type(&key.0).map_err(|_| unusable("is a key that TLS has no use for"))?;
        let unread = KeyError { field: fields.0, what: "has a certificate that does not read" };
        let read = certificates.iter().map(|it| Certificate::read(it)).collect::<Option<Vec<_>>>();
        let read = read.ok_or(unread)?;
        let public_key = signing.public_key();
        let own = read.first().ok_or(unread)?.public_key;
        if public_key.is_none_or(|it| it.as_ref() != own) {
            return Err(unusable("does not belong to the certificate"));
        }
        // Of the others a server may need none: files have old roots in them, too.
        let not_after = read.first().ok_or(unread)?.not_after;
        let certified = CertifiedKey::new(certificates, signing);
        // The certificate names its public key, and so the private one.
        let parts: Vec<&[u8]> = certified.cert.iter().map(|it| it.as_ref()).collect();
        let digest = sha256(&parts.concat());
        Ok(Self { certified: Arc::new(certified), digest, not_after })
    }

    pub fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }

    /// When it ends. Those between it and its authority may end before it.
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

/// A private key in PEM, encrypted or not.
fn private_key(pem: &str, password: Option<&str>) -> Result<Der, KeyError> {
    let unusable = |what| KeyError { field: PRIVATE_KEY, what };
    let Some(body) = pem.split_once(ENCRYPTED_BEGIN).and_then(|it| it.1.split_once("-----END"))
    else {
        // Said of the old form, whose encryption stands in its headers (RFC 1421 §4.6.1.1).
        if pem.contains("Proc-Type:") {
            return Err(unusable(
                "is encrypted in a way that is not known here; `openssl pkcs8 -topk8` writes it anew",
            ));
        }
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes());
        return key.map(Der).map_err(|_| unusable("is no private key in PEM"));
    };
    let password =
        password.ok_or_else(|| unusable("is encrypted, and there is no `private_key_password`"))?;
    let text: String = body.0.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(text).map_err(|_| unusable("is no private key in PEM"))?;
    let opened = password::private_key(&mut Password::new(password), &bytes);
    let key = opened.map_err(|it| match it {
        Unopened::Unknown => unusable("is encrypted in a way that is not known here"),
        Unopened::TooManyIterations => {
            unusable("asks for more iterations than are made for one key")
        }
        Unopened::WrongPassword => unusable("is not opened by `private_key_password`"),
    })?;
    Ok(Der(PrivatePkcs8KeyDer::from(key.to_vec()).into()))
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

    /// The files of `tests/fixtures/pkcs12`, whose password this is.
    const PASSWORD: &str = "p\u{e4}ssword";

    macro_rules! fixture {
        ($name:literal) => {
            include_bytes!(concat!("../../tests/fixtures/pkcs12/", $name))
        };
    }

    fn opened(file: &[u8], password: &str) -> Result<ClientCertificate, String> {
        let file = STANDARD.encode(file);
        let fields = [(PKCS12, &*file), (PKCS12_PASSWORD, password)];
        ClientCertificate::read(&fields.into_iter().collect()).map_err(|it| it.to_string())
    }

    #[test]
    fn a_pkcs12_file_is_opened_in_whatever_way_it_is_protected() {
        let files: [(&str, &[u8], &str); 6] = [
            ("new", fixture!("new.p12"), PASSWORD),
            ("legacy", fixture!("legacy.p12"), PASSWORD),
            ("aes128", fixture!("aes128.p12"), PASSWORD),
            ("rc2_128", fixture!("rc2_128.p12"), PASSWORD),
            ("open", fixture!("open.p12"), PASSWORD),
            ("empty", fixture!("empty.p12"), ""),
        ];
        for (name, file, password) in files {
            let read = opened(file, password).unwrap_or_else(|it| panic!("{name}: {it}"));
            // From `openssl x509 -fingerprint -sha256`.
            let fingerprint = "a03106f913089b349227ecb15fe390034b546209a90bf578d578f3c065a3814f";
            assert_eq!(read.fingerprint(), fingerprint, "{name}");
            assert_eq!(read.certified.cert.len(), 2, "{name}: with its authority's");
        }
    }

    #[test]
    fn a_pkcs12_file_that_gives_nothing_is_told_why() {
        let files: [(&[u8], &str, &str); 8] = [
            (fixture!("new.p12"), "password", "is not opened by `pkcs12_password`"),
            (fixture!("legacy.p12"), "", "is not opened by `pkcs12_password`"),
            (fixture!("slow.p12"), PASSWORD, "asks for more iterations than are made for one file"),
            (fixture!("keyless.p12"), PASSWORD, "has no private key in it"),
            (fixture!("bare.p12"), PASSWORD, "has no certificate in it"),
            (fixture!("client.pem"), PASSWORD, "is no PKCS #12 file in DER"),
            (b"", "", "has no value"),
            (&[0x30; 200_000], "", "is longer than 256 KiB"),
        ];
        for (file, password, problem) in files {
            let told = opened(file, password).unwrap_err();
            assert!(told.starts_with("the credential field `") && told.contains(problem), "{told}");
        }
        let not_base64 = [(PKCS12, "a!"), (PKCS12_PASSWORD, "")];
        let told = ClientCertificate::read(&not_base64.into_iter().collect()).unwrap_err();
        assert_eq!(told.to_string(), "the credential field `pkcs12` is not in Base64");
    }

    /// Whatever a byte of it is turned into, nothing panics, and nothing takes long.
    #[test]
    fn a_damaged_pkcs12_file_is_refused_or_read() {
        let file = fixture!("legacy.p12");
        for at in (0..file.len()).step_by(7) {
            for flip in [0x01, 0x80] {
                let mut damaged = file.to_vec();
                damaged[at] ^= flip;
                // The first length octets say how long the others are; the check covers the rest.
                assert!(opened(&damaged, PASSWORD).is_err() || !(60..=1000).contains(&at), "{at}");
            }
            assert!(opened(&file[..at], PASSWORD).is_err(), "{at}");
        }
    }

    #[test]
    fn an_encrypted_key_is_opened_by_its_password() {
        let certificate = str::from_utf8(fixture!("client.pem")).unwrap();
        for key in [&fixture!("key.pem")[..], fixture!("key_des3.pem")] {
            let key = str::from_utf8(key).unwrap();
            let read = |password: &[(&str, &str)]| {
                let fields = [(CERTIFICATE, certificate), (PRIVATE_KEY, key)];
                let fields = fields.into_iter().chain(password.iter().copied());
                ClientCertificate::read(&fields.collect()).map_err(|it| it.to_string())
            };
            assert!(read(&[(PRIVATE_KEY_PASSWORD, PASSWORD)]).is_ok());
            let told = read(&[(PRIVATE_KEY_PASSWORD, "password")]).unwrap_err();
            assert!(told.contains("`private_key` is"), "{told}");
            let told = read(&[]).unwrap_err();
            assert!(
                told.contains("is encrypted, and there is no `private_key_password`"),
                "{told}"
            );
        }
    }

    #[test]
    fn it_ends_when_its_own_certificate_does() {
        let made = |year: i32| {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::new(["client.test".to_owned()]).unwrap();
            params.not_after = rcgen::date_time_ymd(year, 1, 1);
            (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
        };
        let ((late, key), (early, _)) = (made(2040), made(2030));
        assert_eq!(read(&late, &key).unwrap().not_after(), UnixTime::from_s(2_208_988_800));
        let chain = [&*late, &*early].concat();
        assert_eq!(read(&chain, &key).unwrap().not_after(), UnixTime::from_s(2_208_988_800));
    }
}
