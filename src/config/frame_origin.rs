//! The web origins of applications that may show the connect pages inside their own.
use crate::model::Origin;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error;

/// Most origins: all of them stand in a header of each page.
const ORIGINS_MAX: usize = 32;

/// One of them, as browsers write it (HTML, serialization of an origin).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameOrigin(String);

impl FrameOrigin {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(text: &str) -> Result<Self, String> {
        let origin = Origin::parse(text).map_err(|it| format!("`{text}` {it}"))?;
        let is_here = matches!(origin.bare_host(), "localhost" | "::1")
            || origin.bare_host().starts_with("127.");
        if !origin.is_https() && !is_here {
            return Err(format!("`{text}` is not https, and not on this machine"));
        }
        Ok(Self(origin.to_string()))
    }
}

/// `connect.frame_origins`
pub(super) fn origins<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<FrameOrigin>, D::Error> {
    let hint = "write each application's own: https://app.example.com, without a path; * is none";
    let told = |problem: String| Error::custom(format!("{problem}\n{hint}"));
    let texts = Vec::<String>::deserialize(deserializer)?;
    if texts.len() > ORIGINS_MAX {
        return Err(told(format!("there are more than {ORIGINS_MAX} origins")));
    }
    texts.iter().map(|it| FrameOrigin::parse(it)).collect::<Result<_, _>>().map_err(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_one_origin_and_never_a_pattern() {
        for (text, origin) in [
            ("https://app.example.com", "https://app.example.com"),
            ("https://App.example.com:443/", "https://app.example.com"),
            ("https://app.example.com:8443", "https://app.example.com:8443"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ] {
            assert_eq!(FrameOrigin::parse(text).unwrap().as_str(), origin);
        }
        for bad in [
            "*",
            "https://*.example.com",
            "https:",
            "app.example.com",
            "http://app.example.com",
            "https://app.example.com/settings",
            "https://app.example.com; script-src *",
            "https://app.example.com,https://evil.test",
            "https://a@b.example",
            "null",
            "'self'",
            "data:",
        ] {
            assert!(FrameOrigin::parse(bad).is_err(), "{bad}");
        }
    }
}
