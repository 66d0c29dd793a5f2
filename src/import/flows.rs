//! OAuth 2.0 flows to grants (OpenAPI 3.1.0 §4.8.28, Swagger 2.0 §5.2.27).
use super::format::Format;
use super::tree::Pointer;
use super::tree::text;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// The flows that have a grant: as OpenAPI names them, as Swagger does, and the grant.
const GRANTS: [(&str, &str, &str); 4] = [
    ("authorizationCode", "accessCode", "authorization_code"),
    ("clientCredentials", "application", "client_credentials"),
    ("password", "password", "password"),
    // 3.2.
    ("deviceAuthorization", "", "device_code"),
];

/// The flow that has none: its token goes to a browser's address bar (RFC 9700 §2.1.2).
pub(super) const IMPLICIT: &str = "implicit";

/// Most flows of a scheme that are read: there are five names for them.
pub(super) const FLOWS_MAX: usize = 20;

/// A flow, and where it stands.
pub(super) struct Flow {
    pub(super) at: Pointer,
    /// `None` for one that there is no grant for.
    pub(super) grant: Option<&'static str>,
    /// As the document names it.
    pub(super) name: String,
    /// The settings of `oauth2`.
    pub(super) settings: Value,
    /// What could be asked for. The settings ask for nothing: how much they should is the operator's to say.
    pub(super) scopes: Vec<String>,
}

pub(super) fn flows(
    scheme: &Value,
    format: Format,
    at: &Pointer,
    base_url: Option<&str>,
) -> Vec<Flow> {
    match format {
        Format::Swagger2 => {
            let name = scheme.get("flow").and_then(text).unwrap_or_default();
            vec![flow(scheme, &name, at.clone(), base_url, |it| it.1)]
        }
        Format::OpenApi3 { .. } => super::members(scheme, "flows")
            .take(FLOWS_MAX)
            .filter(|it| !it.0.starts_with("x-"))
            .map(|(name, it)| flow(it, name, at.child("flows").child(name), base_url, |it| it.0))
            .collect(),
    }
}

fn flow(
    written: &Value,
    name: &str,
    at: Pointer,
    base_url: Option<&str>,
    named: fn(&(&'static str, &'static str, &'static str)) -> &'static str,
) -> Flow {
    let grant = GRANTS.iter().find(|it| named(it) == name).map(|it| it.2);
    let url = |member: &str| {
        let url = written.get(member).and_then(text).filter(|it| !it.trim().is_empty())?;
        Some(resolved(url.trim(), base_url))
    };
    let mut settings = Map::new();
    if let Some(grant) = grant {
        settings.insert("grant".to_owned(), grant.into());
    }
    for (member, setting) in [
        ("authorizationUrl", "authorize_url"),
        ("tokenUrl", "token_url"),
        ("deviceAuthorizationUrl", "device_url"),
    ] {
        if let Some(url) = url(member) {
            settings.insert(setting.to_owned(), url.into());
        }
    }
    if let Some(renewed_at) = url("refreshUrl").filter(|it| Some(it) != url("tokenUrl").as_ref()) {
        settings.insert("refresh".to_owned(), json!({ "url": renewed_at }));
    }
    let scopes = super::members(written, "scopes").map(|it| it.0.clone());
    Flow {
        at,
        grant,
        name: name.to_owned(),
        scopes: scopes.filter(|it| !it.starts_with("x-")).collect(),
        settings: Value::Object(settings),
    }
}

/// `openIdConnect`: the issuer is what stands before the well-known path (OpenID Connect Discovery 1.0 §4).
pub(super) fn discovered(scheme: &Value, base_url: Option<&str>) -> Option<Value> {
    let url = scheme.get("openIdConnectUrl").and_then(text)?;
    let url = resolved(url.trim(), base_url);
    let issuer = url.strip_suffix("/.well-known/openid-configuration").unwrap_or(&url);
    Some(json!({ "grant": "authorization_code", "issuer": issuer }))
}

/// A URL may be relative to the server's (OpenAPI 3.1.0 §4.6).
fn resolved(written: &str, base_url: Option<&str>) -> String {
    let base = base_url.filter(|it| !it.contains('{')).and_then(|it| url::Url::parse(it).ok());
    match base.filter(|_| !written.contains("://")).and_then(|it| it.join(written).ok()) {
        Some(url) => url.into(),
        None => written.to_owned(),
    }
}
