//! The operator's own look: name, logo, colours, and where to go for more.
use super::initials::initials;
use crate::config::Colour;
use crate::config::Colours;
use crate::config::ConnectSettings;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use maud::Markup;
use maud::html;
use sha2::Digest;
use sha2::Sha256;

/// What all pages look like.
const STYLE: &str = include_str!("html/style.css");

/// Text on buttons of an accent that can be read on a dark page: it is light.
const ON_LIGHT_ACCENT: Colour = Colour([0x0d, 0x11, 0x18]);

/// What is the same on all pages.
pub(super) struct Look {
    /// With the operator's colours.
    pub(super) style: String,
    /// By which a browser knows that the style is ours (Content Security Policy Level 3 §2.3.1).
    pub(super) style_hash: String,
    pub(super) name: Option<String>,
    /// The path that it is found at.
    pub(super) logo: Option<String>,
    /// Whose page it is; empty where nobody has said it.
    pub(super) head: Markup,
    pub(super) links: Markup,
}

impl Look {
    /// `logo`: the path that it is found at.
    pub(super) fn new(settings: &ConnectSettings, logo: Option<&str>) -> Self {
        let style = format!("{STYLE}{}", colours(&settings.colours));
        let name = settings.name.as_deref();
        let head = html! {
            @if logo.is_some() || name.is_some() {
                header.brand {
                    @if let Some(path) = logo {
                        // Where the name stands beside it, it says nothing new.
                        img.logo src=(path) alt="" height="40";
                    } @else if let Some(name) = name {
                        span.mark.of-brand aria-hidden="true" { (initials(name)) }
                    }
                    @if let Some(name) = name { span.name { (name) } }
                }
            }
        };
        let all = [
            (&settings.support_url, "Help"),
            (&settings.privacy_url, "Privacy"),
            (&settings.terms_url, "Terms"),
        ];
        let links = html! {
            @if all.iter().any(|it| it.0.is_some()) {
                ul.links {
                    @for (url, label) in all {
                        @if let Some(url) = url {
                            li { a href=(url.as_str()) target="_blank" rel="noopener noreferrer" { (label) } }
                        }
                    }
                }
            }
        };
        let (name, logo) = (settings.name.clone(), logo.map(str::to_owned));
        Self { style_hash: hash(&style), style, name, logo, head, links }
    }
}

fn colours(colours: &Colours) -> String {
    let Colours { accent, accent_dark } = colours;
    format!(
        ":root {{ --act: {accent}; --on-act: {}; }}\n\
         @media (prefers-color-scheme: dark) {{ :root {{ --act: {accent_dark}; --on-act: {ON_LIGHT_ACCENT}; }} }}\n",
        Colour::WHITE,
    )
}

/// As a policy names what is in the page itself.
pub(super) fn hash(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DARK_GROUND;
    use crate::config::LIGHT_GROUND;

    #[test]
    fn the_style_has_the_grounds_that_accents_are_checked_on() {
        let (light, dark) = STYLE.split_once("prefers-color-scheme: dark").unwrap();
        assert!(light.contains(&format!("--ground: {LIGHT_GROUND};")), "the darkest of the light");
        assert!(dark.contains(&format!("--card: {DARK_GROUND};")), "the lightest of the dark");
    }

    #[test]
    fn whatever_accent_passes_its_buttons_can_be_read() {
        for accent in ["#000", "#1f4fd8", "#006400", "#8b0000", "#6f6f00"] {
            let colours: Colours =
                serde_yaml::from_str(&format!("{{ accent: '{accent}' }}")).unwrap();
            assert!(colours.accent.contrast(Colour::WHITE) >= 4.5, "{accent}");
            assert!(colours.accent_dark.contrast(ON_LIGHT_ACCENT) >= 4.5, "{accent}");
        }
        let least = Colour::BLACK.readable_on(DARK_GROUND, Colour::WHITE);
        assert!(least.contrast(ON_LIGHT_ACCENT) >= 4.5, "{least}");
    }
}
