//! Signs requests with one access key.
use super::AwsSigv4;
use super::BodyUse;
use super::Chunks;
use super::Draft;
use super::Moment;
use super::Placed;
use super::SignError;
use super::Transmission;
use super::canonical;
use super::canonical::Parts;
use super::canonical::SignedFields;
use super::chunks::EMPTY_SHA256;
use super::day_key::DayKeys;
use super::host;
use super::keys::AccessKey;
use super::payload;
use super::payload::Treatment;
use super::pieces;
use super::pieces::Pieces;
use super::query;
use super::region_key;
use super::service;
use super::service::PathRule;
use super::signature;
use super::signature::Keys;
use super::stamp::Stamp;
use crate::auth;
use crate::auth::Place;
use crate::crypto::Feed;
use crate::crypto::Hash;
use crate::model::Origin;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::header::AUTHORIZATION;
use http::header::CONTENT_LENGTH;
use std::fmt;

const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const REGIONS: HeaderName = HeaderName::from_static("x-amz-region-set");

/// Settings and keys, ready to sign.
pub struct AwsSigv4Signer {
    settings: AwsSigv4,
    key: AccessKey,
    keys: Keys,
    /// The query's parameters that a caller's signature may stand in.
    names: Vec<Box<str>>,
}

impl AwsSigv4Signer {
    pub(super) fn new(settings: AwsSigv4, key: AccessKey) -> Self {
        let names = query::SIGNING.map(Into::into).into();
        let keys = match &settings.regions {
            None => Keys::Day(DayKeys::default()),
            Some(regions) => {
                Keys::Regions { key: region_key::derived(&key), regions: regions.clone() }
            }
        };
        Self { settings, key, keys, names }
    }

    pub(in crate::auth) fn body_use(
        &self,
        origin: &Origin,
        _method: &Method,
        headers: &HeaderMap,
    ) -> BodyUse {
        let mut stated = headers.get_all(&payload::FIELD).iter();
        let only = stated.next().filter(|_| stated.next().is_none());
        let is_len_known = headers.contains_key(CONTENT_LENGTH);
        let stated = only.map(HeaderValue::as_bytes);
        match payload::treatment(&self.settings, self.service(origin), stated, is_len_known) {
            Treatment::Hashed => BodyUse::Fed,
            Treatment::Stated | Treatment::Unsigned | Treatment::Refused(_) => BodyUse::Untouched,
            Treatment::Streamed | Treatment::Resigned { .. } => BodyUse::Chunked,
        }
    }

    pub(in crate::auth) fn changes_body(&self) -> bool {
        self.settings.payload == Some(super::Payload::Streaming)
    }

    pub(in crate::auth) fn begin(
        &self,
        draft: &Draft<'_>,
        _moment: &Moment,
    ) -> Result<Vec<Feed>, SignError> {
        match self.treatment(draft, self.service(draft.origin)) {
            Treatment::Hashed => Ok(vec![Hash::Sha256.feed()]),
            Treatment::Stated
            | Treatment::Unsigned
            | Treatment::Streamed
            | Treatment::Resigned { .. } => Ok(Vec::new()),
            Treatment::Refused(why) => Err(SignError::Unsignable { what: why.words().to_owned() }),
        }
    }

    pub(in crate::auth) fn sign(
        &self,
        draft: &mut Draft<'_>,
        moment: &Moment,
        fed: Vec<Feed>,
    ) -> Result<(), SignError> {
        let place = self.place(draft)?;
        let stamp = Stamp::new(moment.now);
        let treatment = self.treatment(draft, Some(place.service));
        self.forget_signature(draft);
        let payload = said(draft, treatment, fed);
        let is_there = draft.values(&payload::FIELD).next().is_some();
        if is_there || payload::is_said(&self.settings, place.service, treatment) {
            draft.set(&payload::FIELD, plain(&payload));
        }
        match self.settings.transmission {
            Transmission::Header => {
                let pieces = pieces::of(draft, treatment)?;
                self.sign_fields(draft, place, &stamp, &payload, pieces);
            }
            Transmission::Query => self.sign_query(draft, place, &stamp, &payload),
        }
        Ok(())
    }

    /// The fields of both forms: a signature of the caller's own stays in neither place.
    pub(in crate::auth) fn headers(&self) -> Vec<HeaderName> {
        vec![AUTHORIZATION, DATE, TOKEN, REGIONS]
    }

    pub(in crate::auth) fn describe(&self) -> Vec<Placed> {
        let placed = |place, name: &str| Placed { place, name: name.to_owned() };
        let has_token = self.key.session_token.is_some();
        let has_regions = self.keys.regions().is_some();
        match self.settings.transmission {
            Transmission::Header => {
                let fields = [AUTHORIZATION, DATE].into_iter().chain(has_token.then_some(TOKEN));
                let fields = fields.chain(has_regions.then_some(REGIONS));
                fields.map(|it| placed(Place::Header, it.as_str())).collect()
            }
            Transmission::Query => query::SIGNING
                .into_iter()
                .filter(|it| *it != query::TOKEN || has_token)
                .filter(|it| *it != query::REGIONS || has_regions)
                .map(|it| placed(Place::Query, it))
                .collect(),
        }
    }

    fn treatment(&self, draft: &Draft<'_>, service: Option<&str>) -> Treatment {
        let stated = draft.value(&payload::FIELD).map(HeaderValue::as_bytes);
        payload::treatment(&self.settings, service, stated, draft.body_len.is_some())
    }

    /// As signatures name it, where it is known.
    fn service<'s>(&'s self, origin: &'s Origin) -> Option<&'s str> {
        self.settings.service.as_deref().or_else(|| host::spoken(origin.host()).service)
    }

    fn place<'s>(&'s self, draft: &Draft<'s>) -> Result<signature::Place<'s>, SignError> {
        let (region, service) = (self.settings.region.as_deref(), self.settings.service.as_deref());
        if let (Some(region), Some(service)) = (region, service) {
            return Ok(signature::Place { region, service });
        }
        let spoken = host::spoken(draft.origin.host());
        let unknown = |what: &str| SignError::Unsignable {
            what: format!(
                "the host's name does not say which AWS {what} it is of, and the settings have no `{what}`"
            ),
        };
        let else_region = self.settings.else_region.as_deref();
        // Of several regions none is named in the scope.
        let else_region = else_region.or(self.keys.regions());
        let region = region.or(spoken.region).or(else_region).ok_or_else(|| unknown("region"))?;
        let service = service.or(spoken.service).ok_or_else(|| unknown("service"))?;
        Ok(signature::Place { region, service })
    }

    /// Takes a signature of the caller's own out of the query.
    fn forget_signature(&self, draft: &mut Draft<'_>) {
        let is_there = |it: &str| query::may_be_signed(it) && auth::query::has_any(it, &self.names);
        if draft.query().is_some_and(is_there) {
            draft.put_query(&self.names, "");
        }
    }

    fn sign_fields(
        &self,
        draft: &mut Draft<'_>,
        place: signature::Place<'_>,
        stamp: &Stamp,
        payload: &str,
        pieces: Option<Pieces>,
    ) {
        draft.set(&DATE, plain(stamp.as_str()));
        if let Some(token) = &self.key.session_token {
            draft.set(&TOKEN, token.clone());
        }
        if let Some(regions) = self.keys.regions() {
            draft.set(&REGIONS, plain(regions));
        }
        if let Some(pieces) = &pieces {
            pieces.say(draft);
        }
        let fields = SignedFields::of(draft);
        let query = draft.query().unwrap_or_default();
        let parts = Parts { path: self.path_rule(place.service), query, own: "", payload };
        let hash = canonical::hash(draft, &fields, &parts);
        let scope = self.keys.scope(place, stamp);
        let signature = self.keys.sign(&self.key, place, (stamp, &scope), &hash);
        let value = [
            self.keys.algorithm(),
            " Credential=",
            &self.key.id,
            "/",
            &scope,
            ", SignedHeaders=",
            &fields.names,
            ", Signature=",
            &signature.hex,
        ]
        .concat();
        let mut value = HeaderValue::try_from(value).expect("names, an id and hex are ASCII");
        value.set_sensitive(true);
        draft.set(&AUTHORIZATION, value);
        if let (Some(pieces), Some(key)) = (pieces, signature.key) {
            let seed = signature.hex.as_bytes().try_into().expect("an HMAC has 64 digits");
            let chunks = Chunks::new(key, (stamp.as_str(), &scope), seed, pieces.body_len);
            let chunks = if pieces.is_framed { chunks.framed(pieces.trailers_len) } else { chunks };
            draft.chunks = Some(Box::new(chunks));
        }
    }

    fn sign_query(
        &self,
        draft: &mut Draft<'_>,
        place: signature::Place<'_>,
        stamp: &Stamp,
        payload: &str,
    ) {
        let fields = SignedFields::of(draft);
        let scope = self.keys.scope(place, stamp);
        let token = self.key.session_token();
        let is_token_behind = service::has_token_behind(place.service);
        let mut own = String::with_capacity(512);
        query::put_pair(&mut own, query::ALGORITHM, self.keys.algorithm());
        query::put_pair(&mut own, query::CREDENTIAL, &[&*self.key.id, "/", &scope].concat());
        query::put_pair(&mut own, query::DATE, stamp.as_str());
        query::put_pair(&mut own, query::EXPIRES, &self.settings.expires_s.to_string());
        if let Some(regions) = self.keys.regions() {
            query::put_pair(&mut own, query::REGIONS, regions);
        }
        if let Some(token) = token.filter(|_| !is_token_behind) {
            query::put_pair(&mut own, query::TOKEN, token);
        }
        query::put_pair(&mut own, query::SIGNED_FIELDS, &fields.names);
        let query = draft.query().unwrap_or_default();
        let parts = Parts { path: self.path_rule(place.service), query, own: &own, payload };
        let hash = canonical::hash(draft, &fields, &parts);
        let signature = self.keys.sign(&self.key, place, (stamp, &scope), &hash);
        query::put_pair(&mut own, query::SIGNATURE, &signature.hex);
        if let Some(token) = token.filter(|_| is_token_behind) {
            query::put_pair(&mut own, query::TOKEN, token);
        }
        draft.put_query(&self.names, &own);
    }

    fn path_rule(&self, service: &str) -> PathRule {
        let rule = service::path_rule(service);
        PathRule {
            normalized: self.settings.normalize_path.unwrap_or(rule.normalized),
            encoded_twice: self.settings.double_encode.unwrap_or(rule.encoded_twice),
        }
    }
}

/// What stands for the body.
fn said(draft: &Draft<'_>, treatment: Treatment, fed: Vec<Feed>) -> String {
    match treatment {
        Treatment::Hashed => match fed.into_iter().next() {
            Some(feed) => feed.finish().hex(),
            None => EMPTY_SHA256.to_owned(),
        },
        Treatment::Streamed if draft.body_len == Some(0) => EMPTY_SHA256.to_owned(),
        Treatment::Streamed | Treatment::Resigned { has_trailers: false } => {
            payload::STREAMING.to_owned()
        }
        Treatment::Resigned { has_trailers: true } => payload::STREAMING_TRAILER.to_owned(),
        Treatment::Stated => {
            let stated = draft.value(&payload::FIELD).and_then(|it| it.to_str().ok());
            stated.unwrap_or(payload::UNSIGNED).to_owned()
        }
        Treatment::Unsigned | Treatment::Refused(_) => payload::UNSIGNED.to_owned(),
    }
}

fn plain(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("a time or a hash is ASCII")
}

impl fmt::Debug for AwsSigv4Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[signer]")
    }
}
