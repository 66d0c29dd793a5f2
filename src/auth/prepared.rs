//! A credential in its finished form, made once, applied to each request without formatting anything.
use super::draft::Draft;
use super::draft::Moment;
use super::onto::Onto;
use super::query;
use super::redact;
use super::redact::Watched;
use super::signer::BodyUse;
use super::signer::Learnt;
use super::signer::SignError;
use super::signer::Signer;
use super::slot;
use super::slot::Place;
use super::slot::Slot;
use crate::crypto::ClientCertificate;
use crate::model::Credential;
use crate::model::Origin;
use crate::model::Secret;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header::COOKIE;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What one credential puts on a request. Prints without its values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Prepared {
    /// The values are marked sensitive.
    headers: Vec<(HeaderName, HeaderValue)>,
    query: Option<Box<QueryPart>>,
    cookies: Option<Box<CookiePart>>,
    /// None for most.
    computed: Option<Box<Computed>>,
    /// What an upstream must not get reflected to the caller.
    watched: Vec<Watched>,
}

/// What is not the same on each request.
#[derive(Clone, Default, PartialEq, Eq)]
struct Computed {
    /// In the order in which they sign.
    signers: Vec<Signer>,
    /// What the signers put on.
    headers: Vec<HeaderName>,
    /// The parameters that they put into the query.
    query: Vec<Box<str>>,
    /// Shown in the TLS handshake.
    certificate: Option<Arc<ClientCertificate>>,
}

#[derive(Clone, PartialEq, Eq)]
struct QueryPart {
    names: Vec<Box<str>>,
    /// `a=b&c=d`, percent-encoded.
    text: Secret,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) struct CookiePart {
    pub(super) names: Vec<Box<str>>,
    /// `a=b; c=d`, marked sensitive.
    pub(super) line: HeaderValue,
}

/// One thing that is put on the request, for whoever explains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    pub place: Place,
    pub name: String,
}

impl Prepared {
    /// Whether it puts nothing on a request.
    pub fn is_nothing(&self) -> bool {
        self.headers.is_empty()
            && self.query.is_none()
            && self.cookies.is_none()
            && self.computed.is_none()
    }

    /// What signs each request, one after another. Empty for most.
    pub fn signers(&self) -> &[Signer] {
        self.computed.as_ref().map_or(&[], |it| &it.signers)
    }

    /// What of a request's body is needed before its last byte is sent.
    pub fn body_use(&self, origin: &Origin, method: &Method, headers: &HeaderMap) -> BodyUse {
        let uses = self.signers().iter().map(|it| it.body_use(origin, method, headers));
        uses.max().unwrap_or(BodyUse::Untouched)
    }

    /// Signs a request without a body.
    pub fn sign(&self, draft: &mut Draft<'_>, moment: &Moment) -> Result<(), SignError> {
        self.signers().iter().try_for_each(|it| {
            let feeds = it.begin(draft, moment)?;
            it.sign(draft, moment, feeds)
        })
    }

    /// Whether a signature of its is judged by the time that it carries.
    pub fn has_clock(&self) -> bool {
        self.signers().iter().any(Signer::has_clock)
    }

    /// Looks at an answer's head, for what it says of signatures.
    pub fn learn(
        &self,
        origin: &Origin,
        sent: &[(HeaderName, HeaderValue)],
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Learnt {
        let learnt = self.signers().iter().map(|it| it.learn(origin, sent, status, headers));
        learnt.fold(Learnt::Nothing, |all, it| if it == Learnt::Challenge { it } else { all })
    }

    /// What is shown to the upstream in the TLS handshake.
    pub fn certificate(&self) -> Option<&Arc<ClientCertificate>> {
        self.computed.as_ref()?.certificate.as_ref()
    }

    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    /// The names of all fields that it puts on, signatures among them.
    pub fn header_names(&self) -> impl Iterator<Item = &HeaderName> {
        let signed = self.computed.iter().flat_map(|it| &it.headers);
        self.headers.iter().map(|it| &it.0).chain(signed)
    }

    /// Where the caller's fields pass on their way to `put`, so that the credential takes the place of
    /// their copies of it.
    pub fn onto<P: FnMut(&HeaderName, &HeaderValue)>(&self, put: P) -> Onto<'_, P> {
        let signed = self.computed.as_ref().map_or(&[][..], |it| &it.headers);
        Onto::new(&self.headers, signed, self.cookies.as_deref(), put)
    }

    /// The query to send: the caller's byte for byte, less every spelling of an injected name, then
    /// ours. `None` where the caller's goes as it is.
    pub fn query(&self, caller: Option<&str>) -> Option<String> {
        let part = self.query.as_ref()?;
        Some(query::replaced(caller.unwrap_or_default(), &part.names, part.text.expose()))
    }

    /// The names of all fields that a caller's trailers may not carry.
    pub fn kept_from_trailers(&self) -> impl Iterator<Item = HeaderName> {
        let signers = self.signers().iter().flat_map(Signer::trailers);
        self.header_names().cloned().chain(signers)
    }

    /// True where the field of this name is ours, so that a caller's trailers may not carry it either.
    pub fn injects_header(&self, name: &HeaderName) -> bool {
        let mut names = self.header_names();
        names.any(|it| slot::are_twins(it.as_str(), name.as_str()))
            || self.cookies.is_some() && name == COOKIE
    }

    /// The text of a Location, Content-Location, Link or Refresh field without what is injected
    /// here; `None` where it has nothing of it.
    pub fn redact(&self, text: &str) -> Option<String> {
        let fixed = self.query.as_ref().map_or(&[][..], |it| &it.names);
        match self.computed.as_ref().filter(|it| !it.query.is_empty()) {
            None => redact::redacted(text, fixed, &self.watched),
            Some(it) => redact::redacted(text, &[fixed, &it.query].concat(), &self.watched),
        }
    }

    /// The credential's own values that may turn up in an answer.
    pub fn watched(&self) -> impl Iterator<Item = &Secret> {
        self.watched.iter().map(|it| &it.value)
    }

    /// What goes where, for `explain`.
    pub fn describe(&self) -> Vec<Placed> {
        let headers = self.headers.iter().map(|it| (Place::Header, it.0.as_str()));
        let query = self.query.iter().flat_map(|it| &it.names).map(|it| (Place::Query, &**it));
        let cookies = self.cookies.iter().flat_map(|it| &it.names).map(|it| (Place::Cookie, &**it));
        let fixed = headers.chain(query).chain(cookies);
        let fixed = fixed.map(|(place, name)| Placed { place, name: name.to_owned() });
        fixed.chain(self.signers().iter().flat_map(Signer::describe)).collect()
    }

    /// What one signer puts on.
    pub(super) fn signed(signer: Signer) -> Self {
        let placed = signer.describe().into_iter().filter(|it| it.place == Place::Query);
        let computed = Computed {
            headers: signer.headers(),
            query: placed.map(|it| it.name.into()).collect(),
            signers: vec![signer],
            certificate: None,
        };
        Self { computed: Some(Box::new(computed)), ..Self::default() }
    }

    /// Nothing on requests, and this in the handshake.
    pub(super) fn showing(certificate: Arc<ClientCertificate>) -> Self {
        let computed = Computed { certificate: Some(certificate), ..Computed::default() };
        Self { computed: Some(Box::new(computed)), ..Self::default() }
    }

    /// This one, and behind it what `other` has. No two of them are in one place.
    pub fn and(mut self, other: Self) -> Self {
        self.headers.extend(other.headers);
        self.watched.extend(other.watched);
        self.query = match (self.query, other.query) {
            (Some(mut part), Some(more)) => {
                part.names.extend(more.names);
                part.text = Secret::new([part.text.expose(), more.text.expose()].join("&"));
                Some(part)
            }
            (one, other) => one.or(other),
        };
        self.cookies = match (self.cookies, other.cookies) {
            (Some(mut part), Some(more)) => {
                part.names.extend(more.names);
                let both = [part.line.as_bytes(), more.line.as_bytes()];
                let both = both.map(|it| Zeroizing::new(String::from_utf8_lossy(it).into_owned()));
                part.line = sensitive(&Zeroizing::new([&*both[0], "; ", &both[1]].concat()));
                Some(part)
            }
            (one, other) => one.or(other),
        };
        self.computed = match (self.computed, other.computed) {
            (Some(mut part), Some(more)) => {
                part.signers.extend(more.signers);
                part.headers.extend(more.headers);
                part.query.extend(more.query);
                part.certificate = part.certificate.or(more.certificate);
                Some(part)
            }
            (one, other) => one.or(other),
        };
        self
    }

    /// Adds one finished value, which the slot has been asked about.
    pub(super) fn put(&mut self, slot: &Slot, value: &str) {
        match slot {
            Slot::Header(name) => self.headers.push((name.clone(), sensitive(value))),
            Slot::Query(name) => {
                let pair = query::pair(name, value);
                let Some(part) = &mut self.query else {
                    let part =
                        QueryPart { names: vec![name.clone()], text: Secret::new(pair.as_str()) };
                    self.query = Some(Box::new(part));
                    return;
                };
                part.names.push(name.clone());
                part.text = Secret::new([part.text.expose(), &pair].join("&"));
            }
            Slot::Cookie(name) => {
                let pair = Zeroizing::new([name, "=", value].concat());
                let Some(part) = &mut self.cookies else {
                    let part = CookiePart { names: vec![name.clone()], line: sensitive(&pair) };
                    self.cookies = Some(Box::new(part));
                    return;
                };
                part.names.push(name.clone());
                let line = String::from_utf8_lossy(part.line.as_bytes());
                part.line = sensitive(&Zeroizing::new([&line, "; ", &pair].concat()));
            }
        }
    }

    /// Looks for the field's value in redirect-like fields of responses from now on, wherever it
    /// stands there.
    pub(super) fn watch(&mut self, credential: &Credential, field: &str) {
        let value = credential.field(field).cloned();
        self.watched.extend(value.map(|value| Watched { value, anywhere: true }));
    }

    /// The same, but only behind a `?` or `#`: for fields that may be no secret.
    pub(super) fn watch_queries(&mut self, credential: &Credential, field: &str) {
        let value = credential.field(field).cloned();
        self.watched.extend(value.map(|value| Watched { value, anywhere: false }));
    }
}

fn sensitive(text: &str) -> HeaderValue {
    let mut value = HeaderValue::from_bytes(text.as_bytes())
        .expect("a slot lets no control character into a finished value");
    value.set_sensitive(true);
    value
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Prepared").field(&self.describe()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::ApiKey;
    use super::super::RawApiKey;
    use super::super::Scheme;
    use super::*;

    fn prepared(place: Place, name: &str) -> Prepared {
        let raw = RawApiKey { r#in: place, name: name.into(), format: "{key}".into() };
        let scheme = Scheme::ApiKey(ApiKey::try_from(raw).unwrap());
        scheme.prepare(&Credential::from_iter([("key", "0ur-s3cr3t")])).unwrap()
    }

    /// The caller's fields as they go on.
    fn put(prepared: &Prepared, headers: &HeaderMap) -> HeaderMap {
        let mut sent = HeaderMap::new();
        let mut onto = prepared.onto(|name, value| _ = sent.append(name.clone(), value.clone()));
        headers.iter().for_each(|(name, value)| onto.field(name, value));
        onto.end();
        sent
    }

    fn applied(name: &str, caller: &[(&str, &'static str)]) -> Vec<(String, String)> {
        let mut headers = HeaderMap::new();
        for (name, value) in caller {
            let name = HeaderName::try_from(*name).unwrap();
            headers.append(name, HeaderValue::from_static(value));
        }
        let text = |it: &HeaderValue| it.to_str().unwrap().to_owned();
        let sent = put(&prepared(Place::Header, name), &headers);
        sent.iter().map(|it| (it.0.to_string(), text(it.1))).collect()
    }

    #[test]
    fn every_copy_of_the_header_is_replaced() {
        let ours = |name: &str| vec![(name.to_owned(), "0ur-s3cr3t".to_owned())];
        for copies in [
            &[("x-api-key", "1")][..],
            &[("X-API-KEY", "1"), ("x-api-key", "2"), ("X-Api-Key", "3")],
            &[("x_api_key", "1")],
            &[("X_Api-Key", "1"), ("x-api_key", "2"), ("x_api_key", "3"), ("x.api.key", "4")],
        ] {
            assert_eq!(applied("X-Api-Key", copies), ours("x-api-key"), "{copies:?}");
        }
        assert_eq!(applied("x_api_key", &[("x-api-key", "1")]), ours("x_api_key"));
        assert_eq!(applied("Authorization", &[("authorization", "1")]), ours("authorization"));
    }

    #[test]
    fn other_headers_stay() {
        let sent =
            applied("X-Api-Key", &[("x-api-keys", "1"), ("xapikey", "2"), ("authorization", "3")]);
        assert_eq!(sent.len(), 4);
    }

    #[test]
    fn nothing_injected_changes_nothing() {
        let none = Scheme::None.prepare(&Credential::default()).unwrap();
        let mut headers = HeaderMap::new();
        headers.append("authorization", HeaderValue::from_static("theirs"));
        headers.append(COOKIE, HeaderValue::from_static("a=1"));
        headers.append(COOKIE, HeaderValue::from_static("b=2"));
        assert_eq!(put(&none, &headers), headers);
        assert_eq!(none.query(Some("a=1")), None);
        assert_eq!(none.redact("/a?key=1"), None);
    }

    #[test]
    fn trailers_may_not_carry_what_is_injected() {
        let name = |it: &str| HeaderName::try_from(it).unwrap();
        let header = prepared(Place::Header, "X-Api-Key");
        assert!(
            header.injects_header(&name("x-api-key")) && header.injects_header(&name("x_api_key"))
        );
        assert!(!header.injects_header(&name("x-api")) && !header.injects_header(&name("cookie")));
        assert!(prepared(Place::Cookie, "sid").injects_header(&name("cookie")));
        assert!(!prepared(Place::Query, "sid").injects_header(&name("sid")));
    }

    #[test]
    fn a_reflected_key_is_taken_out() {
        let query = prepared(Place::Query, "api_key");
        assert_eq!(query.redact("/n?page=2&api_key=0ur-s3cr3t").as_deref(), Some("/n?page=2"));
        assert_eq!(query.redact("/n?next=%2F0ur-s3cr3t").as_deref(), Some("/n?next=%2Fredacted"));
        assert_eq!(query.redact("/n?page=2"), None);
    }

    #[test]
    fn nothing_prints_a_value() {
        for place in [Place::Header, Place::Query, Place::Cookie] {
            let prepared = prepared(place, "sid");
            let mut headers = HeaderMap::new();
            headers.append(COOKIE, HeaderValue::from_static("a=1"));
            let headers = put(&prepared, &headers);
            let printed = format!("{prepared:?} {headers:?} {:?}", prepared.describe());
            assert!(!printed.contains("0ur-s3cr3t"), "{printed}");
            assert!(printed.contains("sid"));
        }
    }
}
