//! JWTs that are signed here: the grant of RFC 7523 §2.1, GitHub Apps, and client assertions (§2.2).
use super::error::GrantError;
use super::jws::PRIVATE_KEY;
use super::occasion::Occasion;
use super::raw::Algorithm;
use super::raw::GrantType;
use super::settings::Oauth2;
use super::settings::SCOPES;
use super::target::Target;
use crate::crypto::SigningKey;
use crate::crypto::thumbprint;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use zeroize::Zeroizing;

/// GitHub counts with a clock of its own, and asks for as much ("Generating a JSON Web Token (JWT) for
/// a GitHub App").
const GITHUB_BACKDATED_S: u64 = 60;

impl Oauth2 {
    /// The assertion that the grant consists of.
    pub(super) fn grant_assertion(
        &self,
        audience: &Target,
        occasion: &Occasion<'_>,
    ) -> Result<Zeroizing<String>, GrantError> {
        let rules = &self.0.assertion;
        let github = self.0.grant == GrantType::GithubApp;
        let now = occasion.now.as_s();
        let issued = if github { now.saturating_sub(GITHUB_BACKDATED_S) } else { now };
        let scopes = self.scope_text();
        let find = |name: &str| match name {
            SCOPES if !scopes.is_empty() => Some(scopes.as_str()),
            name => occasion.find(name),
        };
        let mut claims = Map::new();
        let mut claim = |name: &str, value: Option<Zeroizing<String>>| {
            if let Some(value) = value {
                claims.insert(name.to_owned(), Value::String(value.to_string()));
            }
        };
        claim("iss", rules.issuer.render_by(find)?);
        if let Some(subject) = &rules.subject {
            claim("sub", subject.render_by(find)?);
        }
        match &rules.audience {
            Some(audience) => claim("aud", audience.render_by(find)?),
            None if github => {}
            None => claim("aud", Some(Zeroizing::new(audience.without_query()))),
        }
        for (name, template) in &rules.claims {
            claim(name, template.render_by(find)?);
        }
        claims.insert("iat".into(), issued.into());
        claims.insert("exp".into(), now.saturating_add(rules.lifetime_s).into());
        if !github {
            claims.insert("jti".into(), occasion.grant_jti().into());
        }
        let key = key(rules.algorithm, occasion)?;
        Ok(key.compact(header(occasion)?, &Value::Object(claims)))
    }

    /// `private_key_jwt` and `client_secret_jwt` (RFC 7523 §3, OpenID Connect Core §9).
    pub(super) fn client_assertion(
        &self,
        audience: &Target,
        occasion: &Occasion<'_>,
    ) -> Result<Zeroizing<String>, GrantError> {
        let rules = &self.0.assertion;
        let client_id = occasion.field("client_id")?.expose();
        let audience = match &rules.client_audience {
            Some(audience) => audience.render(occasion)?.map(|it| it.to_string()),
            None => None,
        }
        .unwrap_or_else(|| audience.without_query());
        let now = occasion.now.as_s();
        let claims = json!({
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "jti": occasion.jti(),
            "iat": now,
            "exp": now.saturating_add(rules.lifetime_s),
        });
        let header = match rules.algorithm.is_symmetric() {
            true => json!({ "typ": "JWT" }),
            false => header(occasion)?,
        };
        let key = key(rules.algorithm, occasion)?;
        Ok(key.compact(header, &claims))
    }
}

fn key(algorithm: Algorithm, occasion: &Occasion<'_>) -> Result<SigningKey, GrantError> {
    if algorithm.is_symmetric() {
        let secret = occasion.client_secret()?.expose().as_bytes();
        let key = SigningKey::shared(algorithm.into(), secret);
        return Ok(key.expect("a symmetric algorithm signs with a shared secret"));
    }
    Ok(SigningKey::private(algorithm.into(), PRIVATE_KEY, occasion.field(PRIVATE_KEY)?)?)
}

/// Which key it is, where the holder says so.
fn header(occasion: &Occasion<'_>) -> Result<Value, GrantError> {
    let mut header = json!({ "typ": "JWT" });
    if let Some(key_id) = occasion.credential.field("key_id") {
        header["kid"] = key_id.expose().into();
    }
    if let Some(certificate) = occasion.credential.field("certificate") {
        header["x5t#S256"] = thumbprint(certificate)?.into();
    }
    Ok(header)
}
