//! What a caller may ask for beside the target: variables, another base URL, headers to drop, limits.
use super::ResolveError;
use super::tags::once;
use http::HeaderName;
use http::HeaderValue;
use percent_encoding::percent_decode;
use std::time::Duration;

/// Most headers that one request may have dropped.
const IGNORED_MAX: usize = 64;

/// Most variables that one request may set.
const VARIABLES_MAX: usize = 64;

/// Most retries that one request may ask for; the configured limit may be lower.
const RETRIES_MAX: u8 = 10;

/// Longest timeout that one request may ask for; the configured limit may be lower.
const TIMEOUT_MAX: Duration = Duration::from_hours(24);

/// The options of one request. Empty for most, and then nothing is allocated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options<'h> {
    /// Base-URL variables in the order given: the later of two with one name wins. Not validated yet.
    pub variables: Vec<(String, String)>,
    /// Not parsed yet, nor allowed.
    pub base_url: Option<&'h str>,
    /// Request headers to drop before the credential goes on.
    pub ignore: Vec<HeaderName>,
    pub force_refresh: Option<bool>,
    /// True: use the embedded connection's test credentials.
    pub test: Option<bool>,
    pub timeout: Option<Duration>,
    pub retries: Option<u8>,
}

impl<'h> Options<'h> {
    /// Takes the field `Attache-{name}`.
    pub(super) fn take(&mut self, name: &str, value: &'h HeaderValue) -> Result<(), ResolveError> {
        match name {
            "variables" => self.take_variables(text("Attache-Variables", value)?),
            "base-url" => {
                let tag = "Attache-Base-Url";
                once(&mut self.base_url, tag, text(tag, value)?)
            }
            "ignore-headers" => self.take_ignored(text("Attache-Ignore-Headers", value)?),
            "force-refresh" => {
                let tag = "Attache-Force-Refresh";
                once(&mut self.force_refresh, tag, boolean(tag, value)?)
            }
            "test" => once(&mut self.test, "Attache-Test", boolean("Attache-Test", value)?),
            "timeout" => {
                let tag = "Attache-Timeout";
                let problem = "must be a whole number and a unit, as `500ms`, `10s` or `2m`";
                let timeout = duration(text(tag, value)?);
                let timeout = timeout.ok_or(ResolveError::Invalid { tag, problem })?;
                once(&mut self.timeout, tag, timeout)
            }
            "retries" => {
                let tag = "Attache-Retries";
                let problem = "must be a whole number from 0 to 10";
                let retries = digits(text(tag, value)?).and_then(|it| u8::try_from(it).ok());
                let retries = retries.filter(|it| *it <= RETRIES_MAX);
                once(&mut self.retries, tag, retries.ok_or(ResolveError::Invalid { tag, problem })?)
            }
            _ => Err(ResolveError::UnknownTag),
        }
    }

    /// Form-urlencoded pairs (WHATWG URL §5.1), read strictly: a comma would be the mark of two
    /// fields joined on the way.
    fn take_variables(&mut self, text: &str) -> Result<(), ResolveError> {
        let problem = "must be form-urlencoded, as `subdomain=acme&version=v2`, with commas and \
                       spaces percent-encoded";
        let invalid = ResolveError::Invalid { tag: "Attache-Variables", problem };
        for pair in text.split('&') {
            let (name, value) = pair.split_once('=').ok_or(invalid.clone())?;
            let (name, value) = (form_decoded(name), form_decoded(value));
            let (Some(name), Some(value)) = (name, value) else { return Err(invalid) };
            if name.is_empty() || text.contains(',') || self.variables.len() == VARIABLES_MAX {
                return Err(invalid);
            }
            self.variables.push((name, value));
        }
        Ok(())
    }

    /// A list of header names (RFC 9110 §5.6.1). Those that frame the message or name its place
    /// can't be dropped.
    fn take_ignored(&mut self, text: &str) -> Result<(), ResolveError> {
        let tag = "Attache-Ignore-Headers";
        let invalid = |problem| ResolveError::Invalid { tag, problem };
        for name in text.split(',').map(|it| it.trim_matches([' ', '\t'])) {
            if name.is_empty() {
                continue;
            }
            let name = HeaderName::try_from(name)
                .map_err(|_| invalid("must be header names with commas between them"))?;
            if KEPT.contains(&name.as_str()) {
                return Err(invalid("can't drop Host or a header that frames the message"));
            }
            if self.ignore.len() == IGNORED_MAX {
                return Err(invalid("has more than 64 names"));
            }
            self.ignore.push(name);
        }
        Ok(())
    }
}

/// What says where a message goes and where it ends (RFC 9112 §3.2 and §6, RFC 9110 §7.6.1).
const KEPT: [&str; 8] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "te",
    "trailer",
    "upgrade",
    "expect",
];

fn text<'h>(tag: &'static str, value: &'h HeaderValue) -> Result<&'h str, ResolveError> {
    let text = value.to_str().ok().filter(|it| !it.is_empty());
    text.ok_or(ResolveError::Invalid { tag, problem: "must be visible ASCII, and not empty" })
}

fn boolean(tag: &'static str, value: &HeaderValue) -> Result<bool, ResolveError> {
    match value.as_bytes() {
        b"true" => Ok(true),
        b"false" => Ok(false),
        _ => Err(ResolveError::Invalid { tag, problem: "must be `true` or `false`" }),
    }
}

/// A number of digits alone: no sign, no space.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|it| it.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A whole number with `ms`, `s`, `m` or `h`; more than none, at most a day.
fn duration(text: &str) -> Option<Duration> {
    let unit_at = text.find(|it: char| !it.is_ascii_digit())?;
    let number = digits(&text[..unit_at])?;
    let ms = match &text[unit_at..] {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let duration = Duration::from_millis(number.checked_mul(ms)?);
    (Duration::ZERO < duration && duration <= TIMEOUT_MAX).then_some(duration)
}

/// One name or value, decoded; `None` where it has what it can't have.
fn form_decoded(text: &str) -> Option<String> {
    let is_escape = |it: &str| it.len() >= 2 && it.bytes().take(2).all(|it| it.is_ascii_hexdigit());
    let well_formed = !text.contains([' ', '\t']) && text.split('%').skip(1).all(is_escape);
    let spaced = text.replace('+', " ");
    let decoded = percent_decode(spaced.as_bytes()).decode_utf8().ok()?;
    (well_formed && !decoded.contains(char::is_control)).then(|| decoded.into_owned())
}
