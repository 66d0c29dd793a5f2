//! A record as a line for people: when, what, how it went, how long; then the rest as `name=value`,
//! what is not there left out.
use crate::model::Key;
use crate::telemetry::Exchange;
use crate::telemetry::log::Format;
use crate::telemetry::log::push_escaped;
use http::Version;

pub(super) fn push(out: &mut Vec<u8>, time: &[u8], exchange: &Exchange, path: &str) {
    let times = &exchange.times;
    out.extend_from_slice(time);
    out.push(b' ');
    put(out, exchange.method.as_str());
    out.push(b' ');
    push_value(out, path);
    out.push(b' ');
    push_number(out, exchange.status.into());
    out.push(b' ');
    push_ms(out, times.total_us);
    put(out, "ms request_id=");
    push_value(out, exchange.request_id.as_str());
    push_word(out, " caller=", exchange.caller.as_ref().map(Key::as_str));
    if let Some(tenant) = &exchange.tenant {
        put(out, " tenant=");
        push_value(out, tenant.as_str());
    }
    push_word(out, " connector=", exchange.connector.as_ref().map(Key::as_str));
    push_word(out, " connection=", exchange.connection.as_ref().map(Key::as_str));
    push_word(out, " environment=", exchange.environment.as_ref().map(Key::as_str));
    push_word(out, " error_source=", exchange.source.map(|it| it.as_str()));
    push_word(out, " error_code=", exchange.code.map(|it| it.as_str()));
    push_word(out, " http_in=", Some(http_version(exchange.http_in)));
    push_word(out, " http_out=", exchange.http_out.map(http_version));
    if let Some(status) = exchange.upstream_status {
        put(out, " upstream_status=");
        push_number(out, status.into());
    }
    put(out, " bytes_in=");
    push_number(out, exchange.bytes_in);
    put(out, " bytes_out=");
    push_number(out, exchange.bytes_out);
    put(out, " attempts=");
    push_number(out, exchange.attempts.into());
    push_time(out, " queue=", times.queue_us);
    push_time(out, " credential=", times.credential_us);
    push_time(out, " dial=", times.dial_us);
    push_time(out, " tls=", times.tls_us);
    push_time(out, " first_byte=", times.first_byte_us);
    push_time(out, " overhead=", times.overhead_us);
}

/// A key, a code, a version: nothing in it has to be quoted.
#[inline(always)]
fn push_word(out: &mut Vec<u8>, name: &'static str, word: Option<&str>) {
    if let Some(word) = word {
        put(out, name);
        put(out, word);
    }
}

#[inline(always)]
fn push_time(out: &mut Vec<u8>, name: &'static str, us: u64) {
    if us > 0 {
        put(out, name);
        push_ms(out, us);
        put(out, "ms");
    }
}

/// As it is where it is one visible word, else in quotation marks.
fn push_value(out: &mut Vec<u8>, text: &str) {
    let is_plain = |it: u8| it.is_ascii_graphic() && it != b'"';
    // Not `all`: without the early end the compiler compares many bytes at once.
    if !text.is_empty() && text.bytes().fold(true, |plain, it| plain & is_plain(it)) {
        return put(out, text);
    }
    out.push(b'"');
    let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut escaped = String::new();
    push_escaped(&mut escaped, &quoted, Format::Text);
    put(out, &escaped);
    out.push(b'"');
}

#[inline(always)]
pub(super) fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// µs as ms with three decimals: `1.250`.
pub(super) fn push_ms(out: &mut Vec<u8>, us: u64) {
    push_number(out, us / 1000);
    let [hundreds, tens, ones] = three_digits(us);
    out.extend_from_slice(&[b'.', hundreds, tens, ones]);
}

/// The last three decimal digits.
pub(super) fn three_digits(number: u64) -> [u8; 3] {
    let number = (number % 1000) as u32;
    [number / 100, number / 10 % 10, number % 10].map(|it| b'0' + it as u8)
}

/// Decimal digits, without the general formatter: a record has twenty numbers.
pub(super) fn push_number(out: &mut Vec<u8>, mut number: u64) {
    if number < 10 {
        return out.push(b'0' + number as u8);
    }
    let mut digits = [0; 20];
    let mut at = digits.len();
    // Two at a time: half the divisions.
    while number >= 10 {
        at -= 2;
        let pair = (number % 100) as u8;
        digits[at] = b'0' + pair / 10;
        digits[at + 1] = b'0' + pair % 10;
        number /= 100;
    }
    if number > 0 {
        at -= 1;
        digits[at] = b'0' + number as u8;
    }
    out.extend_from_slice(&digits[at..]);
}

/// As records have it: `1.1`, `2`.
pub fn http_version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_standard_library_writes_them() {
        for number in [0, 7, 10, 99, 1_000_000, u64::MAX] {
            let mut out = Vec::new();
            push_number(&mut out, number);
            assert_eq!(out, number.to_string().as_bytes());
        }
    }

    #[test]
    fn milliseconds_have_three_decimals() {
        for (us, text) in [(0, "0.000"), (7, "0.007"), (70, "0.070"), (1_250, "1.250")] {
            let mut out = Vec::new();
            push_ms(&mut out, us);
            assert_eq!(out, text.as_bytes());
        }
    }
}
