//! Whole messages and whole answers, as the RFCs print them and as providers send them.
mod answers;
mod credentials;
mod messages;
mod properties;
mod providers;
mod redirects;
mod refused_settings;
mod signatures;

use super::Answer;
use super::Ask;
use super::Oauth2;
use super::Occasion;
use super::Outcome;
use super::RawOauth2;
use super::TokenRequest;
use crate::model::Credential;
use crate::model::UnixTime;
use http::HeaderMap;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

pub(super) const NOW: UnixTime = UnixTime::from_s(1_700_000_000);

pub(super) fn method(yaml: &str) -> Oauth2 {
    let raw: RawOauth2 = serde_yaml::from_str(yaml).unwrap();
    Oauth2::try_from(raw).unwrap()
}

/// `https://server.example.com` with its usual URLs, and `more`.
pub(super) fn server(grant: &str, more: &str) -> Oauth2 {
    method(&format!(
        "grant: {grant}\n\
         authorize_url: https://server.example.com/authorize\n\
         token_url: https://server.example.com/token\n\
         {more}"
    ))
}

pub(super) fn credential(fields: &[(&str, &str)]) -> Credential {
    fields.iter().copied().collect()
}

pub(super) fn variables(fields: &[(&str, &str)]) -> BTreeMap<String, String> {
    fields.iter().map(|it| (it.0.to_owned(), it.1.to_owned())).collect()
}

pub(super) fn occasion<'a>(
    credential: &'a Credential,
    variables: &'a BTreeMap<String, String>,
) -> Occasion<'a> {
    Occasion { credential, variables, secret: 0, now: NOW, random: [7; 16] }
}

/// The message as text, less what is the same in all of them.
pub(super) fn shown(request: &TokenRequest) -> String {
    let target = &request.target;
    let mut text = format!("{} {}{}", request.method, target.origin(), *target.path_and_query());
    for (name, value) in &request.headers {
        let usual = matches!(
            (name.as_str(), value.to_str().unwrap()),
            ("accept", "application/json")
                | ("user-agent", "attache")
                | ("content-type", "application/x-www-form-urlencoded")
        );
        if !usual {
            text.push_str(&format!("\n{name}: {}", value.to_str().unwrap()));
        }
    }
    text.push('\n');
    text.push_str(std::str::from_utf8(&request.body).unwrap());
    text
}

pub(super) fn asked(method: &Oauth2, ask: Ask<'_>, credential: &Credential) -> String {
    let none = BTreeMap::new();
    shown(&method.request(ask, &occasion(credential, &none)).unwrap())
}

pub(super) fn answer(status: u16, content_type: &str, body: &str) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", content_type.parse().unwrap());
    Answer::new(status, &headers, Zeroizing::new(body.as_bytes().to_vec()))
}

pub(super) fn renewed(method: &Oauth2, status: u16, body: &str) -> Outcome {
    let held = credential(&[("refresh_token", "tGzv3JOkF0XG5Qx2TlKWIA"), ("client_id", "c1")]);
    method.outcome(Ask::Refresh, &answer(status, "application/json", body), &held, NOW)
}
