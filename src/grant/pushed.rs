//! The parameters of an authorization, pushed to the provider beforehand (RFC 9126).
use super::answer::Answer;
use super::authorize::Authorization;
use super::outcome::Fault;
use super::outcome::Outcome;
use super::outcome::Why;
use super::reply::Reply;
use super::request::Ask;
use super::settings::Oauth2;
use crate::model::Credential;
use crate::model::UnixTime;

impl Oauth2 {
    /// What the authorization URL names in their place (RFC 9126 §2.2).
    pub fn pushed(
        &self,
        parameters: &Authorization<'_>,
        answer: &Answer,
        held: &Credential,
        asked_at: UnixTime,
    ) -> Result<String, Outcome> {
        let reply = Reply::read(answer.content_type.as_deref(), &answer.body).ok();
        let uri = reply.and_then(|it| it.text("/request_uri")).filter(|it| !it.is_empty());
        match uri.filter(|_| answer.is_success()) {
            Some(uri) => Ok(uri),
            None => Err(match self.outcome(Ask::Push { parameters }, answer, held, asked_at) {
                Outcome::Token(_) => Outcome::TryAgain {
                    after: None,
                    fault: Fault::Provider,
                    why: Why::NoToken { status: answer.status },
                },
                missed => missed,
            }),
        }
    }
}
