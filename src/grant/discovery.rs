//! An authorization server's metadata (RFC 8414, OpenID Connect Discovery 1.0).
use super::error::GrantError;
use super::occasion::Occasion;
use super::raw::GrantType;
use super::raw::RawIss;
use super::request::Ask;
use super::settings::Oauth2;
use super::settings::Rules;
use super::target::Target;
use super::target::UrlTemplate;
use serde_json::Value;
use std::sync::Arc;

/// Longest metadata that is read, in bytes.
pub const METADATA_LEN_MAX: usize = 256 << 10;

/// What metadata says that is used here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    pub issuer: String,
    endpoints: Endpoints,
    /// RFC 8705 §5: the same for clients that show a certificate, where they are others.
    mtls: Endpoints,
    /// RFC 9207 §3: every redirect back says who sent it.
    pub iss_in_callback: bool,
    /// Where the keys are that id tokens are signed with (OpenID Connect Discovery §3).
    keys: Option<Box<str>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Endpoints {
    authorize: Option<Box<str>>,
    token: Option<Box<str>>,
    revoke: Option<Box<str>>,
    introspect: Option<Box<str>>,
    userinfo: Option<Box<str>>,
    device: Option<Box<str>>,
    par: Option<Box<str>>,
}

/// Why metadata can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    #[error("the metadata is longer than {METADATA_LEN_MAX} bytes")]
    TooLong,
    #[error("the metadata is no JSON object")]
    Unreadable,
    #[error("the metadata is another issuer's")]
    Issuer,
    #[error("the metadata's `{endpoint}` is no URL, or leads from https to http")]
    Endpoint { endpoint: &'static str },
}

impl Oauth2 {
    /// Whether a URL that the grant needs has to be had from the issuer first.
    pub fn needs_discovery(&self) -> bool {
        let urls = &self.0.urls;
        let due = urls.token.is_none()
            || self.0.grant == GrantType::AuthorizationCode && urls.authorize.is_none()
            || self.0.grant == GrantType::DeviceCode && urls.device.is_none();
        self.0.issuer.is_some() && due
    }

    /// Whether the URL that this is asked at is not known, and the issuer's metadata may tell it.
    pub fn is_unknown(&self, ask: Ask<'_>) -> bool {
        self.0.issuer.is_some() && self.is_nowhere(ask)
    }

    /// The issuer with the holder's variables.
    pub fn issuer(&self, occasion: &Occasion<'_>) -> Result<String, GrantError> {
        let issuer = self.0.issuer.as_ref().ok_or(GrantError::NotSet { setting: "issuer" })?;
        // The URL is checked, and the text is what is compared.
        issuer.expand("issuer", |name| occasion.find(name))?;
        Ok(issuer.text("issuer", |name| occasion.find(name))?.to_string())
    }

    /// Where the metadata stands, in the order in which it is looked for: RFC 8414 §3.1, which puts its
    /// path in front of the issuer's, and OpenID Connect Discovery §4.1, which puts it behind.
    pub fn metadata_urls(&self, occasion: &Occasion<'_>) -> Result<Vec<Target>, GrantError> {
        Ok(metadata_urls(&self.issuer(occasion)?))
    }

    /// The same method with the URLs that it lacked, a client's that shows a certificate being the issuer's
    /// for these. Given ones stay.
    pub fn with_metadata(&self, metadata: &Metadata) -> Self {
        let mut rules: Rules = (*self.0).clone();
        let found = match self.shows_certificate() {
            true => &metadata.mtls.clone().or(&metadata.endpoints),
            false => &metadata.endpoints,
        };
        let fill = |url: &mut Option<UrlTemplate>, found: &Option<Box<str>>| {
            if url.is_none() {
                // Read once already, when the metadata was.
                *url = found.as_deref().and_then(|it| UrlTemplate::parse(it).ok());
            }
        };
        fill(&mut rules.urls.authorize, &found.authorize);
        fill(&mut rules.urls.token, &found.token);
        fill(&mut rules.urls.revoke, &found.revoke);
        fill(&mut rules.urls.introspect, &found.introspect);
        fill(&mut rules.urls.userinfo, &found.userinfo);
        fill(&mut rules.urls.device, &found.device);
        fill(&mut rules.urls.par, &found.par);
        if metadata.iss_in_callback {
            rules.callback.iss.get_or_insert(RawIss::Required);
        }
        Self(Arc::new(rules))
    }
}

impl Metadata {
    /// Reads metadata that was had for `issuer`. What it says of itself has to be exactly that
    /// (RFC 8414 §3.3): else one server could speak for another.
    pub fn read(issuer: &str, body: &[u8]) -> Result<Self, MetadataError> {
        if body.len() > METADATA_LEN_MAX {
            return Err(MetadataError::TooLong);
        }
        let json: Value = serde_json::from_slice(body).map_err(|_| MetadataError::Unreadable)?;
        if !json.is_object() {
            return Err(MetadataError::Unreadable);
        }
        if json.get("issuer").and_then(Value::as_str) != Some(issuer) {
            return Err(MetadataError::Issuer);
        }
        let endpoints = Endpoints::read(&json, issuer)?;
        let mtls = json.get("mtls_endpoint_aliases");
        let mtls = mtls.map_or(Ok(Endpoints::default()), |it| Endpoints::read(it, issuer))?;
        let iss = json.get("authorization_response_iss_parameter_supported");
        Ok(Self {
            issuer: issuer.to_owned(),
            endpoints,
            mtls,
            iss_in_callback: iss == Some(&Value::Bool(true)),
            keys: endpoint(&json, issuer, "jwks_uri")?,
        })
    }

    /// The set of keys that the issuer signs with.
    pub fn keys(&self) -> Option<Target> {
        // Read once already.
        Target::parse(self.keys.as_deref()?).ok()
    }
}

impl Endpoints {
    fn read(json: &Value, issuer: &str) -> Result<Self, MetadataError> {
        let endpoint = |name: &'static str| endpoint(json, issuer, name);
        Ok(Self {
            authorize: endpoint("authorization_endpoint")?,
            token: endpoint("token_endpoint")?,
            revoke: endpoint("revocation_endpoint")?,
            introspect: endpoint("introspection_endpoint")?,
            userinfo: endpoint("userinfo_endpoint")?,
            device: endpoint("device_authorization_endpoint")?,
            par: endpoint("pushed_authorization_request_endpoint")?,
        })
    }

    /// These, and of `others` what is not among them.
    fn or(self, others: &Self) -> Self {
        let or = |own: Option<_>, other: &Option<_>| own.or_else(|| other.clone());
        Self {
            // A browser goes there, which has no such certificate.
            authorize: others.authorize.clone(),
            token: or(self.token, &others.token),
            revoke: or(self.revoke, &others.revoke),
            introspect: or(self.introspect, &others.introspect),
            userinfo: or(self.userinfo, &others.userinfo),
            device: or(self.device, &others.device),
            par: or(self.par, &others.par),
        }
    }
}

fn endpoint(
    json: &Value,
    issuer: &str,
    name: &'static str,
) -> Result<Option<Box<str>>, MetadataError> {
    let Some(text) = json.get(name).and_then(Value::as_str) else { return Ok(None) };
    let wrong = || MetadataError::Endpoint { endpoint: name };
    // A URL has no braces; a template would let the server read the holder's fields.
    if text.contains(['{', '}']) {
        return Err(wrong());
    }
    let url = UrlTemplate::parse(text).map_err(|_| wrong())?;
    let is_lower = issuer.starts_with("https://") && !url.is_https();
    if is_lower { Err(wrong()) } else { Ok(Some(text.into())) }
}

fn metadata_urls(issuer: &str) -> Vec<Target> {
    let trimmed = issuer.trim_end_matches('/');
    let path_at =
        trimmed.find("://").and_then(|at| trimmed[at + 3..].find('/').map(|it| at + 3 + it));
    let (front, path) = path_at.map_or((trimmed, ""), |at| trimmed.split_at(at));
    let mut urls = vec![
        format!("{front}/.well-known/oauth-authorization-server{path}"),
        format!("{trimmed}/.well-known/openid-configuration"),
    ];
    if !path.is_empty() {
        urls.push(format!("{front}/.well-known/openid-configuration{path}"));
    }
    let parsed = urls.iter().map(|it| Target::parse(it));
    parsed.filter_map(Result::ok).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8414 §3.1 and §3.2.
    #[test]
    fn the_examples_of_rfc_8414() {
        let urls = |issuer| -> Vec<String> {
            metadata_urls(issuer).iter().map(Target::without_query).collect()
        };
        assert_eq!(
            urls("https://example.com")[0],
            "https://example.com/.well-known/oauth-authorization-server"
        );
        assert_eq!(
            urls("https://example.com/issuer1"),
            [
                "https://example.com/.well-known/oauth-authorization-server/issuer1",
                "https://example.com/issuer1/.well-known/openid-configuration",
                "https://example.com/.well-known/openid-configuration/issuer1",
            ]
        );
        assert_eq!(
            urls("https://login.example/common/v2.0/")[1],
            "https://login.example/common/v2.0/.well-known/openid-configuration"
        );
        let body = br#"{
            "issuer": "https://server.example.com",
            "authorization_endpoint": "https://server.example.com/authorize",
            "token_endpoint": "https://server.example.com/token",
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
            "userinfo_endpoint": "https://server.example.com/userinfo"
        }"#;
        let metadata = Metadata::read("https://server.example.com", body).unwrap();
        assert!(!metadata.iss_in_callback);
        assert_eq!(metadata.endpoints.token.as_deref(), Some("https://server.example.com/token"));
    }

    /// The example of RFC 8705 §5, and what of it a client goes by.
    #[test]
    fn a_client_that_shows_a_certificate_goes_to_the_aliases() {
        let body = br#"{
            "issuer": "https://server.example.com",
            "authorization_endpoint": "https://server.example.com/authz",
            "token_endpoint": "https://server.example.com/token",
            "introspection_endpoint": "https://server.example.com/introspect",
            "revocation_endpoint": "https://server.example.com/revo",
            "mtls_endpoint_aliases": {
                "authorization_endpoint": "https://mtls.example.com/authz",
                "token_endpoint": "https://mtls.example.com/token",
                "revocation_endpoint": "https://mtls.example.com/revo"
            }
        }"#;
        let metadata = Metadata::read("https://server.example.com", body).unwrap();
        let urls = |client_auth: &str| {
            let text = format!(
                "grant: client_credentials, issuer: \"https://server.example.com\", client_auth: {client_auth}"
            );
            let raw: crate::grant::RawOauth2 =
                serde_yaml::from_str(&format!("{{{text}}}")).unwrap();
            let urls = &Oauth2::try_from(raw).unwrap().with_metadata(&metadata).0.urls;
            let text = |it: &Option<UrlTemplate>| {
                it.as_ref().unwrap().text("", |_| None).unwrap().to_string()
            };
            [&urls.authorize, &urls.token, &urls.introspect, &urls.revoke].map(text)
        };
        let at = |host: &str, path: &str| format!("https://{host}.example.com/{path}");
        let plain = ["authz", "token", "introspect", "revo"].map(|it| at("server", it));
        assert_eq!(urls("basic"), plain);
        let [authorize, _, introspect, _] = plain;
        assert_eq!(urls("tls"), [authorize, at("mtls", "token"), introspect, at("mtls", "revo")]);
    }

    #[test]
    fn metadata_of_anybody_else_is_refused() {
        use MetadataError as E;
        let of = |text: &str| Metadata::read("https://a.example", text.as_bytes()).unwrap_err();
        for (text, error) in [
            (r#"{"issuer":"https://a.example/"}"#, E::Issuer),
            (r#"{"issuer":"https://b.example"}"#, E::Issuer),
            (r#"{"token_endpoint":"https://a.example/t"}"#, E::Issuer),
            ("[]", E::Unreadable),
            ("<html>", E::Unreadable),
            ("", E::Unreadable),
            (
                r#"{"issuer":"https://a.example","token_endpoint":"http://a.example/t"}"#,
                E::Endpoint { endpoint: "token_endpoint" },
            ),
            (
                r#"{"issuer":"https://a.example","token_endpoint":"https://{client_secret}.test/"}"#,
                E::Endpoint { endpoint: "token_endpoint" },
            ),
            (
                r#"{"issuer":"https://a.example","mtls_endpoint_aliases":{"token_endpoint":"http://a.example/t"}}"#,
                E::Endpoint { endpoint: "token_endpoint" },
            ),
            (
                r#"{"issuer":"https://a.example","revocation_endpoint":"/revoke"}"#,
                E::Endpoint { endpoint: "revocation_endpoint" },
            ),
        ] {
            assert_eq!(of(text), error, "{text}");
        }
        let long = vec![b' '; METADATA_LEN_MAX + 1];
        assert_eq!(Metadata::read("https://a.example", &long), Err(E::TooLong));
    }
}
