//! One way of signing, checked: what is looked for in a request of its shape.
use super::clock::Clock;
use super::handshake::Handshake;
use super::jwt::JwtRules;
use super::key::KeyForm;
use super::pointer::Pointer;
use super::raw::Algorithm;
use super::raw::BoundHash;
use super::raw::Encoding;
use super::raw::UrlVariant;
use super::signature::Place;
use super::spot::Spot;
use super::spot::When;
use super::template::Template;
use http::HeaderName;
use std::borrow::Cow;

/// A whole description.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Whole {
    /// At least one; the first whose shape fits counts.
    pub(super) ways: Box<[Rules]>,
    pub(super) handshakes: Box<[Handshake]>,
    /// Whether a handshake gives HMACs to whoever asks.
    pub(super) signs_challenges: bool,
    pub(super) tenant: Option<Spot>,
    pub(super) failure_status: u16,
    /// It begins with one that comes with attache.
    pub(super) is_preset: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rules {
    /// The requests that this is for; all where None.
    pub(super) when: Option<When>,
    pub(super) key: KeyForm,
    pub(super) keys_from: KeysFrom,
    pub(super) algorithm: Algorithm,
    /// There where the algorithm is `jwt`.
    pub(super) jwt: Option<Jwt>,
    pub(super) require: Box<[(HeaderName, Expected)]>,
    pub(super) places: Box<[Place]>,
    pub(super) clock: Option<Clock>,
    pub(super) content: Template,
    pub(super) url_variants: Box<[UrlVariant]>,
    pub(super) bind: Option<Bind>,
    /// The form field that holds the JSON, if it is not the body.
    pub(super) document: Option<Box<str>>,
    pub(super) each: Option<Pointer>,
    /// Whether JSON has to be read before anything is verified.
    pub(super) reads_early: bool,
    pub(super) id: Option<Template>,
    pub(super) replay: ReplayBy,
    pub(super) max_signatures: usize,
    pub(super) partial: bool,
    /// Whether the tenant's place is signed.
    pub(super) signs_tenant: bool,
}

/// Where the keys are that signatures are verified with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum KeysFrom {
    /// In the credential.
    Given,
    /// In the JWK set at this URL.
    Jwks(Box<str>),
    /// At a URL that the delivery names, on one of these hosts and with one of these paths.
    Named { at: KeyUrlAt, hosts: Box<[Box<str>]>, paths: Box<[Box<str>]> },
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum KeyUrlAt {
    Spot(Spot),
    /// A parameter of the token's header.
    Parameter(Box<str>),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Jwt {
    pub(super) rules: JwtRules,
    /// Both sides have the key, which is not public then.
    pub(super) is_shared: bool,
    pub(super) detached: Option<Template>,
    /// Claims with the values that they have to have.
    pub(super) claims: Box<[(Box<str>, Template)]>,
}

/// The value that a header has to have.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Exactly(Box<[u8]>),
    /// The credential's account between two texts.
    Account(Box<str>, Box<str>),
}

/// A digest of the body in a signed place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bind {
    pub(super) at: BoundAt,
    pub(super) hash: BoundHash,
    pub(super) encoding: Encoding,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum BoundAt {
    Spot(Spot),
    Claim(Box<str>),
}

/// What makes two deliveries the same.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ReplayBy {
    Off,
    /// The first of these that the delivery has: the configured key, the id as `id` says that it
    /// counts, the signature where there is a clock.
    Key {
        configured: Option<Template>,
        id: ById,
    },
}

/// What the id tells of a repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ById {
    /// There is none, or the clock tells more than one that any thief can change.
    Never,
    /// It is signed.
    Alone,
    /// It is not signed, and neither is a clock: another content under the same id is no repeat.
    WithSignature,
}

impl Rules {
    /// Whether secrets, or public keys, of the credential verify.
    pub(super) fn takes_secret(&self) -> bool {
        self.keys_from == KeysFrom::Given
    }

    /// The spellings of the URL to be tried, as received first.
    pub(super) fn urls<'d>(&'d self, url: &'d str) -> impl Iterator<Item = Cow<'d, str>> {
        let others =
            self.url_variants.iter().map(move |it| it.of(url)).filter(move |it| *it != url);
        [Cow::Borrowed(url)].into_iter().chain(others)
    }
}

impl UrlVariant {
    fn of(self, url: &str) -> Cow<'_, str> {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Cow::Borrowed(url);
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        // A colon begins the port only behind an IPv6 address's bracket.
        let bracket = authority.rfind(']').map_or(0, |it| it + 1);
        let port = authority[bracket..].find(':').map(|it| bracket + it);
        Cow::Owned(match (self, port) {
            (Self::NoPort, Some(port)) => format!("{scheme}://{}{path}", &authority[..port]),
            (Self::DefaultPort, None) => {
                let port = if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 };
                format!("{scheme}://{authority}:{port}{path}")
            }
            (Self::NoPort, None) | (Self::DefaultPort, Some(_)) => return Cow::Borrowed(url),
        })
    }
}

impl Expected {
    pub(super) fn is(&self, sent: &[u8], account: Option<&str>) -> bool {
        match self {
            Self::Exactly(value) => **value == *sent,
            Self::Account(before, behind) => account.is_some_and(|account| {
                let middle = sent.strip_prefix(before.as_bytes());
                middle.and_then(|it| it.strip_suffix(behind.as_bytes())) == Some(account.as_bytes())
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_with_and_without_their_port() {
        use UrlVariant::{DefaultPort, NoPort};
        for (variant, url, other) in [
            (NoPort, "https://a.example:8443/x?y=:1", "https://a.example/x?y=:1"),
            (NoPort, "https://a.example/x:1", "https://a.example/x:1"),
            (NoPort, "https://[::1]:443/x", "https://[::1]/x"),
            (NoPort, "https://[::1]/x", "https://[::1]/x"),
            (DefaultPort, "https://a.example/x", "https://a.example:443/x"),
            (DefaultPort, "http://a.example?x=/", "http://a.example:80?x=/"),
            (DefaultPort, "https://a.example:8443/x", "https://a.example:8443/x"),
            (DefaultPort, "https://[::1]/x", "https://[::1]:443/x"),
        ] {
            assert_eq!(variant.of(url), other, "{variant:?} {url}");
        }
    }
}
