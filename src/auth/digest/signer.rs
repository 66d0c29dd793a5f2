//! What is known of each origin's challenges, and who answers them.
use super::super::BodyUse;
use super::super::Draft;
use super::super::Learnt;
use super::super::Moment;
use super::super::Place;
use super::super::Placed;
use super::super::SignError;
use super::challenge;
use super::challenge::Challenge;
use super::session::Asked;
use super::session::Session;
use super::settings::Digest;
use super::settings::Qop;
use crate::crypto::Feed;
use crate::model::Origin;
use crate::model::Secret;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::StatusCode;
use http::header::AUTHORIZATION;
use http::header::WWW_AUTHENTICATE;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

const AUTHENTICATION_INFO: HeaderName = HeaderName::from_static("authentication-info");

/// Origins whose challenge is kept. A connection has its own and those that it allows; beyond this many the one that
/// was heard of longest ago is asked again.
const ORIGINS_MAX: usize = 32;

/// Settings and keys, ready to sign.
pub struct DigestSigner {
    settings: Digest,
    username: Secret,
    password: Secret,
    /// The one that was heard of last stands last. Locked for a look, never while something is computed.
    known: Mutex<Vec<Known>>,
}

/// What is known of an origin.
struct Known {
    origin: Origin,
    /// `None` until it has sent a challenge.
    session: Option<Arc<Session>>,
    /// Requests that went out with nothing on, and whose answers have yet to come.
    unanswered: u32,
}

impl DigestSigner {
    pub(super) fn new(settings: Digest, username: Secret, password: Secret) -> Self {
        Self { settings, username, password, known: Mutex::default() }
    }

    /// Where an origin is known to cover no bodies, they stream.
    pub(in super::super) fn body_use(&self, origin: &Origin) -> BodyUse {
        let covers = |it: Arc<Session>| it.challenge.qop == Qop::AuthInt;
        let may_cover = || self.session(origin).is_none_or(covers);
        if self.settings.allows_bodies() && may_cover() { BodyUse::Fed } else { BodyUse::Kept }
    }

    pub(in super::super) fn begin(
        &self,
        draft: &Draft<'_>,
        _moment: &Moment,
    ) -> Result<Vec<Feed>, SignError> {
        let session = self.session(draft.origin);
        let covering = session.filter(|it| it.challenge.qop == Qop::AuthInt);
        Ok(covering.map(|it| it.challenge.algorithm.hash().feed()).into_iter().collect())
    }

    /// With nothing known nothing is put on: the server's answer says what to do.
    pub(in super::super) fn sign(
        &self,
        draft: &mut Draft<'_>,
        moment: &Moment,
        fed: Vec<Feed>,
    ) -> Result<(), SignError> {
        let session = self.session(draft.origin);
        let Some(field) = session.and_then(|it| field(&it, draft, moment, fed)) else {
            self.goes_bare(draft.origin);
            return Ok(());
        };
        draft.set(&AUTHORIZATION, field);
        Ok(())
    }

    pub(in super::super) fn learn(
        &self,
        origin: &Origin,
        _sent: &[(HeaderName, HeaderValue)],
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Learnt {
        if status == StatusCode::UNAUTHORIZED {
            let fields = headers.get_all(WWW_AUTHENTICATE);
            let fields = fields.iter().map(HeaderValue::as_bytes);
            let challenge = challenge::strongest(fields, &self.settings);
            let was_bare = self.comes_back(origin);
            return challenge.map_or(Learnt::Nothing, |it| self.challenged(origin, it, was_bare));
        }
        let next = headers.get(AUTHENTICATION_INFO);
        let next = next.and_then(|it| challenge::info(it.as_bytes(), "nextnonce"));
        let mut known = self.known();
        let Some(known) = known.iter_mut().find(|it| it.origin == *origin) else {
            return Learnt::Nothing;
        };
        // Nothing was asked for: what is still awaited is less by one, whichever of them it was.
        known.unanswered = known.unanswered.saturating_sub(1);
        if let Some(session) = &mut known.session {
            session.is_accepted.store(true, Ordering::Relaxed);
            if let Some(nonce) = next.filter(|it| *it != session.challenge.nonce) {
                *session = Arc::new(session.next(nonce));
            }
        }
        Learnt::Nothing
    }

    /// Keeps the challenge, and says whether an answer to it is worth another request.
    ///
    /// It is where the request had no answer on, where the server says that only the nonce was too old, where it did
    /// take the answers before this one (not every server says `stale`), and where it is another realm that asks. Else the
    /// password is wrong.
    fn challenged(&self, origin: &Origin, challenge: Challenge, was_bare: bool) -> Learnt {
        let before = self.session(origin);
        let is_worth_it = match &before {
            None => true,
            Some(session) => {
                was_bare
                    || challenge.is_stale
                    || session.is_accepted.load(Ordering::Relaxed)
                    || session.challenge.realm != challenge.realm
            }
        };
        match before.filter(|it| it.challenge.is_same(&challenge)) {
            // The nonce again: its numbers go on, or the server would take the next for a repetition.
            Some(session) => session.is_accepted.store(false, Ordering::Relaxed),
            None => {
                let (username, password) = (self.username.expose(), self.password.expose());
                self.put(origin, Arc::new(Session::new(challenge, username, password)));
            }
        }
        if is_worth_it { Learnt::Challenge } else { Learnt::Nothing }
    }

    fn put(&self, origin: &Origin, session: Arc<Session>) {
        let mut known = self.known();
        let unanswered = match known.iter().position(|it| it.origin == *origin) {
            Some(at) => known.remove(at).unanswered,
            None => 0,
        };
        if known.len() == ORIGINS_MAX {
            known.remove(0);
        }
        known.push(Known { origin: origin.clone(), session: Some(session), unanswered });
    }

    fn session(&self, origin: &Origin) -> Option<Arc<Session>> {
        let known = self.known();
        known.iter().find(|it| it.origin == *origin)?.session.clone()
    }

    /// A request goes out with nothing on.
    fn goes_bare(&self, origin: &Origin) {
        let mut known = self.known();
        if let Some(known) = known.iter_mut().find(|it| it.origin == *origin) {
            known.unanswered = known.unanswered.saturating_add(1);
            return;
        }
        if known.len() == ORIGINS_MAX {
            known.remove(0);
        }
        known.push(Known { origin: origin.clone(), session: None, unanswered: 1 });
    }

    /// Whether one of those that went out with nothing on is still awaited: this is taken for its answer.
    fn comes_back(&self, origin: &Origin) -> bool {
        let mut known = self.known();
        let awaited = known.iter_mut().find(|it| it.origin == *origin && it.unanswered > 0);
        awaited.map(|it| it.unanswered -= 1).is_some()
    }

    fn known(&self) -> MutexGuard<'_, Vec<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in super::super) fn headers(&self) -> Vec<HeaderName> {
        vec![AUTHORIZATION]
    }

    pub(in super::super) fn describe(&self) -> Vec<Placed> {
        vec![Placed { place: Place::Header, name: AUTHORIZATION.to_string() }]
    }
}

/// `None` where the nonce is used up, or where the body was not fed to what this session hashes it with, another
/// one having taken the place of the one that was there before.
fn field(
    session: &Session,
    draft: &Draft<'_>,
    moment: &Moment,
    fed: Vec<Feed>,
) -> Option<HeaderValue> {
    let mut body = None;
    if session.challenge.qop == Qop::AuthInt {
        let hash = session.challenge.algorithm.hash();
        body = Some(fed.into_iter().find(|it| it.is_of(hash))?.finish());
    }
    let count = session.count()?;
    let method = draft.method.as_str();
    let asked = Asked { method, path: draft.path, query: draft.query(), body };
    let field = session.answer(&asked, count, &hex::encode(moment.random));
    let mut field = HeaderValue::from_maybe_shared(field).ok()?;
    field.set_sensitive(true);
    Some(field)
}

impl fmt::Debug for DigestSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[signer]")
    }
}
