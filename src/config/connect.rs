//! `connect`: what people see and where they go when they connect their accounts.
use super::connect_look::Colours;
use super::connect_look::PublicLink;
use super::frame_origin;
use super::frame_origin::FrameOrigin;
use crate::grant::RedirectUri;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error;
use std::fmt;
use std::path::PathBuf;

/// Longest name that is shown to people, in characters.
const NAME_LEN_MAX: usize = 100;

/// `connect`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectSettings {
    /// Who asks people to connect, as they know you. Default: the pages name nobody.
    #[serde(deserialize_with = "name")]
    pub name: Option<String>,
    /// A picture's file beside the name: PNG, WebP or SVG of at most 64 KiB. It is read when the program starts. Default:
    /// the name's initials.
    pub logo: Option<PathBuf>,
    /// What buttons and links look like.
    pub colours: Colours,
    /// Where people find help: a page, or `mailto:`.
    pub support_url: Option<PublicLink>,
    /// Your privacy notice.
    pub privacy_url: Option<PublicLink>,
    /// Your terms of use.
    pub terms_url: Option<PublicLink>,
    /// Applications that may show the pages in a frame of theirs, and be told by the page itself what came of it.
    /// Default: none.
    #[serde(deserialize_with = "frame_origin::origins")]
    #[schemars(with = "Vec<String>")]
    pub frame_origins: Vec<FrameOrigin>,
    /// Where people may be sent back to when they are done: one of these, or what lies below one that ends in `/`.
    /// Default: nowhere.
    #[schemars(with = "Vec<String>")]
    pub return_urls: Vec<ReturnUrl>,
}

/// Where people may be sent back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnUrl(String);

impl ConnectSettings {
    /// Whether people may be sent there.
    pub fn allows(&self, url: &RedirectUri) -> bool {
        self.return_urls.iter().any(|it| it.covers(url.as_str()))
    }
}

impl fmt::Display for ReturnUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ReturnUrl {
    /// Compared as it is written: whatever two programs could read differently is no URL here.
    fn covers(&self, url: &str) -> bool {
        let place = url.split_once('?').map_or(url, |it| it.0);
        let below = self.0.ends_with('/') && place.starts_with(&self.0);
        below || place == self.0 || place == self.0.trim_end_matches('/')
    }
}

impl<'de> Deserialize<'de> for ReturnUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let hint = "write where your application is: https://app.example.com/ (or http:// on this machine)";
        let told = |problem: String| Error::custom(format!("{problem}\n{hint}"));
        RedirectUri::parse(&text).map_err(|it| told(format!("it can't be returned to: {it}")))?;
        if text.contains('?') {
            return Err(told(
                "it has a query, which each link may have one of its own of".to_owned(),
            ));
        }
        let (scheme, rest) = text.split_once("://").unwrap_or_default();
        // A host alone stands for all of it, and never for the beginning of another host.
        if rest.contains('/') { Ok(Self(text)) } else { Ok(Self(format!("{scheme}://{rest}/"))) }
    }
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name = Option::<String>::deserialize(deserializer)?;
    let is_sound = |it: &String| {
        !it.trim().is_empty()
            && it.chars().count() <= NAME_LEN_MAX
            && !it.chars().any(char::is_control)
    };
    match name {
        Some(it) if !is_sound(&it) => Err(Error::custom(format!(
            "a name has 1 to {NAME_LEN_MAX} characters on one line\nwrite the one that your customers know"
        ))),
        name => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_sent_back_to_what_is_listed_and_nowhere_else() {
        let text = "{ return_urls: ['https://app.example/', 'https://other.example/done', 'http://localhost:3000'] }";
        let settings: ConnectSettings = serde_yaml::from_str(text).unwrap();
        let is_allowed = |url: &str| RedirectUri::parse(url).is_ok_and(|it| settings.allows(&it));
        for good in [
            "https://app.example/",
            "https://app.example",
            "https://app.example/settings?tab=1",
            "https://app.example?x=1",
            "https://other.example/done",
            "https://other.example/done?ok=1",
            "http://localhost:3000/back",
        ] {
            assert!(is_allowed(good), "{good}");
        }
        for bad in [
            "https://app.example.evil.test/",
            "https://app.examplee/",
            "https://app.example@evil.test/",
            "https://app.example//evil.test",
            "https://app.example/%0d%0aSet-Cookie:x",
            "https://app.example/../x",
            "https://app.example:8443/",
            "http://app.example/",
            "https://other.example/",
            "https://other.example/donee",
            "https://other.example/done/x",
            "http://localhost:30001/",
            "javascript:alert(1)",
            "//app.example/",
            "https:app.example/",
            "https://evil.test/https://app.example/",
            "https://evil.test/?https://app.example/",
        ] {
            assert!(!is_allowed(bad), "{bad}");
        }
    }

    #[test]
    fn what_can_not_be_returned_to_is_told() {
        for bad in [
            "http://app.example/",
            "app.example",
            "https://a@b/",
            "https://a/?x=1",
            "https://a/#x",
            "*",
        ] {
            let text = format!("{{ return_urls: ['{bad}'] }}");
            assert!(serde_yaml::from_str::<ConnectSettings>(&text).is_err(), "{bad}");
        }
        for bad in ["''", "' '", "\"a\\nb\""] {
            let text = format!("{{ name: {bad} }}");
            assert!(serde_yaml::from_str::<ConnectSettings>(&text).is_err(), "{bad}");
        }
    }
}
