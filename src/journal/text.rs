//! A record as a line for people: when, what, how it went, how long; then the rest as `name=value`,
//! what is not there left out.
use crate::telemetry::Exchange;
use crate::telemetry::log::Format;
use crate::telemetry::log::push_escaped;
use http::Version;

pub(super) fn push(out: &mut String, time: &str, exchange: &Exchange, path: &str) {
    let times = &exchange.times;
    out.push_str(time);
    out.push(' ');
    push_value(out, exchange.method.as_str());
    out.push(' ');
    push_value(out, path);
    out.push(' ');
    push_number(out, exchange.status.into());
    out.push(' ');
    push_ms(out, times.total_us);
    out.push_str("ms");
    for (name, value) in [
        (" request_id=", Some(exchange.request_id.as_str())),
        (" caller=", exchange.caller.as_ref().map(|it| it.as_str())),
        (" tenant=", exchange.tenant.as_ref().map(|it| it.as_str())),
        (" connector=", exchange.connector.as_ref().map(|it| it.as_str())),
        (" connection=", exchange.connection.as_ref().map(|it| it.as_str())),
        (" environment=", exchange.environment.as_ref().map(|it| it.as_str())),
        (" error_source=", exchange.source.map(|it| it.as_str())),
        (" error_code=", exchange.code.map(|it| it.as_str())),
        (" http_in=", Some(http_version(exchange.http_in))),
        (" http_out=", exchange.http_out.map(http_version)),
    ] {
        if let Some(value) = value {
            out.push_str(name);
            push_value(out, value);
        }
    }
    if let Some(status) = exchange.upstream_status {
        out.push_str(" upstream_status=");
        push_number(out, status.into());
    }
    for (name, number) in [
        (" bytes_in=", exchange.bytes_in),
        (" bytes_out=", exchange.bytes_out),
        (" attempts=", exchange.attempts.into()),
    ] {
        out.push_str(name);
        push_number(out, number);
    }
    for (name, us) in [
        (" queue=", times.queue_us),
        (" credential=", times.credential_us),
        (" dial=", times.dial_us),
        (" tls=", times.tls_us),
        (" first_byte=", times.first_byte_us),
        (" overhead=", times.overhead_us),
    ] {
        if us > 0 {
            out.push_str(name);
            push_ms(out, us);
            out.push_str("ms");
        }
    }
}

/// As it is where it is one visible word, else in quotation marks.
fn push_value(out: &mut String, text: &str) {
    if !text.is_empty() && text.bytes().all(|it| it.is_ascii_graphic() && it != b'"') {
        return out.push_str(text);
    }
    out.push('"');
    let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
    push_escaped(out, &quoted, Format::Text);
    out.push('"');
}

/// µs as ms with three decimals: `1.250`.
pub(super) fn push_ms(out: &mut String, us: u64) {
    push_number(out, us / 1000);
    let rest = us % 1000;
    out.push_str(match rest {
        0..10 => ".00",
        10..100 => ".0",
        _ => ".",
    });
    push_number(out, rest);
}

/// Decimal digits, without the general formatter: a record has twenty numbers.
pub(super) fn push_number(out: &mut String, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend(digits[at..].iter().map(|it| char::from(*it)));
}

pub(super) fn http_version(version: Version) -> &'static str {
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
            let mut out = String::new();
            push_number(&mut out, number);
            assert_eq!(out, number.to_string());
        }
    }

    #[test]
    fn milliseconds_have_three_decimals() {
        for (us, text) in [(0, "0.000"), (7, "0.007"), (70, "0.070"), (1_250, "1.250")] {
            let mut out = String::new();
            push_ms(&mut out, us);
            assert_eq!(out, text);
        }
    }
}
