//! A provider vouches for a person (OpenID Connect Core §3.1): where the browser is sent, and what comes of the code that
//! it brings back. Nothing is kept of the tokens.
use super::attempt;
use super::bureau::Bureau;
use super::bureau::Replied;
use super::bureau::Sending;
use super::consent::Dance;
use super::errand::ErrandError;
use super::errand::Errands;
use super::message::asked;
use super::page::PAGE_LEN_MAX;
use crate::catalog::UpstreamSettings;
use crate::grant::Ask;
use crate::grant::Authorization;
use crate::grant::ClientAuthMethod;
use crate::grant::GrantType;
use crate::grant::Oauth2;
use crate::grant::Occasion;
use crate::grant::Outcome;
use crate::grant::RawOauth2;
use crate::grant::Target;
use crate::grant::TokenRequest;
use crate::model::Credential;
use crate::model::Key;
use crate::model::Secret;
use crate::webhook::KeysForm;
use crate::webhook::PublicKeys;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header::ACCEPT;
use http::header::USER_AGENT;
use std::collections::BTreeMap;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What the provider is told apart by where connections are told apart.
const NAME: &str = "console";

/// A provider that vouches for people, as this gateway is known to it.
#[derive(Clone, Debug)]
pub struct Voucher {
    method: Oauth2,
    credential: Credential,
    /// Nothing is a template here.
    variables: BTreeMap<String, String>,
    name: Key,
}

/// What it has said, not yet believed.
pub struct Vouched {
    pub id_token: Secret,
    pub access_token: Secret,
    /// Those that it signs with at this moment.
    pub keys: PublicKeys,
}

impl Voucher {
    /// None where nobody could be sent there: the settings have a URL that is none.
    pub fn new(
        issuer: &str,
        (client_id, secret): (&str, Option<&Secret>),
        scopes: &[String],
    ) -> Option<Self> {
        let own = scopes.iter().filter(|it| *it != "openid").cloned();
        let raw = RawOauth2 {
            grant: Some(GrantType::AuthorizationCode),
            issuer: Some(issuer.to_owned()),
            scopes: std::iter::once("openid".to_owned()).chain(own).collect(),
            client_auth: secret.is_none().then_some(ClientAuthMethod::None),
            ..RawOauth2::default()
        };
        let mut credential = Credential::default();
        credential.insert("client_id", vec![Secret::new(client_id)]);
        if let Some(secret) = secret {
            credential.insert("client_secret", vec![secret.clone()]);
        }
        Some(Self {
            method: Oauth2::try_from(raw).ok()?,
            credential,
            variables: BTreeMap::new(),
            name: Key::try_from(NAME).expect("it is a key"),
        })
    }

    fn occasion(&self, bureau: &Bureau) -> Occasion<'_> {
        Occasion {
            credential: &self.credential,
            variables: &self.variables,
            secret: 0,
            now: bureau.now(),
            random: attempt::random(),
        }
    }

    fn sending<'v>(&'v self, settings: &'v Arc<UpstreamSettings>, may_repeat: bool) -> Sending<'v> {
        Sending { settings, connection: &self.name, certificate: None, may_repeat }
    }
}

impl Errands {
    /// Where the person's browser is to go.
    pub async fn vouching_url(
        &self,
        voucher: Voucher,
        settings: Arc<UpstreamSettings>,
        dance: Dance,
    ) -> Result<Zeroizing<String>, ErrandError> {
        self.run(async move |bureau| {
            let occasion = voucher.occasion(bureau);
            let sending = voucher.sending(&settings, true);
            let metadata = bureau.metadata(sending, &voucher.method, &occasion).await?;
            let authorization = Authorization {
                redirect_uri: &dance.redirect_uri,
                state: dance.state.expose(),
                nonce: Some(dance.nonce.expose()),
                verifier: Some(&dance.verifier),
                login_hint: None,
                dpop_jkt: None,
            };
            let method = voucher.method.with_metadata(&metadata);
            Ok(method.authorization_url(&authorization, &occasion)?)
        })
        .await
    }

    /// Exchanges the code that the browser brought back: `query` is the redirect's own.
    pub async fn vouched(
        &self,
        voucher: Voucher,
        settings: Arc<UpstreamSettings>,
        dance: Dance,
        query: Zeroizing<String>,
    ) -> Result<Vouched, ErrandError> {
        self.run(async move |bureau| {
            let occasion = voucher.occasion(bureau);
            let repeating = voucher.sending(&settings, true);
            let metadata = bureau.metadata(repeating, &voucher.method, &occasion).await?;
            let method = voucher.method.with_metadata(&metadata);
            let consent = method.consent(&query, &dance.state, Some(&metadata.issuer));
            let consent = consent.map_err(ErrandError::Callback)?;
            let ask = Ask::Code {
                code: &consent.code,
                redirect_uri: &dance.redirect_uri,
                verifier: Some(&dance.verifier),
            };
            let asked_at = bureau.now();
            let sending = voucher.sending(&settings, false);
            let answer = asked(bureau, sending, &method, ask, &occasion).await?;
            let tokens = match method.outcome(ask, &answer, &voucher.credential, asked_at) {
                Outcome::Token(tokens) => *tokens,
                missed => return Err(missed.into()),
            };
            let words = "the provider gave no id token";
            let id_token =
                tokens.id_token.ok_or_else(|| ErrandError::Operator(words.to_owned()))?;
            let words = "the provider's metadata has no `jwks_uri`";
            let at = metadata.keys().ok_or_else(|| ErrandError::Operator(words.to_owned()))?;
            // Each time: nobody signs in often, and keys that were withdrawn are good for nothing at once.
            let keys = keys(bureau, repeating, at).await?;
            Ok(Vouched { id_token, access_token: tokens.access_token, keys })
        })
        .await
    }
}

async fn keys(
    bureau: &Bureau,
    sending: Sending<'_>,
    target: Target,
) -> Result<PublicKeys, ErrandError> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static("attache"));
    let request = TokenRequest { method: Method::GET, target, headers, body: Zeroizing::default() };
    let Replied { status, body, .. } = bureau.send(sending, &request).await?;
    if status != StatusCode::OK || body.len() > PAGE_LEN_MAX {
        let status = status.as_u16();
        return Err(ErrandError::away(format!(
            "the provider's keys are not there (status {status})"
        )));
    }
    let keys = PublicKeys::read(KeysForm::Jwks, &body);
    keys.ok_or_else(|| {
        ErrandError::away("what is where the provider's keys should be is no key set")
    })
}
