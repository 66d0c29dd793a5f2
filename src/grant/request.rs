//! The messages to an authorization server: one for each thing that is asked of it.
use super::error::GrantError;
use super::occasion::Occasion;
use super::pairs::Pairs;
use super::raw::BodyFormat;
use super::raw::ClientAuthMethod;
use super::raw::GrantType;
use super::raw::RefreshBy;
use super::raw::TokenMethod;
use super::settings::MessageForm;
use super::settings::Oauth2;
use super::settings::Params;
use super::target::Target;
use super::target::UrlTemplate;
use super::template::Template;
use crate::model::Credential;
use crate::model::Secret;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::header::ACCEPT;
use http::header::AUTHORIZATION;
use http::header::CONTENT_TYPE;
use http::header::USER_AGENT;
use std::fmt;
use zeroize::Zeroizing;

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// A message that is ready to be sent. Prints its method and its origin alone.
#[derive(Clone)]
pub struct TokenRequest {
    pub method: Method,
    pub target: Target,
    /// Less Host and Content-Length, which are the transport's.
    pub headers: HeaderMap,
    pub body: Zeroizing<Vec<u8>>,
}

/// What is asked of the authorization server.
#[derive(Clone, Copy, Debug)]
pub enum Ask<'a> {
    /// A token by what the holder has from the start.
    Token,
    /// A token by the token that it has.
    Refresh,
    /// The code of a redirect back is exchanged.
    Code { code: &'a Secret, redirect_uri: &'a str, verifier: Option<&'a Secret> },
    /// RFC 8628 §3.1: codes for a person and a device.
    Device,
    /// RFC 8628 §3.4: has the person consented?
    DeviceToken { device_code: &'a Secret },
    /// RFC 7009.
    Revoke { token: &'a Secret, kind: TokenKind },
    /// RFC 7662.
    Introspect { token: &'a Secret, kind: TokenKind },
    /// RFC 9126: the parameters of the authorization URL.
    Push { parameters: &'a super::authorize::Authorization<'a> },
}

/// RFC 7009 §2.1: what kind of token it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    Access,
    Refresh,
}

impl Oauth2 {
    /// What to ask for a new token with: the token that it has, or what it has from the start. `None`
    /// where it has neither, so that a person has to consent.
    pub fn renewal(&self, credential: &Credential) -> Option<Ask<'static>> {
        let has = |name| credential.field(name).is_some_and(|it| !it.is_empty());
        let renewable = match self.0.refresh.by {
            RefreshBy::RefreshToken => has("refresh_token"),
            RefreshBy::AccessToken => has("access_token"),
        };
        if self.renews_by_token() {
            return renewable.then_some(Ask::Refresh);
        }
        // The password is sent as seldom as can be.
        if self.0.grant == GrantType::Password && has("refresh_token") {
            return Some(Ask::Refresh);
        }
        Some(Ask::Token)
    }

    /// What to ask for a token with once `ask` has ended in [`super::Outcome::AuthorizeAgain`]: a refresh
    /// token that is dead leaves the password.
    pub fn fallback(&self, ask: Ask<'_>) -> Option<Ask<'static>> {
        let is_left = self.0.grant == GrantType::Password && matches!(ask, Ask::Refresh);
        is_left.then_some(Ask::Token)
    }

    /// The message that asks it.
    pub fn request(
        &self,
        ask: Ask<'_>,
        occasion: &Occasion<'_>,
    ) -> Result<TokenRequest, GrantError> {
        let rules = &*self.0;
        let target = self.ask_target(ask, occasion)?;
        let form = match ask {
            Ask::Refresh => rules.refresh.form,
            Ask::Token | Ask::Code { .. } | Ask::DeviceToken { .. } => rules.token_form,
            Ask::Device | Ask::Revoke { .. } | Ask::Introspect { .. } | Ask::Push { .. } => {
                MessageForm { method: TokenMethod::Post, body: BodyFormat::Form }
            }
        };
        let mut pairs = Pairs::default();
        let mut headers = HeaderMap::new();
        self.ask_pairs(ask, &target, occasion, &mut pairs, &mut headers)?;
        let client_auth = self.client_auth(ask);
        // An assertion is for the token endpoint, whichever endpoint it goes to (RFC 7523 §3, RFC 9126 §2).
        let audience = match (&rules.urls.token, client_auth) {
            (Some(url), ClientAuthMethod::PrivateKeyJwt | ClientAuthMethod::ClientSecretJwt) => {
                self.target("token_url", Some(url), occasion)?
            }
            _ => target.clone(),
        };
        // A GitHub App has shown who it is with its assertion.
        if rules.grant != GrantType::GithubApp {
            self.authenticate(client_auth, &audience, occasion, &mut pairs, &mut headers)?;
        }
        match ask {
            Ask::Refresh => extras(&rules.refresh_params, occasion, &mut pairs)?,
            Ask::Token | Ask::Code { .. } | Ask::DeviceToken { .. } => {
                extras(&rules.token_params, occasion, &mut pairs)?;
            }
            Ask::Device | Ask::Revoke { .. } | Ask::Introspect { .. } | Ask::Push { .. } => {}
        }
        pairs.omit(&rules.omit);
        pairs.rename(&rules.rename);
        add_headers(&rules.token_headers, occasion, &mut headers)?;
        Ok(TokenRequest::new(form, target, headers, &pairs))
    }

    fn ask_target(&self, ask: Ask<'_>, occasion: &Occasion<'_>) -> Result<Target, GrantError> {
        self.target(ask.setting(), self.ask_url(ask), occasion)
    }

    /// Whether nothing says where this is asked.
    pub fn is_nowhere(&self, ask: Ask<'_>) -> bool {
        self.ask_url(ask).is_none()
    }

    fn ask_url(&self, ask: Ask<'_>) -> Option<&UrlTemplate> {
        let urls = &self.0.urls;
        match ask {
            Ask::Token | Ask::Code { .. } | Ask::DeviceToken { .. } => urls.token.as_ref(),
            Ask::Refresh => urls.refresh.as_ref().or(urls.token.as_ref()),
            Ask::Device => urls.device.as_ref(),
            Ask::Revoke { .. } => urls.revoke.as_ref(),
            Ask::Introspect { .. } => urls.introspect.as_ref(),
            Ask::Push { .. } => urls.par.as_ref(),
        }
    }

    fn ask_pairs(
        &self,
        ask: Ask<'_>,
        target: &Target,
        occasion: &Occasion<'_>,
        pairs: &mut Pairs,
        headers: &mut HeaderMap,
    ) -> Result<(), GrantError> {
        match ask {
            Ask::Token => self.grant_pairs(target, occasion, pairs, headers)?,
            Ask::Refresh => {
                match self.0.refresh.by {
                    RefreshBy::RefreshToken => {
                        pairs.add("grant_type", "refresh_token");
                        pairs.add_secret("refresh_token", occasion.field("refresh_token")?);
                    }
                    RefreshBy::AccessToken => {
                        pairs.add_secret("access_token", occasion.field("access_token")?);
                    }
                }
                if self.0.refresh.send_scopes {
                    self.scope(pairs);
                }
                self.resources(occasion, pairs)?;
            }
            Ask::Code { code, redirect_uri, verifier } => {
                pairs.add("grant_type", "authorization_code");
                pairs.add_secret("code", code);
                pairs.add("redirect_uri", redirect_uri);
                if let Some(verifier) = verifier {
                    pairs.add_secret("code_verifier", verifier);
                }
                self.resources(occasion, pairs)?;
            }
            Ask::Device => {
                self.scope(pairs);
                self.resources(occasion, pairs)?;
            }
            Ask::DeviceToken { device_code } => {
                pairs.add("grant_type", DEVICE_CODE);
                pairs.add_secret("device_code", device_code);
            }
            Ask::Revoke { token, kind } | Ask::Introspect { token, kind } => {
                pairs.add_secret("token", token);
                pairs.add("token_type_hint", kind.name());
            }
            Ask::Push { parameters } => {
                self.authorization_pairs(parameters, occasion, pairs)?;
                // It is one of the parameters (RFC 9126 §2.1); the other methods send it anyhow.
                if self.0.client_auth == ClientAuthMethod::Basic {
                    pairs.add_secret("client_id", occasion.field("client_id")?);
                }
            }
        }
        Ok(())
    }

    fn grant_pairs(
        &self,
        target: &Target,
        occasion: &Occasion<'_>,
        pairs: &mut Pairs,
        headers: &mut HeaderMap,
    ) -> Result<(), GrantError> {
        let rules = &*self.0;
        match rules.grant {
            GrantType::ClientCredentials => {
                pairs.add("grant_type", "client_credentials");
                self.scope(pairs);
            }
            GrantType::Password => {
                pairs.add("grant_type", "password");
                pairs.add_secret("username", occasion.field("username")?);
                pairs.add_secret("password", occasion.field("password")?);
                self.scope(pairs);
            }
            GrantType::JwtBearer => {
                pairs.add("grant_type", JWT_BEARER);
                let assertion = self.grant_assertion(target, occasion)?;
                pairs.add("assertion", assertion.as_str());
                if !rules.assertion.claims.iter().any(|it| &*it.0 == "scope") {
                    self.scope(pairs);
                }
            }
            GrantType::TokenExchange => self.exchange_pairs(occasion, pairs)?,
            GrantType::GithubApp => {
                let assertion = self.grant_assertion(target, occasion)?;
                let value = Zeroizing::new(["Bearer ", assertion.as_str()].concat());
                headers.insert(AUTHORIZATION, sensitive("authorization", &value)?);
                return Ok(());
            }
            // Nothing to begin with: these begin with a person, or with a token.
            GrantType::AuthorizationCode | GrantType::DeviceCode | GrantType::RefreshToken => {
                return Err(GrantError::Missing { name: "refresh_token".into() });
            }
        }
        self.resources(occasion, pairs)
    }

    /// RFC 8693 §2.1.
    fn exchange_pairs(&self, occasion: &Occasion<'_>, pairs: &mut Pairs) -> Result<(), GrantError> {
        let exchange = &self.0.exchange;
        pairs.add("grant_type", TOKEN_EXCHANGE);
        for audience in &exchange.audiences {
            if let Some(audience) = audience.render(occasion)? {
                pairs.add("audience", audience.as_str());
            }
        }
        self.scope(pairs);
        if let Some(requested) = &exchange.requested_token_type {
            pairs.add("requested_token_type", &**requested);
        }
        pairs.add_secret("subject_token", occasion.field("subject_token")?);
        pairs.add("subject_token_type", &*exchange.subject_token_type);
        if let Some(actor) = occasion.credential.field("actor_token") {
            pairs.add_secret("actor_token", actor);
            pairs.add("actor_token_type", &*exchange.actor_token_type);
        }
        Ok(())
    }

    pub(super) fn scope(&self, pairs: &mut Pairs) {
        if !self.0.scopes.is_empty() {
            pairs.add("scope", self.scope_text());
        }
    }

    /// RFC 8707 §2.
    pub(super) fn resources(
        &self,
        occasion: &Occasion<'_>,
        pairs: &mut Pairs,
    ) -> Result<(), GrantError> {
        for resource in &self.0.resources {
            if let Some(resource) = resource.render(occasion)? {
                pairs.add("resource", resource.as_str());
            }
        }
        Ok(())
    }
}

impl TokenRequest {
    pub(super) fn new(
        form: MessageForm,
        target: Target,
        mut headers: HeaderMap,
        pairs: &Pairs,
    ) -> Self {
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static("attache"));
        let method = match form.method {
            TokenMethod::Post => Method::POST,
            TokenMethod::Get => Method::GET,
        };
        let content_type = match form.body {
            BodyFormat::Form => "application/x-www-form-urlencoded",
            BodyFormat::Json => "application/json",
            BodyFormat::Query => {
                let target = target.with_query(&pairs.query());
                return Self { method, target, headers, body: Zeroizing::default() };
            }
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self { method, target, headers, body: pairs.encoded(form.body) }
    }

    /// Adds a proof of possession (RFC 9449 §4.1).
    pub fn prove(&mut self, proof: &Secret) -> Result<(), GrantError> {
        self.headers.insert("dpop", sensitive("dpop", proof.expose())?);
        Ok(())
    }
}

impl fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.method, self.target)
    }
}

impl Ask<'_> {
    /// The setting that says where it is asked.
    pub fn setting(self) -> &'static str {
        match self {
            Self::Token | Self::Code { .. } | Self::DeviceToken { .. } | Self::Refresh => {
                "token_url"
            }
            Self::Device => "device_url",
            Self::Revoke { .. } => "revoke_url",
            Self::Introspect { .. } => "introspect_url",
            Self::Push { .. } => "par_url",
        }
    }
}

impl TokenKind {
    fn name(self) -> &'static str {
        match self {
            Self::Access => "access_token",
            Self::Refresh => "refresh_token",
        }
    }
}

/// The operator's own parameters, in place of ours where they have the same name.
pub(super) fn extras(
    params: &Params,
    occasion: &Occasion<'_>,
    pairs: &mut Pairs,
) -> Result<(), GrantError> {
    for (name, template) in params {
        if let Some(value) = template.render(occasion)? {
            pairs.replace(name, Secret::new(value.as_str()));
        }
    }
    Ok(())
}

pub(super) fn add_headers(
    from: &[(HeaderName, Template)],
    occasion: &Occasion<'_>,
    headers: &mut HeaderMap,
) -> Result<(), GrantError> {
    for (name, template) in from {
        if let Some(value) = template.render(occasion)? {
            headers.insert(name, sensitive(name.as_str(), &value)?);
        }
    }
    Ok(())
}

pub(super) fn sensitive(name: &str, value: &str) -> Result<HeaderValue, GrantError> {
    let mut value =
        HeaderValue::try_from(value).map_err(|_| GrantError::Header { name: name.to_owned() })?;
    value.set_sensitive(true);
    Ok(value)
}
