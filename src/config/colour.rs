//! Colours, and whether people can read one on another.
//!
//! Source: WCAG 2.2, relative luminance and contrast ratio; success criterion 1.4.3 (AA): 4.5 to 1 for text.
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error;
use std::fmt;

/// The least contrast between a text and what is behind it.
pub const READABLE: f64 = 4.5;

/// Steps from one colour to another, when one is looked for between them.
const STEPS: u32 = 100;

/// Red, green and blue (sRGB).
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct Colour(pub [u8; 3]);

impl Colour {
    pub const BLACK: Self = Self([0; 3]);
    pub const WHITE: Self = Self([255; 3]);

    /// `#rgb` or `#rrggbb`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|it| it.is_ascii())?;
        let digits = match digits.len() {
            3 => digits.chars().flat_map(|it| [it, it]).collect(),
            _ => digits.to_owned(),
        };
        let mut bytes = [0; 3];
        hex::decode_to_slice(digits, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// From 1, which is none, to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// The first colour on the way to `end` that can be read on `ground`: itself where it can; the end where none can.
    pub fn readable_on(self, ground: Self, end: Self) -> Self {
        let way = (0..=STEPS).map(|step| self.mixed(end, step));
        way.into_iter().find(|it| it.contrast(ground) >= READABLE).unwrap_or(end)
    }

    fn mixed(self, end: Self, step: u32) -> Self {
        let mix = |at: usize| {
            let (from, to) = (u32::from(self.0[at]), u32::from(end.0[at]));
            let mixed = (from * (STEPS - step) + to * step) / STEPS;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        Self([mix(0), mix(1), mix(2)])
    }

    fn luminance(self) -> f64 {
        let linear = |byte: u8| {
            let share = f64::from(byte) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Colour {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            Error::custom(format!(
                "`{text}` is no colour\nwrite red, green and blue in hexadecimal, in quotes: \"#1f4fd8\""
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_what_wcag_says_it_is() {
        // Pairs that the W3C's own techniques and its working group's tools give.
        for (one, two, ratio) in [
            ("#000", "#fff", 21.0),
            ("#777777", "#ffffff", 4.48),
            ("#767676", "#fff", 4.54),
            ("#f00", "#fff", 4.0),
            ("#00f", "#fff", 8.59),
            ("#abc", "#aabbcc", 1.0),
        ] {
            let (one, two) = (Colour::parse(one).unwrap(), Colour::parse(two).unwrap());
            assert!((one.contrast(two) - ratio).abs() < 0.01, "{one} {two} {}", one.contrast(two));
            assert!((one.contrast(two) - two.contrast(one)).abs() < f64::EPSILON);
        }
    }

    #[test]
    fn what_is_no_colour_is_none() {
        for bad in ["", "#", "red", "1f4fd8", "#1f4fd", "#1f4fd8ff", "#ggg", "#é1", "#12 45a"] {
            assert_eq!(Colour::parse(bad), None, "{bad}");
        }
        assert_eq!(Colour::parse("#1F4fd8").unwrap().to_string(), "#1f4fd8");
    }

    #[test]
    fn the_nearest_that_can_be_read_is_found() {
        let orange = Colour::parse("#ff8800").unwrap();
        let darker = orange.readable_on(Colour::WHITE, Colour::BLACK);
        assert!((READABLE..READABLE + 0.2).contains(&darker.contrast(Colour::WHITE)), "{darker}");
        assert_eq!(darker.readable_on(Colour::WHITE, Colour::BLACK), darker);
        let grey = Colour([128; 3]);
        assert_eq!(grey.readable_on(grey, Colour([140; 3])), Colour([140; 3]), "none can");
    }
}
