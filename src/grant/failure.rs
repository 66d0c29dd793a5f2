//! Whether an answer of the API means that it did not take the token.
use super::reply::as_text;
use super::settings::Failure;
use super::settings::Oauth2;
use http::HeaderMap;
use serde_json::Value;

/// How much of a body is looked at, in bytes.
pub const FAILURE_BODY_LEN_MAX: usize = 64 << 10;

impl Oauth2 {
    /// Whether the body of an answer with this status (of any, where none is given) has to be looked at:
    /// only where a body is declared for it.
    pub fn failure_reads_body(&self, status: Option<u16>) -> bool {
        reads_body(&self.0.auth_failure, status)
    }

    /// Whether the API did not take the token. `body` is empty where it was not looked at; one of more than
    /// `FAILURE_BODY_LEN_MAX` bytes says nothing.
    pub fn is_auth_failure(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> bool {
        is_failure(&self.0.auth_failure, status, headers, body)
    }
}

pub(super) fn reads_body(failures: &[Failure], status: Option<u16>) -> bool {
    let is_here = |it: &Failure| it.status.is_none() || status.is_none() || it.status == status;
    let here = failures.iter().filter(|it| is_here(it));
    here.map(|it| &it.body).any(Option::is_some)
}

pub(super) fn is_failure(
    failures: &[Failure],
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) -> bool {
    let is_read = !body.is_empty() && body.len() <= FAILURE_BODY_LEN_MAX;
    let json = match is_read && reads_body(failures, Some(status)) {
        true => serde_json::from_slice(body).ok(),
        false => None,
    };
    failures.iter().any(|it| it.applies(status, headers, json.as_ref()))
}

impl Failure {
    fn applies(&self, status: u16, headers: &HeaderMap, json: Option<&Value>) -> bool {
        let header = self.header.as_ref().is_none_or(|(name, contains)| {
            headers.get_all(name).iter().any(|value| match contains {
                None => true,
                Some(contains) => {
                    String::from_utf8_lossy(value.as_bytes()).to_lowercase().contains(&**contains)
                }
            })
        });
        let body = self.body.as_ref().is_none_or(|(pointer, equals)| {
            let value = json.and_then(|it| it.pointer(pointer)).filter(|it| !it.is_null());
            match (value, equals) {
                (None, _) => false,
                (Some(_), None) => true,
                (Some(value), Some(equals)) => as_text(value).as_deref() == Some(&**equals),
            }
        });
        self.status.is_none_or(|it| it == status) && header && body
    }
}
