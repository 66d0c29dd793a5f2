//! The places on a request head where a credential can stand, and what may stand there.
use super::SettingsFault;
use http::HeaderName;
use std::fmt;

/// Header, query parameter or cookie.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    Header,
    Query,
    Cookie,
}

/// A place with a checked name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Header(HeaderName),
    Query(Box<str>),
    Cookie(Box<str>),
}

/// Fields that frame a message or belong to one hop (RFC 9110 §7.6.1, RFC 9112 §6), or are ours.
const RESERVED: [&str; 9] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "te",
    "trailer",
    "upgrade",
    "keep-alive",
    "expect",
];
const RESERVED_PREFIXES: [&str; 2] = ["proxy-", "attache-"];

impl Slot {
    pub fn new(place: Place, name: &str) -> Result<Self, SettingsFault> {
        let fault = || SettingsFault::Name { place, name: name.to_owned() };
        // A token (RFC 9110 §5.6.2), which is what a cookie's name is too (RFC 6265 §4.1.1).
        let token = HeaderName::try_from(name).map_err(|_| fault());
        match place {
            Place::Header => {
                let header = token?;
                let plain = folded(header.as_str());
                let reserved = RESERVED.contains(&plain.as_str())
                    || RESERVED_PREFIXES.iter().any(|it| plain.starts_with(it));
                if reserved {
                    return Err(SettingsFault::Reserved { name: name.to_owned() });
                }
                Ok(Self::Header(header))
            }
            // Whoever splits at `;` and whoever does not would read two names in one with it in.
            Place::Query
                if name.trim_ascii().is_empty()
                    || name.contains(|it: char| it == ';' || it.is_control()) =>
            {
                Err(fault())
            }
            Place::Query => Ok(Self::Query(name.into())),
            Place::Cookie => token.map(|_| Self::Cookie(name.into())),
        }
    }

    pub fn place(&self) -> Place {
        match self {
            Self::Header(_) => Place::Header,
            Self::Query(_) => Place::Query,
            Self::Cookie(_) => Place::Cookie,
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Header(name) => name.as_str(),
            Self::Query(name) | Self::Cookie(name) => name,
        }
    }

    /// True where the two would replace each other.
    pub fn collides(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Header(one), Self::Header(two)) => folded(one.as_str()) == folded(two.as_str()),
            (Self::Query(one), Self::Query(two)) | (Self::Cookie(one), Self::Cookie(two)) => {
                one.eq_ignore_ascii_case(two)
            }
            (Self::Header(header), Self::Cookie(_)) | (Self::Cookie(_), Self::Header(header)) => {
                header == http::header::COOKIE
            }
            _ => false,
        }
    }

    /// What in `text` can't stand here; a space at an end counts only where `ends` is set.
    pub fn unsendable(&self, text: &str, ends: bool) -> Option<&'static str> {
        if text.contains(['\r', '\n']) {
            return Some("a line break");
        }
        if text.contains(char::is_control) {
            return Some("a control character");
        }
        match self {
            // A field value neither begins nor ends with a space (RFC 9110 §5.5).
            Self::Header(_) if ends && text.trim_matches(' ') != text => Some("a space at an end"),
            Self::Header(_) | Self::Query(_) => None,
            // RFC 6265 §4.1.1, less strict about `"`, `,` and `\`, which real cookies have.
            Self::Cookie(_) if text.contains([';', ' ']) => Some("a semicolon or a space"),
            Self::Cookie(_) if !text.is_ascii() => Some("a character beyond ASCII"),
            Self::Cookie(_) => None,
        }
    }
}

/// A header name in lower case with every mark as a dash: names that are equal so are one name to
/// servers that hand headers on as CGI variables (RFC 3875 §4.1.18).
fn folded(name: &str) -> String {
    name.bytes().map(|it| char::from(fold(it))).collect()
}

fn fold(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' }
}

/// True where the two names are one to a server behind CGI, as `x_api_key` and `x-api-key` are.
pub(super) fn are_twins(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().map(fold).eq(other.bytes().map(fold))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Query => "query parameter",
            Self::Cookie => "cookie",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framing_hop_and_own_headers_can_not_be_injected() {
        for name in [
            "Host",
            "content-length",
            "Transfer-Encoding",
            "Connection",
            "TE",
            "Trailer",
            "Upgrade",
            "Keep-Alive",
            "Expect",
            "Proxy-Authorization",
            "Attache-Key",
            "attache_key",
            "content_length",
        ] {
            let refused = Slot::new(Place::Header, name);
            assert_eq!(refused, Err(SettingsFault::Reserved { name: name.into() }), "{name}");
        }
        for name in ["", "a b", "a:b", "é", "a\n", ":path"] {
            assert!(Slot::new(Place::Header, name).is_err(), "{name:?}");
            assert!(Slot::new(Place::Cookie, name).is_err(), "{name:?}");
        }
        for name in ["", " ", "a\n", "\u{85}", "a;b"] {
            assert!(Slot::new(Place::Query, name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_query_parameter_may_have_any_printable_name() {
        for name in ["key", "api key", "a&b", "filter[x]", "é"] {
            assert!(Slot::new(Place::Query, name).is_ok(), "{name:?}");
        }
    }
}
