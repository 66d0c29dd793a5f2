//! How an API authenticates: a type and its settings, kept on the connector.
use super::declared::written;
use super::field_text::FieldText;
use super::field_text::RawFieldText;
use super::probe::Probe;
use super::probe::RawProbe;
use super::problem::At;
use super::problem::PathSegment;
use super::problem::Problem;
use super::token_method::TokenMethod;
use crate::auth;
use crate::auth::ApiKey;
use crate::auth::AwsSigv4;
use crate::auth::Custom;
use crate::auth::RawApiKey;
use crate::auth::RawAwsSigv4;
use crate::auth::RawBasic;
use crate::auth::RawBearer;
use crate::auth::RawCustom;
use crate::auth::RawDigest;
use crate::auth::RawHttpSignature;
use crate::auth::RawJwt;
use crate::auth::RawMtls;
use crate::auth::RawNone;
use crate::auth::RawOauth1;
use crate::auth::RawSignedRequest;
use crate::auth::Scheme;
use crate::auth::SchemeFault;
use crate::auth::SettingsError;
use crate::grant::RawOauth2;
use crate::grant::RawSessionLogin;
use crate::model::Credential;
use crate::model::Key;
use crate::webhook;
use crate::webhook::Description;
use crate::webhook::DescriptionError;
use crate::webhook::RawDescription;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use std::sync::Arc;

/// An auth method as written. The type is the key of its settings, and exactly one stands here.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawAuthMethod {
    /// Default: the key.
    pub name: Option<String>,
    pub description: Option<String>,
    /// What its credentials' fields are to whoever fills them in, by field.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub fields: IndexMap<String, RawFieldText>,
    /// A request that a credential has to succeed with, where somebody tries it. Default: none can be tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe: Option<RawProbe>,
    /// No authentication at all.
    pub none: Option<RawNone>,
    /// One key in a header, a query parameter or a cookie. Credentials: `key`.
    pub api_key: Option<RawApiKey>,
    /// RFC 7617. Credentials: `username`, `password`.
    pub basic: Option<RawBasic>,
    /// RFC 6750. Credentials: `token`.
    pub bearer: Option<RawBearer>,
    /// Several placements, templates over any credential fields.
    pub custom: Option<RawCustom>,
    /// Inbound only: how webhooks are signed. Credentials: `secret`.
    pub hmac: Option<RawDescription>,
    /// RFC 6749. Credentials: as the grant and the client authentication need.
    pub oauth2: Option<RawOauth2>,
    /// Calls whose answers yield what goes on requests. Credentials: what their templates name.
    pub session_login: Option<RawSessionLogin>,
    /// RFC 5849. Credentials: `consumer_key`, `consumer_secret` or `private_key`, `token`, `token_secret`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth1: Option<RawOauth1>,
    /// AWS Signature Version 4. Credentials: `access_key_id`, `secret_access_key`, `session_token`, and what the
    /// templates of `assume_role` name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws_sigv4: Option<RawAwsSigv4>,
    /// A signature over requests, described as data. Credentials: what its templates name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_request: Option<RawSignedRequest>,
    /// RFC 9421. Credentials: `private_key` or `secret`, as the algorithm needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_signature: Option<RawHttpSignature>,
    /// RFC 7519, minted here. Credentials: `private_key` or `secret`, and what the claims name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt: Option<RawJwt>,
    /// RFC 7616. Credentials: `username`, `password`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<RawDigest>,
    /// A certificate in the TLS handshake. Credentials: `certificate`, `private_key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtls: Option<RawMtls>,
    /// Several types at once, each written as one entry with its settings alone: `[{ mtls: {} }, { bearer: {} }]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub all: Vec<RawAuthMethod>,
}

/// An auth method of a connector.
#[derive(Clone, Debug)]
pub struct AuthMethod {
    pub key: Key,
    pub name: String,
    pub description: String,
    /// 1 for methods in files: a connection in a file follows the file's method.
    pub revision: u32,
    /// As it is written, in JSON: what makes one revision differ from another.
    pub definition: Box<str>,
    pub auth: Auth,
    /// What is said of its fields, in the order in which it is written.
    pub texts: Box<[(Box<str>, FieldText)]>,
    pub probe: Option<Probe>,
}

/// What a method is for: requests out, or webhooks in.
#[derive(Clone, Debug)]
pub enum Auth {
    Outbound(Scheme),
    /// Requests out, with what has to be had first.
    Token(Arc<TokenMethod>),
    Inbound(Description),
}

/// Fields that everybody may see, unless somebody says that they are secret.
const SEEN: [&str; 9] = [
    "username",
    "client_id",
    "consumer_key",
    "key_id",
    "access_key_id",
    "role_arn",
    "app_id",
    "installation_id",
    "certificate",
];

const TYPES: &str = "the types are none, api_key, basic, bearer, custom, oauth2, session_login, oauth1, aws_sigv4, \
                     signed_request, http_signature, jwt, digest, mtls, all and hmac";

impl AuthMethod {
    /// A revision that was recorded. The paths of the problems begin with `auth`.
    pub fn recorded(key: Key, revision: u32, raw: RawAuthMethod) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let section = At::section("auth");
        let method = Self::build(key.clone(), raw, section.key(key.as_str()), &mut problems);
        method.map(|it| Self { revision, ..it }).ok_or(problems)
    }

    pub(super) fn build(
        key: Key,
        raw: RawAuthMethod,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let before = problems.len();
        let types = raw.types();
        match types[..] {
            [] => {
                let hint = format!("write one as in `bearer: {{}}`; {TYPES}");
                problems.push(at.problem("no auth type is set", hint));
            }
            [_, _, ..] => {
                let problem = format!("{} are set: a method has one type", types.join(" and "));
                problems.push(at.problem(
                    problem,
                    "make a method of each, or write them as a list under `all`",
                ));
            }
            _ => {}
        }
        let auth = raw.auth(at, problems);
        if let Some(auth) = &auth {
            raw.check_fields(&auth.fields(), at.key("fields"), problems);
        }
        let mut texts = Vec::with_capacity(raw.fields.len());
        for (name, text) in &raw.fields {
            let at = at.key("fields");
            let text = FieldText::build(name, text, at.key(name), problems);
            texts.push((name.as_str().into(), text));
        }
        let probe = raw.probe.as_ref();
        let probe = probe.and_then(|it| Probe::build(it, at.key("probe"), problems));
        if probe.is_some() && matches!(auth, Some(Auth::Inbound(_))) {
            let problem = "webhooks come in: there is no request to try";
            problems.push(at.key("probe").problem(problem, "leave it out"));
        }
        let definition = written(&raw);
        if problems.len() > before {
            return None;
        }
        Some(Self {
            name: raw.name.unwrap_or_else(|| key.to_string()),
            description: raw.description.unwrap_or_default(),
            revision: 1,
            definition,
            auth: auth?,
            texts: texts.into(),
            probe,
            key,
        })
    }
}

impl AuthMethod {
    /// The credential fields that it takes.
    pub fn fields(&self) -> Vec<&str> {
        self.auth.fields()
    }

    /// What is said of a field; nothing of most.
    pub fn text(&self, field: &str) -> Option<&FieldText> {
        self.texts.iter().find(|it| *it.0 == *field).map(|it| &it.1)
    }

    /// Whether what somebody writes into a field is not to be seen.
    pub fn is_secret(&self, field: &str) -> bool {
        let said = self.text(field).and_then(|it| it.secret);
        said.unwrap_or(!SEEN.contains(&field))
    }

    /// What of a credential that somebody sets does not fit what is said of its fields; `member`: what it is sent
    /// as, with which the paths begin. What was set before stays good, whatever is said now.
    pub fn misfits(
        &self,
        credential: &Credential,
        is_set: impl Fn(&str) -> bool,
        member: &str,
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.check_texts(credential, is_set, At::section(member), &mut problems);
        problems
    }

    pub(super) fn check_texts(
        &self,
        credential: &Credential,
        is_set: impl Fn(&str) -> bool,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) {
        for (name, text) in self.texts.iter().filter(|it| is_set(&it.0)) {
            let misfits = credential.values(name).iter().find_map(|it| text.misfit(name, it));
            problems.extend(misfits.map(|(problem, hint)| at.key(name).problem(problem, hint)));
        }
    }

    /// What whoever configured it should know, one sentence each.
    pub(super) fn warnings(&self) -> Vec<&'static str> {
        match &self.auth {
            Auth::Outbound(_) => Vec::new(),
            Auth::Token(method) => method.warnings(),
            Auth::Inbound(description) => description.warnings(),
        }
    }
}

impl Auth {
    /// The credential fields that it takes: some of them may be absent where a token is had by them.
    pub fn fields(&self) -> Vec<&str> {
        match self {
            Self::Outbound(scheme) => scheme.fields(),
            Self::Token(method) => method.fields(|_| false).iter().map(|it| it.name).collect(),
            Self::Inbound(description) => description.fields().iter().map(|it| it.0).collect(),
        }
    }

    /// The type as configuration files write it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Outbound(scheme) => scheme.type_name(),
            Self::Token(method) => method.type_name(),
            Self::Inbound(_) => "hmac",
        }
    }

    /// Whether its holders have a certificate that they show APIs in the TLS handshake.
    pub fn shows_certificate(&self) -> bool {
        match self {
            Self::Outbound(scheme) => scheme.shows_certificate(),
            Self::Token(method) => method.beside.as_ref().is_some_and(Scheme::shows_certificate),
            Self::Inbound(_) => false,
        }
    }

    /// How the credential goes on requests; `None` where none go out.
    pub fn scheme(&self) -> Option<&Scheme> {
        match self {
            Self::Outbound(scheme) => Some(scheme),
            Self::Token(method) => Some(&method.scheme),
            Self::Inbound(_) => None,
        }
    }
}

impl RawAuthMethod {
    /// The type that is set, as configuration files write it.
    pub fn type_name(&self) -> Option<&'static str> {
        self.types().first().copied()
    }

    fn check_fields(&self, taken: &[&str], at: At<'_>, problems: &mut Vec<Problem>) {
        for name in self.fields.keys().filter(|it| !taken.contains(&it.as_str())) {
            let problem = format!("`{name}` is no field of these credentials");
            let hint = match taken {
                [] => "they have none".to_owned(),
                _ => format!("they are {}", taken.join(" and ")),
            };
            problems.push(at.key(name).problem(problem, hint));
        }
    }

    /// The types that are set.
    fn types(&self) -> Vec<&'static str> {
        let set = [
            ("none", self.none.is_some()),
            ("api_key", self.api_key.is_some()),
            ("basic", self.basic.is_some()),
            ("bearer", self.bearer.is_some()),
            ("custom", self.custom.is_some()),
            ("oauth2", self.oauth2.is_some()),
            ("session_login", self.session_login.is_some()),
            ("oauth1", self.oauth1.is_some()),
            ("aws_sigv4", self.aws_sigv4.is_some()),
            ("signed_request", self.signed_request.is_some()),
            ("http_signature", self.http_signature.is_some()),
            ("jwt", self.jwt.is_some()),
            ("digest", self.digest.is_some()),
            ("mtls", self.mtls.is_some()),
            ("all", !self.all.is_empty()),
            ("hmac", self.hmac.is_some()),
        ];
        set.into_iter().filter(|it| it.1).map(|it| it.0).collect()
    }

    fn auth(&self, at: At<'_>, problems: &mut Vec<Problem>) -> Option<Auth> {
        if self.none.is_some() {
            return Some(Auth::Outbound(Scheme::None));
        }
        if self.basic.is_some() {
            return Some(Auth::Outbound(Scheme::Basic));
        }
        if self.bearer.is_some() {
            return Some(Auth::Outbound(Scheme::Bearer));
        }
        if let Some(raw) = &self.api_key {
            let scheme = ApiKey::try_from(raw.clone());
            let scheme = scheme.map_err(|it| settings_problems(&it, at.key("api_key"), problems));
            return scheme.ok().map(|it| Auth::Outbound(Scheme::ApiKey(it)));
        }
        if let Some(raw) = &self.custom {
            let scheme = Custom::try_from(raw.clone());
            let scheme = scheme.map_err(|it| settings_problems(&it, at.key("custom"), problems));
            return scheme.ok().map(|it| Auth::Outbound(Scheme::Custom(it)));
        }
        if let Some(raw) = &self.oauth2 {
            let method = TokenMethod::oauth2(raw, at.key("oauth2"), problems);
            return method.map(|it| Auth::Token(Arc::new(it)));
        }
        if let Some(raw) = &self.session_login {
            let method = TokenMethod::session(raw, at.key("session_login"), problems);
            return method.map(|it| Auth::Token(Arc::new(it)));
        }
        if let Some(raw) = &self.hmac {
            let description = Description::try_from(raw.clone());
            let at = at.key("hmac");
            let description =
                description.map_err(|it| problems.extend(it.iter().map(|it| described(it, at))));
            return description.ok().map(Auth::Inbound);
        }
        if let Some(raw) = &self.oauth1 {
            let at = at.key("oauth1");
            let scheme = read(raw, at, problems)?;
            let method = TokenMethod::oauth1(raw, scheme, at, problems)?;
            return Some(match method {
                Ok(method) => Auth::Token(Arc::new(method)),
                Err(scheme) => Auth::Outbound(scheme),
            });
        }
        if !self.all.is_empty() {
            return self.together(at.key("all"), problems);
        }
        if let Some(raw) = self.aws_sigv4.as_ref().filter(|it| it.assume_role.is_some()) {
            let at = at.key("aws_sigv4");
            let scheme: Option<AwsSigv4> = read(raw, at, problems);
            let method = TokenMethod::role(raw, &scheme?, at, problems);
            return method.map(|it| Auth::Token(Arc::new(it)));
        }
        self.signing(at, problems).map(Auth::Outbound)
    }

    /// Several types on one request: schemes, and at most one whose credential has to be had first.
    fn together(&self, at: At<'_>, problems: &mut Vec<Problem>) -> Option<Auth> {
        let before = problems.len();
        let (mut schemes, mut tokens) = (Vec::new(), Vec::new());
        for (index, raw) in self.all.iter().enumerate() {
            let at = at.index(index);
            if let Some(problem) = raw.unfit_in_list() {
                problems.push(
                    at.problem(problem, "write the type and its settings alone: `- mtls: {}`"),
                );
                continue;
            }
            match raw.auth(at, problems) {
                Some(Auth::Outbound(scheme)) => schemes.push(scheme),
                Some(Auth::Token(method)) => tokens.push(method),
                Some(Auth::Inbound(_)) => {
                    problems.push(at.problem(
                        "webhooks come in: they go with nothing else",
                        "make a method of it",
                    ));
                }
                None => {}
            }
        }
        if tokens.len() > 1 {
            problems.push(at.problem(
                "two of them have to be had first",
                "one is what renewal and consent are about; make a connection of each",
            ));
        }
        if problems.len() > before {
            return None;
        }
        let together = Scheme::All(schemes.into());
        Some(match tokens.pop() {
            None => Auth::Outbound(together),
            Some(token) => {
                let mut method = TokenMethod::clone(&token);
                method.beside = Some(together);
                Auth::Token(Arc::new(method))
            }
        })
    }

    /// Why this is no entry of `all`.
    fn unfit_in_list(&self) -> Option<String> {
        let is_described = self.name.is_some() || self.description.is_some();
        if is_described || !self.fields.is_empty() || self.probe.is_some() {
            return Some("name, description, fields and probe are the whole method's".to_owned());
        }
        match self.types()[..] {
            [] => Some("no auth type is set".to_owned()),
            ["none" | "all"] => Some("there is nothing to put together".to_owned()),
            [_] => None,
            ref several => Some(format!("{} are set", several.join(" and "))),
        }
    }

    /// The types that compute over each request, and what goes with them.
    fn signing(&self, at: At<'_>, problems: &mut Vec<Problem>) -> Option<Scheme> {
        if self.mtls.is_some() {
            return Some(Scheme::Mtls);
        }
        if let Some(raw) = &self.aws_sigv4 {
            let scheme = read(raw, at.key("aws_sigv4"), problems);
            return scheme.map(|it| Scheme::AwsSigv4(Arc::new(it)));
        }
        if let Some(raw) = &self.signed_request {
            let scheme = read(raw, at.key("signed_request"), problems);
            return scheme.map(|it| Scheme::SignedRequest(Arc::new(it)));
        }
        if let Some(raw) = &self.http_signature {
            let scheme = read(raw, at.key("http_signature"), problems);
            return scheme.map(|it| Scheme::HttpSignature(Arc::new(it)));
        }
        if let Some(raw) = &self.jwt {
            let scheme = read(raw, at.key("jwt"), problems);
            return scheme.map(|it| Scheme::Jwt(Arc::new(it)));
        }
        if let Some(raw) = &self.digest {
            let scheme = read(raw, at.key("digest"), problems);
            return scheme.map(|it| Scheme::Digest(Arc::new(it)));
        }
        None
    }
}

/// Settings as written, made into a scheme's.
fn read<R: Clone, S: TryFrom<R, Error = Vec<SchemeFault>>>(
    raw: &R,
    at: At<'_>,
    problems: &mut Vec<Problem>,
) -> Option<S> {
    S::try_from(raw.clone()).map_err(|it| problems.extend(it.iter().map(|it| faulty(it, at)))).ok()
}

/// A fault in a scheme's settings, whose own path begins at `at`.
fn faulty(fault: &SchemeFault, at: At<'_>) -> Problem {
    let mut problem = at.problem(&*fault.problem, &*fault.hint);
    problem.path.extend(fault.path.iter().map(|step| match step {
        auth::Step::Field(name) => PathSegment::Key(name.clone().into_owned()),
        auth::Step::Index(index) => PathSegment::Index(*index),
    }));
    problem
}

pub(super) fn settings_problems(errors: &[SettingsError], at: At<'_>, problems: &mut Vec<Problem>) {
    for error in errors {
        let inject = at.key("inject");
        let entry = error.injection.map(|it| inject.index(it));
        let at = entry.as_ref().unwrap_or(&at).key(error.setting);
        problems.push(at.problem(error.to_string(), error.fault.hint()));
    }
}

/// A problem of a webhook's description or secret, whose own path begins at `at`.
pub(super) fn described(error: &DescriptionError, at: At<'_>) -> Problem {
    let mut problem = at.problem(&*error.problem, &*error.hint);
    problem.path.extend(error.path.iter().map(|step| match step {
        webhook::Step::Field(name) => PathSegment::Key(name.clone().into_owned()),
        webhook::Step::Index(index) => PathSegment::Index(*index),
    }));
    problem
}
