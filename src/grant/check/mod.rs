//! The check of settings as they are written: each one, and what they mean together.
mod answer;
mod claims;
mod message;

use crate::grant::error::SettingsError;
use crate::grant::error::Step;
use crate::grant::raw::BasicEncoding;
use crate::grant::raw::ClientAuthMethod;
use crate::grant::raw::GrantType;
use crate::grant::raw::RawOauth2;
use crate::grant::raw::RawPkce;
use crate::grant::settings::Rules;
use crate::grant::target::UrlTemplate;
use crate::grant::template::Template;
use crate::grant::template::TemplateFault;
use std::fmt::Display;

/// Goes through the settings and collects everything that is wrong with them.
#[derive(Default)]
pub(in crate::grant) struct Check {
    pub(in crate::grant) problems: Vec<SettingsError>,
}

impl Check {
    pub(in crate::grant) fn rules(&mut self, raw: RawOauth2) -> Option<Rules> {
        let Some(grant) = raw.grant else {
            let hint = "write one: authorization_code, client_credentials, refresh_token, password, \
                        device_code, jwt_bearer, token_exchange or github_app";
            self.wrong(vec!["grant".into()], "is missing", hint);
            return None;
        };
        self.belongings(grant, &raw);
        let issuer = self.url("issuer", raw.issuer.as_deref());
        let urls = self.urls(grant, &raw);
        let client_auth = raw.client_auth.unwrap_or(match grant {
            GrantType::JwtBearer | GrantType::GithubApp | GrantType::DeviceCode => {
                ClientAuthMethod::None
            }
            GrantType::AuthorizationCode
            | GrantType::ClientCredentials
            | GrantType::RefreshToken
            | GrantType::Password
            | GrantType::TokenExchange => ClientAuthMethod::Basic,
        });
        let of_refresh = raw.refresh.as_ref().and_then(|it| it.client_auth);
        let client_auths = [client_auth, of_refresh.unwrap_or(client_auth)];
        if raw.basic_encoding.is_some() && !client_auths.contains(&ClientAuthMethod::Basic) {
            let hint = "leave it out, or write `client_auth: basic`";
            self.wrong(vec!["basic_encoding".into()], "is for `client_auth: basic`", hint);
        }
        let scope_separator: Box<str> = raw.scope_separator.as_deref().unwrap_or(" ").into();
        let scopes = self.scopes("scopes", &raw.scopes, &scope_separator);
        let required_scopes =
            self.scopes("required_scopes", &raw.required_scopes, &scope_separator);
        let token_form = self.form(raw.token_method, raw.token_body, None);
        let refresh = self.refresh(&raw, client_auth, token_form);
        let token_params = self.params(&["token_params".into()], &raw.token_params);
        let refresh_params = match &raw.refresh_params {
            Some(params) => self.params(&["refresh_params".into()], params),
            None => token_params.iter().filter(|it| &*it.0 != "grant_type").cloned().collect(),
        };
        let account = self.account(&raw);
        Some(Rules {
            grant,
            issuer,
            urls,
            scopes,
            required_scopes,
            scope_separator,
            pkce: raw.pkce.unwrap_or(RawPkce::S256) == RawPkce::S256,
            client_auth,
            basic_encoding: raw.basic_encoding.unwrap_or(BasicEncoding::Form),
            resources: self.list("resources", &raw.resources),
            authorize_params: self.params(&["authorize_params".into()], &raw.authorize_params),
            token_params,
            refresh_params,
            token_headers: self.headers(&raw.token_headers),
            token_form,
            rename: self.rename(&raw.rename),
            omit: raw.omit.iter().map(|it| it.as_str().into()).collect(),
            reply: self.reply(grant, raw.reply.unwrap_or_default()),
            expiry: self.expiry(raw.expiry.unwrap_or_default()),
            refresh,
            auth_failure: self.failures(&raw.auth_failure),
            assertion: self.assertion(grant, client_auths, raw.assertion.unwrap_or_default()),
            exchange: self.exchange(raw.exchange.unwrap_or_default()),
            callback: self.callback(raw.callback.unwrap_or_default()),
            account,
            dpop: raw.dpop.unwrap_or(false),
            placement: self.placement(raw.r#in, raw.name, raw.format, raw.dpop.unwrap_or(false)),
        })
    }

    /// Settings of one grant beside another's are a mistake that nobody would see.
    fn belongings(&mut self, grant: GrantType, raw: &RawOauth2) {
        let code = grant == GrantType::AuthorizationCode;
        let of_refresh = raw.refresh.as_ref().and_then(|it| it.client_auth);
        let signs = |it: &ClientAuthMethod| {
            matches!(it, ClientAuthMethod::PrivateKeyJwt | ClientAuthMethod::ClientSecretJwt)
        };
        let signed = matches!(grant, GrantType::JwtBearer | GrantType::GithubApp)
            || [raw.client_auth, of_refresh].iter().flatten().any(signs);
        let renews = matches!(
            grant,
            GrantType::AuthorizationCode
                | GrantType::DeviceCode
                | GrantType::RefreshToken
                | GrantType::Password
        );
        if of_refresh.is_some() && !renews {
            let path = vec!["refresh".into(), "client_auth".into()];
            let hint = "leave it out: this grant makes a token anew each time";
            self.wrong(path, "is for grants that renew by a token", hint);
        }
        if grant == GrantType::GithubApp
            && raw.client_auth.is_some_and(|it| it != ClientAuthMethod::None)
        {
            let hint = "leave it out: the app shows who it is with its assertion";
            self.wrong(vec!["client_auth".into()], "is not for `grant: github_app`", hint);
        }
        let foreign = [
            ("pkce", raw.pkce.is_some() && !code, "`grant: authorization_code`"),
            ("callback", raw.callback.is_some() && !code, "`grant: authorization_code`"),
            (
                "exchange",
                raw.exchange.is_some() && grant != GrantType::TokenExchange,
                "`grant: token_exchange`",
            ),
            (
                "assertion",
                raw.assertion.is_some() && !signed,
                "`jwt_bearer`, `github_app`, `private_key_jwt` and `client_secret_jwt`",
            ),
        ];
        for (setting, is_foreign, whose) in foreign {
            if is_foreign {
                self.wrong(vec![setting.into()], format!("is for {whose}"), "leave it out");
            }
        }
    }

    pub(in crate::grant) fn url(
        &mut self,
        setting: &'static str,
        text: Option<&str>,
    ) -> Option<UrlTemplate> {
        self.url_at(vec![setting.into()], text?)
    }

    pub(in crate::grant) fn url_at(&mut self, path: Vec<Step>, text: &str) -> Option<UrlTemplate> {
        self.ok(
            path,
            UrlTemplate::parse(text),
            "write it as in https://{subdomain}.example.com/oauth/token",
        )
    }

    /// A JSON pointer; the root where it is none.
    pub(in crate::grant) fn pointer(&mut self, path: Vec<Step>, text: &str) -> Box<str> {
        if !text.is_empty() && !text.starts_with('/') {
            let hint = format!("write a JSON pointer: `/{text}`");
            self.wrong(path, "is no JSON pointer", hint);
        }
        text.into()
    }

    pub(in crate::grant) fn variable(&mut self, path: Vec<Step>, name: &str) {
        let begins = name.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
        if !begins || !name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_') {
            let hint = "a name has letters, digits and `_`, and begins with a letter";
            self.wrong(path, "can't be the name of a variable", hint);
        }
    }

    pub(in crate::grant) fn template(&mut self, path: Vec<Step>, text: &str) -> Option<Template> {
        self.ok(path, Template::parse(text), TemplateFault::HINT)
    }

    /// The value, or its error among the problems.
    pub(in crate::grant) fn ok<T, E: Display>(
        &mut self,
        path: Vec<Step>,
        it: Result<T, E>,
        hint: &str,
    ) -> Option<T> {
        it.map_err(|problem| self.wrong(path, problem.to_string(), hint)).ok()
    }

    pub(in crate::grant) fn wrong(
        &mut self,
        path: Vec<Step>,
        problem: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.problems.push(SettingsError { path, problem: problem.into(), hint: hint.into() });
    }
}

pub(in crate::grant) fn below(path: &[Step], step: impl Into<Step>) -> Vec<Step> {
    path.iter().cloned().chain([step.into()]).collect()
}
