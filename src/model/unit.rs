//! Durations and sizes as people write them: `10s`, `8MiB`.
use std::fmt;
use std::time::Duration;

/// A duration as written in settings: a whole number and a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeSpan(pub Duration);

/// A number of bytes as written in settings: a whole number and a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

/// Why a text is neither. The second line of the message says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    #[error("`{0}` is not a duration\nwrite a whole number and a unit: 250ms, 10s, 5m or 2h")]
    Duration(String),
    #[error("`{0}` is not a size\nwrite a whole number and a unit: 512B, 64KiB, 8MiB or 1GiB")]
    Size(String),
}

const TIME_UNITS_MS: &[(&str, u64)] =
    &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

const SIZE_UNITS_B: &[(&str, u64)] = &[
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

impl TryFrom<&str> for TimeSpan {
    type Error = UnitError;

    fn try_from(text: &str) -> Result<Self, UnitError> {
        let ms = scaled(text, TIME_UNITS_MS).ok_or_else(|| UnitError::Duration(text.to_owned()))?;
        Ok(Self(Duration::from_millis(ms)))
    }
}

impl TryFrom<&str> for ByteSize {
    type Error = UnitError;

    fn try_from(text: &str) -> Result<Self, UnitError> {
        let bytes = scaled(text, SIZE_UNITS_B).ok_or_else(|| UnitError::Size(text.to_owned()))?;
        Ok(Self(bytes))
    }
}

/// The number times its unit, or `None` where either is missing or the product does not fit.
fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

impl fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis();
        let whole = TIME_UNITS_MS.iter().rev().find(|it| ms.is_multiple_of(u128::from(it.1)));
        let (unit, factor) = whole.expect("every number of milliseconds is a multiple of one");
        if ms == 0 { f.write_str("0s") } else { write!(f, "{}{unit}", ms / u128::from(*factor)) }
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let binary = [SIZE_UNITS_B[2], SIZE_UNITS_B[1], SIZE_UNITS_B[0], ("B", 1)];
        let whole = binary.iter().find(|it| self.0 > 0 && self.0.is_multiple_of(it.1));
        let (unit, factor) = whole.unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

macro_rules! written_as_text {
    ($($name:ident: $expecting:literal, $pattern:literal, $examples:expr;)*) => {$(
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl serde::de::Visitor<'_> for Text {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        $name::try_from(text).map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string", "pattern": $pattern, "examples": $examples
                })
            }
        }
    )*};
}

written_as_text! {
    TimeSpan: "a duration such as 10s", "^([0-9]+(ms|s|m|h|d)|.*\\$\\{.*)$", ["250ms", "10s", "5m"];
    ByteSize: "a size such as 8MiB", "^([0-9]+([KMG]iB|kB|MB|GB|B)|.*\\$\\{.*)$", ["64KiB", "8MiB"];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_whole_number_and_a_unit() {
        for (text, ms) in [("250ms", 250), ("10s", 10_000), ("5m", 300_000), ("2h", 7_200_000)] {
            let span = TimeSpan::try_from(text).unwrap();
            assert_eq!(span.0, Duration::from_millis(ms));
            assert_eq!(span.to_string(), text);
        }
        for bad in ["", "10", "s", "1.5s", "-1s", "+1s", "10 s", "10S", "1w", "99999999999999999d"]
        {
            assert!(TimeSpan::try_from(bad).is_err(), "{bad:?}");
        }
        assert_eq!(
            TimeSpan::try_from("300").unwrap_err().to_string(),
            "`300` is not a duration\nwrite a whole number and a unit: 250ms, 10s, 5m or 2h",
        );
    }

    #[test]
    fn sizes_are_a_whole_number_and_a_unit() {
        for (text, bytes) in [("512B", 512), ("64KiB", 65_536), ("8MiB", 8_388_608)] {
            let size = ByteSize::try_from(text).unwrap();
            assert_eq!(size.0, bytes);
            assert_eq!(size.to_string(), text);
        }
        assert_eq!(ByteSize::try_from("1MB").unwrap().0, 1_000_000);
        for bad in ["", "8", "8mib", "8 MiB", "0x8B", "99999999999GiB"] {
            assert!(ByteSize::try_from(bad).is_err(), "{bad:?}");
        }
    }
}
