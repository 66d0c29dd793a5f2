//! Recipes run over requests that are never sent.
mod bodies;
mod clients;
mod settings;
mod templates;
mod vectors;

use super::RawSignedRequest;
use super::SignedRequest;
use crate::auth::BodyUse;
use crate::auth::Draft;
use crate::auth::Moment;
use crate::auth::Prepared;
use crate::auth::Scheme;
use crate::auth::SignError;
use crate::model::Credential;
use crate::model::Origin;
use crate::model::UnixTime;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use std::sync::Arc;

/// One request, the recipe that signs it, and when.
#[derive(Clone, Copy)]
struct Case<'a> {
    recipe: &'a str,
    credential: &'a [(&'a str, &'a str)],
    method: &'a str,
    url: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: &'a [u8],
    ms: u64,
    random: [u8; 16],
}

const PLAIN: Case<'static> = Case {
    recipe: "",
    credential: &[("secret", "s3cr3t")],
    method: "GET",
    url: "https://api.test/v1/things?b=2&a=1",
    headers: &[],
    body: b"",
    ms: 1_700_000_000_123,
    random: *b"0123456789abcdef",
};

/// What goes out.
#[derive(Debug)]
struct Sent {
    query: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Sent {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().filter(|it| it.0 == name);
        let [(_, value)] = &found.collect::<Vec<_>>()[..] else {
            panic!("{name} is there once in {self:?}")
        };
        value
    }
}

fn raw(yaml: &str) -> RawSignedRequest {
    serde_yaml::from_str(yaml).unwrap()
}

fn scheme(yaml: &str) -> Scheme {
    let recipe = SignedRequest::try_from(raw(yaml)).unwrap_or_else(|it| panic!("{it:#?}"));
    Scheme::SignedRequest(Arc::new(recipe))
}

fn prepared(yaml: &str, credential: &[(&str, &str)]) -> Prepared {
    let credential: Credential = credential.iter().copied().collect();
    scheme(yaml).prepare(&credential).unwrap()
}

impl Case<'_> {
    fn sent(&self) -> Sent {
        self.signed().unwrap()
    }

    fn signed(&self) -> Result<Sent, SignError> {
        self.signed_by(&prepared(self.recipe, self.credential))
    }

    /// As the proxy does it: the body in pieces through the feeds, or whole, or not at all.
    fn signed_by(&self, prepared: &Prepared) -> Result<Sent, SignError> {
        let at = self.url.find('/').unwrap() + 2;
        let (host, target) = self.url[at..].split_once('/').unwrap();
        let origin = Origin::parse(&self.url[..at + host.len()]).unwrap();
        let target = format!("/{target}");
        let (path, query) =
            target.split_once('?').map_or((&*target, None), |it| (it.0, Some(it.1)));
        let field = |name: &str, value: &str| {
            (
                HeaderName::try_from(name).unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            )
        };
        let mut fields = vec![field("host", host)];
        fields.extend(self.headers.iter().map(|it| field(it.0, it.1)));
        let ours = |name: &HeaderName| prepared.injects_header(name);
        fields.retain(|it| !ours(&it.0));
        let method = Method::try_from(self.method).unwrap();
        let mut draft = Draft::new(&method, &origin, path, query, fields);
        let moment = Moment { now: UnixTime::from_ms(self.ms), random: self.random };
        let [signer] = prepared.signers() else { panic!("one signer") };
        let body_use = signer.body_use(&origin, &method, &HeaderMap::new());
        draft.body_len = Some(self.body.len() as u64);
        if body_use == BodyUse::Whole && !self.body.is_empty() {
            draft.body = Some(self.body);
        }
        let mut fed = signer.begin(&draft, &moment)?;
        if body_use >= BodyUse::Fed {
            self.body.chunks(3).for_each(|piece| fed.iter_mut().for_each(|it| it.update(piece)));
        }
        signer.sign(&mut draft, &moment, fed)?;
        let text = |it: &HeaderValue| String::from_utf8_lossy(it.as_bytes()).into_owned();
        Ok(Sent {
            query: draft.query().unwrap_or_default().to_owned(),
            headers: draft.fields().iter().map(|it| (it.0.to_string(), text(&it.1))).collect(),
            body: draft.new_body.as_ref().map(|it| it.to_vec()),
        })
    }

    fn body_use(&self) -> BodyUse {
        let prepared = prepared(self.recipe, self.credential);
        let method = Method::try_from(self.method).unwrap();
        let origin = Origin::parse("https://api.test").unwrap();
        prepared.signers()[0].body_use(&origin, &method, &HeaderMap::new())
    }
}
