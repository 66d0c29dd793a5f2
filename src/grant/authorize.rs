//! Where a person's browser is sent to consent (RFC 6749 §4.1.1).
use super::error::GrantError;
use super::occasion::Occasion;
use super::pairs::Pairs;
use super::pkce;
use super::request::extras;
use super::settings::Oauth2;
use crate::model::Secret;
use zeroize::Zeroizing;

/// What one authorization is made of. The state and the nonce are random texts of the caller's.
#[derive(Clone, Copy, Debug)]
pub struct Authorization<'a> {
    pub redirect_uri: &'a str,
    pub state: &'a str,
    /// OpenID Connect's: it comes back in the id token.
    pub nonce: Option<&'a str>,
    /// Sent as its challenge; needed unless `pkce: off`.
    pub verifier: Option<&'a Secret>,
    /// Whom the provider should ask, as far as that is known.
    pub login_hint: Option<&'a str>,
    /// The thumbprint of the holder's own key (RFC 9449 §10).
    pub dpop_jkt: Option<&'a str>,
}

impl Oauth2 {
    /// The authorization URL.
    pub fn authorization_url(
        &self,
        authorization: &Authorization<'_>,
        occasion: &Occasion<'_>,
    ) -> Result<Zeroizing<String>, GrantError> {
        let mut pairs = Pairs::default();
        self.authorization_pairs(authorization, occasion, &mut pairs)?;
        let client_id = occasion.credential.field("client_id");
        if let Some(client_id) = client_id.filter(|_| !pairs.has("client_id")) {
            pairs.add_secret("client_id", client_id);
        }
        pairs.omit(&self.0.omit);
        pairs.rename(&self.0.rename);
        let url = self.target("authorize_url", self.0.urls.authorize.as_ref(), occasion)?;
        Ok(url.with_query(&pairs.query()).whole())
    }

    /// The authorization URL once the parameters have been pushed (RFC 9126 §4).
    pub fn pushed_authorization_url(
        &self,
        request_uri: &str,
        occasion: &Occasion<'_>,
    ) -> Result<Zeroizing<String>, GrantError> {
        let mut pairs = Pairs::default();
        pairs.add_secret("client_id", occasion.field("client_id")?);
        pairs.add("request_uri", request_uri);
        pairs.rename(&self.0.rename);
        let url = self.target("authorize_url", self.0.urls.authorize.as_ref(), occasion)?;
        Ok(url.with_query(&pairs.query()).whole())
    }

    /// Whether the parameters are pushed to the provider first.
    pub fn pushes(&self) -> bool {
        self.0.urls.par.is_some()
    }

    /// Whether an id token is asked for (OpenID Connect Core §3.1.2.1).
    pub fn is_openid(&self) -> bool {
        self.0.scopes.iter().any(|it| &**it == "openid")
    }

    /// Whether an authorization has a PKCE verifier.
    pub fn pkce(&self) -> bool {
        self.0.pkce
    }

    /// Less `client_id`, which client authentication adds where the parameters are pushed.
    pub(super) fn authorization_pairs(
        &self,
        authorization: &Authorization<'_>,
        occasion: &Occasion<'_>,
        pairs: &mut Pairs,
    ) -> Result<(), GrantError> {
        pairs.add("response_type", "code");
        pairs.add("redirect_uri", authorization.redirect_uri);
        self.scope(pairs);
        pairs.add("state", authorization.state);
        if self.0.pkce {
            let missing = || GrantError::Missing { name: "code_verifier".into() };
            let verifier = authorization.verifier.ok_or_else(missing)?;
            pairs.add("code_challenge", pkce::challenge(verifier));
            pairs.add("code_challenge_method", "S256");
        }
        let more = [
            ("nonce", authorization.nonce),
            ("login_hint", authorization.login_hint),
            ("dpop_jkt", authorization.dpop_jkt),
        ];
        for (name, value) in more {
            if let Some(value) = value {
                pairs.add(name, value);
            }
        }
        self.resources(occasion, pairs)?;
        extras(&self.0.authorize_params, occasion, pairs)
    }
}
