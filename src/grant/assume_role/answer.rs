//! What the answer says: lent keys, or why there are none; and whether an API no longer takes them.
use super::settings::AssumeRole;
use super::xml;
use crate::grant::answer::wish;
use crate::grant::conceal::conceal;
use crate::grant::expiry;
use crate::grant::failure::FAILURE_BODY_LEN_MAX;
use crate::grant::outcome::Fault;
use crate::grant::outcome::Outcome;
use crate::grant::outcome::Why;
use crate::grant::reply::REPLY_LEN_MAX;
use crate::grant::reply::ReplyFault;
use crate::grant::reply::shown;
use crate::grant::session::Session;
use crate::grant::token_set::Expiry;
use crate::model::Credential;
use crate::model::Secret;
use crate::model::UnixTime;
use http::HeaderMap;
use http::header::RETRY_AFTER;

/// The keys that ask are no good, and will not be.
const DEAD: [&str; 4] =
    ["InvalidClientTokenId", "InvalidAccessKeyId", "UnrecognizedClientException", "ExpiredToken"];
/// A signature that does not fit. With these words beside it, it is the clock.
const UNSIGNED: &str = "SignatureDoesNotMatch";
const OF_THE_CLOCK: [&str; 2] = ["Signature expired", "Signature not yet current"];
/// Too many messages, told by 400.
const THROTTLED: [&str; 3] = ["Throttling", "ThrottlingException", "RequestLimitExceeded"];

/// What APIs answer when lent keys have ended or were withdrawn, in XML, in JSON or in X-Amzn-ErrorType.
/// Sources: Amazon S3 API Reference, "Error responses"; "Common Errors" of each other service.
const REFUSED: [&str; 7] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidToken",
    "TokenRefreshRequired",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "UnrecognizedClientException",
];
const REFUSED_AS: [u16; 3] = [400, 401, 403];
const TYPES: [&[u8]; 4] =
    [b"application/xml", b"text/xml", b"application/x-amz-json-1.0", b"application/x-amz-json-1.1"];
const ERROR_TYPE: &str = "x-amzn-errortype";

impl AssumeRole {
    /// Reads an answer. `held`: what the holder has, so that none of it is told; `asked_at`: before the message was sent.
    pub fn answered(
        &self,
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
        held: &Credential,
        asked_at: UnixTime,
    ) -> Result<Session, Outcome> {
        let again = |fault, why| Outcome::TryAgain { after: None, fault, why };
        if body.len() > REPLY_LEN_MAX {
            let why = Why::Unreadable { status, fault: ReplyFault::TooLong };
            return Err(again(Fault::Provider, why));
        }
        let text = std::str::from_utf8(body).unwrap_or_default();
        if status == 200 {
            let session = self.session(text);
            return session.ok_or_else(|| again(Fault::Provider, Why::NoToken { status }));
        }
        let after = headers.get(RETRY_AFTER).and_then(|it| it.to_str().ok());
        let after = after.and_then(|it| wish(it, asked_at));
        let error = xml::inside(text, "Error").unwrap_or_default();
        let code = xml::text(error, "Code").unwrap_or_default();
        let words = xml::text(error, "Message").unwrap_or_default();
        let is_clock = OF_THE_CLOCK.iter().any(|it| words.starts_with(it));
        let is_dead = DEAD.contains(&&*code) || code == UNSIGNED && !is_clock;
        if matches!(status, 429 | 503) || THROTTLED.contains(&&*code) {
            return Err(Outcome::TryAgain {
                after,
                fault: Fault::Provider,
                why: Why::Busy { status },
            });
        }
        if (300..=399).contains(&status) {
            return Err(again(Fault::Operator, Why::Redirected { status }));
        }
        if status >= 500 {
            return Err(Outcome::TryAgain {
                after,
                fault: Fault::Provider,
                why: Why::Broken { status },
            });
        }
        if code.is_empty() {
            return Err(again(Fault::Operator, Why::NoToken { status }));
        }
        let told = |it: &str| Some(shown(&conceal(it, held, &[]))).filter(|it| !it.is_empty());
        let error = told(&code).unwrap_or_default();
        let why = Why::Refused { status, error, description: told(&words) };
        match is_dead {
            true => Err(Outcome::AuthorizeAgain { why }),
            // A trust policy may be mended over there.
            false => Err(again(Fault::Operator, why)),
        }
    }

    fn session(&self, text: &str) -> Option<Session> {
        let result = xml::inside(text, "AssumeRoleResult")?;
        let lent = xml::inside(result, "Credentials")?;
        let mut values = Credential::default();
        let names = ["AccessKeyId", "SecretAccessKey", "SessionToken"];
        for (name, field) in names.into_iter().zip(self.key_fields()) {
            let value = xml::text(lent, name).filter(|it| !it.is_empty())?;
            values.insert(field, vec![Secret::new(value)]);
        }
        let ends = expiry::date(&xml::text(lent, "Expiration")?)?;
        Some(Session { values, expiry: Expiry::At(ends) })
    }

    /// Whether the body of an answer of the API with this status (of any, where none is given) has to be looked at.
    pub fn failure_reads_body(&self, status: Option<u16>) -> bool {
        status.is_none_or(|it| REFUSED_AS.contains(&it))
    }

    /// Whether a body of this media type may say it, besides JSON: in lower case, without parameters.
    pub fn reads_type(essence: &[u8]) -> bool {
        TYPES.contains(&essence)
    }

    /// Whether the API did not take the lent keys. `body` is empty where it was not looked at.
    pub fn is_auth_failure(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> bool {
        if !REFUSED_AS.contains(&status) {
            return false;
        }
        if let Some(code) = headers.get(ERROR_TYPE).and_then(|it| it.to_str().ok()) {
            return REFUSED.contains(&bare(code));
        }
        let text = match std::str::from_utf8(body) {
            Ok(text) if text.len() <= FAILURE_BODY_LEN_MAX => text,
            _ => return false,
        };
        let code = match text.trim_start().starts_with('{') {
            true => in_json(text),
            false => xml::inside(text, "Error").and_then(|it| xml::text(it, "Code")),
        };
        code.is_some_and(|it| REFUSED.contains(&bare(&it)))
    }
}

fn in_json(text: &str) -> Option<String> {
    let json: serde_json::Value = serde_json::from_str(text).ok()?;
    let code = ["__type", "code", "Code"].iter().find_map(|it| json.get(it)?.as_str());
    code.map(str::to_owned)
}

/// `com.amazon.coral.service#ExpiredTokenException`, `ExpiredToken:http://…`: what stands between.
fn bare(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or_default();
    code.rsplit('#').next().unwrap_or_default().trim()
}
