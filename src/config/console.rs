//! `server.admin`: how operators sign in to the web console.
use super::field;
use crate::model::BaseUrl;
use crate::model::Secret;
use crate::model::TimeSpan;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error;
use std::time::Duration;

/// Longest name of a way to sign in, in characters: it stands on a button.
const NAME_LEN_MAX: usize = 60;

/// Longest other text, in bytes.
const TEXT_LEN_MAX: usize = 512;

/// Most values that give a role, and most scopes.
const VALUES_MAX: usize = 100;

/// `server.admin.sessions`: how long a browser stays signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SessionSettings {
    /// Without anything asked. Default 30m.
    #[serde(deserialize_with = "field::wait")]
    #[schemars(with = "TimeSpan")]
    pub idle: Duration,
    /// However much is asked. Default 12h.
    #[serde(deserialize_with = "field::wait")]
    #[schemars(with = "TimeSpan")]
    pub absolute: Duration,
}

/// `server.admin.oidc`: the provider that operators sign in with (OpenID Connect), besides their tokens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OidcSettings {
    /// As the provider writes itself: `https://id.example.com`. What it offers is found below it.
    #[serde(deserialize_with = "issuer")]
    pub issuer: String,
    /// What the provider knows this gateway by.
    #[serde(deserialize_with = "text")]
    pub client_id: String,
    /// Default: none, for a public client.
    pub client_secret: Option<Secret>,
    /// What stands on the button. Default `Single sign-on`.
    #[serde(default = "default_name", deserialize_with = "name")]
    pub name: String,
    /// What is asked for besides `openid`. Default `[email, profile]`.
    #[serde(default = "default_scopes", deserialize_with = "texts")]
    pub scopes: Vec<String>,
    /// The claim of the id token that says what somebody may do: its name, or a JSON pointer such as
    /// `/realm_access/roles`. Default `roles`.
    #[serde(default = "default_role_claim", deserialize_with = "text")]
    pub role_claim: String,
    /// The values of that claim that give each role. Whoever has none is not let in.
    pub roles: OidcRoles,
    /// The claim that people are called by in the audit trail. Default `email`.
    #[serde(default = "default_name_claim", deserialize_with = "text")]
    pub name_claim: String,
}

/// `server.admin.oidc.roles`: who is what. Of several the highest counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OidcRoles {
    #[serde(deserialize_with = "texts")]
    pub admin: Vec<String>,
    #[serde(deserialize_with = "texts")]
    pub operator: Vec<String>,
    #[serde(deserialize_with = "texts")]
    pub viewer: Vec<String>,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self { idle: Duration::from_secs(30 * 60), absolute: Duration::from_secs(12 * 3600) }
    }
}

fn default_name() -> String {
    "Single sign-on".to_owned()
}

fn default_scopes() -> Vec<String> {
    ["email", "profile"].map(str::to_owned).into()
}

fn default_role_claim() -> String {
    "roles".to_owned()
}

fn default_name_claim() -> String {
    "email".to_owned()
}

fn issuer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let told = |problem: String| {
        Error::custom(format!(
            "{problem}\nwrite it as the provider's metadata does: https://id.example.com"
        ))
    };
    BaseUrl::parse(&text).map_err(|it| told(format!("the URL {it}")))?;
    let host =
        text.strip_prefix("http://").map(|it| it.split(['/', ':']).next().unwrap_or_default());
    if host.is_some_and(|it| !["localhost", "127.0.0.1", "[", "[::1]"].contains(&it)) {
        return Err(told("who comes in is not told over http://".to_owned()));
    }
    Ok(text)
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    let fits = (1..=NAME_LEN_MAX).contains(&name.chars().count());
    if !fits || name.trim().is_empty() || name.chars().any(char::is_control) {
        return Err(Error::custom(format!(
            "a name has 1 to {NAME_LEN_MAX} characters on one line"
        )));
    }
    Ok(name)
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    checked(text).map_err(Error::custom)
}

fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    if texts.len() > VALUES_MAX {
        return Err(Error::custom(format!("there are more than {VALUES_MAX}")));
    }
    texts.into_iter().map(|it| checked(it).map_err(Error::custom)).collect()
}

fn checked(text: String) -> Result<String, String> {
    let fits = (1..=TEXT_LEN_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
    if fits { Ok(text) } else { Err(format!("a value has 1 to {TEXT_LEN_MAX} bytes on one line")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "issuer: 'https://id.example.com', client_id: attache, roles: { admin: [a] }";

    fn read(text: &str) -> Result<OidcSettings, serde_yaml::Error> {
        serde_yaml::from_str(&format!("{{{text}}}"))
    }

    #[test]
    fn what_is_not_said_of_a_provider_is_as_most_have_it() {
        let read = read(GOOD).unwrap();
        assert_eq!(
            (&*read.name, &*read.role_claim, &*read.name_claim),
            ("Single sign-on", "roles", "email")
        );
        assert_eq!(read.scopes, ["email", "profile"]);
        assert_eq!((read.roles.admin.len(), read.roles.viewer.len()), (1, 0));
    }

    #[test]
    fn a_provider_that_could_be_anybody_is_refused() {
        for bad in [
            GOOD.replace("https://id.example.com", "http://id.example.com"),
            GOOD.replace("https://id.example.com", "http://localhost.example.com"),
            GOOD.replace("https://id.example.com", "id.example.com"),
            GOOD.replace("https://id.example.com", "https://id.example.com?x=1"),
            GOOD.replace("client_id: attache", "client_id: ''"),
            GOOD.replace("[a]", "['']"),
            GOOD.replace("roles: { admin: [a] }", "name: x"),
            GOOD.replace("roles: { admin: [a] }", "roles: { owner: [a] }"),
            format!("{GOOD}, name: ' '"),
        ] {
            assert!(read(&bad).is_err(), "{bad}");
        }
        assert!(
            read(&GOOD.replace("https://id.example.com", "http://127.0.0.1:9000/realm")).is_ok()
        );
    }
}
