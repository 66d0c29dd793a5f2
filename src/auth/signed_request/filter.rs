//! What is made of a value on its way into a text: `{body|sha256|base64}`.
use super::source::Names;
use crate::crypto::Hash;
use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::GeneralPurposeConfig;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::percent_encode;
use std::borrow::Cow;

/// For whoever wrote another.
pub(super) const FILTERS: &str = "md5, sha1, sha256, sha384, sha512, hmac_sha1(key), hmac_sha256(key), \
    hmac_sha384(key), hmac_sha512(key), hex, hex_upper, base64, base64url, from_hex, from_base64, lower, upper, trim, squeeze, \
    urlencode, formencode, urldecode, first(count), only(METHOD …), except(METHOD …), before(text), \
    without_prefix(text), ending(text), or(text) and nonzero";

/// Everything but the unreserved characters (RFC 3986 §2.3).
pub(super) const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// RFC 4648 §4, with padding or without.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    Hash(Hash),
    /// With a value as its key.
    Mac(Hash, usize),
    Hex,
    HexUpper,
    Base64,
    Base64url,
    FromHex,
    FromBase64,
    Lower,
    Upper,
    Trim,
    /// Trimmed, and white space within as one space each.
    Squeeze,
    /// RFC 3986 §2.1, all but the unreserved characters.
    Urlencode,
    /// The same with `+` for a space.
    Formencode,
    Urldecode,
    /// This many bytes from the beginning.
    First(usize),
    /// Empty with any other method.
    Only(Box<[Box<str>]>),
    /// Empty with these methods.
    Except(Box<[Box<str>]>),
    /// What stands before the first of it, or all.
    Before(Box<str>),
    WithoutPrefix(Box<str>),
    /// With this at its end, where it is not there yet.
    Ending(Box<str>),
    /// This, where it is absent or empty.
    Or(Box<str>),
    /// Empty where it is `0`.
    Nonzero,
}

impl Filter {
    pub fn parse(text: &str, names: &Names<'_>) -> Result<Self, String> {
        let (name, argument) = match text.split_once('(') {
            None => (text, None),
            Some((name, rest)) => {
                let unclosed = || format!("the filter `{text}` has no `)` at its end");
                (name, Some(rest.strip_suffix(')').ok_or_else(unclosed)?))
            }
        };
        let filter = match (name, argument) {
            ("md5", None) => Self::Hash(Hash::Md5),
            ("sha1", None) => Self::Hash(Hash::Sha1),
            ("sha256", None) => Self::Hash(Hash::Sha256),
            ("sha384", None) => Self::Hash(Hash::Sha384),
            ("sha512", None) => Self::Hash(Hash::Sha512),
            ("hmac_sha1", Some(key)) => Self::Mac(Hash::Sha1, names.value(key)?),
            ("hmac_sha256", Some(key)) => Self::Mac(Hash::Sha256, names.value(key)?),
            ("hmac_sha384", Some(key)) => Self::Mac(Hash::Sha384, names.value(key)?),
            ("hmac_sha512", Some(key)) => Self::Mac(Hash::Sha512, names.value(key)?),
            ("hex", None) => Self::Hex,
            ("hex_upper", None) => Self::HexUpper,
            ("base64", None) => Self::Base64,
            ("base64url", None) => Self::Base64url,
            ("from_hex", None) => Self::FromHex,
            ("from_base64", None) => Self::FromBase64,
            ("lower", None) => Self::Lower,
            ("upper", None) => Self::Upper,
            ("trim", None) => Self::Trim,
            ("squeeze", None) => Self::Squeeze,
            ("urlencode", None) => Self::Urlencode,
            ("formencode", None) => Self::Formencode,
            ("urldecode", None) => Self::Urldecode,
            ("first", Some(count)) => {
                let count =
                    count.parse().map_err(|_| format!("`{count}` is no number of bytes"))?;
                Self::First(count)
            }
            ("only", Some(methods)) => Self::Only(words(methods)),
            ("except", Some(methods)) => Self::Except(words(methods)),
            ("before", Some(text)) => Self::Before(text.into()),
            ("without_prefix", Some(text)) => Self::WithoutPrefix(text.into()),
            ("ending", Some(text)) => Self::Ending(text.into()),
            ("or", Some(text)) => Self::Or(text.into()),
            ("nonzero", None) => Self::Nonzero,
            _ => return Err(format!("there is no filter `{text}`")),
        };
        Ok(filter)
    }

    /// Whether it lets a value through with this method.
    pub fn lets(&self, method: &str) -> bool {
        match self {
            Self::Only(methods) => methods.iter().any(|it| **it == *method),
            Self::Except(methods) => methods.iter().all(|it| **it != *method),
            _ => true,
        }
    }

    /// `Err`: what the value is not. Those that need more than the value are the caller's.
    pub fn apply<'v>(&self, value: Cow<'v, [u8]>) -> Result<Cow<'v, [u8]>, &'static str> {
        Ok(match self {
            Self::Hash(hash) => hash.of(&value).bytes().to_vec().into(),
            Self::Hex => hex::encode(value).into_bytes().into(),
            Self::HexUpper => hex::encode_upper(value).into_bytes().into(),
            Self::Base64 => STANDARD.encode(value).into_bytes().into(),
            Self::Base64url => URL_SAFE_NO_PAD.encode(value).into_bytes().into(),
            Self::FromHex => {
                hex::decode(value.trim_ascii()).map_err(|_| "is not hexadecimal")?.into()
            }
            Self::FromBase64 => {
                LENIENT.decode(value.trim_ascii()).map_err(|_| "is not Base64")?.into()
            }
            Self::Lower => value.to_ascii_lowercase().into(),
            Self::Upper => value.to_ascii_uppercase().into(),
            Self::Trim => value.trim_ascii().to_vec().into(),
            Self::Squeeze => {
                let words = value.split(u8::is_ascii_whitespace).filter(|it| !it.is_empty());
                words.collect::<Vec<_>>().join(&b' ').into()
            }
            Self::Urlencode => percent_encode(&value, ESCAPED).to_string().into_bytes().into(),
            Self::Formencode => {
                let text = percent_encode(&value, ESCAPED).to_string();
                text.replace("%20", "+").into_bytes().into()
            }
            Self::Urldecode => percent_encoding::percent_decode(&value).collect::<Vec<u8>>().into(),
            Self::First(count) => value[..value.len().min(*count)].to_vec().into(),
            Self::Before(text) => {
                let at = value.windows(text.len().max(1)).position(|it| it == text.as_bytes());
                at.map_or(value.clone(), |at| value[..at].to_vec().into())
            }
            Self::WithoutPrefix(text) => match value.strip_prefix(text.as_bytes()) {
                Some(rest) => rest.to_vec().into(),
                None => value,
            },
            Self::Ending(text) if value.ends_with(text.as_bytes()) => value,
            Self::Ending(text) => [&value, text.as_bytes()].concat().into(),
            Self::Or(text) if value.is_empty() => text.as_bytes().to_vec().into(),
            Self::Nonzero if *value == *b"0" => Vec::new().into(),
            Self::Or(_) | Self::Nonzero | Self::Mac(..) | Self::Only(_) | Self::Except(_) => value,
        })
    }
}

fn words(text: &str) -> Box<[Box<str>]> {
    text.split_ascii_whitespace().map(Into::into).collect()
}
