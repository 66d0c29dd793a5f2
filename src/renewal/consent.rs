//! A person is asked, and what the answer is exchanged for: by redirect (RFC 6749 §4.1, with RFC 7636, 9126 and 9207)
//! or on another device (RFC 8628).
use super::bureau::Bureau;
use super::errand::Client;
use super::errand::ErrandError;
use super::errand::Errands;
use super::message::asked;
use super::message::discovered;
use super::oauth1::ThreeLegged;
use super::proof;
use crate::grant::Answer;
use crate::grant::Ask;
use crate::grant::Authorization;
use crate::grant::CallbackError;
use crate::grant::DPOP_KEY;
use crate::grant::DeviceCodes;
use crate::grant::DpopKey;
use crate::grant::GrantType;
use crate::grant::IdToken;
use crate::grant::Oauth2;
use crate::grant::Outcome;
use crate::grant::Polled;
use crate::grant::Temporary;
use crate::grant::TokenSet;
use crate::grant::Why;
use crate::model::Credential;
use crate::model::Secret;
use crate::model::UnixTime;
use std::borrow::Cow;
use std::time::Duration;
use zeroize::Zeroizing;

/// Longest value that is kept of a redirect, in bytes.
const KEPT_LEN_MAX: usize = 255;

/// What one redirect is made of, and what came back is checked by.
#[derive(Clone, Debug)]
pub struct Dance {
    pub redirect_uri: String,
    /// What comes back with the person: a text of our own, or the provider's temporary token (RFC 5849 §2.2).
    pub state: Secret,
    pub nonce: Secret,
    /// Sent as its challenge, where the method uses one; or the temporary token's secret.
    pub verifier: Secret,
    pub login_hint: Option<String>,
    /// What the tokens are to be bound to, where the method binds them.
    pub dpop_key: Option<Secret>,
}

impl Dance {
    /// `thumbprint`: of its key.
    fn authorization<'d>(
        &'d self,
        method: &Oauth2,
        thumbprint: Option<&'d str>,
    ) -> Authorization<'d> {
        Authorization {
            redirect_uri: &self.redirect_uri,
            state: self.state.expose(),
            nonce: method.is_openid().then(|| self.nonce.expose()),
            verifier: method.pkce().then_some(&self.verifier),
            login_hint: self.login_hint.as_deref(),
            dpop_jkt: thumbprint,
        }
    }

    /// Of its key (RFC 9449 §10): a code that somebody else comes by is of no use without it.
    fn thumbprint(&self) -> Option<String> {
        Some(DpopKey::read(self.dpop_key.as_ref()?)?.thumbprint())
    }
}

impl Errands {
    /// Where the person's browser is to go, and what comes back is checked by. Where the provider has the parameters
    /// pushed, they are; where it gives temporary credentials, they take the place of what the dance was begun with.
    pub async fn authorization_url(
        &self,
        client: Client,
        dance: Dance,
    ) -> Result<(Zeroizing<String>, Dance), ErrandError> {
        if client.consent()? != GrantType::AuthorizationCode {
            return Err(ErrandError::Unfit("nobody consents to this auth method in a browser"));
        }
        self.run(async move |bureau| {
            if let Some(three_legged) = ThreeLegged::of(&client) {
                let begun = three_legged.begin(bureau, &client, &dance.redirect_uri).await?;
                let (url, Temporary { token, secret }) = begun;
                return Ok((url, Dance { state: token, verifier: secret, ..dance }));
            }
            let url = authorization_url(bureau, &client, &dance).await?;
            Ok((url, dance))
        })
        .await
    }

    /// Exchanges the code of a redirect back: `query` is the redirect's own.
    pub async fn exchange(
        &self,
        client: Client,
        dance: Dance,
        query: Zeroizing<String>,
    ) -> Result<TokenSet, ErrandError> {
        self.run(async move |bureau| {
            if let Some(three_legged) = ThreeLegged::of(&client) {
                let temporary = Temporary { token: dance.state, secret: dance.verifier };
                return three_legged.end(bureau, &client, &temporary, &query).await;
            }
            exchange(bureau, &client, &dance, &query).await
        })
        .await
    }

    /// Codes for a person and a device.
    pub async fn device(&self, client: Client) -> Result<DeviceCodes, ErrandError> {
        if client.consent()? != GrantType::DeviceCode {
            return Err(ErrandError::Unfit(
                "nobody consents to this auth method on another device",
            ));
        }
        self.run(async move |bureau| {
            let (method, answer, asked_at) =
                tried(bureau, &client, &client.holder.credential, Ask::Device).await?;
            let held = &client.holder.credential;
            method.device_codes(&answer, held, asked_at).map_err(ErrandError::from)
        })
        .await
    }

    /// Whether the person has consented. `interval` is how long was waited.
    pub async fn poll(
        &self,
        client: Client,
        device_code: Secret,
        interval: Duration,
    ) -> Result<Polled, ErrandError> {
        self.run(async move |bureau| {
            let ask = Ask::DeviceToken { device_code: &device_code };
            let held = with_key(&client, None)?;
            let (method, answer, asked_at) = tried(bureau, &client, &held, ask).await?;
            let polled = method.polled(&device_code, &answer, &held, asked_at, interval);
            Ok(match polled {
                Polled::Ended(Outcome::Token(tokens)) => {
                    Polled::Ended(Outcome::Token(Box::new(bound(*tokens, &held))))
                }
                polled => polled,
            })
        })
        .await
    }
}

async fn authorization_url(
    bureau: &Bureau,
    client: &Client,
    dance: &Dance,
) -> Result<Zeroizing<String>, ErrandError> {
    let occasion = client.own_occasion(bureau, 0);
    let sending = client.sending(true);
    let method = discovered(bureau, sending, client.method()?, None, &occasion).await?;
    let thumbprint = dance.thumbprint();
    let parameters = dance.authorization(&method, thumbprint.as_deref());
    if !method.pushes() {
        return Ok(method.authorization_url(&parameters, &occasion)?);
    }
    let ask = Ask::Push { parameters: &parameters };
    let (method, answer, asked_at) = tried(bureau, client, &client.holder.credential, ask).await?;
    let held = &client.holder.credential;
    let pushed = method.pushed(&parameters, &answer, held, asked_at)?;
    Ok(method.pushed_authorization_url(&pushed, &client.own_occasion(bureau, 0))?)
}

async fn exchange(
    bureau: &Bureau,
    client: &Client,
    dance: &Dance,
    query: &str,
) -> Result<TokenSet, ErrandError> {
    let occasion = client.own_occasion(bureau, 0);
    let sending = client.sending(false);
    let method = discovered(bureau, sending, client.method()?, None, &occasion).await?;
    let issuer = method.issuer(&occasion).ok();
    let consent = method.consent(query, &dance.state, issuer.as_deref());
    let consent = consent.map_err(ErrandError::Callback)?;
    let verifier = method.pkce().then_some(&dance.verifier);
    let redirect_uri = &*dance.redirect_uri;
    let ask = Ask::Code { code: &consent.code, redirect_uri, verifier };
    let held = with_key(client, dance.dpop_key.as_ref())?;
    let (method, answer, asked_at) = tried(bureau, client, &held, ask).await?;
    let mut tokens = match method.outcome(ask, &answer, &held, asked_at) {
        Outcome::Token(tokens) => bound(*tokens, &held),
        missed => return Err(missed.into()),
    };
    // It came from the token endpoint itself, so that its signature tells no more (OpenID Connect Core §3.1.3.7).
    let nonce = tokens.id_token.as_ref().and_then(IdToken::read).map(|it| it.nonce);
    if method.is_openid() && nonce.is_some_and(|it| it.as_ref() != Some(&dance.nonce)) {
        return Err(ErrandError::Callback(CallbackError::State));
    }
    // Whoever comes back wrote it: it never stands in the place of what an operator has set.
    let own = &client.holder.variables;
    let fits = |it: &(String, String)| !own.contains_key(&it.0) && is_plain(&it.1);
    tokens.kept.extend(consent.kept.into_iter().filter(fits));
    Ok(tokens)
}

/// What may be kept of a redirect: a name or a number, and never what could end a host.
fn is_plain(value: &str) -> bool {
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"-_.~".contains(&it);
    !value.is_empty() && value.len() <= KEPT_LEN_MAX && value.bytes().all(is_plain)
}

/// What the holder has from the start, and a key where its tokens are bound to one: the one that the consent was begun
/// with, or another.
fn with_key(client: &Client, key: Option<&Secret>) -> Result<Credential, ErrandError> {
    let mut held = client.holder.credential.clone();
    if let Some(key) = key.filter(|_| held.field(DPOP_KEY).is_none()) {
        held.insert(DPOP_KEY, vec![key.clone()]);
    }
    proof::provide_key(client.method()?, &mut held);
    Ok(held)
}

/// The tokens, with the key that they were asked for with.
fn bound(tokens: TokenSet, held: &Credential) -> TokenSet {
    TokenSet { dpop_key: held.field(DPOP_KEY).cloned().map(Box::new), ..tokens }
}

/// Asks with one client secret after the other until the client is known: while they rotate, one is the old one.
async fn tried<'c>(
    bureau: &Bureau,
    client: &'c Client,
    held: &Credential,
    ask: Ask<'_>,
) -> Result<(Cow<'c, Oauth2>, Answer, UnixTime), ErrandError> {
    let (mut secret, mut has_nonce) = (0, false);
    loop {
        let occasion = client.occasion(bureau, held, &client.holder.variables, secret);
        let sending = client.sending(matches!(ask, Ask::Device | Ask::Push { .. }));
        let method = discovered(bureau, sending, client.method()?, Some(ask), &occasion).await?;
        let asked_at = bureau.now();
        let answer = asked(bureau, sending, &method, ask, &occasion).await?;
        match method.outcome(ask, &answer, held, asked_at) {
            // It has come with the answer.
            Outcome::TryAgain { why: Why::Nonce, .. } if !has_nonce => has_nonce = true,
            Outcome::TryAgain { why, .. }
                if why.refuses_client() && secret + 1 < client.secrets() =>
            {
                secret += 1;
            }
            _ => return Ok((method, answer, asked_at)),
        }
    }
}
