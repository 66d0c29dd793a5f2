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
use super::chunks::SIGNATURE_LEN;
use super::chunks::hex_of;
use super::day_key::DayKeys;
use super::host;
use super::keys::AccessKey;
use super::payload;
use super::payload::Treatment;
use super::query;
use super::service;
use super::service::PathRule;
use super::stamp::Stamp;
use crate::auth::Place;
use crate::crypto::Digested;
use crate::crypto::Feed;
use crate::crypto::Hash;
use crate::crypto::MacKey;
use crate::model::Origin;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::header::AUTHORIZATION;
use http::header::CONTENT_ENCODING;
use http::header::CONTENT_LENGTH;
use std::fmt;

const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const DECODED_LEN: HeaderName = HeaderName::from_static("x-amz-decoded-content-length");
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Settings and keys, ready to sign.
pub struct AwsSigv4Signer {
    settings: AwsSigv4,
    key: AccessKey,
    day_keys: DayKeys,
    /// The query's parameters that a caller's signature may stand in.
    names: Vec<Box<str>>,
}

/// Where a request is signed for.
struct Scope<'a> {
    region: &'a str,
    service: &'a str,
}

impl AwsSigv4Signer {
    pub(super) fn new(settings: AwsSigv4, key: AccessKey) -> Self {
        let names = query::SIGNING.map(Into::into).into();
        Self { settings, key, day_keys: DayKeys::default(), names }
    }

    pub(in crate::auth) fn body_use(
        &self,
        _origin: &Origin,
        _method: &Method,
        headers: &HeaderMap,
    ) -> BodyUse {
        let mut stated = headers.get_all(&payload::FIELD).iter();
        let only = stated.next().filter(|_| stated.next().is_none());
        let is_len_known = headers.contains_key(CONTENT_LENGTH);
        match payload::treatment(&self.settings, only.map(HeaderValue::as_bytes), is_len_known) {
            Treatment::Hashed => BodyUse::Fed,
            Treatment::Stated | Treatment::Unsigned | Treatment::Refused => BodyUse::Untouched,
            Treatment::Streamed => BodyUse::Chunked,
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
        match self.treatment(draft) {
            Treatment::Hashed => Ok(vec![Hash::Sha256.feed()]),
            Treatment::Stated | Treatment::Unsigned | Treatment::Streamed => Ok(Vec::new()),
            Treatment::Refused => Err(SignError::Unsignable {
                what: "the body comes in pieces that are signed with a key of the caller's own; have the SDK send it \
                       whole, or with a checksum behind it alone"
                    .into(),
            }),
        }
    }

    pub(in crate::auth) fn sign(
        &self,
        draft: &mut Draft<'_>,
        moment: &Moment,
        fed: Vec<Feed>,
    ) -> Result<(), SignError> {
        let scope = self.scope(draft)?;
        let stamp = Stamp::new(moment.now);
        let treatment = payload::settled(&self.settings, scope.service, self.treatment(draft));
        self.forget_signature(draft);
        let payload = said(draft, treatment, fed);
        let is_repeated = draft.values(&payload::FIELD).next().is_some();
        if is_repeated || payload::is_said(&self.settings, scope.service, treatment) {
            draft.set(&payload::FIELD, plain(&payload));
        }
        match self.settings.transmission {
            Transmission::Header => self.sign_fields(draft, &scope, &stamp, &payload, treatment),
            Transmission::Query => self.sign_query(draft, &scope, &stamp, &payload),
        }
        Ok(())
    }

    /// The fields of both forms: a signature of the caller's own stays in neither place.
    pub(in crate::auth) fn headers(&self) -> Vec<HeaderName> {
        vec![AUTHORIZATION, DATE, TOKEN]
    }

    pub(in crate::auth) fn describe(&self) -> Vec<Placed> {
        let placed = |place, name: &str| Placed { place, name: name.to_owned() };
        let has_token = self.key.session_token.is_some();
        match self.settings.transmission {
            Transmission::Header => {
                let fields = [AUTHORIZATION, DATE].into_iter().chain(has_token.then_some(TOKEN));
                fields.map(|it| placed(Place::Header, it.as_str())).collect()
            }
            Transmission::Query => query::SIGNING
                .into_iter()
                .filter(|it| *it != query::TOKEN || has_token)
                .filter(|it| *it != query::REGIONS)
                .map(|it| placed(Place::Query, it))
                .collect(),
        }
    }

    fn treatment(&self, draft: &Draft<'_>) -> Treatment {
        let stated = draft.value(&payload::FIELD).map(HeaderValue::as_bytes);
        payload::treatment(&self.settings, stated, draft.body_len.is_some())
    }

    fn scope<'s>(&'s self, draft: &Draft<'s>) -> Result<Scope<'s>, SignError> {
        let (region, service) = (self.settings.region.as_deref(), self.settings.service.as_deref());
        if let (Some(region), Some(service)) = (region, service) {
            return Ok(Scope { region, service });
        }
        let spoken = host::spoken(draft.origin.host());
        let unknown = |what: &str| SignError::Unsignable {
            what: format!(
                "the host's name does not say which AWS {what} it is of, and the settings have no `{what}`"
            ),
        };
        let region = region.or(spoken.region).ok_or_else(|| unknown("region"))?;
        let service = service.or(spoken.service).ok_or_else(|| unknown("service"))?;
        Ok(Scope { region, service })
    }

    /// Takes a signature of the caller's own out of the query.
    fn forget_signature(&self, draft: &mut Draft<'_>) {
        let is_there =
            draft.query().is_some_and(|it| super::super::query::has_any(it, &self.names));
        if is_there {
            draft.put_query(&self.names, "");
        }
    }

    fn sign_fields(
        &self,
        draft: &mut Draft<'_>,
        scope: &Scope<'_>,
        stamp: &Stamp,
        payload: &str,
        treatment: Treatment,
    ) {
        draft.set(&DATE, plain(stamp.as_str()));
        if let Some(token) = &self.key.session_token {
            draft.set(&TOKEN, token.clone());
        }
        let streamed_len = draft.body_len.filter(|it| *it > 0 && treatment == Treatment::Streamed);
        if let Some(len) = streamed_len {
            draft.set(&DECODED_LEN, HeaderValue::from(len));
            let encoding = chunked_encoding(draft);
            draft.set(&CONTENT_ENCODING, encoding);
        }
        let fields = SignedFields::of(draft, None);
        let query = draft.query().unwrap_or_default();
        let parts = Parts { path: self.path_rule(scope.service), query, own: "", payload };
        let hash = canonical::hash(draft, &fields, &parts);

        let scope_text = scope.text(stamp);
        let key =
            self.day_keys.get(self.key.secret.expose(), stamp.day(), scope.region, scope.service);
        let signature = signature(&key.key, stamp, &scope_text, &hash);
        let value = [
            ALGORITHM,
            " Credential=",
            &self.key.id,
            "/",
            &scope_text,
            ", SignedHeaders=",
            &fields.names,
            ", Signature=",
            ascii(&signature),
        ]
        .concat();
        let mut value = HeaderValue::try_from(value).expect("names, an id and hex are ASCII");
        value.set_sensitive(true);
        draft.set(&AUTHORIZATION, value);
        if let Some(len) = streamed_len {
            let chunks = Chunks::new(key, (stamp.as_str(), &scope_text), signature, len);
            draft.chunks = Some(Box::new(chunks));
        }
    }

    fn sign_query(&self, draft: &mut Draft<'_>, scope: &Scope<'_>, stamp: &Stamp, payload: &str) {
        let fields = SignedFields::of(draft, None);
        let scope_text = scope.text(stamp);
        let token = self.key.session_token();
        let is_token_behind = service::has_token_behind(scope.service);
        let mut own = String::with_capacity(512);
        query::put_pair(&mut own, query::ALGORITHM, ALGORITHM);
        query::put_pair(&mut own, query::CREDENTIAL, &[&*self.key.id, "/", &scope_text].concat());
        query::put_pair(&mut own, query::DATE, stamp.as_str());
        query::put_pair(&mut own, query::EXPIRES, &self.settings.expires_s.to_string());
        if let Some(token) = token.filter(|_| !is_token_behind) {
            query::put_pair(&mut own, query::TOKEN, token);
        }
        query::put_pair(&mut own, query::SIGNED_FIELDS, &fields.names);
        let query = draft.query().unwrap_or_default();
        let parts = Parts { path: self.path_rule(scope.service), query, own: &own, payload };
        let hash = canonical::hash(draft, &fields, &parts);

        let key =
            self.day_keys.get(self.key.secret.expose(), stamp.day(), scope.region, scope.service);
        let signature = signature(&key.key, stamp, &scope_text, &hash);
        query::put_pair(&mut own, query::SIGNATURE, ascii(&signature));
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

impl Scope<'_> {
    /// `20150830/us-east-1/iam/aws4_request`.
    fn text(&self, stamp: &Stamp) -> String {
        [stamp.day(), "/", self.region, "/", self.service, "/aws4_request"].concat()
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
        Treatment::Streamed => payload::STREAMING.to_owned(),
        Treatment::Stated => {
            let stated = draft.value(&payload::FIELD).and_then(|it| it.to_str().ok());
            stated.unwrap_or(payload::UNSIGNED).to_owned()
        }
        Treatment::Unsigned | Treatment::Refused => payload::UNSIGNED.to_owned(),
    }
}

/// `aws-chunked`, before what the body is encoded in besides. S3 takes it off again.
fn chunked_encoding(draft: &Draft<'_>) -> HeaderValue {
    let mut all = b"aws-chunked".to_vec();
    for value in draft.values(&CONTENT_ENCODING).filter(|it| !it.is_empty()) {
        all.push(b',');
        all.extend_from_slice(value.as_bytes());
    }
    HeaderValue::from_bytes(&all).expect("fields' values joined with a comma are one")
}

/// In hex. Source: AWS IAM User Guide, "Create a signed AWS API request", steps 3 and 5.
fn signature(key: &MacKey, stamp: &Stamp, scope: &str, request: &Digested) -> [u8; SIGNATURE_LEN] {
    let request = hex_of(request.bytes());
    let text = [ALGORITHM, "\n", stamp.as_str(), "\n", scope, "\n", ascii(&request)].concat();
    hex_of(key.of(text.as_bytes()).bytes())
}

fn ascii(text: &[u8]) -> &str {
    std::str::from_utf8(text).expect("hex is ASCII")
}

fn plain(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("a time or a hash is ASCII")
}

impl fmt::Debug for AwsSigv4Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[signer]")
    }
}
