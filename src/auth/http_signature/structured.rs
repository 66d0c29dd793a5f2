//! Structured fields (RFC 9651): strict forms, members of dictionaries, and signatures kept beside ours.
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use sfv::Dictionary;
use sfv::FieldType as _;
use sfv::Item;
use sfv::List;
use sfv::ListEntry;
use sfv::Parser;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    Item,
    List,
    Dictionary,
}

/// Fields that are defined as structured ones, or that RFC 9651's authors found to be such mostly.
const KNOWN: &[(&str, FieldType)] = &[
    ("accept", FieldType::List),
    ("accept-encoding", FieldType::List),
    ("accept-language", FieldType::List),
    ("cache-control", FieldType::Dictionary),
    ("cache-status", FieldType::List),
    ("content-digest", FieldType::Dictionary),
    ("content-encoding", FieldType::List),
    ("content-language", FieldType::List),
    ("content-length", FieldType::Item),
    ("content-type", FieldType::Item),
    ("max-forwards", FieldType::Item),
    ("origin", FieldType::Item),
    ("prefer", FieldType::Dictionary),
    ("priority", FieldType::Dictionary),
    ("proxy-status", FieldType::List),
    ("repr-digest", FieldType::Dictionary),
    ("sec-fetch-site", FieldType::Item),
    ("signature", FieldType::Dictionary),
    ("signature-agent", FieldType::Dictionary),
    ("signature-input", FieldType::Dictionary),
    ("te", FieldType::List),
    ("want-content-digest", FieldType::Dictionary),
    ("want-repr-digest", FieldType::Dictionary),
];

impl FieldType {
    pub(super) fn of(name: &str) -> Option<Self> {
        KNOWN.iter().find(|it| it.0 == name).map(|it| it.1)
    }

    /// The strict form (RFC 9651 §4.1); `None` where the value has another.
    pub(super) fn strict(self, value: &[u8]) -> Option<String> {
        match self {
            Self::Item => Some(Parser::new(value).parse::<Item>().ok()?.serialize()),
            Self::List => {
                Some(Parser::new(value).parse::<List>().ok()?.serialize().unwrap_or_default())
            }
            Self::Dictionary => Some(dictionary(value)?.serialize().unwrap_or_default()),
        }
    }
}

/// The strict form of one member's value, its parameters too (RFC 9421 §2.1.2).
pub(super) fn member(value: &[u8], key: &str) -> Option<String> {
    let dictionary = dictionary(value)?;
    match dictionary.get(key)? {
        ListEntry::Item(item) => Some(item.serialize()),
        ListEntry::InnerList(list) => vec![ListEntry::InnerList(list.clone())].serialize(),
    }
}

/// A dictionary without this member; nothing where it is none, or where nothing is left.
pub(super) fn without(value: &[u8], key: &str) -> Option<String> {
    let mut dictionary = dictionary(value)?;
    dictionary.shift_remove(key);
    dictionary.serialize()
}

/// Whether it can be a dictionary's key (RFC 9651 §3.1.2).
pub(super) fn is_key(text: &str) -> bool {
    sfv::KeyRef::from_str(text).is_ok()
}

fn dictionary(value: &[u8]) -> Option<Dictionary> {
    Parser::new(value).parse().ok()
}
