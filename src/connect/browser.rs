//! The browser that a session is bound to, by a cookie that holds what only it and nobody else knows.
use super::route::is_token;
use super::view::session_id;
use crate::model::Secret;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use sha2::Digest;
use sha2::Sha256;

/// What the names of the cookies begin with. Behind https a name that only the host itself can have set.
const NAME: &str = "attache-connect-";
const HOST_ONLY: &str = "__Host-";

/// Characters of the session's id in the name: so that each session has a cookie of its own.
const TOLD_LEN: usize = 12;

/// How long the cookie is kept, in seconds: longer than a session lasts, so that the end is told well.
const KEPT_S: u32 = 3600;

/// A browser, as one session knows it.
#[derive(Clone, Debug)]
pub(super) struct Browser {
    /// The link's.
    token: Secret,
    secret: Secret,
}

impl Browser {
    /// One that is seen for the first time.
    pub(super) fn new(token: &str) -> Self {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes).expect("the operating system has randomness");
        Self { token: Secret::new(token), secret: Secret::new(URL_SAFE_NO_PAD.encode(bytes)) }
    }

    /// Of a cookie; none where it is of something else. Behind https a neighbour's host could have set any other one.
    pub(super) fn read(name: &str, value: &str, is_secure: bool) -> Option<Self> {
        let name = if is_secure { name.strip_prefix(HOST_ONLY)? } else { name };
        let told = name.strip_prefix(NAME)?;
        let (token, secret) = value.split_once('.')?;
        let is_sound = is_token(token) && is_token(secret) && told == told_of(token);
        is_sound.then(|| Self { token: Secret::new(token), secret: Secret::new(secret) })
    }

    pub(super) fn cookie(&self, is_secure: bool) -> HeaderValue {
        let (host_only, secure) = if is_secure { (HOST_ONLY, "; Secure") } else { ("", "") };
        let (token, secret) = (self.token.expose(), self.secret.expose());
        let told = told_of(token);
        let line = format!(
            "{host_only}{NAME}{told}={token}.{secret}; Path=/; Max-Age={KEPT_S}; HttpOnly; SameSite=Lax{secure}"
        );
        let mut value = HeaderValue::try_from(line).expect("base64url and ASCII");
        value.set_sensitive(true);
        value
    }

    /// Whether it is of the session with this link.
    pub(super) fn is_of(&self, token: &str) -> bool {
        self.token == Secret::new(token)
    }

    pub(super) fn token(&self) -> &str {
        self.token.expose()
    }

    pub(super) fn session(&self) -> String {
        session_id(self.token.expose())
    }

    /// What the session keeps of it: nobody is this browser by knowing it.
    pub(super) fn hash(&self) -> String {
        hex::encode(Sha256::digest(["attache browser 1 ", self.secret.expose()].concat()))
    }
}

fn told_of(token: &str) -> String {
    let id = session_id(token);
    id.get(..TOLD_LEN).unwrap_or_default().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn a_browser_is_known_again_by_its_cookie_alone() {
        for is_secure in [true, false] {
            let browser = Browser::new(TOKEN);
            let cookie = browser.cookie(is_secure);
            let (pair, attributes) = cookie.to_str().unwrap().split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            assert_eq!(name.starts_with("__Host-"), is_secure);
            assert_eq!(attributes.ends_with("; Secure"), is_secure);
            let again = Browser::read(name, value, is_secure).unwrap();
            let other = match name.strip_prefix("__Host-") {
                Some(bare) => bare.to_owned(),
                None => format!("__Host-{name}"),
            };
            assert!(again.is_of(TOKEN));
            assert_eq!(again.hash(), browser.hash());
            assert_ne!(again.hash(), Browser::new(TOKEN).hash());
            for (name, value) in [
                (name, &value[1..]),
                (name, &value.replace('.', "")),
                ("attache-connect-cs-000000000", value),
                ("session", value),
                (&*other, value),
            ] {
                assert!(Browser::read(name, value, is_secure).is_none(), "{name}={value}");
            }
        }
    }
}
