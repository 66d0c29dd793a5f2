//! A record as one JSON object. Every field is always there, in this order; `null` where there is none.
use super::text::http_version;
use super::text::push_ms;
use super::text::push_number;
use super::text::put;
use crate::telemetry::Exchange;
use crate::telemetry::log::Format;
use crate::telemetry::log::push_escaped;

pub(super) fn push(out: &mut Vec<u8>, time: &[u8], exchange: &Exchange, path: &str) {
    let times = &exchange.times;
    out.push(b'{');
    put(out, "\"time\":\"");
    out.extend_from_slice(time);
    out.push(b'"');
    put(out, ",\"request_id\":");
    push_string(out, exchange.request_id.as_str());
    put(out, ",\"caller\":");
    push_word(out, exchange.caller.as_ref().map(|it| it.as_str()));
    put(out, ",\"tenant\":");
    match &exchange.tenant {
        Some(tenant) => push_string(out, tenant.as_str()),
        None => put(out, "null"),
    }
    put(out, ",\"connector\":");
    push_word(out, exchange.connector.as_ref().map(|it| it.as_str()));
    put(out, ",\"connection\":");
    push_word(out, exchange.connection.as_ref().map(|it| it.as_str()));
    put(out, ",\"environment\":");
    push_word(out, exchange.environment.as_ref().map(|it| it.as_str()));
    put(out, ",\"method\":");
    push_word(out, Some(exchange.method.as_str()));
    put(out, ",\"path\":");
    push_string(out, path);
    put(out, ",\"status\":");
    push_number(out, exchange.status.into());
    put(out, ",\"upstream_status\":");
    match exchange.upstream_status {
        Some(status) => push_number(out, status.into()),
        None => put(out, "null"),
    }
    put(out, ",\"error_source\":");
    push_word(out, exchange.source.map(|it| it.as_str()));
    put(out, ",\"error_code\":");
    push_word(out, exchange.code.map(|it| it.as_str()));
    for (name, number) in [
        (",\"bytes_in\":", exchange.bytes_in),
        (",\"bytes_out\":", exchange.bytes_out),
        (",\"attempts\":", exchange.attempts.into()),
    ] {
        put(out, name);
        push_number(out, number);
    }
    put(out, ",\"http_in\":");
    push_word(out, Some(http_version(exchange.http_in)));
    put(out, ",\"http_out\":");
    push_word(out, exchange.http_out.map(http_version));
    for (name, us) in [
        (",\"total\":", times.total_us),
        (",\"queue\":", times.queue_us),
        (",\"credential\":", times.credential_us),
        (",\"dial\":", times.dial_us),
        (",\"tls\":", times.tls_us),
        (",\"first_byte\":", times.first_byte_us),
        (",\"overhead\":", times.overhead_us),
    ] {
        put(out, name);
        push_ms(out, us);
    }
    out.push(b'}');
}

/// A key, a method, a code: nothing in it has to be escaped.
fn push_word(out: &mut Vec<u8>, word: Option<&str>) {
    match word {
        Some(word) => {
            out.push(b'"');
            put(out, word);
            out.push(b'"');
        }
        None => put(out, "null"),
    }
}

/// What somebody sent.
fn push_string(out: &mut Vec<u8>, text: &str) {
    let is_plain = |it: u8| (b' '..=b'~').contains(&it) && it != b'"' && it != b'\\';
    // Not `all`: without the early end the compiler compares many bytes at once.
    if text.bytes().fold(true, |plain, it| plain & is_plain(it)) {
        return push_word(out, Some(text));
    }
    let quoted = serde_json::to_string(text).expect("a text is JSON");
    let mut escaped = String::new();
    push_escaped(&mut escaped, &quoted, Format::Json);
    put(out, &escaped);
}
