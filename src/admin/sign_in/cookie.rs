//! The cookie that a browser is known again by: 256 random bits, of which nothing but a hash is kept.
use crate::model::Secret;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::HeaderValue;
use http::header;
use sha2::Digest;
use sha2::Sha256;
use std::time::Duration;

/// Behind https a name that only the host itself can have set (RFC 6265bis §4.1.3.2).
const NAME: &str = "attache_session";
const HOST_ONLY: &str = "__Host-attache_session";

/// Characters of 256 bits in base64url.
pub(super) const LEN: usize = 43;

/// What a browser has.
#[derive(Clone, Debug)]
pub(super) struct Cookie(Secret);

impl Cookie {
    /// Another each time that somebody signs in: what was there before is nobody's (session fixation).
    pub(super) fn new() -> Self {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes).expect("the operating system has randomness");
        Self(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The one cookie of the name; two are none, since one of them was put there by somebody else.
    pub(super) fn read(headers: &HeaderMap, is_secure: bool) -> Option<Self> {
        let value = named(headers, name(is_secure))?;
        is_sound(value).then(|| Self(Secret::new(value)))
    }

    /// As it is found by.
    pub(super) fn id(&self) -> [u8; 32] {
        self.hash("attache console session 1 ")
    }

    /// What a page of ours is told and says again: another site can't read it, and knows nothing that it follows from.
    pub(super) fn csrf(&self) -> Secret {
        Secret::new(URL_SAFE_NO_PAD.encode(self.hash("attache console csrf 1 ")))
    }

    /// A hash of a token that nobody who reads the store can try words with: what it is mixed with is not there.
    pub(super) fn proof(&self, token: &Secret) -> [u8; 32] {
        let text = ["attache console proof 1 ", self.0.expose(), " ", token.expose()].concat();
        Sha256::digest(text).into()
    }

    fn hash(&self, purpose: &str) -> [u8; 32] {
        Sha256::digest([purpose, self.0.expose()].concat()).into()
    }

    /// As it is given to the browser.
    pub(super) fn given(&self, is_secure: bool, lives: Duration) -> HeaderValue {
        line(name(is_secure), self.0.expose(), lives.as_secs(), "Strict", is_secure)
    }
}

/// Takes it away from the browser.
pub(super) fn taken_away(is_secure: bool) -> HeaderValue {
    line(name(is_secure), "", 0, "Strict", is_secure)
}

/// A cookie for all paths that no script reads.
pub(super) fn line(
    name: &str,
    value: &str,
    lives_s: u64,
    site: &str,
    is_secure: bool,
) -> HeaderValue {
    let secure = if is_secure { "; Secure" } else { "" };
    let line =
        format!("{name}={value}; Path=/; Max-Age={lives_s}; HttpOnly; SameSite={site}{secure}");
    let mut value = HeaderValue::try_from(line).expect("base64url and ASCII");
    value.set_sensitive(true);
    value
}

/// The value of the one cookie of this name.
pub(super) fn named<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    let pairs = lines.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
    let mut values = pairs.filter(|it| it.0 == name).map(|it| it.1);
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

/// 256 bits as they are written here.
pub(super) fn is_sound(text: &str) -> bool {
    text.len() == LEN && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it))
}

fn name(is_secure: bool) -> &'static str {
    if is_secure { HOST_ONLY } else { NAME }
}
