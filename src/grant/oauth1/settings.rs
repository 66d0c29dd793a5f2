//! The three endpoints, and what a holder needs for them.
use super::super::credential;
use super::super::credential::Field;
use super::super::credential::Need;
use super::super::error::GrantError;
use super::super::error::SettingsError;
use super::super::error::Step;
use super::super::identity::Identity;
use super::super::occasion::Occasion;
use super::super::target::Target;
use super::super::target::UrlTemplate;
use super::super::token_set::Expiry;
use super::super::token_set::TokenSet;
use crate::model::Credential;
use crate::model::Secret;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The three URLs as written, each of which there has to be.
#[derive(Clone, Copy, Debug)]
pub struct RawOauth1Grant<'r> {
    pub request_url: Option<&'r str>,
    pub authorize_url: Option<&'r str>,
    pub token_url: Option<&'r str>,
    /// Whether the person's URL says where to come back to, in place of the first message.
    pub callback_on_url: bool,
}

/// Where the messages go.
#[derive(Clone, Debug)]
pub struct Oauth1Grant {
    /// Behind one pointer: a method of another kind is not made larger by it.
    pub(in super::super) urls: Box<Urls>,
    pub(super) callback_on_url: bool,
}

#[derive(Clone, Debug)]
pub(in super::super) struct Urls {
    pub request: UrlTemplate,
    pub authorize: UrlTemplate,
    pub token: UrlTemplate,
}

/// One of the two signed messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    /// RFC 5849 §2.1.
    TemporaryCredentials,
    /// RFC 5849 §2.3.
    Token,
}

/// The fields of the token and its secret, as an operator brings them, and in [`TokenSet::extra`].
const TOKEN: &str = "token";
const TOKEN_SECRET: &str = "token_secret";

/// Where the person comes back to.
const CALLBACK: &str = "oauth_callback";

impl Oauth1Grant {
    pub fn new(raw: RawOauth1Grant<'_>) -> Result<Self, Vec<SettingsError>> {
        let mut faults = Vec::new();
        let mut read = |setting: &'static str, url: Option<&str>| {
            let path = vec![Step::from(setting)];
            let Some(url) = url else {
                let problem = "is missing: a consent takes all three URLs".to_owned();
                let hint =
                    "write request_url, authorize_url and token_url, or none of them".to_owned();
                faults.push(SettingsError { path, problem, hint });
                return None;
            };
            let read = UrlTemplate::parse(url);
            let fault = |it: super::super::target::UrlFault| {
                let hint = "write it as https://api.example.com/oauth/request_token".to_owned();
                faults.push(SettingsError { path, problem: it.to_string(), hint });
            };
            read.map_err(fault).ok()
        };
        let request = read("request_url", raw.request_url);
        let authorize = read("authorize_url", raw.authorize_url);
        let token = read("token_url", raw.token_url);
        match (request, authorize, token) {
            (Some(request), Some(authorize), Some(token)) => {
                let urls = Box::new(Urls { request, authorize, token });
                Ok(Self { urls, callback_on_url: raw.callback_on_url })
            }
            _ => Err(faults),
        }
    }

    fn all(&self) -> [(&'static str, &UrlTemplate); 3] {
        let urls = &*self.urls;
        [
            ("request_url", &urls.request),
            ("authorize_url", &urls.authorize),
            ("token_url", &urls.token),
        ]
    }

    /// The credential fields that it takes: `signing` are those that the signature needs.
    pub fn fields<'s>(
        &'s self,
        signing: impl Iterator<Item = &'s str>,
        is_variable: impl Fn(&str) -> bool,
    ) -> Vec<Field<'s>> {
        let is_token = |it: &str| matches!(it, TOKEN | TOKEN_SECRET);
        let named = self.all().into_iter().flat_map(|it| it.1.names());
        let names = signing.chain(named.filter(|it| !is_variable(it)));
        let mut fields: Vec<Field<'s>> = Vec::new();
        for name in names.chain([TOKEN, TOKEN_SECRET]) {
            if !fields.iter().any(|it| it.name == name) {
                let need = if is_token(name) { Need::Obtained } else { Need::Required };
                fields.push(Field { name, need });
            }
        }
        fields
    }

    /// Fields that are missing, unknown, empty or there more than once.
    pub fn check_credential(fields: &[Field<'_>], credential: &Credential) -> Vec<GrantError> {
        let mut faults = credential::faults(fields, credential, |_| 1);
        let has = |name| credential.field(name).is_some();
        if has(TOKEN_SECRET) && !has(TOKEN) {
            faults.push(GrantError::Missing { name: TOKEN.to_owned() });
        }
        faults
    }

    /// A variable without a value, or with one that makes no URL.
    pub fn url_faults(&self, occasion: &Occasion<'_>) -> Vec<GrantError> {
        let mut faults: Vec<GrantError> = Vec::new();
        for (setting, url) in self.all() {
            if let Err(fault) = url.expand(setting, |name| occasion.find(name))
                && !faults.iter().any(|it| it.field().is_some() && it.field() == fault.field())
            {
                faults.push(fault);
            }
        }
        faults
    }

    /// What whoever configured it should know.
    pub fn warnings(&self) -> Vec<&'static str> {
        let is_plain = self.all().iter().any(|it| !it.1.is_https());
        // RFC 5849 §2.1, §2.3.
        let warning = "a URL where tokens are had is not https: whoever listens reads them";
        is_plain.then_some(warning).into_iter().collect()
    }

    /// The endpoints that the holder's requests must never reach through the proxy: their answers are tokens.
    pub fn guarded(&self, occasion: &Occasion<'_>) -> Vec<Target> {
        let legs = [Leg::TemporaryCredentials, Leg::Token];
        legs.into_iter().filter_map(|it| self.target(it, occasion).ok()).collect()
    }

    /// Where a message goes.
    pub fn target(&self, leg: Leg, occasion: &Occasion<'_>) -> Result<Target, GrantError> {
        let (setting, url) = match leg {
            Leg::TemporaryCredentials => ("request_url", &self.urls.request),
            Leg::Token => ("token_url", &self.urls.token),
        };
        url.expand(setting, |name| occasion.find(name))
    }

    /// What the first message says of where the person comes back to (RFC 5849 §2.1).
    pub fn callback<'u>(&self, redirect_uri: &'u str) -> Option<(&'static str, &'u str)> {
        (!self.callback_on_url).then_some((CALLBACK, redirect_uri))
    }

    /// Where the person's browser goes (RFC 5849 §2.2), with the temporary token.
    pub fn authorization_url(
        &self,
        token: &Secret,
        redirect_uri: &str,
        occasion: &Occasion<'_>,
    ) -> Result<Zeroizing<String>, GrantError> {
        let url = self.urls.authorize.expand("authorize_url", |name| occasion.find(name))?;
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        pairs.append_pair("oauth_token", token.expose());
        if self.callback_on_url {
            pairs.append_pair(CALLBACK, redirect_uri);
        }
        Ok(url.with_query(&pairs.finish()).whole())
    }

    /// What makes it another grant: whose app it is, whose token was brought, and where tokens are had.
    pub fn identity(&self, occasion: &Occasion<'_>) -> Identity {
        let field = |name| occasion.credential.field(name).map_or("", Secret::expose);
        let origin = self.urls.token.origin_text(|name| occasion.find(name));
        let whose = ["attache oauth1 grant 1", field("consumer_key"), &origin];
        Identity::of(whose.into_iter(), field(TOKEN))
    }

    /// The token among a holder's own fields: it has no end.
    pub fn brought(credential: &Credential) -> Option<TokenSet> {
        let field = |name| credential.field(name).filter(|it| !it.is_empty());
        Some(token_set(field(TOKEN)?.clone(), field(TOKEN_SECRET).cloned().unwrap_or_default()))
    }

    /// A token with its secret as the credential fields that sign.
    pub fn signing_fields(tokens: &TokenSet) -> Credential {
        let mut fields = Credential::default();
        fields.insert(TOKEN, vec![tokens.access_token.clone()]);
        let secret = tokens.extra.get(TOKEN_SECRET).cloned().unwrap_or_default();
        fields.insert(TOKEN_SECRET, vec![secret]);
        fields
    }
}

/// A token that is good until somebody takes it back, with its secret.
pub(super) fn token_set(token: Secret, secret: Secret) -> TokenSet {
    TokenSet {
        access_token: token,
        refresh_token: None,
        id_token: None,
        token_type: None,
        scopes: None,
        expiry: Expiry::Never,
        refresh_expires_at: None,
        dpop_key: None,
        extra: Box::new(BTreeMap::from([(TOKEN_SECRET.to_owned(), secret)])),
        kept: BTreeMap::new(),
        unkept: Box::default(),
    }
}
