//! A holder whose credential has to be had first, and the one that was had last.
use super::nonces::Nonces;
use super::token_method::TokenMethod;
use super::token_method::Way;
use crate::auth::Prepared;
use crate::crypto::ClientCertificate;
use crate::grant::Binding;
use crate::grant::Identity;
use crate::grant::Oauth1Grant;
use crate::grant::Occasion;
use crate::grant::Target;
use crate::grant::TokenSet;
use crate::model::Credential;
use crate::model::Origin;
use crate::model::UnixTime;
use arc_swap::ArcSwapOption;
use sha2::Digest;
use sha2::Sha256;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use std::time::Instant;

/// What a token is had with, and the present one.
///
/// A request takes what is here by one atomic load; only where there is none that is good does anybody
/// ask for another.
pub struct TokenHolder {
    pub method: Arc<TokenMethod>,
    /// Its own fields; never a token's that was had meanwhile.
    pub credential: Credential,
    /// Its own, inherited ones and defaults; never a request's: a request must not say where its
    /// credential goes.
    pub variables: BTreeMap<String, String>,
    /// What is shown to the provider in the TLS handshake, where the method says so or APIs are shown one.
    pub certificate: Option<Arc<ClientCertificate>>,
    /// What goes on requests besides the token.
    pub beside: Prepared,
    /// Where a request goes, its tokens say, or part of that: variables of base URLs come with them.
    pub leads: bool,
    guarded: Box<[Guarded]>,
    fingerprint: Fingerprint,
    identity: Option<Identity>,
    /// Of the APIs that tokens which are bound to a key go to.
    pub nonces: Nonces,
    present: ArcSwapOption<Token>,
}

/// Equal where the same token is had for the same: of a holder that is built anew with the
/// configuration, whoever keeps a token sees that it is still the same one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 16]);

/// An endpoint whose answers are tokens.
struct Guarded {
    origin: Arc<Origin>,
    /// As [`plain`] writes it.
    path: Box<str>,
}

/// A token that was had, ready to go on requests. Prints without it.
pub struct Token {
    pub prepared: Prepared,
    /// Where it is bound to a key: each request is proven.
    pub binding: Option<Binding>,
    /// Which one of its holder's it is: a later one has a greater number.
    pub generation: u64,
    /// By the wall clock; `None` where nobody knows of an end.
    pub ends: Option<UnixTime>,
    pub had_at: Instant,
    /// How long it lives from then on, by a clock that nobody sets.
    pub life: Duration,
    /// The variables whose values came with it.
    pub kept: Arc<BTreeMap<String, String>>,
    /// Endpoints that were found out when it was had.
    guarded: Box<[Guarded]>,
    /// A message brought it that was sent for it here; else it was kept from before.
    pub was_sent_for: bool,
    was_used: AtomicBool,
}

impl TokenHolder {
    pub(super) fn new(
        method: Arc<TokenMethod>,
        definition: &str,
        credential: Credential,
        variables: BTreeMap<String, String>,
        beside: Prepared,
        leads: bool,
    ) -> Self {
        let fingerprint = fingerprint(definition, &credential, &variables);
        let occasion = occasion(&credential, &variables);
        let (guarded, identity) = match &method.way {
            Way::Oauth2(it) => (it.guarded(&occasion), it.identity(&occasion)),
            Way::Session(_) | Way::Role(_) => (Vec::new(), None),
            Way::Oauth1(it) => (it.guarded(&occasion), Some(it.identity(&occasion))),
        };
        // Who is behind one lock is behind the other: a provider that asks for none is shown none.
        let certificate = method.certificate(&credential).map(Arc::new);
        let certificate = certificate.or_else(|| beside.certificate().cloned());
        let (guarded, present) = (Guarded::all(&guarded), ArcSwapOption::empty());
        Self {
            method,
            credential,
            variables,
            certificate,
            beside,
            leads,
            guarded,
            fingerprint,
            identity,
            present,
            nonces: Nonces::default(),
        }
    }

    /// The token, if there is one that is good now.
    pub fn token(&self, now: UnixTime, at: Instant) -> Option<Arc<Token>> {
        // Not the guard: it is kept for as long as the exchange lasts, and there are few of them.
        self.present.load_full().filter(|it| it.is_good(now, at))
    }

    /// The variables that came with the last token, be it good or not; `None` where none was had.
    pub fn kept(&self) -> Option<Arc<BTreeMap<String, String>>> {
        self.present.load().as_ref().map(|it| Arc::clone(&it.kept))
    }

    pub fn put(&self, token: Arc<Token>) {
        self.present.store(Some(token));
    }

    /// From now on there is none, until another one is put.
    pub fn take_out(&self) {
        self.present.store(None);
    }

    /// Where a token would go, for whoever explains it: nothing secret is in it.
    pub fn sample(&self) -> Prepared {
        self.method.sample(&self.credential).and(self.beside.clone())
    }

    /// The tokens that it brought along, with their end as far as anybody knows.
    pub fn own_tokens(&self, now: UnixTime) -> Option<TokenSet> {
        match &self.method.way {
            Way::Oauth2(method) => method.brought(&self.credential, now),
            Way::Session(_) | Way::Role(_) => None,
            Way::Oauth1(_) => Oauth1Grant::brought(&self.credential),
        }
    }

    /// Of all that its token is had with.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Of what makes it another grant: what was had under another one is not used. Where a token may be
    /// the only one it is less than all, so that nobody is lost by a setting.
    pub fn grant_identity(&self) -> String {
        let Some(it) = &self.identity else { return self.fingerprint.text() };
        format!("{}-{}", Fingerprint::of(&it.whose).text(), self.brought())
    }

    /// Of the token that it brought, as its grant's identity ends: whoever has the same one may have used it up.
    pub fn brought(&self) -> String {
        self.identity.map_or_else(String::new, |it| hex::encode(&it.brought[..8]))
    }

    /// Whether it is renewed by a token that only the last answer held.
    pub fn renews_by_token(&self) -> bool {
        match &self.method.way {
            Way::Oauth2(it) => it.renews_by_token(),
            Way::Session(_) | Way::Role(_) => false,
            // Nothing but the last answer holds the token itself.
            Way::Oauth1(_) => true,
        }
    }

    /// Whether nothing but a person's consent gives another token.
    pub fn needs_a_person(&self) -> bool {
        matches!(self.method.way, Way::Oauth1(_))
    }

    /// Whether that token is the one that goes on requests.
    pub fn renews_itself(&self) -> bool {
        matches!(&self.method.way, Way::Oauth2(it) if it.renews_itself())
    }

    /// Whether it has something of its own to have a token with, or has one.
    pub fn begins_by_itself(&self) -> bool {
        match &self.method.way {
            Way::Oauth2(it) => {
                it.renewal(&self.credential).is_some()
                    || TokenSet::from_credential(&self.credential).is_some()
            }
            Way::Session(_) | Way::Role(_) => true,
            Way::Oauth1(_) => Oauth1Grant::brought(&self.credential).is_some(),
        }
    }

    /// Where its token is had, as far as that is known without asking the issuer.
    pub fn provider(&self) -> Option<&Arc<Origin>> {
        self.guarded.first().map(|it| &it.origin)
    }

    /// Whether this is one of the endpoints that give tokens, in whatever way a server may read it.
    pub fn guards(&self, origin: &Origin, path: &str) -> bool {
        guards(&self.guarded, origin, path)
    }
}

impl Token {
    pub fn new(
        prepared: Prepared,
        generation: u64,
        ends: Option<UnixTime>,
        had_at: Instant,
        life: Duration,
        guarded: Vec<Target>,
    ) -> Self {
        let guarded = Guarded::all(&guarded);
        let (was_used, binding, kept) = (AtomicBool::new(false), None, Arc::default());
        let was_sent_for = false;
        Self {
            prepared,
            binding,
            generation,
            ends,
            had_at,
            life,
            kept,
            guarded,
            was_sent_for,
            was_used,
        }
    }

    /// The same token, and whether a message brought it now.
    pub fn sent_for(self, was_sent_for: bool) -> Self {
        Self { was_sent_for, ..self }
    }

    /// The same token, and the variables that came with it.
    pub fn keeping(self, kept: BTreeMap<String, String>) -> Self {
        Self { kept: Arc::new(kept), ..self }
    }

    /// The same token, bound to a key.
    pub fn bound_to(self, binding: Option<Binding>) -> Self {
        Self { binding, ..self }
    }

    /// By both clocks: one may be set, the other stands still while a machine sleeps.
    pub fn is_good(&self, now: UnixTime, at: Instant) -> bool {
        self.ends.is_none_or(|it| now < it) && at.saturating_duration_since(self.had_at) < self.life
    }

    /// It goes on a request: one that nobody uses is not renewed ahead of time.
    pub fn used(&self) {
        if !self.was_used.load(Relaxed) {
            self.was_used.store(true, Relaxed);
        }
    }

    pub fn was_used(&self) -> bool {
        self.was_used.load(Relaxed)
    }

    /// The same as [`TokenHolder::guards`], of endpoints that were not known before.
    pub fn guards(&self, origin: &Origin, path: &str) -> bool {
        guards(&self.guarded, origin, path)
    }
}

impl fmt::Debug for TokenHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenHolder").field("present", &self.present.load()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (generation, ends) = (self.generation, self.ends);
        f.debug_struct("Token")
            .field("generation", &generation)
            .field("ends", &ends)
            .finish_non_exhaustive()
    }
}

impl Fingerprint {
    fn of(digest: &[u8; 32]) -> Self {
        Self(*digest.first_chunk().expect("SHA-256 has 32 bytes (FIPS 180-4)"))
    }

    /// As it is stored.
    pub fn text(&self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[fingerprint]")
    }
}

/// For what depends neither on time nor on chance: URLs and fields.
pub(super) fn occasion<'a>(
    credential: &'a Credential,
    variables: &'a BTreeMap<String, String>,
) -> Occasion<'a> {
    Occasion { credential, variables, secret: 0, now: UnixTime::default(), random: [0; 16] }
}

impl Guarded {
    fn all(targets: &[Target]) -> Box<[Self]> {
        let guarded = |it: &Target| {
            let (origin, path) = (Arc::clone(it.origin()), plain(it.path()).into());
            Self { origin, path }
        };
        targets.iter().map(guarded).collect()
    }
}

fn guards(guarded: &[Guarded], origin: &Origin, path: &str) -> bool {
    guarded.iter().any(|it| *it.origin == *origin && is_read_as(path, &it.path))
}

/// Whether a server could take a path for this plain one.
fn is_read_as(path: &str, plain_path: &str) -> bool {
    // No spelling is shorter than the plain one.
    if path.len() < plain_path.len() {
        return false;
    }
    let is_plain = !path.contains(['%', ';', '\\']) && !path.contains("//");
    match is_plain {
        true => plain_path.eq_ignore_ascii_case(path.trim_end_matches('/')),
        false => *plain_path == *plain(path),
    }
}

/// What all spellings of a path that a server may take for one have in common: escapes, empty segments, path
/// parameters, a slash at the end and the case of letters make no difference. Empty for the root.
fn plain(path: &str) -> String {
    let once = decoded(path);
    let twice = decoded(&once);
    let segments = twice.split(['/', '\\']).map(|it| it.split(';').next().unwrap_or_default());
    let mut plain = String::with_capacity(path.len());
    for segment in segments.filter(|it| !it.is_empty()) {
        plain.push('/');
        plain.push_str(segment);
    }
    plain.make_ascii_lowercase();
    plain
}

fn decoded(text: &str) -> Cow<'_, str> {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy()
}

/// A hash of everything that a token is had with. Each text has its length in front, so that no two
/// lists of texts are one.
fn fingerprint(
    definition: &str,
    credential: &Credential,
    variables: &BTreeMap<String, String>,
) -> Fingerprint {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    };
    add(definition);
    for field in credential.fields() {
        add(field);
        for value in credential.values(field) {
            add(value.expose());
        }
        add("");
    }
    add("");
    for (name, value) in variables {
        add(name);
        add(value);
    }
    Fingerprint::of(&hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_token_is_good_until_either_clock_says_that_it_is_not() {
        let had_at = Instant::now();
        let ends = Some(UnixTime::from_s(5000));
        let token = Token::new(Prepared::default(), 1, ends, had_at, HOUR, Vec::new());
        let is_good = |s, after| token.is_good(UnixTime::from_s(s), had_at + after);
        assert!(is_good(4999, HOUR / 2));
        assert!(!is_good(5000, HOUR / 2), "the wall clock went ahead");
        assert!(!is_good(1, HOUR), "the wall clock went back");
        let endless = Token::new(Prepared::default(), 1, None, had_at, Duration::MAX, Vec::new());
        assert!(endless.is_good(UnixTime::from_s(u64::MAX), had_at + HOUR * 24 * 365));
    }

    #[test]
    fn an_endpoint_is_known_in_each_of_its_spellings() {
        let is_same_path = |guarded: &str, path: &str| is_read_as(path, &plain(guarded));
        let spellings = [
            "/oauth/token",
            "/oauth/token/",
            "/oauth//token",
            "//oauth/token",
            "/OAuth/Token",
            "/oauth/%74oken",
            "/oauth/%2574oken",
            "/oauth%2ftoken",
            "/oauth/token;x=1",
            "/oauth;a/token",
            "/oauth\\token",
        ];
        // In whichever of them it is written.
        for (guarded, path) in spellings.iter().flat_map(|it| spellings.map(|path| (it, path))) {
            assert!(is_same_path(guarded, path), "{guarded} {path}");
        }
        for path in ["/", "", "/oauth", "/oauth/tokens", "/oauth/token/x", "/v1/oauth/token"] {
            assert!(!is_same_path("/oauth/token", path), "{path}");
        }
        assert!(is_same_path("/", "/") && is_same_path("/", "") && !is_same_path("/", "/x"));
    }

    #[test]
    fn whatever_a_token_is_had_with_makes_another_fingerprint() {
        let of = |definition, fields: &[(&str, &str)], variables: &[(&str, &str)]| {
            let owned = |it: &(&str, &str)| (it.0.to_owned(), it.1.to_owned());
            let variables = variables.iter().map(owned).collect();
            fingerprint(definition, &fields.iter().copied().collect(), &variables)
        };
        let good = of("m", &[("a", "1"), ("b", "2")], &[("v", "3")]);
        assert_eq!(good, of("m", &[("b", "2"), ("a", "1")], &[("v", "3")]));
        for other in [
            of("n", &[("a", "1"), ("b", "2")], &[("v", "3")]),
            of("m", &[("a", "1"), ("b", "3")], &[("v", "3")]),
            of("m", &[("a", "1b"), ("2", "")], &[("v", "3")]),
            of("m", &[("a", "1"), ("b", "2")], &[("v", "4")]),
            of("m", &[("a", "1"), ("b", "2"), ("v", "3")], &[]),
        ] {
            assert_ne!(good, other);
        }
    }
}
