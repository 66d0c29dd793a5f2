//! What each tenant has to bring to an embedded connection, as whoever asks for it shows it.
use super::auth_method::Auth;
use super::connection::Connection;
use super::connection::Input;
use super::credential_field::CredentialField;
use super::holder::Mould;
use super::token_method::Way;
use super::variables::RawVariable;
use crate::grant::GrantType;
use crate::grant::Need;
use indexmap::IndexMap;

/// One thing to be brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantInput {
    pub place: InputPlace,
    pub name: String,
    /// For people.
    pub label: String,
    pub help: Option<String>,
    /// A regular expression that the whole of it has to match.
    pub pattern: Option<String>,
    pub example: Option<String>,
    /// Whether nobody is to look on while it is typed.
    pub is_secret: bool,
    pub is_required: bool,
    /// What there is where it is left out.
    pub default: Option<String>,
}

/// Where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputPlace {
    Credentials,
    Variables,
}

/// How a tenant connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectWay {
    /// It says what it has.
    Form,
    /// It consents at the provider, in a browser.
    Redirect,
    /// It consents at the provider, on another device.
    Device,
}

impl Connection {
    /// How its tenants connect.
    pub fn connect_way(&self) -> ConnectWay {
        let Auth::Token(method) = &self.method.auth else { return ConnectWay::Form };
        match &method.way {
            Way::Oauth2(method) => match method.grant() {
                GrantType::AuthorizationCode => ConnectWay::Redirect,
                GrantType::DeviceCode => ConnectWay::Device,
                _ => ConnectWay::Form,
            },
            Way::Session(_) | Way::Role(_) => ConnectWay::Form,
            Way::Oauth1(_) => ConnectWay::Redirect,
        }
    }

    /// What its tenants bring: variables first, and nothing that comes of their consent. Nothing where it is not
    /// embedded.
    pub fn tenant_inputs(&self) -> Vec<TenantInput> {
        let Some(mould) = self.mould() else { return Vec::new() };
        let mut inputs = variables(mould);
        inputs.extend(fields(mould, self.connect_way()));
        inputs
    }
}

fn variables(mould: Mould<'_>) -> Vec<TenantInput> {
    let texts: IndexMap<String, RawVariable> =
        serde_json::from_str(mould.rules.definition()).unwrap_or_default();
    let mut names: Vec<&str> = texts.keys().map(String::as_str).collect();
    for name in mould.base_url.variables() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let comes_with_tokens = |name: &str| match &mould.method.auth {
        Auth::Token(method) => method.kept().any(|it| it == name),
        Auth::Outbound(_) | Auth::Inbound(_) => false,
    };
    let is_asked = |name: &&str| match mould.inputs.iter().find(|it| it.0 == **name) {
        Some((_, input)) => *input == Input::Tenant,
        None => !mould.inherited.contains_key(*name) && !comes_with_tokens(name),
    };
    let input = |name: &str| {
        let text = texts.get(name).cloned().unwrap_or_default();
        let is_named = mould.base_url.variables().any(|it| it == name);
        TenantInput {
            place: InputPlace::Variables,
            name: name.to_owned(),
            label: text.name.unwrap_or_else(|| name.to_owned()),
            help: text.description,
            pattern: text.pattern,
            example: None,
            is_secret: false,
            is_required: (text.required || is_named) && text.default.is_none(),
            default: text.default,
        }
    };
    names.into_iter().filter(is_asked).map(input).collect()
}

fn fields(mould: Mould<'_>, way: ConnectWay) -> Vec<TenantInput> {
    // Whoever is sent to the provider fills in what it takes to get there, and no more.
    let is_asked = |it: &CredentialField| match it.need {
        Need::Required => true,
        Need::Optional => way == ConnectWay::Form,
        Need::Obtained => false,
    };
    let all = mould.method.credential_fields(|it| mould.is_variable(it)).into_iter();
    let own = all.filter(|it| is_asked(it) && !mould.is_global(&it.name));
    own.map(TenantInput::from).collect()
}

impl From<CredentialField> for TenantInput {
    fn from(it: CredentialField) -> Self {
        let CredentialField { name, label, help, pattern, example, is_secret, need } = it;
        let (is_required, place) = (need == Need::Required, InputPlace::Credentials);
        Self { place, name, label, help, pattern, example, is_secret, is_required, default: None }
    }
}
