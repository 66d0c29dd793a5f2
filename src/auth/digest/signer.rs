//! Who answers challenges, with what is known of them.
use super::super::BodyUse;
use super::super::Draft;
use super::super::Learnt;
use super::super::Moment;
use super::super::Place;
use super::super::Placed;
use super::super::SignError;
use super::challenge;
use super::challenge::Said;
use super::session::Asked;
use super::session::Session;
use super::settings::Digest;
use super::settings::Qop;
use super::spaces::Spaces;
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

const AUTHENTICATION_INFO: HeaderName = HeaderName::from_static("authentication-info");

/// Settings and keys, ready to sign.
pub struct DigestSigner {
    settings: Digest,
    username: Secret,
    password: Secret,
    /// Locked for a look, or to put one in another's place: never while an answer is computed.
    spaces: Mutex<Spaces>,
}

impl DigestSigner {
    pub(super) fn new(settings: Digest, username: Secret, password: Secret) -> Self {
        Self { settings, username, password, spaces: Mutex::default() }
    }

    /// Only where a server is known to cover bodies are they read first. Where nothing is known they stream, and a
    /// challenge that asks for one is answered with what was kept of it.
    pub(in super::super) fn body_use(&self, origin: &Origin) -> BodyUse {
        let covers = |it: &Session| it.challenge.qop == Qop::AuthInt;
        if self.spaces().sessions(origin).any(covers) { BodyUse::Fed } else { BodyUse::Kept }
    }

    pub(in super::super) fn begin(
        &self,
        draft: &Draft<'_>,
        _moment: &Moment,
    ) -> Result<Vec<Feed>, SignError> {
        let session = self.session(draft);
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
        let session = self.session(draft);
        if let Some(field) = session.and_then(|it| field(&it, draft, moment, fed)) {
            draft.set(&AUTHORIZATION, field);
        }
        Ok(())
    }

    /// Keeps a refusal's challenge, and an answer's next nonce. What the request said is read from the field that it went out
    /// with: many are on their way at once, and none of them is another's.
    pub(in super::super) fn learn(
        &self,
        origin: &Origin,
        sent: &[(HeaderName, HeaderValue)],
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Learnt {
        if status == StatusCode::UNAUTHORIZED {
            let fields = headers.get_all(WWW_AUTHENTICATE);
            let fields = fields.iter().map(HeaderValue::as_bytes);
            let Some(asked) = challenge::strongest(fields, &self.settings) else {
                return Learnt::Nothing;
            };
            let asked = Session::new(asked, self.username.expose(), self.password.expose());
            let said = said(sent);
            let is_worth_it = self.spaces().challenged(origin, asked, said.as_ref());
            return if is_worth_it { Learnt::Challenge } else { Learnt::Nothing };
        }
        let next = headers.get(AUTHENTICATION_INFO);
        let next = next.and_then(|it| challenge::info(it.as_bytes(), "nextnonce"));
        if let Some(nonce) = next
            && let Some(said) = said(sent)
        {
            self.spaces().advance(origin, &said, nonce);
        }
        Learnt::Nothing
    }

    fn session(&self, draft: &Draft<'_>) -> Option<Arc<Session>> {
        self.spaces().session(draft.origin, draft.path)
    }

    fn spaces(&self) -> MutexGuard<'_, Spaces> {
        self.spaces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in super::super) fn headers(&self) -> Vec<HeaderName> {
        vec![AUTHORIZATION]
    }

    pub(in super::super) fn describe(&self) -> Vec<Placed> {
        vec![Placed { place: Place::Header, name: AUTHORIZATION.to_string() }]
    }
}

/// `None` where the request went out with nothing on.
fn said(sent: &[(HeaderName, HeaderValue)]) -> Option<Said> {
    let field = sent.iter().find(|it| it.0 == AUTHORIZATION)?;
    challenge::said(field.1.as_bytes())
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
