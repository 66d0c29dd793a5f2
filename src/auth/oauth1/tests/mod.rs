//! OAuth 1.0a against its published examples, and against what servers read.
mod places;
mod properties;
mod settings;
mod signer;
mod vectors;

use super::super::Draft;
use super::super::Moment;
use super::super::SignError;
use super::super::Signer;
use super::Oauth1;
use super::Oauth1Signer;
use super::RawOauth1;
use super::signer::Own;
use crate::model::Credential;
use crate::model::Origin;
use crate::model::UnixTime;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use std::sync::Arc;

/// A request before it is signed.
#[derive(Clone)]
struct Request<'a> {
    method: Method,
    url: &'a str,
    /// Of the body.
    content_type: Option<&'a str>,
    body: &'a [u8],
}

/// What goes out.
#[derive(Debug, PartialEq, Eq)]
struct Sent {
    /// The value of the Authorization field.
    authorization: Option<String>,
    query: Option<String>,
    body: Vec<u8>,
    content_type: Option<String>,
}

const GET: Request<'_> =
    Request { method: Method::GET, url: "https://api.example/", content_type: None, body: b"" };

fn settings(yaml: &str) -> Oauth1 {
    let raw: RawOauth1 = serde_yaml::from_str(yaml).unwrap();
    Oauth1::try_from(raw).unwrap()
}

/// `a=b c=d` as credential fields.
fn credential(fields: &str) -> Credential {
    fields.split_whitespace().map(|it| it.split_once('=').unwrap()).collect()
}

fn signer(yaml: &str, fields: &str) -> Arc<Oauth1Signer> {
    signer_with(yaml, &credential(fields), &[])
}

fn signer_with(
    yaml: &str,
    credential: &Credential,
    parameters: &[(&'static str, &str)],
) -> Arc<Oauth1Signer> {
    let Signer::Oauth1(signer) = settings(yaml).signing(credential, parameters).unwrap() else {
        panic!("a signer of this type")
    };
    signer
}

impl Request<'_> {
    /// Hands the request, as a hub would, to `act`.
    fn drafted<R>(&self, act: impl FnOnce(&mut Draft<'_>) -> R) -> R {
        let (scheme, rest) = self.url.split_once("://").unwrap();
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(at);
        let origin = Origin::parse(&format!("{scheme}://{authority}")).unwrap();
        let (path, query) = target.split_once('?').map_or((target, None), |it| (it.0, Some(it.1)));
        let mut fields = vec![(http::header::HOST, HeaderValue::from_str(authority).unwrap())];
        fields.extend(
            self.content_type
                .map(|it| (http::header::CONTENT_TYPE, HeaderValue::from_str(it).unwrap())),
        );
        let mut draft = Draft::new(&self.method, &origin, path, query, fields);
        draft.body_len = Some(self.body.len() as u64);
        draft.body = (!self.body.is_empty()).then_some(self.body);
        act(&mut draft)
    }

    fn signed_as(&self, signer: &Oauth1Signer, own: &Own<'_>) -> Sent {
        self.drafted(|draft| {
            signer.sign_as(draft, own).unwrap();
            self.sent(draft)
        })
    }

    /// Signed as the hub has it done.
    fn signed(&self, signer: &Oauth1Signer) -> Result<Sent, SignError> {
        let moment = Moment { now: UnixTime::from_s(1_700_000_000), random: [0xa5; 16] };
        self.drafted(|draft| {
            let mut fed = signer.begin(draft, &moment)?;
            fed.iter_mut().for_each(|it| it.update(self.body));
            signer.sign(draft, &moment, fed)?;
            Ok(self.sent(draft))
        })
    }

    fn base_string(&self, signer: &Oauth1Signer, own: &Own<'_>) -> String {
        let base = self.drafted(|draft| signer.base_string(draft, own));
        String::from_utf8(base).unwrap()
    }

    fn sent(&self, draft: &Draft<'_>) -> Sent {
        let text = |name: HeaderName| {
            let mut values = draft.values(&name).map(|it| it.to_str().unwrap().to_owned());
            let value = values.next();
            assert_eq!(values.next(), None, "{name} goes out once");
            value
        };
        Sent {
            authorization: text(http::header::AUTHORIZATION),
            query: draft.query().map(str::to_owned),
            body: draft.new_body.as_deref().unwrap_or(self.body).to_vec(),
            content_type: text(http::header::CONTENT_TYPE),
        }
    }
}

fn own<'a>(timestamp: &'a str, nonce: &'a str) -> Own<'a> {
    Own { timestamp: timestamp.as_bytes(), nonce: nonce.as_bytes(), body_hash: None }
}

impl Sent {
    /// A parameter of the Authorization field, as it is written there.
    fn parameter(&self, name: &str) -> Option<&str> {
        let field = self.authorization.as_deref()?;
        let (_, rest) = field.split_once(&format!("{name}=\""))?;
        rest.split_once('"').map(|it| it.0)
    }
}
