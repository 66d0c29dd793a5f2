//! The few things that are read of ASN.1 here, in DER (X.690 §10): definite lengths, nothing guessed.
use crate::model::UnixTime;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OBJECT: u8 = 0x06;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
/// `[0]` around something.
pub(super) const CONTEXT_0: u8 = 0xa0;
/// `[0]` in place of a primitive's tag.
pub(super) const CONTEXT_0_PLAIN: u8 = 0x80;

/// Elements one behind another.
#[derive(Clone, Copy)]
pub(super) struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The next one: its tag and its content.
    pub fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, first], rest) = self.0.split_first_chunk()?;
        let (len, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // Four bytes are more than anything that is read here has.
            0x81..=0x84 => {
                let (len, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
                let len = len.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
                (len, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The next one's content, which has this tag.
    pub fn next(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.any().filter(|it| it.0 == tag).map(|it| it.1)
    }

    /// The elements of the next one, which has this tag.
    pub fn within(&mut self, tag: u8) -> Option<Self> {
        self.next(tag).map(Self)
    }

    /// The same, where the next one has it.
    pub fn optional(&mut self, tag: u8) -> Option<&'a [u8]> {
        if self.0.first() == Some(&tag) { self.next(tag) } else { None }
    }

    /// A number that is not below zero.
    pub fn number(&mut self) -> Option<u32> {
        let bytes = self.next(INTEGER)?;
        let bytes = bytes.strip_prefix(&[0]).unwrap_or(bytes);
        let is_small = bytes.len() <= 4;
        is_small.then(|| bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    }
}

/// What is read of a certificate (RFC 5280 §4.1), of whatever version.
pub(super) struct Certificate<'a> {
    pub not_before: UnixTime,
    pub not_after: UnixTime,
    /// `SubjectPublicKeyInfo`, all of it.
    pub public_key: &'a [u8],
}

impl<'a> Certificate<'a> {
    pub fn read(certificate: &'a [u8]) -> Option<Self> {
        let mut signed = Elements::new(certificate).within(SEQUENCE)?.within(SEQUENCE)?;
        // Version, serial number, algorithm, issuer.
        signed.optional(CONTEXT_0);
        signed.next(INTEGER)?;
        signed.next(SEQUENCE)?;
        signed.next(SEQUENCE)?;
        let mut validity = signed.within(SEQUENCE)?;
        let mut moment = || validity.any().and_then(|(tag, text)| time(tag, text));
        let (not_before, not_after) = (moment()?, moment()?);
        // Subject.
        signed.next(SEQUENCE)?;
        let before = signed.0;
        signed.next(SEQUENCE)?;
        let public_key = before.strip_suffix(signed.0)?;
        Some(Self { not_before, not_after, public_key })
    }
}

/// The last second of the year 9999.
const ENDLESS_S: u64 = 253_402_300_799;

/// In UTC, as certificates have it: with seconds, and a `Z` behind them.
fn time(tag: u8, text: &[u8]) -> Option<UnixTime> {
    let digits = text.strip_suffix(b"Z")?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = |it: &[u8]| it.iter().fold(0, |sum, digit| sum * 10 + i16::from(digit - b'0'));
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = digits.split_at_checked(2)?;
            // Of the two centuries the one that RFC 5280 §4.1.2.5.1 says.
            let year = number(year);
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = digits.split_at_checked(4)?;
            (number(year), rest)
        }
        _ => return None,
    };
    let [month, day, hour, minute, second] = rest.as_chunks::<2>().0 else { return None };
    let two = |it: &[u8; 2]| i8::try_from(number(it)).ok();
    let is_whole = rest.len() == 10;
    let (month, day, hour) = (two(month)?, two(day)?, two(hour)?);
    let at = DateTime::new(year, month, day, hour, two(minute)?, two(second)?, 0).ok()?;
    if !is_whole {
        return None;
    }
    // `99991231235959Z`: without end (RFC 5280 §4.1.2.5), and beyond what a timestamp of the library's holds.
    let Ok(at) = at.to_zoned(TimeZone::UTC) else { return Some(UnixTime::from_s(ENDLESS_S)) };
    // Before 1970: over, by any clock.
    Some(UnixTime::from_s(u64::try_from(at.timestamp().as_second()).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::CertificateParams;
    use rcgen::KeyPair;
    use rcgen::PublicKeyData;

    #[test]
    fn a_certificates_end_is_read() {
        for (year, month, day, end) in
            [(2049, 12, 31, 2_524_521_600), (2050, 1, 1, 2_524_608_000), (1999, 3, 4, 920_505_600)]
        {
            assert_eq!(
                time(GENERALIZED_TIME, b"99991231235959Z"),
                Some(UnixTime::from_s(ENDLESS_S))
            );
            assert_eq!(time(GENERALIZED_TIME, b"19000101000000Z"), Some(UnixTime::from_s(0)));
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::new(["client.test".to_owned()]).unwrap();
            params.not_after = rcgen::date_time_ymd(year, month, day);
            let made = params.self_signed(&key).unwrap();
            let read = Certificate::read(made.der()).unwrap();
            assert_eq!(read.not_after, UnixTime::from_s(end), "{year}");
            assert_eq!(read.public_key, key.subject_public_key_info());
            for cut in [0, 1, 40, made.der().len() - 1] {
                assert!(Certificate::read(&made.der()[..cut]).is_none(), "{cut}");
            }
        }
    }

    #[test]
    fn only_times_in_utc_with_seconds_are_read() {
        let of = |tag, text: &str| time(tag, text.as_bytes()).map(UnixTime::as_s);
        assert_eq!(of(UTC_TIME, "500101000000Z"), Some(0), "over by any clock");
        assert_eq!(of(UTC_TIME, "700101000001Z"), Some(1));
        assert_eq!(of(GENERALIZED_TIME, "20260228235959Z"), Some(1_772_323_199));
        for bad in [
            "",
            "Z",
            "2026022823595Z",
            "20260228235959",
            "20260230000000Z",
            "20260228235959.5Z",
            "2026022823595900Z",
        ] {
            assert_eq!(of(GENERALIZED_TIME, bad), None, "{bad}");
        }
    }

    #[test]
    fn lengths_are_definite_and_within_what_is_there() {
        for (bytes, content) in [
            (&[4, 1, 7][..], Some(&[7][..])),
            (&[4, 0x81, 1, 7], Some(&[7])),
            (&[4, 0x80, 7, 0, 0], None),
            (&[4, 2, 7], None),
            (&[4, 0x85, 0, 0, 0, 0, 1, 7], None),
            (&[4, 0x84, 0xff, 0xff, 0xff, 0xff], None),
            (&[4], None),
            (&[5, 0], None),
        ] {
            assert_eq!(Elements::new(bytes).next(OCTETS), content, "{bytes:?}");
        }
    }
}
