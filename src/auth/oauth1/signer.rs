//! Requests with their protocol parameters and signature on.
use super::super::BodyUse;
use super::super::Draft;
use super::super::Moment;
use super::super::Placed;
use super::super::SignError;
use super::super::slot;
use super::base_string::base_string;
use super::key::Key;
use super::parameters::Parameters;
use super::percent;
use super::place::BodyKind;
use super::place::FORM;
use super::place::Place;
use super::place::only;
use super::protocol;
use super::settings::Oauth1;
use super::settings::Transmission;
use crate::crypto::Feed;
use crate::crypto::Hash;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::header::AUTHORIZATION;
use http::header::CONTENT_ENCODING;
use http::header::CONTENT_LENGTH;
use http::header::CONTENT_TYPE;
use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

/// Fields of a form that are sorted for one signature, at most.
pub(super) const PAIRS_MAX: usize = 65_536;

/// Settings and keys, ready to sign.
pub struct Oauth1Signer {
    key: Key,
    transmission: Transmission,
    body_hash: Option<Hash>,
    /// How the Authorization field begins: `OAuth `, and the realm where there is one.
    opening: Box<[u8]>,
    /// The parameters that are the same each time, encoded: consumer, token, method, version.
    fixed: Box<[(&'static str, Box<str>)]>,
    /// Length of the above, written out.
    fixed_len: usize,
}

/// The parameters that no two requests have the same, encoded.
pub(super) struct Own<'a> {
    /// In seconds.
    pub timestamp: &'a [u8],
    pub nonce: &'a [u8],
    pub body_hash: Option<&'a [u8]>,
}

impl Oauth1Signer {
    /// `parameters`: protocol parameters that each request has besides.
    pub(super) fn new(
        settings: &Oauth1,
        key: Key,
        realm: Option<&str>,
        (consumer_key, token): (&str, &str),
        parameters: &[(&'static str, &str)],
    ) -> Self {
        let mut opening = b"OAuth ".to_vec();
        if let Some(realm) = realm {
            opening.extend_from_slice(b"realm=\"");
            // A quoted string (RFC 9110 §5.6.4).
            for byte in realm.bytes() {
                opening.extend(matches!(byte, b'"' | b'\\').then_some(b'\\'));
                opening.push(byte);
            }
            opening.extend_from_slice(b"\", ");
        }
        let mut fixed = vec![
            (protocol::CONSUMER_KEY, consumer_key),
            (protocol::SIGNATURE_METHOD, settings.signature.name()),
        ];
        fixed.extend((!token.is_empty()).then_some((protocol::TOKEN, token)));
        fixed.extend((!settings.omits_version).then_some((protocol::VERSION, "1.0")));
        fixed.extend_from_slice(parameters);
        let fixed: Box<[_]> =
            fixed.iter().map(|it| (it.0, percent::encoded(it.1).into_boxed_str())).collect();
        Self {
            key,
            transmission: settings.transmission,
            body_hash: settings.body_hash,
            opening: opening.into(),
            fixed_len: fixed.iter().map(|it| it.0.len() + it.1.len() + 5).sum(),
            fixed,
        }
    }

    pub(in super::super) fn body_use(&self, method: &Method, headers: &HeaderMap) -> BodyUse {
        // Without a length there may be one all the same.
        let is_empty = headers.get(CONTENT_LENGTH).is_some_and(|it| it == "0");
        let content_type = only(headers.get_all(CONTENT_TYPE).iter());
        match BodyKind::of(method, content_type, is_empty) {
            BodyKind::Form => BodyUse::Whole,
            kind if self.body_hash.is_some() && kind.has_hash(self.transmission) => BodyUse::Fed,
            BodyKind::Unwritten | BodyKind::Absent | BodyKind::Other => BodyUse::Untouched,
        }
    }

    pub(in super::super) fn changes_body(&self) -> bool {
        self.transmission == Transmission::Body
    }

    pub(in super::super) fn begin(
        &self,
        draft: &Draft<'_>,
        _moment: &Moment,
    ) -> Result<Vec<Feed>, SignError> {
        let hash = self.body_hash.filter(|_| kind(draft).has_hash(self.transmission));
        Ok(hash.map(Hash::feed).into_iter().collect())
    }

    pub(in super::super) fn sign(
        &self,
        draft: &mut Draft<'_>,
        moment: &Moment,
        fed: Vec<Feed>,
    ) -> Result<(), SignError> {
        let body_hash = fed.into_iter().next().map(|feed| {
            let hash = STANDARD.encode(feed.finish().bytes());
            let mut encoded = Vec::with_capacity(hash.len() + 12);
            percent::put(hash.as_bytes(), &mut encoded);
            encoded
        });
        let timestamp = moment.now.as_s().to_string();
        let own = Own {
            timestamp: timestamp.as_bytes(),
            nonce: &nonce(&moment.random),
            body_hash: body_hash.as_deref(),
        };
        self.sign_as(draft, &own)
    }

    pub(super) fn sign_as(&self, draft: &mut Draft<'_>, own: &Own<'_>) -> Result<(), SignError> {
        let kind = kind(draft);
        let place = Place::of(self.transmission, kind);
        self.check(draft, kind)?;
        without_copies(draft, kind);
        let mut signature = Vec::with_capacity(128);
        match self.key.signs() {
            true => self.key.put_signature(&self.base_string(draft, own), &mut signature),
            false => self.key.put_signature(&[], &mut signature),
        }
        self.put(draft, place, own, &signature);
        Ok(())
    }

    /// What is signed.
    pub(super) fn base_string(&self, draft: &Draft<'_>, own: &Own<'_>) -> Vec<u8> {
        base_string(draft, &mut self.parameters(draft, own))
    }

    /// What the caller or the operator has to mend.
    fn check(&self, draft: &Draft<'_>, kind: BodyKind) -> Result<(), SignError> {
        let unsignable = |what: &str| Err(SignError::Unsignable { what: what.to_owned() });
        if !self.key.signs() && !is_private(draft) {
            // RFC 5849 §3.4.4.
            return unsignable(
                "the secrets themselves are sent with PLAINTEXT, and this URL is not https",
            );
        }
        if kind != BodyKind::Form {
            return Ok(());
        }
        if draft.values(&CONTENT_ENCODING).any(is_coded) {
            return unsignable(
                "the form is compressed, and its fields are signed: send it as it is",
            );
        }
        let form = body(draft);
        // No pair is shorter than a byte and its `&`.
        if self.key.signs() && form.len() / 2 >= PAIRS_MAX && has_too_many_pairs(form) {
            let what = format!("the form has more than {PAIRS_MAX} fields, which are signed");
            return Err(SignError::Unsignable { what });
        }
        Ok(())
    }

    /// All that is signed (RFC 5849 §3.4.1.3.1).
    fn parameters(&self, draft: &Draft<'_>, own: &Own<'_>) -> Parameters {
        let query = draft.query().unwrap_or_default().as_bytes();
        let form = if kind(draft) == BodyKind::Form { body(draft) } else { &[] };
        // A pair of three bytes and more, each of which may take three when it is encoded.
        let pairs = (query.len() + form.len()) / 4 + self.fixed.len() + 4;
        let len = (query.len() + form.len()) * 2 + self.fixed_len + 160;
        let mut parameters = Parameters::with_capacity(pairs.min(64), len);
        self.each(own, |name, value| parameters.put(name, value));
        parameters.put_form(query);
        parameters.put_form(form);
        parameters
    }

    /// The protocol parameters less the signature, encoded.
    fn each(&self, own: &Own<'_>, mut put: impl FnMut(&'static str, &[u8])) {
        for (name, value) in &self.fixed {
            put(name, value.as_bytes());
        }
        put(protocol::TIMESTAMP, own.timestamp);
        put(protocol::NONCE, own.nonce);
        if let Some(hash) = own.body_hash {
            put(protocol::BODY_HASH, hash);
        }
    }

    /// Puts them on.
    fn put(&self, draft: &mut Draft<'_>, place: Place, own: &Own<'_>, signature: &[u8]) {
        let room = self.opening.len() + self.fixed_len + signature.len() + 256;
        let mut text = Vec::with_capacity(room);
        let between: [&[u8]; 3] = match place {
            Place::Header => {
                text.extend_from_slice(&self.opening);
                [b"=\"", b"\", ", b"\""]
            }
            Place::Query | Place::Body => [b"=", b"&", b""],
        };
        let [is, and, end] = between;
        self.each(own, |name, value| {
            text.extend_from_slice(name.as_bytes());
            text.extend_from_slice(is);
            text.extend_from_slice(value);
            text.extend_from_slice(and);
        });
        text.extend_from_slice(protocol::SIGNATURE.as_bytes());
        text.extend_from_slice(is);
        text.extend_from_slice(signature);
        text.extend_from_slice(end);
        match place {
            Place::Header => {
                let mut value = HeaderValue::from_maybe_shared(Bytes::from(text)).expect(
                    "what is encoded is ASCII, and a realm was asked for control characters",
                );
                value.set_sensitive(true);
                draft.set(&AUTHORIZATION, value);
            }
            Place::Query => {
                let pairs = String::from_utf8(text).expect("what is encoded is ASCII");
                draft.put_query(&[], &pairs);
            }
            Place::Body => {
                let form = body(draft);
                let form = [form, if form.is_empty() { b"" } else { b"&" }, &text].concat();
                draft.new_body = Some(form.into());
                if draft.value(&CONTENT_TYPE).is_none() {
                    draft.set(&CONTENT_TYPE, FORM);
                }
            }
        }
    }

    /// Whatever goes elsewhere: a caller's own would be a second signature (RFC 5849 §3.5).
    pub(in super::super) fn headers(&self) -> Vec<HeaderName> {
        vec![AUTHORIZATION]
    }

    pub(in super::super) fn describe(&self) -> Vec<Placed> {
        if self.transmission != Transmission::Query {
            let name = AUTHORIZATION.as_str().to_owned();
            return vec![Placed { place: slot::Place::Header, name }];
        }
        let fixed = self.fixed.iter().map(|it| it.0);
        let own = [protocol::TIMESTAMP, protocol::NONCE, protocol::SIGNATURE];
        let names = fixed.chain(own).chain(self.body_hash.map(|_| protocol::BODY_HASH));
        names.map(|it| Placed { place: slot::Place::Query, name: it.to_owned() }).collect()
    }
}

/// 32 hexadecimal digits of the moment's randomness, so that no two are equal whatever the clock says.
pub(super) fn nonce(random: &[u8; 16]) -> [u8; 32] {
    let mut nonce = [0; 32];
    hex::encode_to_slice(random, &mut nonce).expect("a byte has two digits");
    nonce
}

fn kind(draft: &Draft<'_>) -> BodyKind {
    let is_empty = match &draft.new_body {
        Some(body) => body.is_empty(),
        None => draft.body_len == Some(0),
    };
    BodyKind::of(draft.method, only(draft.values(&CONTENT_TYPE)), is_empty)
}

fn is_coded(content_encoding: &HeaderValue) -> bool {
    !content_encoding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity")
}

fn has_too_many_pairs(form: &[u8]) -> bool {
    form.split(|it| *it == b'&').filter(|it| !it.is_empty()).nth(PAIRS_MAX).is_some()
}

/// The body as it is going to be sent, as far as it is there.
fn body<'d>(draft: &'d Draft<'_>) -> &'d [u8] {
    draft.new_body.as_deref().or(draft.body).unwrap_or_default()
}

/// Takes away the caller's own protocol parameters, from the query and from a form that is at hand.
fn without_copies(draft: &mut Draft<'_>, kind: BodyKind) {
    let query = draft.query().map(|it| protocol::others(it.as_bytes()));
    if let Some(Cow::Owned(others)) = query {
        let others = String::from_utf8(others).expect("whole pairs of a text are text");
        draft.replace_query(others);
    }
    if kind == BodyKind::Form
        && let Cow::Owned(others) = protocol::others(body(draft))
    {
        draft.new_body = Some(others.into());
    }
}

/// Whether nobody on the way can read along: TLS, or no way at all.
fn is_private(draft: &Draft<'_>) -> bool {
    let host = draft.origin.bare_host();
    draft.origin.is_https()
        || host == "localhost"
        || host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}

impl fmt::Debug for Oauth1Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[signer]")
    }
}
