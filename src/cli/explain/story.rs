//! A request in words: what goes out, what stays here, and why.
use crate::auth::Place;
use crate::auth::Placed;
use crate::auth::Prepared;
use crate::auth::Signer;
use crate::proxy::Asks;
use crate::proxy::Onward;
use crate::proxy::outgoing;
use crate::resolve::Puts;
use crate::resolve::Selector;
use crate::resolve::Tags;
use crate::resolve::Target;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use std::fmt::Write;

/// What stands in a secret's place.
const REDACTED: &str = "[redacted]";

/// The request to the upstream, a rule beside each line that differs from what came in.
pub(super) fn story(head: &Parts, tags: &Tags<'_>, target: &Target<'_>) -> String {
    // Nothing is sent from here, so no token is had either.
    let sample = match target.puts {
        Puts::Prepared(_) => Prepared::default(),
        Puts::Token(holder) => holder.sample(),
    };
    let prepared = match target.puts {
        Puts::Prepared(prepared) => prepared,
        Puts::Token(_) => &sample,
    };
    let onward = Onward {
        asks: Asks::of(&head.headers),
        host: target.base.host(),
        prepared,
        proof: None,
        ignore: &target.ignore,
        authorization_is_ours: false,
        trace: None,
        is_websocket: false,
        expects_continue: false,
    };
    let sent = outgoing(head, &onward);
    let mut page = Page::default();
    page.headline("Goes to", &target.base.origin().to_string());
    for (what, why) in place(tags, target) {
        page.line(&what, &why);
    }
    page.headline("Sends", "");
    let (query, added) = query(tags.query, prepared);
    let path = format!("{} {}{query}", head.method, target.path);
    page.line(&path, &line_rule(tags, target, added));
    for (name, value) in &sent {
        let (shown, why) = shown(name, value, head, prepared);
        page.line(&format!("{name}: {shown}"), &why);
    }
    for placed in prepared.signers().iter().flat_map(Signer::describe) {
        let (line, why) = signed(&placed);
        page.line(&line, why);
    }
    if prepared.certificate().is_some() {
        page.line("(TLS)", "shows the credential's certificate, on links of its own");
    }
    let dropped: Vec<_> =
        head.headers.keys().filter_map(|it| dropped(it, head, &sent, target, prepared)).collect();
    if !dropped.is_empty() {
        page.headline("Keeps back", "");
        for (name, why) in dropped {
            page.line(name, &why);
        }
    }
    page.text()
}

/// How the connection was found and what it is.
fn place(tags: &Tags<'_>, target: &Target<'_>) -> Vec<(String, String)> {
    let connection = target.connection;
    let by = match (tags.by, tags.from_path) {
        (Selector::Connection(_), false) => "named by Attache-Connection".to_owned(),
        (Selector::Connection(_), true) => "named by the path tag /c/".to_owned(),
        (Selector::Environment { environment, connector }, _) => {
            format!("assigned to `{connector}` in the environment `{environment}`")
        }
    };
    let mut lines = vec![(format!("connection {}", connection.key), by)];
    if let Some(tenant) = &target.tenant {
        let why = if target.test {
            "logged; Attache-Test takes the test credentials instead of an activation"
        } else if matches!(connection.kind, crate::catalog::Kind::Standard(_)) {
            "logged; the connection is a standard one and holds the credential itself"
        } else {
            "its activation holds the credential"
        };
        lines.push((format!("tenant {tenant}"), why.to_owned()));
    } else if target.test {
        lines.push(("test credentials".to_owned(), "Attache-Test".to_owned()));
    }
    let method = &connection.method;
    let kind = method.auth.type_name();
    let auth = format!("auth method {} ({kind})", method.key);
    lines.push((auth, format!("of the connector `{}`", connection.connector)));
    lines.push((format!("base URL {}", target.base), base_rule(tags, target)));
    if let Some(timeout) = target.timeout {
        let why = "the shorter of Attache-Timeout and upstream.timeouts.total";
        lines.push((format!("at most {timeout:?}"), why.to_owned()));
    }
    lines
}

fn base_rule(tags: &Tags<'_>, target: &Target<'_>) -> String {
    let template = target.connection.base_url.to_string();
    if tags.options.base_url.is_some() {
        "named by Attache-Base-Url, on an origin that the connection allows".to_owned()
    } else if !tags.options.variables.is_empty() {
        format!("{template} with Attache-Variables")
    } else if target.holder.base.as_ref() != Some(&*target.base) {
        "the integration's link overrides it".to_owned()
    } else if target.connection.base_url.fixed().is_none() {
        format!("{template} with the stored variables")
    } else {
        "of the connection or its connector".to_owned()
    }
}

/// The query as it is sent, injected values left out, and whether any was put there.
fn query(caller: Option<&str>, prepared: &Prepared) -> (String, bool) {
    let Some(sent) = prepared.query(caller) else {
        return (caller.map(|it| format!("?{it}")).unwrap_or_default(), false);
    };
    let names = prepared.describe();
    let is_ours = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default();
        let name = percent_decode_str(name).decode_utf8_lossy();
        names.iter().any(|it| it.place == Place::Query && *it.name == *name)
    };
    let shown = sent.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_ours(pair) => format!("{name}={REDACTED}"),
        _ => pair.to_owned(),
    });
    (format!("?{}", shown.collect::<Vec<_>>().join("&")), true)
}

fn line_rule(tags: &Tags<'_>, target: &Target<'_>, has_query_credential: bool) -> String {
    let mut rules = Vec::new();
    if tags.from_path {
        rules.push("the path tag is taken off");
    }
    if !target.base.prefix().is_empty() {
        rules.push("the base URL's path goes before it");
    }
    if has_query_credential {
        rules.push("the credential goes into the query, in place of any the caller sent");
    }
    rules.join("; ")
}

/// A field that is sent: its value, and the rule behind it where it is not the caller's.
fn shown(
    name: &HeaderName,
    value: &HeaderValue,
    head: &Parts,
    prepared: &Prepared,
) -> (String, String) {
    let text = || String::from_utf8_lossy(value.as_bytes()).into_owned();
    let sent_by_caller = head.headers.contains_key(name);
    if prepared.injects_header(name) {
        let why = match (name == header::COOKIE, sent_by_caller) {
            (true, true) => "the credential's cookie, then the caller's others as they were sent",
            (_, true) => "the credential, in place of what the caller sent",
            (_, false) => "the credential",
        };
        return (REDACTED.to_owned(), why.to_owned());
    }
    match *name {
        header::HOST => (text(), "the base URL's, not the caller's (RFC 9110 §7.2)".to_owned()),
        header::TE | header::CONNECTION => {
            (text(), "made anew for this hop (RFC 9110 §7.6.1)".to_owned())
        }
        // Whose it is, attache does not know: better not on a screen.
        header::AUTHORIZATION | header::COOKIE => (REDACTED.to_owned(), "as sent".to_owned()),
        _ => (text(), String::new()),
    }
}

/// What a signature is made of is known when it is sent, and no sooner.
fn signed(placed: &Placed) -> (String, &'static str) {
    let name = &placed.name;
    let line = match placed.place {
        Place::Header => format!("{name}: {REDACTED}"),
        Place::Query => format!("(query) {name}={REDACTED}"),
        Place::Cookie => format!("cookie: {name}={REDACTED}"),
    };
    (line, "computed over what is sent, for each attempt anew")
}

/// Why a field of the caller's is not sent; `None` where it is.
fn dropped<'h>(
    name: &'h HeaderName,
    head: &Parts,
    sent: &HeaderMap,
    target: &Target<'_>,
    prepared: &Prepared,
) -> Option<(&'h str, String)> {
    if sent.contains_key(name) {
        return None;
    }
    let text = name.as_str();
    let is_listed = head.headers.get_all(header::CONNECTION).iter().any(|it| {
        let options = it.to_str().unwrap_or_default();
        options.split(',').any(|it| it.trim().eq_ignore_ascii_case(text))
    });
    let why = if text.starts_with("attache-") {
        "a tag: consumed here, never forwarded"
    } else if prepared.injects_header(name) {
        "another spelling of the header that the credential goes in"
    } else if target.ignore.contains(name) {
        "Attache-Ignore-Headers"
    } else if is_listed {
        "listed in Connection (RFC 9110 §7.6.1)"
    } else if text.starts_with("x-forwarded-") || matches!(text, "forwarded" | "via" | "x-real-ip")
    {
        "says where the request came from; not for third parties"
    } else if matches!(text, "traceparent" | "tracestate" | "baggage") {
        "tracing ends here, unless upstream.trace_context says otherwise"
    } else if matches!(*name, header::CONTENT_LENGTH | header::TRANSFER_ENCODING) {
        "framing is made anew for the next hop (RFC 9112 §6)"
    } else {
        "belongs to the link between caller and attache (RFC 9110 §7.6.1)"
    };
    Some((text, why.to_owned()))
}

/// Lines under headlines, their rules in one column.
#[derive(Default)]
struct Page {
    lines: Vec<(String, String)>,
}

/// Past this column a rule just follows its line.
const COLUMN_MAX: usize = 56;

impl Page {
    fn headline(&mut self, title: &str, rest: &str) {
        self.lines.push((format!("{title} {rest}").trim_end().to_owned(), String::new()));
    }

    fn line(&mut self, text: &str, why: &str) {
        self.lines.push((format!("  {text}"), why.to_owned()));
    }

    fn text(self) -> String {
        let ruled = self.lines.iter().filter(|it| !it.1.is_empty());
        let widths = ruled.map(|it| it.0.chars().count());
        let column = widths.filter(|it| *it <= COLUMN_MAX).max().unwrap_or(0);
        let mut page = String::new();
        for (text, why) in self.lines {
            let line = if why.is_empty() { text } else { format!("{text:<column$}  # {why}") };
            writeln!(page, "{line}").expect("a String takes any text");
        }
        page
    }
}
