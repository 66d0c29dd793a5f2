//! `GET /v1/exchanges`: the last exchanges of this process, the newest first.
use super::answer::Answer;
use super::call::Call;
use super::cursor;
use super::error::ApiError;
use super::route::ParameterKind;
use super::route::Route;
use super::shape;
use crate::journal::Filter;
use crate::journal::Seen;
use crate::journal::StatusFilter;
use crate::journal::http_version;
use crate::model::Key;
use crate::telemetry::ErrorSource;
use crate::telemetry::Exchange;
use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Serialize;
use serde_json::json;

/// A request and its response, as the access log's JSON tells of it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename = "Exchange")]
pub(super) struct ShownExchange {
    /// When the request head was complete: RFC 3339, UTC.
    time: String,
    request_id: String,
    caller: Option<String>,
    tenant: Option<String>,
    connector: Option<String>,
    connection: Option<String>,
    environment: Option<String>,
    method: String,
    /// Without its query.
    path: String,
    /// As sent back; 499 where the caller hung up before.
    status: u16,
    /// As the upstream sent it.
    upstream_status: Option<u16>,
    /// Whose fault it was: `caller`, `attache` or `upstream`. Null where nothing failed.
    error_source: Option<&'static str>,
    /// The `code` of an answer that attache made itself.
    error_code: Option<&'static str>,
    /// Of the request's body.
    bytes_in: u64,
    /// Of the response's body.
    bytes_out: u64,
    /// How often the request was sent, or tried to be.
    attempts: u32,
    /// The caller's version of HTTP.
    http_in: &'static str,
    /// The upstream's.
    http_out: Option<&'static str>,
    /// In ms, as are the next.
    total: f64,
    /// Waiting for a place under a limit.
    queue: f64,
    /// Waiting for a credential.
    credential: f64,
    dial: f64,
    tls: f64,
    /// From the request's last byte to the first of the response.
    first_byte: f64,
    /// attache's own work.
    overhead: f64,
}

impl ShownExchange {
    /// `path` has no query.
    pub(super) fn new(exchange: &Exchange, path: &str) -> Self {
        let text = |it: &Option<Key>| it.as_ref().map(Key::to_string);
        let ms = |us: u64| us as f64 / 1000.0;
        let started = i64::try_from(exchange.started.as_ms()).ok();
        let time = started.and_then(|it| Timestamp::from_millisecond(it).ok());
        let printer = DateTimePrinter::new().precision(Some(3));
        let times = &exchange.times;
        Self {
            time: printer.timestamp_to_string(&time.unwrap_or(Timestamp::MAX)),
            request_id: exchange.request_id.to_string(),
            caller: text(&exchange.caller),
            tenant: exchange.tenant.as_ref().map(|it| it.as_str().to_owned()),
            connector: text(&exchange.connector),
            connection: text(&exchange.connection),
            environment: text(&exchange.environment),
            method: exchange.method.to_string(),
            path: path.to_owned(),
            status: exchange.status,
            upstream_status: exchange.upstream_status,
            error_source: exchange.source.map(|it| it.as_str()),
            error_code: exchange.code.map(|it| it.as_str()),
            bytes_in: exchange.bytes_in,
            bytes_out: exchange.bytes_out,
            attempts: exchange.attempts,
            http_in: http_version(exchange.http_in),
            http_out: exchange.http_out.map(http_version),
            total: ms(times.total_us),
            queue: ms(times.queue_us),
            credential: ms(times.credential_us),
            dial: ms(times.dial_us),
            tls: ms(times.tls_us),
            first_byte: ms(times.first_byte_us),
            overhead: ms(times.overhead_us),
        }
    }
}

impl From<&Seen> for ShownExchange {
    fn from(it: &Seen) -> Self {
        Self::new(&it.exchange, &it.path)
    }
}

/// The parameters that choose among exchanges.
pub(super) fn filtered(route: Route) -> Route {
    route
        .filter(ParameterKind::Key, "connection", "Only those by this connection.")
        .filter(ParameterKind::Text, "tenant", "Only those of this tenant.")
        .filter(ParameterKind::Key, "caller", "Only those of this caller.")
        .filter(ParameterKind::Key, "connector", "Only those to this connector.")
        .filter(ParameterKind::Key, "environment", "Only those by this environment.")
        .filter(ParameterKind::Text, "method", "Only those with this method.")
        .filter(ParameterKind::ErrorSource, "source", "Only those that failed by this fault.")
        .filter(ParameterKind::Status, "status", "Only those with this status: `404`, or `4xx`.")
        .filter(ParameterKind::Text, "path", "Only those whose path has this in it.")
}

pub(super) fn filter(call: &Call) -> Result<Filter, ApiError> {
    let text = |name: &str| call.query.value(name).map(str::to_owned);
    let bad = |it: &str| ApiError::BadRequest(it.to_owned());
    let status = call.query.value("status").map(|it| {
        let problem = "`status` is a number of three digits, or a class: `2xx` to `5xx`.";
        StatusFilter::of(it).ok_or_else(|| bad(problem))
    });
    let source = call.query.value("source").map(|name| {
        let found = ErrorSource::ALL.iter().copied().find(|it| it.as_str() == name);
        found.ok_or_else(|| bad("`source` is `caller`, `attache` or `upstream`."))
    });
    Ok(Filter {
        connection: text("connection"),
        tenant: text("tenant"),
        caller: text("caller"),
        connector: text("connector"),
        environment: text("environment"),
        method: text("method"),
        source: source.transpose()?,
        status: status.transpose()?,
        path: text("path"),
    })
}

/// `GET /v1/exchanges`
pub(super) async fn list(call: Call) -> Result<Answer, ApiError> {
    let page = call.page()?;
    let before = match page.after.as_deref() {
        None => None,
        Some(last) => Some(last.parse().map_err(|_| cursor::foreign())?),
    };
    let filter = filter(&call)?;
    let (found, is_more) = call.api.journal.recent(&filter, before, page.limit as usize);
    let last = found.last().filter(|_| is_more).map(|it| it.seq.to_string());
    let items: Vec<_> = found.iter().map(ShownExchange::from).collect();
    let next = last.map(|it| cursor::behind(&call.path, &it));
    Ok(Answer::ok(json!({ "items": items, "next": next })))
}

/// `GET /v1/exchanges/{request_id}`
pub(super) async fn read(call: Call) -> Result<Answer, ApiError> {
    let id = call.parameter("request_id")?;
    match call.api.journal.find(&id) {
        Some(seen) => Answer::of(&ShownExchange::from(&seen)),
        None => Err(ApiError::NotFound {
            noun: "exchange that is kept with the id",
            key: id.escape_debug().to_string(),
        }),
    }
}

pub(super) fn page(generator: &mut SchemaGenerator) -> Schema {
    let item = generator.subschema_for::<ShownExchange>();
    let page = json!({
        "description": "Exchanges, the newest first. Newer ones that come meanwhile are on no later page.",
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": { "type": "array", "items": item },
            "next": {
                "description": "The `cursor` of the next page; null at the end.",
                "type": ["string", "null"],
            },
        },
    });
    shape::kept(generator, "ExchangePage", page)
}
