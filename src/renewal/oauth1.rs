//! The two signed messages of OAuth 1.0a (RFC 5849 §2): temporary credentials before a person consents, the token after.
use super::attempt::random;
use super::bureau::Bureau;
use super::bureau::Replied;
use super::errand::Client;
use super::errand::ErrandError;
use crate::auth::Draft;
use crate::auth::Moment;
use crate::auth::Oauth1;
use crate::auth::Scheme;
use crate::catalog::Way;
use crate::grant::Answer;
use crate::grant::Leg;
use crate::grant::Oauth1Error;
use crate::grant::Oauth1Grant;
use crate::grant::Occasion;
use crate::grant::Temporary;
use crate::grant::TokenRequest;
use crate::grant::TokenSet;
use crate::model::Credential;
use crate::model::Secret;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::header::ACCEPT;
use http::header::HOST;
use http::header::USER_AGENT;
use zeroize::Zeroizing;

/// What tokens are had with, where it is by OAuth 1.0a.
#[derive(Clone, Copy)]
pub(super) struct ThreeLegged<'c> {
    grant: &'c Oauth1Grant,
    scheme: &'c Oauth1,
}

/// One message.
struct Message<'m> {
    leg: Leg,
    /// With the temporary token where there is one.
    credential: Credential,
    /// Signed with the others.
    parameter: Option<(&'static str, &'m str)>,
}

impl<'c> ThreeLegged<'c> {
    pub(super) fn of(client: &'c Client) -> Option<Self> {
        let method = &client.holder.method;
        match (&method.way, &method.scheme) {
            (Way::Oauth1(grant), Scheme::Oauth1(scheme)) => Some(Self { grant, scheme }),
            _ => None,
        }
    }

    /// Temporary credentials, and where the person's browser goes with them.
    pub(super) async fn begin(
        self,
        bureau: &Bureau,
        client: &Client,
        redirect_uri: &str,
    ) -> Result<(Zeroizing<String>, Temporary), ErrandError> {
        let message = Message {
            leg: Leg::TemporaryCredentials,
            credential: self.signing(client, None),
            parameter: self.grant.callback(redirect_uri),
        };
        let answer = self.said(bureau, client, &message).await?;
        let temporary = self.grant.temporary(&answer).map_err(|it| match it {
            // Nobody has said anything yet: it is the app that is not known, or its clock.
            Oauth1Error::Refused { .. } | Oauth1Error::Unconfirmed => {
                ErrandError::Operator(it.to_string())
            }
            away => ErrandError::away(away.to_string()),
        })?;
        let occasion = client.own_occasion(bureau, 0);
        let url = self.grant.authorization_url(&temporary.token, redirect_uri, &occasion)?;
        Ok((url, temporary))
    }

    /// The token that a person has consented to: `query` is the redirect's own.
    pub(super) async fn end(
        self,
        bureau: &Bureau,
        client: &Client,
        temporary: &Temporary,
        query: &str,
    ) -> Result<TokenSet, ErrandError> {
        let verifier = Oauth1Grant::verifier(query, &temporary.token);
        let verifier = verifier.map_err(ErrandError::Callback)?;
        let message = Message {
            leg: Leg::Token,
            credential: self.signing(client, Some(temporary)),
            parameter: Some(("oauth_verifier", verifier.expose())),
        };
        let answer = self.said(bureau, client, &message).await?;
        Oauth1Grant::token(&answer).map_err(|it| match it {
            Oauth1Error::Refused { .. } => ErrandError::Refused(it.to_string()),
            away => ErrandError::away(away.to_string()),
        })
    }

    fn signing(&self, client: &Client, temporary: Option<&Temporary>) -> Credential {
        let holder = &client.holder;
        let mut token = Credential::default();
        // A token that the holder has brought signs none of these.
        let (own, secret) = temporary.map_or((Secret::default(), Secret::default()), |it| {
            (it.token.clone(), it.secret.clone())
        });
        token.insert("token", vec![own]);
        token.insert("token_secret", vec![secret]);
        holder.method.signing_fields(&holder.credential, &token)
    }

    async fn said(
        &self,
        bureau: &Bureau,
        client: &Client,
        message: &Message<'_>,
    ) -> Result<Answer, ErrandError> {
        // A person waits, and what is asked with is used up by the answer.
        let sending = client.sending(message.leg == Leg::TemporaryCredentials);
        let occasion = client.own_occasion(bureau, 0);
        let request = self.request(bureau, &occasion, message)?;
        let Replied { status, headers, body } = bureau.send(sending, &request).await?;
        Ok(Answer::new(status.as_u16(), &headers, body))
    }

    fn request(
        &self,
        bureau: &Bureau,
        occasion: &Occasion<'_>,
        message: &Message<'_>,
    ) -> Result<TokenRequest, ErrandError> {
        let target = self.grant.target(message.leg, occasion)?;
        let signer = self.scheme.signing(&message.credential, message.parameter.as_slice());
        let signer = signer.map_err(|errors| {
            let words = errors.first().map_or_else(String::new, ToString::to_string);
            ErrandError::Operator(words)
        })?;
        let host = HeaderValue::try_from(target.origin().authority());
        let host =
            host.map_err(|_| ErrandError::Operator("the URL has no usable host".to_owned()))?;
        let fields = vec![
            (HOST, host),
            (ACCEPT, HeaderValue::from_static("*/*")),
            (USER_AGENT, HeaderValue::from_static("attache")),
        ];
        let query = Some(target.query()).filter(|it| !it.is_empty());
        let mut draft = Draft::new(&Method::POST, target.origin(), target.path(), query, fields);
        let moment = Moment { now: bureau.now(), random: random() };
        let fed = signer.begin(&draft, &moment);
        let signed = fed.and_then(|it| signer.sign(&mut draft, &moment, it));
        signed.map_err(|it| ErrandError::Operator(it.to_string()))?;
        let mut headers = HeaderMap::new();
        for (name, value) in draft.fields().iter().filter(|it| it.0 != HOST) {
            headers.append(name, value.clone());
        }
        let body = draft.new_body.as_deref().unwrap_or_default().to_vec();
        let query = draft.query().map(str::to_owned);
        let target = target.clone().asking(query.as_deref());
        Ok(TokenRequest { method: Method::POST, target, headers, body: Zeroizing::new(body) })
    }
}
