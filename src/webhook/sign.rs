//! Deliveries made as a sender makes them, to try a receiver with.
use super::clock::Clock;
use super::clock::ClockAt;
use super::delivery::Delivery;
use super::delivery::Facts;
use super::key::Signer;
use super::key::sha256;
use super::raw::Algorithm;
use super::refusal::Refusal;
use super::rules::BoundAt;
use super::rules::Expected;
use super::rules::Rules;
use super::signature;
use super::signature::At;
use super::signature::Place;
use super::signature::Shape;
use super::spot::Spot;
use super::template::Value;
use super::verify::Verifier;
use crate::model::UnixTime;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;

/// A request that is to be signed.
#[derive(Clone, Copy, Debug)]
pub struct Unsigned<'a> {
    pub method: &'a str,
    /// The public URL that the sender is to call, with its query.
    pub url: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

/// The request with its signature: the same body, more headers, perhaps more of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub headers: HeaderMap,
    pub url: String,
    pub body: Vec<u8>,
}

/// Why a request cannot be signed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotSign {
    #[error("no alternative of the description is for requests of this shape")]
    Shape,
    #[error("the sender signs with a private key, which only the sender has")]
    PrivateKey,
    #[error("the secret is not there yet: the sender hands it over")]
    NoSecret,
    #[error("the signature is a token (JWT), which is not made here")]
    Token,
    #[error("the signature or its clock is in the body, which is signed as it is given")]
    InBody,
    #[error("the signature is in the URL that it signs")]
    InUrl,
    #[error("something to be signed is not in the request, or there twice")]
    Value,
    #[error("what was signed does not verify: {0}")]
    Refused(Refusal),
}

impl Verifier {
    /// Signs with the first secret, at this moment, so that `verify` takes it then. Headers that
    /// are to have a fixed value are added, as is an id that is signed and not given.
    pub fn sign(&self, unsigned: Unsigned<'_>, now: UnixTime) -> Result<Signed, CannotSign> {
        let query = |url: &str| url.split_once('?').map_or(String::new(), |it| it.1.to_owned());
        let mut signed = Signed {
            headers: unsigned.headers.clone(),
            url: unsigned.url.to_owned(),
            body: unsigned.body.to_vec(),
        };
        let first = query(&signed.url);
        let delivery = Delivery {
            method: unsigned.method,
            url: &signed.url,
            query: &first,
            headers: unsigned.headers,
            body: unsigned.body,
        };
        let way = self.way(&delivery).ok_or(CannotSign::Shape)?;
        let rules = &self.description.0.ways[way];
        signable(rules)?;
        let signers = &self.signers[way];
        if signers.is_empty() {
            return Err(CannotSign::NoSecret);
        }
        let time = rules.clock.as_ref().map(|it| it.written(now));
        self.prepare(rules, &mut signed, time.as_deref())?;
        let before = query(&signed.url);
        let mut headers = signed.headers.clone();
        let mut url = signed.url.clone();
        for place in &rules.places {
            let index = place.secret.unwrap_or(0);
            let Some(signer) = signers.get(index) else {
                continue;
            };
            let delivery = Delivery {
                method: unsigned.method,
                url: &signed.url,
                query: &before,
                headers: &signed.headers,
                body: &signed.body,
            };
            let account = self.account.as_deref();
            let facts = Facts { timestamp: time.as_deref(), account, ..Facts::of(&delivery) };
            let text = match (signer, place.encoding) {
                (Signer::Token { shown, .. }, None) => {
                    str::from_utf8(shown).map_err(|_| CannotSign::Value)?.to_owned()
                }
                (Signer::Token { shown, .. }, Some(encoding)) => {
                    signature::encoded(encoding, shown)
                }
                (Signer::Hmac(_) | Signer::Hash { .. }, encoding) => {
                    let content = rules.content.pieces(&facts).map_err(|_| CannotSign::Value)?;
                    let tag = signer.tag(&content);
                    let digest = &tag[..rules.algorithm.digest_len()];
                    signature::encoded(encoding.unwrap_or_default(), digest)
                }
                (Signer::Public(_) | Signer::Jwt { .. }, _) => return Err(CannotSign::PrivateKey),
            };
            let text = written(place, &text, rules.clock.as_ref(), time.as_deref());
            put(place, &text, &mut headers, &mut url)?;
        }
        signed.headers = headers;
        signed.url = url;
        self.prove(unsigned.method, &signed, now)?;
        Ok(signed)
    }

    /// What has to be in the request before it is signed.
    fn prepare(
        &self,
        rules: &Rules,
        signed: &mut Signed,
        time: Option<&str>,
    ) -> Result<(), CannotSign> {
        for (name, expected) in &rules.require {
            let account = self.account.as_deref().unwrap_or_default();
            let value = match expected {
                Expected::Exactly(value) => HeaderValue::from_bytes(value),
                Expected::Account(before, behind) => {
                    HeaderValue::from_bytes([&**before, account, &**behind].concat().as_bytes())
                }
            };
            signed.headers.insert(name.clone(), value.map_err(|_| CannotSign::Value)?);
        }
        match (rules.clock.as_ref().map(|it| &it.at), time) {
            // A clock within the signed body is as it is given.
            (Some(ClockAt::Spot(Spot::Json(_) | Spot::Form(_))), _) => {}
            (Some(ClockAt::Spot(spot)), Some(time)) => add(spot, time, signed)?,
            (Some(ClockAt::Label(_) | ClockAt::Claim(_)), _) | (None, _) | (_, None) => {}
        }
        if let Some(bind) = &rules.bind {
            let BoundAt::Spot(spot) = &bind.at else {
                return Err(CannotSign::Token);
            };
            let digest = signature::encoded(bind.encoding, &bind.made(&signed.body));
            add(spot, &digest, signed)?;
        }
        // An id of one's own: the same for the same body at the same time.
        for slot in rules.content.certain() {
            if let Value::Header(name) = &slot.value
                && !signed.headers.contains_key(name)
            {
                let seed = [time.unwrap_or_default().as_bytes(), &signed.body].concat();
                let id = format!("msg_{}", &hex::encode(sha256(&seed))[..24]);
                let value = HeaderValue::try_from(id).map_err(|_| CannotSign::Value)?;
                signed.headers.insert(name.clone(), value);
            }
        }
        Ok(())
    }

    fn prove(&self, method: &str, signed: &Signed, now: UnixTime) -> Result<(), CannotSign> {
        let delivery = Delivery {
            method,
            url: &signed.url,
            query: signed.url.split_once('?').map_or("", |it| it.1),
            headers: &signed.headers,
            body: &signed.body,
        };
        self.verify(&delivery, now, None).map(drop).map_err(CannotSign::Refused)
    }
}

fn signable(rules: &Rules) -> Result<(), CannotSign> {
    match rules.algorithm {
        Algorithm::Ed25519 | Algorithm::EcdsaP256 | Algorithm::RsaSha256 | Algorithm::RsaSha1 => {
            return Err(CannotSign::PrivateKey);
        }
        Algorithm::Jwt => return Err(CannotSign::Token),
        Algorithm::HmacSha256
        | Algorithm::HmacSha1
        | Algorithm::HmacSha512
        | Algorithm::Sha256
        | Algorithm::Token => {}
    }
    let in_body = |it: &Spot| matches!(it, Spot::Form(_) | Spot::Json(_));
    let clock_in_body = rules.clock.as_ref().is_some_and(|it| match &it.at {
        ClockAt::Spot(spot) => {
            in_body(spot) && rules.content.values().any(|it| *it == Value::Timestamp)
        }
        ClockAt::Label(_) | ClockAt::Claim(_) => false,
    });
    let place_in_body = rules.places.iter().any(|it| match &it.at {
        At::Spot(spot) => in_body(spot),
        At::Body => true,
    });
    let in_query = |it: &Place| matches!(it.at, At::Spot(Spot::Query(_)));
    let signs_query = |it: &Value| matches!(it, Value::Url | Value::UrlPath | Value::QuerySorted);
    if clock_in_body || place_in_body {
        Err(CannotSign::InBody)
    } else if rules.places.iter().any(in_query) && rules.content.values().any(signs_query) {
        Err(CannotSign::InUrl)
    } else {
        Ok(())
    }
}

/// The place's text, as a sender of this description writes it.
fn written(place: &Place, text: &str, clock: Option<&Clock>, time: Option<&str>) -> String {
    match &place.shape {
        Shape::Whole { prefix } => format!("{prefix}{text}"),
        Shape::List(list) => {
            let clock = match clock.map(|it| &it.at) {
                Some(ClockAt::Label(label)) => {
                    format!("{label}{}{}", time.unwrap_or_default(), list.separator)
                }
                Some(ClockAt::Spot(_) | ClockAt::Claim(_)) | None => String::new(),
            };
            format!("{clock}{}{text}", list.label)
        }
    }
}

fn put(
    place: &Place,
    text: &str,
    headers: &mut HeaderMap,
    url: &mut String,
) -> Result<(), CannotSign> {
    match &place.at {
        At::Spot(Spot::Header(name)) => insert(headers, name, text),
        At::Spot(Spot::Query(name)) => {
            *url = with_query(url, name, text);
            Ok(())
        }
        At::Spot(Spot::Form(_) | Spot::Json(_)) | At::Body => Err(CannotSign::InBody),
    }
}

fn add(spot: &Spot, text: &str, signed: &mut Signed) -> Result<(), CannotSign> {
    match spot {
        Spot::Header(name) => insert(&mut signed.headers, name, text),
        Spot::Query(name) => {
            signed.url = with_query(&signed.url, name, text);
            Ok(())
        }
        Spot::Form(_) | Spot::Json(_) => Err(CannotSign::InBody),
    }
}

fn insert(headers: &mut HeaderMap, name: &HeaderName, text: &str) -> Result<(), CannotSign> {
    let value = HeaderValue::try_from(text).map_err(|_| CannotSign::Value)?;
    headers.insert(name.clone(), value);
    Ok(())
}

fn with_query(url: &str, name: &str, text: &str) -> String {
    let mark = if url.contains('?') { '&' } else { '?' };
    let pair =
        url::form_urlencoded::Serializer::new(String::new()).append_pair(name, text).finish();
    format!("{url}{mark}{pair}")
}
