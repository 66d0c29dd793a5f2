//! A private key and its certificates in one file (PKCS #12, RFC 7292), as browsers, Java and Windows hand them out.
//!
//! Read are files in DER whose integrity a password keeps, with PBES2 or the schemes of RFC 7292 appendix C but RC4.
use super::der::CONTEXT_0;
use super::der::Elements;
use super::der::INTEGER;
use super::der::OBJECT;
use super::der::OCTETS;
use super::der::SEQUENCE;
use super::digest::MacKey;
use super::password;
use super::password::Password;
use super::password::Purpose;
use super::password::Unopened;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const ENCRYPTED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x06];
/// Before the number of a kind of bag.
const BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01];
const X509: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x16, 0x01];

/// What a file has in it.
pub(super) struct Pkcs12 {
    /// In PKCS #8.
    pub key: Zeroizing<Vec<u8>>,
    /// In the order of the file: at least one.
    pub certificates: Vec<Vec<u8>>,
}

#[derive(Default)]
struct Bags {
    keys: Vec<Zeroizing<Vec<u8>>>,
    certificates: Vec<Vec<u8>>,
}

impl Pkcs12 {
    /// Opens a file. The words say what is wrong with it, or with its password.
    pub fn open(file: &[u8], password: &str) -> Result<Self, &'static str> {
        let mut password = Password::new(password);
        let mut bags = read(file, &mut password).map_err(|it| match it {
            Unopened::Unknown => {
                "is no PKCS #12 file in DER that is protected by a password in a way that is known here"
            }
            Unopened::TooManyIterations => "asks for more iterations than are made for one file",
            Unopened::WrongPassword => "is not opened by `pkcs12_password`",
        })?;
        match (bags.keys.len(), bags.certificates.is_empty()) {
            (1, false) => {
                Ok(Self { key: bags.keys.swap_remove(0), certificates: bags.certificates })
            }
            (0, _) => Err("has no private key in it"),
            (1, true) => Err("has no certificate in it"),
            _ => Err("has several private keys in it"),
        }
    }
}

fn read(file: &[u8], password: &mut Password<'_>) -> Result<Bags, Unopened> {
    let unknown = Unopened::Unknown;
    let mut parts = Elements::new(file).within(SEQUENCE).ok_or(unknown)?;
    if parts.number() != Some(3) {
        return Err(unknown);
    }
    let mut safe = parts.within(SEQUENCE).ok_or(unknown)?;
    if safe.next(OBJECT) != Some(DATA) {
        return Err(unknown);
    }
    let safe = safe.within(CONTEXT_0).and_then(|mut it| it.next(OCTETS)).ok_or(unknown)?;
    if !parts.is_empty() {
        check(parts.within(SEQUENCE).ok_or(unknown)?, safe, password)?;
    }
    let mut bags = Bags::default();
    let mut infos = Elements::new(safe).within(SEQUENCE).ok_or(unknown)?;
    while !infos.is_empty() {
        let mut info = infos.within(SEQUENCE).ok_or(unknown)?;
        let kind = info.next(OBJECT).ok_or(unknown)?;
        let mut content = info.within(CONTEXT_0).ok_or(unknown)?;
        if kind == DATA {
            bags.take(content.next(OCTETS).ok_or(unknown)?, password)?;
        } else if kind == ENCRYPTED_DATA {
            let mut data = content.within(SEQUENCE).ok_or(unknown)?;
            data.next(INTEGER).ok_or(unknown)?;
            let info = data.within(SEQUENCE).ok_or(unknown)?;
            bags.take(&password::content(password, info)?, password)?;
        } else {
            return Err(unknown);
        }
    }
    Ok(bags)
}

/// Whether the file is as somebody with the password made it (RFC 7292 §4, `MacData`).
fn check(mut mac: Elements<'_>, safe: &[u8], password: &mut Password<'_>) -> Result<(), Unopened> {
    let unknown = Unopened::Unknown;
    let mut info = mac.within(SEQUENCE).ok_or(unknown)?;
    let hash = info.within(SEQUENCE).and_then(password::hash).ok_or(unknown)?;
    let expected = info.next(OCTETS).ok_or(unknown)?;
    let salt = mac.next(OCTETS).ok_or(unknown)?;
    let iterations = if mac.is_empty() { 1 } else { mac.number().ok_or(unknown)? };
    let len = hash.of(&[]).bytes().len();
    let key = password.derived(hash, Purpose::Mac, salt, iterations, len)?;
    let made = MacKey::new(hash, &key).ok_or(unknown)?.of(safe);
    let is_same: bool = made.bytes().ct_eq(expected).into();
    if is_same { Ok(()) } else { Err(Unopened::WrongPassword) }
}

impl Bags {
    /// Keys and certificates of `SafeContents`; what else there is, is passed over.
    fn take(&mut self, contents: &[u8], password: &mut Password<'_>) -> Result<(), Unopened> {
        let unknown = Unopened::Unknown;
        let mut bags = Elements::new(contents).within(SEQUENCE).ok_or(unknown)?;
        while !bags.is_empty() {
            let mut bag = bags.within(SEQUENCE).ok_or(unknown)?;
            let kind = bag.next(OBJECT).and_then(|it| it.strip_prefix(BAG)).ok_or(unknown)?;
            let value = bag.next(CONTEXT_0).ok_or(unknown)?;
            match kind {
                [1] => self.keys.push(Zeroizing::new(value.to_vec())),
                [2] => self.keys.push(password::private_key(password, value)?),
                [3] => {
                    let mut certificate = Elements::new(value).within(SEQUENCE).ok_or(unknown)?;
                    if certificate.next(OBJECT) == Some(X509) {
                        let own = certificate.within(CONTEXT_0);
                        let own = own.and_then(|mut it| it.next(OCTETS)).ok_or(unknown)?;
                        self.certificates.push(own.to_vec());
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}
