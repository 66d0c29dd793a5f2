//! W3C Trace Context: which trace an exchange belongs to.
//!
//! Source: <https://www.w3.org/TR/trace-context/> §3.2 (traceparent) and §3.3 (tracestate).
use super::ids::hex;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use std::num::NonZeroU64;
use std::num::NonZeroU128;

pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Goes on as it came, with `traceparent`, or not at all.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Length of version 00: `00-{32}-{16}-{2}`.
const LEN: usize = 55;

/// The flag that says the trace is being recorded; version 00 defines no other.
const SAMPLED: u8 = 1;

/// One step of a trace. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanId(NonZeroU64);

impl SpanId {
    pub fn new(id: u64) -> Option<Self> {
        NonZeroU64::new(id).map(Self)
    }
}

/// The trace that an exchange belongs to, and the step in it that asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: NonZeroU128,
    parent: SpanId,
    sampled: bool,
}

impl TraceContext {
    pub(super) fn root(trace_id: u128, span: SpanId) -> Self {
        let trace_id = NonZeroU128::new(trace_id).unwrap_or(NonZeroU128::MIN);
        Self { trace_id, parent: span, sampled: false }
    }

    /// Reads the one `traceparent`; none where there is none, or several, or it is malformed: then
    /// `tracestate` means nothing either.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        match (values.next(), values.next()) {
            (Some(one), None) => Self::parse(one.as_bytes()),
            _ => None,
        }
    }

    /// Version 00 exactly; of a later one, its first four fields (§3.2.4).
    pub fn parse(text: &[u8]) -> Option<Self> {
        let hyphens = [2, 35, 52].iter().all(|at| text.get(*at) == Some(&b'-'));
        let version = number(text.get(..2)?)?;
        let length_fits = match version {
            0 => text.len() == LEN,
            0xff => false,
            _ => text.len() == LEN || text.get(LEN) == Some(&b'-'),
        };
        if !hyphens || !length_fits {
            return None;
        }
        Some(Self {
            trace_id: NonZeroU128::new(number(&text[3..35])?)?,
            parent: SpanId::new(u64::try_from(number(&text[36..52])?).ok()?)?,
            sampled: number(&text[53..55])? & u128::from(SAMPLED) != 0,
        })
    }

    /// The same trace, one step on.
    pub fn child(self, span: SpanId) -> Self {
        Self { parent: span, ..self }
    }

    /// The value of `traceparent`, version 00.
    pub fn header(&self) -> HeaderValue {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        let trace_id = self.trace_id.get();
        #[expect(clippy::cast_possible_truncation, reason = "the two halves are taken apart here")]
        let (high, low) = ((trace_id >> 64) as u64, trace_id as u64);
        text[3..19].copy_from_slice(hex(high).as_flattened());
        text[19..35].copy_from_slice(hex(low).as_flattened());
        text[36..52].copy_from_slice(hex(self.parent.0.get()).as_flattened());
        text[54] += u8::from(self.sampled);
        HeaderValue::from_bytes(&text).expect("hexadecimal digits and hyphens are a field value")
    }
}

/// Lower-case hexadecimal digits only (§3.2.2).
fn number(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |value: u128, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some((value << 4) | u128::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of §3.2.2.
    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn continues_the_published_example() {
        let context = TraceContext::parse(GOOD.as_bytes()).unwrap();
        assert_eq!(context.header(), GOOD);
        let child = context.child(SpanId::new(0xb7).unwrap());
        assert_eq!(child.header(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00000000000000b7-01");
    }

    #[test]
    fn takes_what_it_knows_of_a_later_version() {
        for later in [
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-brings",
        ] {
            assert_eq!(TraceContext::parse(later.as_bytes()).unwrap().header(), GOOD);
        }
    }

    #[test]
    fn refuses_what_is_not_a_traceparent() {
        // Each row breaks one thing of the good one.
        for bad in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
            " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceContext::parse(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn two_traceparents_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(TRACEPARENT, HeaderValue::from_static(GOOD));
        assert!(TraceContext::from_headers(&headers).is_some());
        headers.append(TRACEPARENT, HeaderValue::from_static(GOOD));
        assert_eq!(TraceContext::from_headers(&headers), None);
    }
}
