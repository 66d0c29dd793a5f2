//! What a sign-in by a provider is bound to its browser with: a cookie for ten minutes, of which everything follows that
//! goes to the provider and comes back. Nothing of it is kept here before somebody has come back.
use super::cookie;
use crate::grant::pkce_verifier;
use crate::model::Secret;
use crate::renewal::Dance;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::HeaderValue;
use sha2::Digest;
use sha2::Sha256;

/// A `Strict` cookie would not come along from the provider's site.
const SITE: &str = "Lax";

const NAME: &str = "attache_sign_in";
const HOST_ONLY: &str = "__Host-attache_sign_in";

/// How long somebody may take at the provider, in seconds.
pub(super) const LIVES_S: i64 = 600;

/// Longest path that somebody comes back to, in bytes.
const PATH_LEN_MAX: usize = 512;

/// One sign-in under way.
#[derive(Clone, Debug)]
pub(super) struct SigningIn {
    /// All of the cookie: when it began, 256 random bits, where to go on.
    value: Secret,
    pub(super) began_s: i64,
    /// A path of ours.
    pub(super) goes_on: String,
}

impl SigningIn {
    pub(super) fn begin(now_s: i64, goes_on: &str) -> Self {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes).expect("the operating system has randomness");
        let goes_on = if is_own_path(goes_on) { goes_on } else { "/" };
        let random = URL_SAFE_NO_PAD.encode(bytes);
        let value = format!("{now_s}.{random}.{}", URL_SAFE_NO_PAD.encode(goes_on));
        Self { value: Secret::new(value), began_s: now_s, goes_on: goes_on.to_owned() }
    }

    pub(super) fn read(headers: &HeaderMap, is_secure: bool) -> Option<Self> {
        let value = cookie::named(headers, name(is_secure))?;
        let mut parts = value.split('.');
        let (began, random, goes_on) = (parts.next()?, parts.next()?, parts.next()?);
        let goes_on = String::from_utf8(URL_SAFE_NO_PAD.decode(goes_on).ok()?).ok()?;
        let is_sound = parts.next().is_none() && cookie::is_sound(random) && is_own_path(&goes_on);
        let began_s = began.parse().ok().filter(|_| is_sound)?;
        Some(Self { value: Secret::new(value), began_s, goes_on })
    }

    pub(super) fn is_due(&self, now_s: i64) -> bool {
        (-LIVES_S..LIVES_S).contains(&now_s.saturating_sub(self.began_s))
    }

    /// What one that was used is known by.
    pub(super) fn id(&self) -> [u8; 32] {
        self.hash("attache console sign-in 1 id ")
    }

    /// State, nonce and verifier: nobody who sees one of them learns another, or the cookie.
    pub(super) fn dance(&self, redirect_uri: String) -> Dance {
        let text = |purpose| Secret::new(URL_SAFE_NO_PAD.encode(self.hash(purpose)));
        Dance {
            redirect_uri,
            state: text("attache console sign-in 1 state "),
            nonce: text("attache console sign-in 1 nonce "),
            verifier: pkce_verifier(&self.hash("attache console sign-in 1 verifier ")),
            login_hint: None,
            dpop_key: None,
        }
    }

    pub(super) fn given(&self, is_secure: bool) -> HeaderValue {
        cookie::line(name(is_secure), self.value.expose(), LIVES_S.unsigned_abs(), SITE, is_secure)
    }

    fn hash(&self, purpose: &str) -> [u8; 32] {
        Sha256::digest([purpose, self.value.expose()].concat()).into()
    }
}

pub(super) fn taken_away(is_secure: bool) -> HeaderValue {
    cookie::line(name(is_secure), "", 0, SITE, is_secure)
}

fn name(is_secure: bool) -> &'static str {
    if is_secure { HOST_ONLY } else { NAME }
}

/// A path of ours, whoever reads it: never another host (`//`, `/\`), a scheme, or a second line.
fn is_own_path(path: &str) -> bool {
    let has_host = path.starts_with("//") || path.contains('\\');
    let is_plain = path.len() <= PATH_LEN_MAX && path.bytes().all(|it| it.is_ascii_graphic());
    path.starts_with('/') && !has_host && is_plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header;

    #[test]
    fn people_go_on_to_paths_of_ours_alone() {
        for (asked, expected) in [
            ("/connectors/a?tab=1#x", "/connectors/a?tab=1#x"),
            ("/", "/"),
            ("", "/"),
            ("//evil.test", "/"),
            ("/\\evil.test", "/"),
            ("/a\\b", "/"),
            ("https://evil.test", "/"),
            ("javascript:alert(1)", "/"),
            ("evil.test", "/"),
            ("/a\r\nSet-Cookie: x", "/"),
            ("/\t/evil.test", "/"),
            ("/é", "/"),
        ] {
            assert_eq!(SigningIn::begin(0, asked).goes_on, expected, "{asked:?}");
        }
        assert_eq!(SigningIn::begin(0, &format!("/{}", "a".repeat(PATH_LEN_MAX))).goes_on, "/");
    }

    #[test]
    fn a_browser_brings_back_what_it_was_given_and_nothing_else_is_it() {
        for is_secure in [false, true] {
            let begun = SigningIn::begin(1_700_000_000, "/tenants");
            let line = begun.given(is_secure);
            let line = line.to_str().unwrap();
            assert!(line.contains("; HttpOnly; SameSite=Lax") && line.contains("Max-Age=600"));
            assert_eq!(line.starts_with("__Host-") && line.ends_with("; Secure"), is_secure);
            let pair = line.split(';').next().unwrap();
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, pair.parse().unwrap());
            let read = SigningIn::read(&headers, is_secure).unwrap();
            assert_eq!((read.id(), &*read.goes_on), (begun.id(), "/tenants"));
            assert!(SigningIn::read(&headers, !is_secure).is_none());
            let [one, other] = [&begun, &read].map(|it| it.dance(String::new()));
            assert_eq!(
                (&one.state, &one.nonce, &one.verifier),
                (&other.state, &other.nonce, &other.verifier)
            );
            assert!(one.state != one.nonce && one.nonce != one.verifier);
            assert!(read.is_due(1_700_000_599) && !read.is_due(1_700_000_600));
            // Another time or another way is another sign-in.
            let moved = pair.replace("1700000000", "1700000500");
            headers.insert(header::COOKIE, moved.parse().unwrap());
            assert_ne!(SigningIn::read(&headers, is_secure).unwrap().id(), begun.id());
            headers.append(header::COOKIE, pair.parse().unwrap());
            assert!(SigningIn::read(&headers, is_secure).is_none(), "two are none");
        }
        for bad in ["", "1.x.y", "x", "1..", "a.b.c.d"] {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, format!("{NAME}={bad}").parse().unwrap());
            assert!(SigningIn::read(&headers, false).is_none(), "{bad}");
        }
    }
}
