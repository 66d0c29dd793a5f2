//! How the pages look: colours that people can read, and where to go for more.
use super::colour::Colour;
use super::colour::READABLE;
use crate::grant::RedirectUri;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error;

/// What stands behind text on the pages where it is light: the darkest of it.
pub const LIGHT_GROUND: Colour = Colour([0xf4, 0xf5, 0xf8]);

/// The same where it is dark: the lightest of it.
pub const DARK_GROUND: Colour = Colour([0x1b, 0x20, 0x29]);

/// What buttons and links have where nobody says otherwise.
const ACCENT: Colour = Colour([0x1f, 0x4f, 0xd8]);

/// Longest address that is linked to, in bytes.
const URL_LEN_MAX: usize = 2048;

/// `connect.colours`, checked: the two that buttons and links have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(with = "RawColours")]
pub struct Colours {
    pub accent: Colour,
    pub accent_dark: Colour,
}

/// The same as they are written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ConnectColours")]
struct RawColours {
    /// Of buttons and links, as `#1f4fd8`. On light pages it has to be dark enough to be read: 4.5 to 1.
    accent: Option<Colour>,
    /// The same where the browser asks for dark pages. Default: the accent, as much lighter as it has to be.
    accent_dark: Option<Colour>,
}

impl Default for Colours {
    fn default() -> Self {
        Self { accent: ACCENT, accent_dark: lighter(ACCENT) }
    }
}

fn lighter(accent: Colour) -> Colour {
    accent.readable_on(DARK_GROUND, Colour::WHITE)
}

impl<'de> Deserialize<'de> for Colours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let RawColours { accent, accent_dark } = RawColours::deserialize(deserializer)?;
        let accent = accent.unwrap_or(ACCENT);
        let accent_dark = accent_dark.unwrap_or_else(|| lighter(accent));
        for (name, colour, ground, end, where_it_is, or) in [
            ("accent", accent, LIGHT_GROUND, Colour::BLACK, "light", "darker"),
            ("accent_dark", accent_dark, DARK_GROUND, Colour::WHITE, "dark", "lighter"),
        ] {
            let ratio = colour.contrast(ground);
            if ratio < READABLE {
                let better = colour.readable_on(ground, end);
                return Err(Error::custom(format!(
                    "`{name}: {colour}` can hardly be read on a {where_it_is} page: a contrast of {ratio:.1} to 1, \
                     where links and buttons need {READABLE} (WCAG AA)\n\
                     write {name}: \"{better}\", or one that is {or} still"
                )));
            }
        }
        Ok(Self { accent, accent_dark })
    }
}

/// Where people are led for more: a page, or somebody's mailbox.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct PublicLink(String);

impl PublicLink {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for PublicLink {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_sound = match text.strip_prefix("mailto:") {
            Some(address) => is_address(address),
            // A part of a page may be meant.
            None => RedirectUri::parse(text.split('#').next().unwrap_or_default()).is_ok(),
        };
        let is_plain = |it: u8| it.is_ascii_graphic() && !b"\"'<>\\`".contains(&it);
        if is_sound && text.len() <= URL_LEN_MAX && text.bytes().all(is_plain) {
            return Ok(Self(text));
        }
        Err(Error::custom(format!(
            "people can't be led to `{text}`\nwrite a page's URL, https://example.com/help, or mailto:help@example.com"
        )))
    }
}

fn is_address(text: &str) -> bool {
    let sound = text.split_once('@').filter(|(who, host)| !who.is_empty() && !host.is_empty());
    sound.is_some_and(|(_, host)| !host.contains('@') && !text.contains(['?', '&', ',', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Colours, String> {
        serde_yaml::from_str(text).map_err(|it| it.to_string())
    }

    #[test]
    fn an_accent_is_dark_enough_in_the_light_and_light_enough_in_the_dark() {
        for text in ["{}", "{ accent: '#1f4fd8' }", "{ accent: '#0a0' , accent_dark: '#fff' }"] {
            let text = text.replace("#0a0", "#070");
            let colours = read(&text).unwrap();
            assert!(colours.accent.contrast(LIGHT_GROUND) >= READABLE);
            assert!(colours.accent_dark.contrast(DARK_GROUND) >= READABLE);
        }
    }

    #[test]
    fn what_nobody_could_read_is_told_with_its_ratio_and_what_to_write() {
        let told = read("{ accent: '#ff8800' }").unwrap_err();
        assert!(told.contains("a contrast of 2.2 to 1"), "{told}");
        let better = told.split('"').nth(1).unwrap();
        assert!(read(&format!("{{ accent: '{better}' }}")).is_ok(), "{told}");
        let told = read("{ accent: '#1f4fd8', accent_dark: '#1f4fd8' }").unwrap_err();
        assert!(told.contains("`accent_dark: #1f4fd8`") && told.contains("dark page"), "{told}");
        let better = told.split('"').nth(1).unwrap();
        assert!(read(&format!("{{ accent_dark: '{better}' }}")).is_ok(), "{told}");
        for bad in ["{ accent: red }", "{ accent: '#12345' }", "{ acent: '#123456' }", "[]"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn people_are_led_to_pages_and_mailboxes_alone() {
        let is_good = |it: &str| serde_yaml::from_str::<PublicLink>(&format!("'{it}'")).is_ok();
        for good in ["https://a.example/help", "https://a.example/terms#1", "mailto:help@a.example"]
        {
            assert!(is_good(good), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "http://a.example/",
            "a.example",
            "data:text/html,x",
            "mailto:",
            "mailto:help",
            "mailto:a@b@c",
            "mailto:a@b?bcc=c@d",
            "https://a@b/",
            "https://a.example/\"x",
            "",
        ] {
            assert!(!is_good(bad), "{bad}");
        }
    }
}
