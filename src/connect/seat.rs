//! Where a page is shown: by itself, or as a part of the operator's application.
use crate::config::FrameOrigin;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::Url;

/// Where a page is shown, and which application's page is told what comes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Seat {
    /// In a window of the customer's, by itself.
    #[default]
    Own,
    /// In a window that a page of this origin has opened.
    Popup(String),
    /// Inside a page: of this origin, where it has said so.
    Frame(Option<String>),
    /// In a window that the frame has opened, since providers are shown in none.
    Window,
}

impl Seat {
    pub(super) fn is_frame(&self) -> bool {
        matches!(self, Self::Frame(_))
    }

    /// As the page's script has it; none where nothing is to be told to anybody.
    pub(super) fn name(&self) -> Option<&'static str> {
        match self {
            Self::Own => None,
            Self::Popup(_) => Some("popup"),
            Self::Frame(_) => Some("frame"),
            Self::Window => Some("window"),
        }
    }

    /// Who is told.
    pub(super) fn origin(&self) -> Option<&str> {
        match self {
            Self::Popup(origin) | Self::Frame(Some(origin)) => Some(origin),
            Self::Own | Self::Frame(None) | Self::Window => None,
        }
    }

    /// As a cookie keeps it.
    pub(super) fn text(&self) -> String {
        let (letter, origin) = match self {
            Self::Own => return String::new(),
            Self::Popup(origin) => ("p", origin.as_str()),
            Self::Frame(origin) => ("f", origin.as_deref().unwrap_or_default()),
            Self::Window => ("w", ""),
        };
        format!("{letter}{}", URL_SAFE_NO_PAD.encode(origin))
    }

    /// Of a cookie; by itself where it is of an origin that nobody is to be told at any more.
    pub(super) fn read(text: &str, frames: &Frames) -> Self {
        let (letter, rest) = text.split_at_checked(1).unwrap_or_default();
        let origin = URL_SAFE_NO_PAD.decode(rest).ok().and_then(|it| String::from_utf8(it).ok());
        Self::of(letter, origin.as_deref(), frames)
    }

    fn of(letter: &str, origin: Option<&str>, frames: &Frames) -> Self {
        let origin = origin.filter(|it| frames.knows(it)).map(str::to_owned);
        match (letter, origin) {
            ("p", Some(origin)) => Self::Popup(origin),
            ("f", origin) => Self::Frame(origin),
            ("w", _) => Self::Window,
            _ => Self::Own,
        }
    }

    /// As a link asks for it.
    pub(super) fn asked(of: &str, origin: Option<&str>, frames: &Frames) -> Self {
        match of {
            "popup" => Self::of("p", origin, frames),
            "frame" => Self::of("f", origin, frames),
            _ => Self::Own,
        }
    }
}

/// Whose pages may show ours.
#[derive(Clone, Debug, Default)]
pub(super) struct Frames {
    listed: Vec<FrameOrigin>,
    /// Our own origin: a window that stands for a frame tells the frame.
    pub(super) own: Option<String>,
    /// Of the pages' policy (Content Security Policy Level 3 §6.4.2): an origin that is not there shows nothing.
    pub(super) ancestors: String,
}

impl Frames {
    /// `public_url`: what the internet knows the pages by.
    pub(super) fn new(listed: &[FrameOrigin], public_url: Option<&str>) -> Self {
        let own = public_url.and_then(|it| Url::parse(it).ok());
        let own = own.map(|it| it.origin().ascii_serialization());
        let mut ancestors = "frame-ancestors".to_owned();
        for origin in listed {
            ancestors.extend([" ", origin.as_str()]);
        }
        if listed.is_empty() {
            ancestors.push_str(" 'none'");
        }
        Self { listed: listed.to_vec(), own, ancestors }
    }

    pub(super) fn is_none(&self) -> bool {
        self.listed.is_empty()
    }

    fn knows(&self, origin: &str) -> bool {
        let is_listed = self.listed.iter().any(|it| it.as_str() == origin);
        is_listed || (!self.is_none() && self.own.as_deref() == Some(origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConnectSettings;

    fn frames() -> Frames {
        let text = "{ frame_origins: ['https://app.example', 'https://other.example:8443'] }";
        let settings: ConnectSettings = serde_yaml::from_str(text).unwrap();
        Frames::new(&settings.frame_origins, Some("https://connect.example"))
    }

    #[test]
    fn only_who_is_listed_shows_pages_and_is_told() {
        let frames = frames();
        let listed = "frame-ancestors https://app.example https://other.example:8443";
        assert_eq!(frames.ancestors, listed);
        assert_eq!(Frames::new(&[], None).ancestors, "frame-ancestors 'none'");
        let asked = |origin| Seat::asked("popup", origin, &frames);
        assert_eq!(
            asked(Some("https://app.example")),
            Seat::Popup("https://app.example".to_owned())
        );
        for other in [
            None,
            Some("*"),
            Some("null"),
            Some(""),
            Some("https://app.example/"),
            Some("https://app.example.evil.test"),
            Some("http://app.example"),
            Some("https://other.example"),
        ] {
            assert_eq!(asked(other), Seat::Own, "{other:?}");
            assert_eq!(Seat::asked("frame", other, &frames), Seat::Frame(None), "{other:?}");
        }
        let own = Some("https://connect.example");
        assert_eq!(Seat::asked("popup", own, &Frames::new(&[], own)), Seat::Own, "none is listed");
    }

    #[test]
    fn a_cookie_keeps_it_and_no_origin_longer_than_it_is_listed() {
        let frames = frames();
        let app = "https://app.example".to_owned();
        for seat in [
            Seat::Own,
            Seat::Window,
            Seat::Frame(None),
            Seat::Frame(Some(app.clone())),
            Seat::Popup(app.clone()),
        ] {
            assert_eq!(Seat::read(&seat.text(), &frames), seat);
        }
        let text = Seat::Popup(app).text();
        assert_eq!(Seat::read(&text, &Frames::new(&[], None)), Seat::Own);
        for odd in ["x", "p", "p!", "é", "pé"] {
            assert_eq!(Seat::read(odd, &frames), Seat::Own, "{odd}");
        }
    }
}
