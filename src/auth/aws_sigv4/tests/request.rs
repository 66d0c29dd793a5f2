//! A request that is signed in a test, and what comes of it.
use crate::auth::AwsSigv4;
use crate::auth::BodyUse;
use crate::auth::Draft;
use crate::auth::Moment;
use crate::auth::Prepared;
use crate::auth::RawAwsSigv4;
use crate::auth::Scheme;
use crate::auth::SignError;
use crate::auth::Signer;
use crate::auth::aws_sigv4::Chunks;
use crate::model::Credential;
use crate::model::Origin;
use crate::model::UnixTime;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use std::sync::Arc;

/// 2015-08-30T12:36:00Z, as in the published vectors.
pub const NOW: UnixTime = UnixTime::from_s(1_440_938_160);

#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    pub host: String,
    pub path: String,
    pub query: Option<String>,
    /// Without Host.
    pub fields: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
    pub now: UnixTime,
}

/// What went out.
#[derive(Debug)]
pub struct Sent {
    pub fields: Vec<(HeaderName, HeaderValue)>,
    pub query: Option<String>,
    pub chunks: Option<Box<Chunks>>,
}

impl Request {
    pub fn new(method: &str, host: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').map_or((target, None), |it| (it.0, Some(it.1)));
        Self {
            method: method.parse().unwrap(),
            host: host.to_owned(),
            path: path.to_owned(),
            query: query.map(str::to_owned),
            fields: Vec::new(),
            body: Vec::new(),
            now: NOW,
        }
    }

    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.as_bytes().to_vec()));
        self
    }

    pub fn body(mut self, body: &str) -> Self {
        self.body = body.as_bytes().to_vec();
        self
    }

    pub fn at(mut self, now: u64) -> Self {
        self.now = UnixTime::from_s(now);
        self
    }

    pub fn headers(&self) -> HeaderMap {
        let fields = self.fields.iter().map(|(name, value)| {
            (HeaderName::try_from(name).unwrap(), HeaderValue::from_bytes(value).unwrap())
        });
        let mut headers: HeaderMap = fields.collect();
        if !self.body.is_empty() {
            headers.insert("content-length", self.body.len().into());
        }
        headers
    }

    fn origin(&self) -> Origin {
        Origin::parse(&format!("https://{}", self.host)).unwrap()
    }

    pub fn body_use(&self, prepared: &Prepared) -> BodyUse {
        signer(prepared).body_use(&self.origin(), &self.method, &self.headers())
    }

    pub fn signed(&self, prepared: &Prepared) -> Result<Sent, SignError> {
        let [signer] = prepared.signers() else { panic!("there is one signer") };
        let origin = self.origin();
        let host = (HeaderName::from_static("host"), self.host.parse().unwrap());
        let dropped = signer.headers();
        let theirs = self.fields.iter().map(|(name, value)| {
            (HeaderName::try_from(name).unwrap(), HeaderValue::from_bytes(value).unwrap())
        });
        let theirs = theirs.filter(|it| !dropped.contains(&it.0));
        let fields = [host].into_iter().chain(theirs).collect();
        let mut draft =
            Draft::new(&self.method, &origin, &self.path, self.query.as_deref(), fields);
        draft.body_len = Some(self.body.len() as u64);
        let moment = Moment { now: self.now, random: [7; 16] };
        let mut fed = signer.begin(&draft, &moment)?;
        fed.iter_mut().for_each(|it| it.update(&self.body));
        if !self.body.is_empty() {
            let is_fed = self.body_use(prepared) == BodyUse::Fed;
            assert_eq!(is_fed, !fed.is_empty(), "what is read is what is asked for");
        }
        signer.sign(&mut draft, &moment, fed)?;
        Ok(Sent {
            fields: draft.fields().to_vec(),
            query: draft.query().map(str::to_owned),
            chunks: draft.chunks.take(),
        })
    }
}

impl Sent {
    pub fn value(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|it| it.0 == name);
        let value = values.next()?;
        assert!(values.next().is_none(), "{name} is sent once");
        Some(value.1.to_str().unwrap())
    }

    /// The signature in hex, wherever it stands.
    pub fn signature(&self) -> &str {
        let (text, mark) = match &self.query {
            Some(query) if query.contains("X-Amz-Signature=") => (&**query, "X-Amz-Signature="),
            _ => (self.value("authorization").unwrap(), "Signature="),
        };
        let at = text.rfind(mark).unwrap() + mark.len();
        text[at..].split('&').next().unwrap()
    }
}

pub fn scheme(raw: RawAwsSigv4) -> Scheme {
    Scheme::AwsSigv4(Arc::new(AwsSigv4::try_from(raw).unwrap()))
}

/// Keys as credentials have them: `session_token` only where it is not empty.
pub fn prepared(raw: RawAwsSigv4, id: &str, secret: &str, token: &str) -> Prepared {
    let mut fields = vec![("access_key_id", id), ("secret_access_key", secret)];
    if !token.is_empty() {
        fields.push(("session_token", token));
    }
    scheme(raw).prepare(&Credential::from_iter(fields)).unwrap()
}

/// Settings as in a file.
pub fn raw(yaml: &str) -> RawAwsSigv4 {
    serde_yaml::from_str(yaml).unwrap()
}

pub fn signer(prepared: &Prepared) -> &Signer {
    &prepared.signers()[0]
}
