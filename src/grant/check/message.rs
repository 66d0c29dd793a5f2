//! Where messages go, and what is in them.
use super::Check;
use super::below;
use crate::grant::error::Step;
use crate::grant::raw::BodyFormat;
use crate::grant::raw::ClientAuthMethod;
use crate::grant::raw::GrantType;
use crate::grant::raw::RawOauth2;
use crate::grant::raw::TokenMethod;
use crate::grant::settings::MessageForm;
use crate::grant::settings::Params;
use crate::grant::settings::Refresh;
use crate::grant::settings::Urls;
use crate::grant::template::Template;
use http::HeaderName;
use indexmap::IndexMap;

const GITHUB_TOKEN_URL: &str =
    "https://api.github.com/app/installations/{installation_id}/access_tokens";

/// Fields that frame a message or belong to one hop (RFC 9110 §7.6.1, RFC 9112 §6), or that say what
/// the body is.
const RESERVED_HEADERS: [&str; 10] = [
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
    "connection",
    "te",
    "trailer",
    "upgrade",
    "keep-alive",
    "expect",
];

impl Check {
    pub(in crate::grant) fn urls(&mut self, grant: GrantType, raw: &RawOauth2) -> Urls {
        let default = (grant == GrantType::GithubApp).then_some(GITHUB_TOKEN_URL);
        let due: &[(&'static str, bool)] = &[
            ("authorize_url", grant == GrantType::AuthorizationCode && raw.authorize_url.is_none()),
            ("device_url", grant == GrantType::DeviceCode && raw.device_url.is_none()),
            ("token_url", raw.token_url.is_none() && default.is_none()),
        ];
        for (setting, is_due) in due {
            if *is_due && raw.issuer.is_none() {
                let hint = format!("write `{setting}: https://…`, or the `issuer` that tells it");
                self.wrong(vec![(*setting).into()], "is missing", hint);
            }
        }
        let refresh = raw.refresh.as_ref().and_then(|it| it.url.as_deref());
        Urls {
            authorize: self.url("authorize_url", raw.authorize_url.as_deref()),
            token: self.url("token_url", raw.token_url.as_deref().or(default)),
            revoke: self.url("revoke_url", raw.revoke_url.as_deref()),
            introspect: self.url("introspect_url", raw.introspect_url.as_deref()),
            userinfo: self.url("userinfo_url", raw.userinfo_url.as_deref()),
            device: self.url("device_url", raw.device_url.as_deref()),
            par: self.url("par_url", raw.par_url.as_deref()),
            refresh: refresh.and_then(|it| self.url_at(vec!["refresh".into(), "url".into()], it)),
        }
    }

    pub(in crate::grant) fn scopes(
        &mut self,
        setting: &'static str,
        raw: &[String],
        separator: &str,
    ) -> Box<[Box<str>]> {
        for (index, scope) in raw.iter().enumerate() {
            let torn = !separator.is_empty() && scope.contains(separator);
            if scope.is_empty() || torn || scope.chars().any(char::is_control) {
                let hint = "write each scope as an entry of its own, and `scope_separator` for what \
                            stands between them";
                self.wrong(vec![setting.into(), Step::Index(index)], "is not one scope", hint);
            }
        }
        raw.iter().map(|it| it.as_str().into()).collect()
    }

    /// `over` is what applies where nothing is written.
    pub(in crate::grant) fn form(
        &mut self,
        method: Option<TokenMethod>,
        body: Option<BodyFormat>,
        over: Option<MessageForm>,
    ) -> MessageForm {
        let default = MessageForm { method: TokenMethod::Post, body: BodyFormat::Form };
        let default = over.unwrap_or(default);
        let path = |field| match over {
            Some(_) => vec!["refresh".into(), field],
            None => vec![field],
        };
        let method = method.unwrap_or(default.method);
        let body = match (body, method) {
            (None, TokenMethod::Get) => BodyFormat::Query,
            (Some(BodyFormat::Form | BodyFormat::Json), TokenMethod::Get) => {
                let field = if over.is_some() { "body" } else { "token_body" };
                let hint = "leave it out: the parameters of a GET stand in the URL";
                self.wrong(path(field.into()), "is a body, and a GET has none", hint);
                BodyFormat::Query
            }
            (Some(body), _) => body,
            (None, TokenMethod::Post) => match default.method {
                TokenMethod::Post => default.body,
                TokenMethod::Get => BodyFormat::Form,
            },
        };
        MessageForm { method, body }
    }

    pub(in crate::grant) fn refresh(
        &mut self,
        raw: &RawOauth2,
        client_auth: ClientAuthMethod,
        form: MessageForm,
    ) -> Refresh {
        let raw = raw.refresh.clone().unwrap_or_default();
        Refresh {
            by: raw.by.unwrap_or_default(),
            form: self.form(raw.method, raw.body, Some(form)),
            client_auth: raw.client_auth.unwrap_or(client_auth),
            rotates: raw.rotates.unwrap_or(true),
            send_scopes: raw.send_scopes.unwrap_or(false),
        }
    }

    pub(in crate::grant) fn params(
        &mut self,
        path: &[Step],
        raw: &IndexMap<String, String>,
    ) -> Params {
        let mut params = Vec::with_capacity(raw.len());
        for (name, text) in raw {
            let path = below(path, Step::named(name));
            if name.is_empty() {
                self.wrong(path.clone(), "has no name", "write the parameter's name");
            }
            if let Some(template) = self.template(path, text) {
                params.push((name.as_str().into(), template));
            }
        }
        params.into()
    }

    pub(in crate::grant) fn list(
        &mut self,
        setting: &'static str,
        raw: &[String],
    ) -> Box<[Template]> {
        let each = raw.iter().enumerate();
        each.filter_map(|(at, it)| self.template(vec![setting.into(), Step::Index(at)], it))
            .collect()
    }

    pub(in crate::grant) fn headers(
        &mut self,
        raw: &IndexMap<String, String>,
    ) -> Box<[(HeaderName, Template)]> {
        self.headers_at(vec!["token_headers".into()], raw)
    }

    pub(in crate::grant) fn headers_at(
        &mut self,
        path: Vec<Step>,
        raw: &IndexMap<String, String>,
    ) -> Box<[(HeaderName, Template)]> {
        let mut headers = Vec::with_capacity(raw.len());
        for (name, text) in raw {
            let path = below(&path, Step::named(name));
            let hint = "write a header's name: `X-Api-Version`";
            let header = self.ok(path.clone(), name.parse::<HeaderName>(), hint);
            let Some(header) = header else { continue };
            let plain = header.as_str().replace('_', "-");
            let ours = RESERVED_HEADERS.contains(&plain.as_str())
                || plain.starts_with("proxy-")
                || plain.starts_with("attache-");
            if ours {
                let hint = "leave it out: attache writes it";
                self.wrong(path.clone(), "belongs to the message itself", hint);
            }
            if let Some(template) = self.template(path, text) {
                headers.push((header, template));
            }
        }
        headers.into()
    }

    pub(in crate::grant) fn rename(
        &mut self,
        raw: &IndexMap<String, String>,
    ) -> Box<[(Box<str>, Box<str>)]> {
        for (name, other) in raw.iter().filter(|it| it.1.is_empty()) {
            let path = vec!["rename".into(), Step::named(name)];
            let hint = format!("to leave it out, write `omit: [{name}]`");
            self.wrong(path, format!("has no name `{other}`"), hint);
        }
        raw.iter().map(|it| (it.0.as_str().into(), it.1.as_str().into())).collect()
    }
}
