//! Whose account at a provider a credential is.
use sha2::Digest;
use sha2::Sha256;

/// Longest id that is kept as it is, in bytes: an issuer's URL and a subject of 255 (OpenID Connect Core §2).
const ID_LEN_MAX: usize = 512;

/// Longest name, in characters.
const NAME_LEN_MAX: usize = 255;

/// An account, as the provider tells it. What can't be seen on a page is cut out of both texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Says which one it is, and stays the same whatever its owner calls it.
    pub id: String,
    /// What people know it by.
    pub name: Option<String>,
}

impl Account {
    /// None where nothing is left of the id.
    pub fn new(id: &str, name: Option<&str>) -> Option<Self> {
        let id = seen(id);
        let id = match id.len() {
            0 => return None,
            1..=ID_LEN_MAX => id,
            // Cut, it could be another account's.
            _ => format!("sha256:{}", hex::encode(Sha256::digest(&id))),
        };
        let name = name.map(|it| seen(it).chars().take(NAME_LEN_MAX).collect::<String>());
        Some(Self { id, name: name.filter(|it| !it.is_empty()) })
    }

    /// Whether it is the same one, whatever its name.
    pub fn is(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

/// Less control characters and marks that hide or turn about what stands round them (Unicode TR 36 §2.10.2).
fn seen(text: &str) -> String {
    let is_hidden = |it: char| {
        it.is_control()
            || matches!(it, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let seen: String = text.chars().filter(|it| !is_hidden(*it)).collect();
    seen.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_what_can_be_seen_of_it() {
        let long = "x".repeat(ID_LEN_MAX);
        for (id, name, expected) in [
            ("7", Some("Ann"), Some(("7", Some("Ann")))),
            (" 7\n", Some("\u{202e}Ann\0 "), Some(("7", Some("Ann")))),
            ("7", Some("\t"), Some(("7", None))),
            ("7", None, Some(("7", None))),
            ("\u{200b}", Some("Ann"), None),
            ("", Some("Ann"), None),
            (&long, None, Some((&*long, None))),
        ] {
            let account = Account::new(id, name);
            let seen = account.as_ref().map(|it| (&*it.id, it.name.as_deref()));
            assert_eq!(seen, expected, "{id:?} {name:?}");
        }
    }

    #[test]
    fn what_is_too_long_is_told_apart_all_the_same() {
        let [one, other] = ["a", "b"].map(|end| {
            Account::new(&("x".repeat(ID_LEN_MAX) + end), Some(&"é".repeat(300))).unwrap()
        });
        assert!(!one.is(&other));
        assert_eq!((one.id.len(), one.name.unwrap().chars().count()), (71, NAME_LEN_MAX));
        let renamed = Account { name: None, ..other.clone() };
        assert!(other.is(&renamed));
    }
}
