//! The browser that a session is bound to, by a cookie that holds what only it and nobody else knows.
use super::route::is_token;
use super::seat::Frames;
use super::seat::Seat;
use super::view::session_id;
use crate::model::Secret;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use sha2::Digest;
use sha2::Sha256;

/// What the names of the cookies begin with. Behind https a name that only the host itself can have set.
const NAME: &str = "attache-connect-";

/// The same of cookies that frames have: beside those of windows, whose they never are. Browsers keep them apart by the
/// page that the frame is in.
const FRAME_NAME: &str = "attache-connect-frame-";

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
    pub(super) seat: Seat,
}

impl Browser {
    /// One that is seen for the first time.
    pub(super) fn new(token: &str, seat: Seat) -> Self {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes).expect("the operating system has randomness");
        let secret = Secret::new(URL_SAFE_NO_PAD.encode(bytes));
        Self { token: Secret::new(token), secret, seat }
    }

    /// The window that a frame has opened: it is the frame's own browser, which browsers themselves don't say.
    pub(super) fn of_frame(token: &str, secret: &str) -> Option<Self> {
        let (is_sound, secret) = (is_token(secret), Secret::new(secret));
        is_sound.then(|| Self { token: Secret::new(token), secret, seat: Seat::Window })
    }

    /// The same where it is to be shown elsewhere now, and whether that is so.
    pub(super) fn moved(self, seat: &Seat) -> (Self, bool) {
        match seat {
            Seat::Own => (self, false),
            Seat::Frame(None) if self.seat.is_frame() => (self, false),
            seat if *seat == self.seat => (self, false),
            seat => (Self { seat: seat.clone(), ..self }, true),
        }
    }

    /// What the frame gives to its window.
    pub(super) fn for_window(&self) -> &str {
        self.secret.expose()
    }

    /// Of a cookie; none where it is of something else. Behind https a neighbour's host could have set any other one.
    pub(super) fn read(
        name: &str,
        value: &str,
        (is_secure, is_framed): (bool, bool),
        frames: &Frames,
    ) -> Option<Self> {
        let name = if is_secure { name.strip_prefix(HOST_ONLY)? } else { name };
        let told = name.strip_prefix(if is_framed { FRAME_NAME } else { NAME })?;
        let (token, rest) = value.split_once('.')?;
        let (secret, seat) = rest.split_once('.').unwrap_or((rest, ""));
        let is_sound = is_token(token) && is_token(secret) && told == told_of(token);
        let seat = Seat::read(seat, frames);
        let is_sound = is_sound && seat.is_frame() == is_framed;
        is_sound.then(|| Self { token: Secret::new(token), secret: Secret::new(secret), seat })
    }

    pub(super) fn cookie(&self, is_secure: bool) -> HeaderValue {
        let host_only = if is_secure { HOST_ONLY } else { "" };
        // In a frame of another site's, browsers send nothing else; without https there is no such thing.
        let site = match (is_secure, self.seat.is_frame()) {
            (true, true) => "SameSite=None; Partitioned; Secure",
            (true, false) => "SameSite=Lax; Secure",
            (false, _) => "SameSite=Lax",
        };
        let name = if self.seat.is_frame() { FRAME_NAME } else { NAME };
        let (token, secret) = (self.token.expose(), self.secret.expose());
        let (told, seat) = (told_of(token), self.seat.text());
        let dot = if seat.is_empty() { "" } else { "." };
        let line = format!(
            "{host_only}{name}{told}={token}.{secret}{dot}{seat}; Path=/; Max-Age={KEPT_S}; HttpOnly; {site}"
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
        let frames = Frames::default();
        for (is_secure, seat) in [
            (true, Seat::Own),
            (false, Seat::Own),
            (true, Seat::Window),
            (true, Seat::Frame(None)),
            (false, Seat::Frame(None)),
        ] {
            let is_framed = seat.is_frame();
            let how = (is_secure, is_framed);
            let browser = Browser::new(TOKEN, seat.clone());
            let cookie = browser.cookie(is_secure);
            let (pair, attributes) = cookie.to_str().unwrap().split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            assert_eq!(name.starts_with("__Host-"), is_secure);
            assert_eq!(attributes.ends_with("; Secure"), is_secure);
            let site =
                if is_framed && is_secure { "SameSite=None; Partitioned" } else { "SameSite=Lax" };
            assert!(attributes.contains(site), "{attributes}");
            let again = Browser::read(name, value, how, &frames).unwrap();
            let other = match name.strip_prefix("__Host-") {
                Some(bare) => bare.to_owned(),
                None => format!("__Host-{name}"),
            };
            assert!(again.is_of(TOKEN));
            assert_eq!((again.hash(), again.seat), (browser.hash(), seat));
            assert_ne!(browser.hash(), Browser::new(TOKEN, Seat::Own).hash());
            let elsewhere = (is_secure, !is_framed);
            assert!(Browser::read(name, value, elsewhere, &frames).is_none(), "a frame's alone");
            for (name, value) in [
                (name, &value[1..]),
                (name, &value.replace('.', "")),
                ("attache-connect-cs-000000000", value),
                ("session", value),
                (&*other, value),
            ] {
                assert!(Browser::read(name, value, how, &frames).is_none(), "{name}={value}");
            }
        }
    }

    #[test]
    fn the_window_of_a_frame_is_the_same_browser() {
        let framed = Browser::new(TOKEN, Seat::Frame(None));
        let window = Browser::of_frame(TOKEN, framed.for_window()).unwrap();
        assert_eq!((window.hash(), &window.seat), (framed.hash(), &Seat::Window));
        assert!(Browser::of_frame(TOKEN, "short").is_none());
    }
}
