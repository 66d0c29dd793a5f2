//! Request ids: the caller's, else a UUIDv7.
use super::SpanId;
use super::TraceContext;
use crate::model::UnixTime;
use bytes::Bytes;
use bytes::BytesMut;
use http::HeaderValue;
use std::cell::Cell;
use std::cell::RefCell;
use std::fmt;

/// Longest request id that is taken from a caller, in bytes.
pub const REQUEST_ID_LEN_MAX: usize = 128;

/// Length of a UUID's text (RFC 9562 §4).
const UUID_LEN: usize = 36;

/// New ids share buffers of this many, so that making one allocates nothing.
const IDS_PER_BUFFER: usize = 100;

/// The id of an exchange, ready to be sent: 1 to 128 visible ASCII bytes. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// Takes a caller's id, if it is one. Copies it, because the original shares the buffer of its
    /// whole request.
    pub fn accept(value: &HeaderValue) -> Option<Self> {
        let bytes = value.as_bytes();
        let fits = (1..=REQUEST_ID_LEN_MAX).contains(&bytes.len());
        if !fits || !bytes.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        HeaderValue::from_bytes(bytes).ok().map(Self)
    }

    /// The value of `Attache-Request-Id`.
    pub fn header(&self) -> &HeaderValue {
        &self.0
    }

    pub fn as_str(&self) -> &str {
        self.0.to_str().expect("a request id is visible ASCII")
    }
}

/// No id yet, or no longer: what is left of a record that was taken.
impl Default for RequestId {
    fn default() -> Self {
        Self(HeaderValue::from_static(""))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Makes one worker's ids, without a system call and almost without allocation.
///
/// Request ids are UUIDv7: 48 bits of Unix time in ms, a 12-bit counter within the millisecond,
/// 62 pseudo-random bits (RFC 9562 §5.7 and §6.2, method 1). They are unique and in order; they are
/// not secrets, and must not be used as such.
pub struct Ids {
    /// State of a SplitMix64 generator (Steele, Lea and Flood, OOPSLA 2014): it visits every 64-bit value once.
    random: Cell<u64>,
    last_ms: Cell<u64>,
    counter: Cell<u16>,
    buffer: RefCell<BytesMut>,
}

impl Ids {
    /// `seed`: 64 bits of good randomness, different in every worker of every process.
    pub fn new(seed: u64) -> Self {
        Self {
            random: Cell::new(seed),
            last_ms: Cell::new(0),
            counter: Cell::new(0),
            buffer: RefCell::default(),
        }
    }

    /// The caller's id where there is exactly one and it can be used, else a new one.
    pub fn request_id(&self, headers: &http::HeaderMap, now: UnixTime) -> RequestId {
        let mut given = headers.get_all("attache-request-id").iter();
        let once = given.next().filter(|_| given.next().is_none());
        self.request_id_from(once, now)
    }

    /// The same where the field has been looked up: the one that was given, if it was once.
    pub fn request_id_from(&self, given: Option<&HeaderValue>, now: UnixTime) -> RequestId {
        given.and_then(RequestId::accept).unwrap_or_else(|| self.new_request_id(now))
    }

    pub fn new_request_id(&self, now: UnixTime) -> RequestId {
        let ms = now.as_ms().max(self.last_ms.get());
        let counter = if ms == self.last_ms.get() { self.counter.get().wrapping_add(1) } else { 0 };
        self.last_ms.set(ms);
        self.counter.set(counter);

        let high = (ms << 16) | 0x7000 | u64::from(counter & 0x0fff);
        let low = (self.random() & (u64::MAX >> 2)) | (1 << 63);
        let value = HeaderValue::from_maybe_shared(self.text(high, low));
        RequestId(value.expect("hexadecimal digits and hyphens are a field value"))
    }

    pub fn span_id(&self) -> SpanId {
        SpanId::new(self.random()).unwrap_or_else(|| self.span_id())
    }

    /// The root of a new trace, not sampled: whoever records traces decides that.
    pub fn new_trace(&self) -> TraceContext {
        let trace_id = (u128::from(self.random()) << 64) | u128::from(self.random());
        TraceContext::root(trace_id.max(1), self.span_id())
    }

    /// 64 bits, evenly spread; not secret.
    pub fn random(&self) -> u64 {
        let state = self.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.random.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`
    fn text(&self, high: u64, low: u64) -> Bytes {
        let mut text = [b'-'; UUID_LEN];
        let [first, second] = hex(high);
        let [third, fourth] = hex(low);
        text[..8].copy_from_slice(&first);
        text[9..13].copy_from_slice(&second[..4]);
        text[14..18].copy_from_slice(&second[4..]);
        text[19..23].copy_from_slice(&third[..4]);
        text[24..28].copy_from_slice(&third[4..]);
        text[28..].copy_from_slice(&fourth);

        let mut buffer = self.buffer.borrow_mut();
        if buffer.capacity() < UUID_LEN {
            *buffer = BytesMut::with_capacity(UUID_LEN * IDS_PER_BUFFER);
        }
        buffer.extend_from_slice(&text);
        buffer.split().freeze()
    }
}

/// The 16 hexadecimal digits of `value`, in two halves.
pub(super) fn hex(value: u64) -> [[u8; 8]; 2] {
    [hex_of_half(value >> 32), hex_of_half(value & 0xffff_ffff)]
}

/// Eight digits at once: the value's nibbles are spread over eight bytes, and each becomes `0` plus
/// itself, or `a` plus itself less ten.
fn hex_of_half(value: u64) -> [u8; 8] {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const LETTERS_AFTER_DIGITS: u64 = (b'a' - b'0' - 10) as u64;
    let pairs = (value & 0xffff_0000) << 16 | value & 0xffff;
    let pairs = (pairs & 0xff00_0000_ff00) << 8 | pairs & 0xff_0000_00ff;
    let nibbles = (pairs & 0x00f0_00f0_00f0_00f0) << 4 | pairs & 0x000f_000f_000f_000f;
    let letters = ((nibbles + 6 * ONES) >> 4) & ONES;
    (nibbles + u64::from(b'0') * ONES + letters * LETTERS_AFTER_DIGITS).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;
    use std::collections::BTreeSet;

    const NOW: UnixTime = UnixTime::from_ms(1_700_000_000_123);

    #[test]
    fn digits_are_those_of_the_standard_library() {
        for value in [0, 0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210, 0x9a9a_a9a9, u64::MAX] {
            assert_eq!(hex(value).concat(), format!("{value:016x}").as_bytes());
        }
    }

    #[test]
    fn new_ids_are_version_7_uuids_of_their_time() {
        let ids = Ids::new(7);
        for _ in 0..3 * IDS_PER_BUFFER {
            let id = uuid::Uuid::parse_str(ids.new_request_id(NOW).as_str()).unwrap();
            assert_eq!((id.get_version_num(), id.get_variant()), (7, uuid::Variant::RFC4122));
            let (s, ns) = id.get_timestamp().unwrap().to_unix();
            assert_eq!((s, ns / 1_000_000), (1_700_000_000, 123));
        }
    }

    #[test]
    fn new_ids_are_unique_and_in_order_though_the_clock_steps_back() {
        let ids = Ids::new(7);
        let clock = (0..2000).map(|it| UnixTime::from_ms(NOW.as_ms() + it % 3));
        let made: Vec<String> = clock.map(|it| ids.new_request_id(it).to_string()).collect();
        assert!(made.is_sorted());
        assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), 2000);
    }

    #[test]
    fn a_caller_s_id_is_kept_where_it_is_one_short_visible_word() {
        let ids = Ids::new(7);
        let kept = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("attache-request-id", HeaderValue::from_bytes(value).unwrap());
            }
            ids.request_id(&headers, NOW).as_str().as_bytes() == values.concat()
        };
        assert!(kept(&[b"a"]));
        assert!(kept(&["~".repeat(REQUEST_ID_LEN_MAX).as_bytes()]));
        let too_long = "x".repeat(REQUEST_ID_LEN_MAX + 1);
        let bad: [&[&[u8]]; 6] =
            [&[], &[b""], &[b"a b"], &[b"a\tb"], &[b"caf\xc3\xa9"], &[too_long.as_bytes()]];
        for values in bad {
            assert!(!kept(values), "{values:?}");
        }
        assert!(!kept(&[b"a", b"b"]), "two ids are none");
    }
}
