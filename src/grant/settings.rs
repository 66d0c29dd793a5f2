//! A checked OAuth 2.0 auth method: everything that providers do differently, as data.
use super::account::AccountPlaces;
use super::check::Check;
use super::error::GrantError;
use super::error::SettingsError;
use super::occasion::Occasion;
use super::raw::Algorithm;
use super::raw::BasicEncoding;
use super::raw::BodyFormat;
use super::raw::ClientAuthMethod;
use super::raw::ExpiryUnit;
use super::raw::GrantType;
use super::raw::RawIss;
use super::raw::RawOauth2;
use super::raw::RefreshBy;
use super::raw::TokenMethod;
use super::raw::TokenPlace;
use super::request::Ask;
use super::target::Target;
use super::target::UrlTemplate;
use super::template::Template;
use http::HeaderName;
use regex::Regex;
use std::sync::Arc;
use std::time::Duration;

/// How an access token is had and renewed, checked. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Oauth2(pub(super) Arc<Rules>);

#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) grant: GrantType,
    pub(super) issuer: Option<UrlTemplate>,
    pub(super) urls: Urls,
    pub(super) scopes: Box<[Box<str>]>,
    pub(super) required_scopes: Box<[Box<str>]>,
    pub(super) scope_separator: Box<str>,
    pub(super) pkce: bool,
    pub(super) client_auth: ClientAuthMethod,
    pub(super) basic_encoding: BasicEncoding,
    pub(super) resources: Box<[Template]>,
    pub(super) authorize_params: Params,
    pub(super) token_params: Params,
    pub(super) refresh_params: Params,
    pub(super) token_headers: Box<[(HeaderName, Template)]>,
    pub(super) token_form: MessageForm,
    pub(super) rename: Box<[(Box<str>, Box<str>)]>,
    pub(super) omit: Box<[Box<str>]>,
    pub(super) reply: ReplyPlaces,
    pub(super) expiry: ExpiryRule,
    pub(super) refresh: Refresh,
    pub(super) auth_failure: Box<[Failure]>,
    pub(super) assertion: AssertionRule,
    pub(super) exchange: Exchange,
    pub(super) callback: CallbackNames,
    /// None: as OpenID Connect has it.
    pub(super) account: Option<AccountPlaces>,
    pub(super) dpop: bool,
    pub(super) placement: Placement,
}

/// Parameters by name, in the order in which they are written.
pub(super) type Params = Box<[(Box<str>, Template)]>;

#[derive(Clone, Debug, Default)]
pub(super) struct Urls {
    pub(super) authorize: Option<UrlTemplate>,
    pub(super) token: Option<UrlTemplate>,
    pub(super) revoke: Option<UrlTemplate>,
    pub(super) introspect: Option<UrlTemplate>,
    pub(super) userinfo: Option<UrlTemplate>,
    pub(super) device: Option<UrlTemplate>,
    pub(super) par: Option<UrlTemplate>,
    /// Where renewals by a token go, if not to the token URL.
    pub(super) refresh: Option<UrlTemplate>,
}

/// Method and body of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MessageForm {
    pub(super) method: TokenMethod,
    pub(super) body: BodyFormat,
}

/// JSON pointers into the answer.
#[derive(Clone, Debug)]
pub(super) struct ReplyPlaces {
    pub(super) access_token: Box<str>,
    pub(super) refresh_token: Box<str>,
    pub(super) expires_in: Box<str>,
    pub(super) expires_at: Box<str>,
    pub(super) refresh_expires_in: Box<str>,
    pub(super) scope: Box<str>,
    pub(super) token_type: Box<str>,
    pub(super) id_token: Box<str>,
    pub(super) keep: Box<[Keep]>,
    pub(super) error: Option<Box<str>>,
    pub(super) error_description: Option<Box<str>>,
    pub(super) authorize_again: Box<[Box<str>]>,
}

/// A value that is kept as a variable.
#[derive(Clone, Debug)]
pub(super) struct Keep {
    pub(super) variable: Box<str>,
    pub(super) at: Box<str>,
    /// Anchored; its first group is the value.
    pub(super) pattern: Option<Regex>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ExpiryRule {
    pub(super) unit: Option<ExpiryUnit>,
    pub(super) lifetime: Option<Duration>,
    pub(super) never: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refresh {
    pub(super) by: RefreshBy,
    pub(super) form: MessageForm,
    pub(super) client_auth: ClientAuthMethod,
    pub(super) rotates: bool,
    pub(super) send_scopes: bool,
}

/// An answer of the API that means that it did not take the token. At least one thing is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) status: Option<u16>,
    /// The header, and what it holds in lower case.
    pub(super) header: Option<(HeaderName, Option<Box<str>>)>,
    /// The pointer, and what stands there.
    pub(super) body: Option<(Box<str>, Option<Box<str>>)>,
}

#[derive(Clone, Debug)]
pub(super) struct AssertionRule {
    pub(super) algorithm: Algorithm,
    pub(super) issuer: Template,
    pub(super) subject: Option<Template>,
    pub(super) audience: Option<Template>,
    pub(super) client_audience: Option<Template>,
    pub(super) lifetime_s: u64,
    pub(super) claims: Params,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Exchange {
    pub(super) subject_token_type: Box<str>,
    pub(super) actor_token_type: Box<str>,
    pub(super) requested_token_type: Option<Box<str>>,
    pub(super) audiences: Box<[Template]>,
}

#[derive(Clone, Debug)]
pub(super) struct CallbackNames {
    pub(super) code: Box<str>,
    pub(super) state: Box<str>,
    pub(super) error: Box<str>,
    /// Variable, and what the parameter is called.
    pub(super) keep: Box<[(Box<str>, Box<str>)]>,
    pub(super) iss: Option<RawIss>,
}

/// Where the token goes on a request: what an `api_key` method would be given, `key` being the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    pub place: TokenPlace,
    pub name: String,
    pub format: String,
}

impl Urls {
    /// Those whose answers are tokens, or tell of them.
    fn guarded(&self) -> impl Iterator<Item = &UrlTemplate> {
        let all =
            [&self.token, &self.refresh, &self.revoke, &self.introspect, &self.device, &self.par];
        all.into_iter().flatten()
    }
}

impl Rules {
    /// Of all messages, and of renewals by a token.
    pub(super) fn client_auths(&self) -> [ClientAuthMethod; 2] {
        [self.client_auth, self.refresh.client_auth]
    }
}

impl Oauth2 {
    pub fn grant(&self) -> GrantType {
        self.0.grant
    }

    /// How the client proves itself in what is asked.
    pub(super) fn client_auth(&self, ask: Ask<'_>) -> ClientAuthMethod {
        match ask {
            Ask::Refresh => self.0.refresh.client_auth,
            _ => self.0.client_auth,
        }
    }

    /// Whether the transport shows a certificate: the credential fields `certificate` and `private_key`.
    pub fn shows_certificate(&self) -> bool {
        self.0.client_auths().contains(&ClientAuthMethod::Tls)
    }

    /// Where the token goes.
    pub fn placement(&self) -> &Placement {
        &self.0.placement
    }

    /// Whether tokens are bound to a key of the holder's own (RFC 9449).
    pub fn dpop(&self) -> bool {
        self.0.dpop
    }

    /// Whether a refresh token may be new with each use, so that an answer that is lost may lose the
    /// grant. What a provider takes as often as it is sent does not rotate.
    pub fn rotates(&self) -> bool {
        self.0.refresh.rotates && self.renews_by_token()
    }

    /// Whether renewal uses up something that only the last answer held.
    pub fn renews_by_token(&self) -> bool {
        match self.0.grant {
            GrantType::AuthorizationCode | GrantType::DeviceCode | GrantType::RefreshToken => true,
            GrantType::ClientCredentials
            | GrantType::Password
            | GrantType::JwtBearer
            | GrantType::TokenExchange
            | GrantType::GithubApp => false,
        }
    }

    /// Whether that is the token itself, so that it has to be renewed while it lives.
    pub fn renews_itself(&self) -> bool {
        self.renews_by_token() && self.0.refresh.by == RefreshBy::AccessToken
    }

    /// Whether a person's consent is behind the grant.
    pub fn needs_consent(&self) -> bool {
        matches!(self.0.grant, GrantType::AuthorizationCode | GrantType::DeviceCode)
    }

    /// Required scopes that are not among the granted ones.
    pub fn missing_scopes<'s>(&'s self, granted: &[String]) -> Vec<&'s str> {
        let missing = |it: &&str| !granted.iter().any(|granted| granted == it);
        self.0.required_scopes.iter().map(|it| &**it).filter(missing).collect()
    }

    /// What whoever configured it should know, one sentence each.
    pub fn warnings(&self) -> Vec<&'static str> {
        let rules = &*self.0;
        let urls = &rules.urls;
        let mut warnings = Vec::new();
        let all = [
            &rules.issuer,
            &urls.authorize,
            &urls.token,
            &urls.refresh,
            &urls.revoke,
            &urls.introspect,
            &urls.userinfo,
            &urls.device,
            &urls.par,
        ];
        if all.into_iter().flatten().any(|it| !it.is_https()) {
            warnings.push("a URL begins with http://: client secret and tokens go in the clear");
        }
        if rules.grant == GrantType::AuthorizationCode && !rules.pkce {
            warnings.push("`pkce: off`: a stolen code can be exchanged by whoever stole it");
        }
        if urls.guarded().any(UrlTemplate::has_query) {
            warnings.push(
                "a URL where tokens are had has a query: no request goes to its path, whatever its own query",
            );
        }
        if rules.token_form.body == BodyFormat::Query {
            warnings.push("token requests carry their secrets in the URL, where logs keep them");
        }
        if rules.grant == GrantType::Password {
            warnings.push("`grant: password` is deprecated (RFC 9700 §2.4)");
        }
        warnings
    }

    /// The variables whose values come with tokens, or with a person who consented.
    pub fn kept(&self) -> impl Iterator<Item = &str> {
        let rules = &*self.0;
        let of_answers = rules.reply.keep.iter().map(|it| &*it.variable);
        of_answers.chain(rules.callback.keep.iter().map(|it| &*it.0))
    }

    /// The endpoints that the holder's requests must never reach through the proxy: their answers are
    /// tokens. Those that lack a variable are left out, because no request can reach them either.
    pub fn guarded(&self, occasion: &Occasion<'_>) -> Vec<Target> {
        let expand = |it: &UrlTemplate| it.expand("token_url", |name| occasion.find(name)).ok();
        self.0.urls.guarded().filter_map(expand).collect()
    }

    /// What keeps the holder's messages from having a place to go: a variable without a value, or with
    /// one that makes no URL.
    pub fn url_faults(&self, occasion: &Occasion<'_>) -> Vec<GrantError> {
        let rules = &*self.0;
        let urls = &rules.urls;
        let all = [
            ("token_url", &urls.token),
            ("refresh.url", &urls.refresh),
            ("issuer", &rules.issuer),
            ("revoke_url", &urls.revoke),
            ("introspect_url", &urls.introspect),
        ];
        let all = all.into_iter().filter_map(|(setting, url)| Some((setting, url.as_ref()?)));
        let mut faults: Vec<GrantError> = Vec::new();
        for (setting, url) in all {
            if let Err(fault) = url.expand(setting, |name| occasion.find(name))
                && !self.kept().any(|it| fault.field() == Some(it))
                && !faults.iter().any(|it| it.field().is_some() && it.field() == fault.field())
            {
                faults.push(fault);
            }
        }
        faults
    }

    /// Every name in templates, URLs included, once, and whether it may be absent. Those that the
    /// connector does not declare as variables are credential fields.
    pub(super) fn names(&self) -> Vec<(&str, bool)> {
        let rules = &*self.0;
        let urls = &rules.urls;
        let of_urls = [
            &rules.issuer,
            &urls.authorize,
            &urls.token,
            &urls.refresh,
            &urls.revoke,
            &urls.introspect,
            &urls.userinfo,
            &urls.device,
            &urls.par,
        ];
        let of_urls = of_urls.into_iter().flatten().flat_map(|it| it.names());
        let params = [&rules.authorize_params, &rules.token_params, &rules.refresh_params];
        let params = params.into_iter().flat_map(|it| it.iter().map(|it| &it.1));
        let headers = rules.token_headers.iter().map(|it| &it.1);
        let assertion = &rules.assertion;
        // The scopes are the method's own.
        let claims =
            assertion.claims.iter().flat_map(|it| it.1.names()).filter(|it| it.0 != SCOPES);
        let signs = signs(rules).then_some(&assertion.issuer);
        let parts = [&assertion.subject, &assertion.audience, &assertion.client_audience];
        let more = rules.resources.iter().chain(&rules.exchange.audiences);
        let texts = params.chain(headers).chain(signs);
        let texts = texts.chain(parts.into_iter().flatten()).chain(more);
        let texts = texts.flat_map(Template::names);
        let all = of_urls.map(|it| (it, false)).chain(claims).chain(texts);
        let mut names: Vec<(&str, bool)> = Vec::new();
        for (name, optional) in all {
            match names.iter_mut().find(|it| it.0 == name) {
                Some(known) => known.1 &= optional,
                None => names.push((name, optional)),
            }
        }
        names
    }

    pub(super) fn target(
        &self,
        setting: &'static str,
        url: Option<&UrlTemplate>,
        occasion: &Occasion<'_>,
    ) -> Result<Target, GrantError> {
        let url = url.ok_or(GrantError::NotSet { setting })?;
        url.expand(setting, |name| occasion.find(name))
    }

    /// The scopes as one text.
    pub(super) fn scope_text(&self) -> String {
        self.0.scopes.join(&*self.0.scope_separator)
    }
}

/// What a claim's template calls the scopes.
pub(super) const SCOPES: &str = "scopes";

/// Whether the grant itself is a JWT that is signed here.
pub(super) fn signs(rules: &Rules) -> bool {
    matches!(rules.grant, GrantType::JwtBearer | GrantType::GithubApp)
}

impl TryFrom<RawOauth2> for Oauth2 {
    type Error = Vec<SettingsError>;

    fn try_from(raw: RawOauth2) -> Result<Self, Vec<SettingsError>> {
        let mut check = Check::default();
        let rules = check.rules(raw);
        match rules {
            Some(rules) if check.problems.is_empty() => Ok(Self(Arc::new(rules))),
            _ => Err(check.problems),
        }
    }
}
