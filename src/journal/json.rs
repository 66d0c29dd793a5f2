//! A record as one JSON object. Every field is always there, in this order; `null` where there is none.
use super::text::http_version;
use super::text::push_ms;
use super::text::push_number;
use crate::telemetry::Exchange;
use crate::telemetry::log::Format;
use crate::telemetry::log::push_escaped;

pub(super) fn push(out: &mut String, time: &str, exchange: &Exchange, path: &str) {
    let times = &exchange.times;
    out.push('{');
    out.push_str("\"time\":");
    push_string(out, Some(time));
    for (name, value) in [
        (",\"request_id\":", Some(exchange.request_id.as_str())),
        (",\"caller\":", exchange.caller.as_ref().map(|it| it.as_str())),
        (",\"tenant\":", exchange.tenant.as_ref().map(|it| it.as_str())),
        (",\"connector\":", exchange.connector.as_ref().map(|it| it.as_str())),
        (",\"connection\":", exchange.connection.as_ref().map(|it| it.as_str())),
        (",\"environment\":", exchange.environment.as_ref().map(|it| it.as_str())),
        (",\"method\":", Some(exchange.method.as_str())),
        (",\"path\":", Some(path)),
    ] {
        out.push_str(name);
        push_string(out, value);
    }
    out.push_str(",\"status\":");
    push_number(out, exchange.status.into());
    out.push_str(",\"upstream_status\":");
    match exchange.upstream_status {
        Some(status) => push_number(out, status.into()),
        None => out.push_str("null"),
    }
    out.push_str(",\"error_source\":");
    push_string(out, exchange.source.map(|it| it.as_str()));
    out.push_str(",\"error_code\":");
    push_string(out, exchange.code.map(|it| it.as_str()));
    for (name, number) in [
        (",\"bytes_in\":", exchange.bytes_in),
        (",\"bytes_out\":", exchange.bytes_out),
        (",\"attempts\":", exchange.attempts.into()),
    ] {
        out.push_str(name);
        push_number(out, number);
    }
    out.push_str(",\"http_in\":");
    push_string(out, Some(http_version(exchange.http_in)));
    out.push_str(",\"http_out\":");
    push_string(out, exchange.http_out.map(http_version));
    for (name, us) in [
        (",\"total\":", times.total_us),
        (",\"queue\":", times.queue_us),
        (",\"credential\":", times.credential_us),
        (",\"dial\":", times.dial_us),
        (",\"tls\":", times.tls_us),
        (",\"first_byte\":", times.first_byte_us),
        (",\"overhead\":", times.overhead_us),
    ] {
        out.push_str(name);
        push_ms(out, us);
    }
    out.push('}');
}

fn push_string(out: &mut String, text: Option<&str>) {
    let Some(text) = text else {
        return out.push_str("null");
    };
    let plain = |it: u8| (b' '..=b'~').contains(&it) && it != b'"' && it != b'\\';
    if text.bytes().all(plain) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        let quoted = serde_json::to_string(text).expect("a text is JSON");
        push_escaped(out, &quoted, Format::Json);
    }
}
