//! Signatures of requests that are never sent.
mod appendix_b;
mod components;
mod settings;

use super::HttpSignature;
use super::RawHttpSignature;
use crate::auth::BodyUse;
use crate::auth::Draft;
use crate::auth::Moment;
use crate::auth::Prepared;
use crate::auth::Scheme;
use crate::auth::SignError;
use crate::auth::Signer;
use crate::model::Credential;
use crate::model::Origin;
use crate::model::UnixTime;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use std::sync::Arc;

/// The moment of appendix B's signatures.
const CREATED: u64 = 1_618_884_473;

/// One request.
#[derive(Clone, Copy)]
struct Request<'a> {
    method: &'a str,
    url: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: &'a [u8],
}

const PLAIN: Request<'static> =
    Request { method: "GET", url: "https://www.example.com/path", headers: &[], body: b"" };

/// What goes out.
#[derive(Debug)]
struct Sent(Vec<(String, String)>);

impl Sent {
    fn header(&self, name: &str) -> &str {
        let found: Vec<_> = self.0.iter().filter(|it| it.0 == name).collect();
        let [(_, value)] = found[..] else { panic!("{name} is there once in {self:?}") };
        value
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|it| it.0 == name)
    }

    /// The signature's bytes.
    fn signature(&self, label: &str) -> Vec<u8> {
        let value = self.header("signature").strip_prefix(&format!("{label}=:")).unwrap();
        let value = value.strip_suffix(':').unwrap();
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, value).unwrap()
    }
}

fn raw(yaml: &str) -> RawHttpSignature {
    serde_yaml::from_str(yaml).unwrap()
}

fn prepared(yaml: &str, credential: &[(&str, &str)]) -> Prepared {
    let settings = HttpSignature::try_from(raw(yaml)).unwrap_or_else(|it| panic!("{it:#?}"));
    let scheme = Scheme::HttpSignature(Arc::new(settings));
    scheme.prepare(&credential.iter().copied().collect::<Credential>()).unwrap()
}

impl Request<'_> {
    fn with<T>(&self, ours: &dyn Fn(&HeaderName) -> bool, run: impl FnOnce(Draft<'_>) -> T) -> T {
        let at = self.url.find('/').unwrap() + 2;
        let (host, target) = self.url[at..].split_once('/').unwrap();
        let origin = Origin::parse(&self.url[..at + host.len()].to_ascii_lowercase()).unwrap();
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
        fields.retain(|it| !ours(&it.0));
        let method = Method::try_from(self.method).unwrap();
        let mut draft = Draft::new(&method, &origin, path, query, fields);
        draft.body_len = Some(self.body.len() as u64);
        run(draft)
    }

    /// As the proxy does it, the body in pieces.
    fn signed_by(&self, prepared: &Prepared) -> Result<Sent, SignError> {
        let [signer] = prepared.signers() else { panic!("one signer") };
        self.with(&|name| prepared.injects_header(name), |mut draft| {
            let moment = Moment { now: UnixTime::from_s(CREATED), random: *b"0123456789abcdef" };
            let mut fed = signer.begin(&draft, &moment)?;
            let body_use = signer.body_use(draft.origin, draft.method, &HeaderMap::new());
            assert_eq!(fed.is_empty(), body_use == BodyUse::Untouched);
            self.body.chunks(5).for_each(|piece| fed.iter_mut().for_each(|it| it.update(piece)));
            signer.sign(&mut draft, &moment, fed)?;
            let text = |it: &HeaderValue| String::from_utf8_lossy(it.as_bytes()).into_owned();
            Ok(Sent(draft.fields().iter().map(|it| (it.0.to_string(), text(&it.1))).collect()))
        })
    }
}
