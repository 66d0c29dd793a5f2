//! Where the API is: `servers` (OpenAPI 3.1.0 §4.8.5), or `host`, `basePath` and `schemes` (Swagger 2.0).
use super::format::Format;
use super::names::field_of;
use super::report::Reporter;
use super::report::Subject;
use super::tree::Pointer;
use super::tree::text;
use crate::catalog::BaseUrlTemplate;
use crate::catalog::RawVariable;
use indexmap::IndexMap;
use serde_json::Value;
use std::collections::HashMap;

/// Most values of a variable that become its pattern.
const VALUES_MAX: usize = 200;

/// Where requests go, and how the document names that place.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) base_url: Option<String>,
    pub(super) variables: IndexMap<String, RawVariable>,
    /// The server's URL as the document has it, less a `/` at its end: what operations with servers of their own are
    /// held against.
    pub(super) written: Option<String>,
}

/// A server of the document.
struct Server<'v> {
    url: String,
    variables: Option<&'v Value>,
    at: Pointer,
}

pub(super) fn place(
    root: &Value,
    format: Format,
    given: Option<&str>,
    reporter: &mut Reporter,
) -> Place {
    let servers = match format {
        Format::Swagger2 => swagger(root, reporter),
        Format::OpenApi3 { .. } => listed(root, &Pointer::root()),
    };
    let Some(chosen) = chosen(&servers) else {
        let member = if format == Format::Swagger2 { "host" } else { "servers" };
        return without(given, None, Pointer::root().child(member), reporter);
    };
    for other in servers.iter().filter(|it| it.at != chosen.at) {
        let problem = format!("the server {} is not the base URL", other.url);
        let hint = "a connection can give a base URL of its own";
        reporter.noted(Subject::Server, other.at.clone(), problem, hint);
    }
    let written = Some(trimmed(&chosen.url).to_owned());
    if let Some(given) = given {
        let problem = format!("the base URL is the given one, not {}", chosen.url);
        reporter.noted(Subject::Server, chosen.at.clone(), problem, "");
        return Place { base_url: Some(given.to_owned()), written, ..Place::default() };
    }
    if !is_absolute(&chosen.url) {
        return without(None, written, chosen.at.clone(), reporter);
    }
    let (url, variables) = filled(chosen, reporter);
    match BaseUrlTemplate::parse(&url) {
        Ok(_) => {
            if !url.starts_with("https") {
                let problem =
                    "the base URL has no https: credentials would go over the network in the clear";
                let hint = "if the API has https as well, give that base URL (`--base-url`)";
                reporter.noted(Subject::Server, chosen.at.child("url"), problem, hint);
            }
            Place { base_url: Some(url), variables, written }
        }
        Err(error) => {
            let hint = "give a base URL (`--base-url`)";
            reporter.skipped(Subject::Server, chosen.at.child("url"), error.to_string(), hint);
            Place { written, ..Place::default() }
        }
    }
}

fn without(
    given: Option<&str>,
    written: Option<String>,
    at: Pointer,
    reporter: &mut Reporter,
) -> Place {
    if given.is_none() {
        let problem = match &written {
            Some(url) => format!("the server `{url}` is relative to where the document was found"),
            None => "the document names no server".to_owned(),
        };
        let hint = "give a base URL (`--base-url`), or each connection its own";
        reporter.skipped(Subject::Server, at, problem, hint);
    }
    Place { base_url: given.map(str::to_owned), written, ..Place::default() }
}

fn listed<'v>(holder: &'v Value, at: &Pointer) -> Vec<Server<'v>> {
    let at = at.child("servers");
    let servers = holder.get("servers").and_then(Value::as_array).into_iter().flatten();
    let server = |(index, it): (usize, &'v Value)| {
        Some(Server { url: url(it)?, variables: it.get("variables"), at: at.index(index) })
    };
    servers.enumerate().filter_map(server).collect()
}

pub(super) fn url(server: &Value) -> Option<String> {
    let url = server.get("url").and_then(text)?;
    let url = url.trim();
    // RFC 3986 §4.2: a network-path reference lacks nothing but the scheme.
    Some(if url.starts_with("//") { format!("https:{url}") } else { url.to_owned() })
}

fn swagger<'v>(root: &'v Value, reporter: &mut Reporter) -> Vec<Server<'v>> {
    let mut base_path = root.get("basePath").and_then(text).unwrap_or_default();
    // Without it the path would be a part of the host's name.
    if !base_path.is_empty() && !base_path.starts_with('/') {
        let problem = "`basePath` begins with no `/`: it is read with one";
        reporter.noted(Subject::Server, Pointer::root().child("basePath"), problem, "");
        base_path = format!("/{base_path}").into();
    }
    let Some(host) = root.get("host").and_then(text) else {
        let at = Pointer::root().child("basePath");
        let relative = Server { url: base_path.into_owned(), variables: None, at };
        return if relative.url.is_empty() { Vec::new() } else { vec![relative] };
    };
    let schemes: Vec<_> =
        root.get("schemes").and_then(Value::as_array).into_iter().flatten().collect();
    let usable = |it: &&Value| matches!(it.as_str(), Some("https" | "http"));
    let at = Pointer::root().child("schemes");
    let server = |scheme: &str, at: Pointer| Server {
        url: format!("{scheme}://{host}{base_path}"),
        variables: None,
        at,
    };
    if !schemes.iter().any(usable) {
        return vec![server("https", Pointer::root().child("host"))];
    }
    // Another scheme of the same host is no other server.
    let index = schemes.iter().position(|it| it.as_str() == Some("https")).unwrap_or(0);
    let scheme =
        if schemes.iter().any(|it| it.as_str() == Some("https")) { "https" } else { "http" };
    vec![server(scheme, at.index(index))]
}

/// The first with https, else the first with http, else the first.
fn chosen<'s, 'v>(servers: &'s [Server<'v>]) -> Option<&'s Server<'v>> {
    let with =
        |scheme: &str| servers.iter().find(|it| it.url.to_ascii_lowercase().starts_with(scheme));
    // A scheme that is a variable becomes https below.
    with("https://").or_else(|| with("{")).or_else(|| with("http://")).or_else(|| servers.first())
}

/// A variable may stand for the scheme, or for the whole.
pub(super) fn is_absolute(url: &str) -> bool {
    let lower = url.to_ascii_lowercase();
    lower.starts_with("https://") || lower.starts_with("http://") || url.starts_with('{')
}

pub(super) fn trimmed(url: &str) -> &str {
    url.trim_end_matches('/')
}

/// The URL with variables that a base URL can have, and these.
///
/// A variable that stands in the host and may have any value loses its default: a connection that forgot to set it would
/// send its credentials to whoever owns `example.zendesk.com`.
fn filled(server: &Server<'_>, reporter: &mut Reporter) -> (String, IndexMap<String, RawVariable>) {
    let mut variables = IndexMap::new();
    // What those with names of their own are called here.
    let mut names = HashMap::new();
    let (mut url, mut rest) = (String::new(), server.url.as_str());
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        url.push_str(before);
        let written = server.variables.and_then(|it| it.get(name));
        let at = server.at.child("variables").child(name);
        let default = written.and_then(|it| it.get("default")).and_then(text).unwrap_or_default();
        if url.is_empty() {
            // In front of everything: the scheme, or the whole base URL.
            let is_scheme = after.starts_with("://");
            let value = if is_scheme { "https" } else { &*default };
            let problem =
                format!("the variable `{name}` is `{value}` for good: no variable can stand there");
            reporter.noted(
                Subject::Server,
                at,
                problem,
                "give a base URL (`--base-url`) where it is another",
            );
            url.push_str(value);
        } else {
            let is_in_host = url.split_once("://").is_none_or(|it| !it.1.contains('/'));
            let is_port = is_in_host && url.ends_with(':');
            let is_whole_host = url.ends_with("://") && default.contains(['/', ':']);
            if is_whole_host || !is_in_host && default.contains('/') {
                let problem = format!(
                    "the variable `{name}` is `{default}` for good: one stands for one segment"
                );
                let hint = "give a base URL (`--base-url`) where it is another";
                reporter.noted(Subject::Server, at, problem, hint);
                push_parted(&mut url, &default);
                rest = match url.ends_with('/') {
                    true => after.strip_prefix('/').unwrap_or(after),
                    false => after,
                };
                continue;
            }
            let own = names.entry(name).or_insert_with(|| free_name(name, &variables)).clone();
            if own != name {
                let problem = format!("the variable `{name}` is called `{own}`");
                reporter.noted(Subject::Server, at.clone(), problem, "");
            }
            url.push_str(&format!("{{{own}}}"));
            if !variables.contains_key(&own) {
                let variable = variable(written, &default, is_in_host && !is_port, at, reporter);
                variables.insert(own, variable);
            }
        }
        rest = after;
    }
    url.push_str(rest);
    (url, variables)
}

/// With one `/` between them where both have one.
fn push_parted(url: &mut String, more: &str) {
    let more = if url.ends_with('/') { more.strip_prefix('/').unwrap_or(more) } else { more };
    url.push_str(more);
}

/// No other variable's, which would have the values of both.
fn free_name(name: &str, taken: &IndexMap<String, RawVariable>) -> String {
    let plain = variable_name(name);
    let numbered = (2..).map(|it| format!("{plain}_{it}"));
    let mut names = std::iter::once(plain.clone()).chain(numbered);
    names.find(|it| !taken.contains_key(it)).unwrap_or(plain)
}

/// As it is where a base URL's variable can be called so.
fn variable_name(name: &str) -> String {
    let fits = name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
    match (fits && !name.is_empty(), field_of(name)) {
        (true, _) => name.to_owned(),
        (false, own) if own.is_empty() => "variable".to_owned(),
        (false, own) => own,
    }
}

fn variable(
    written: Option<&Value>,
    default: &str,
    is_in_host: bool,
    at: Pointer,
    reporter: &mut Reporter,
) -> RawVariable {
    let values = written.and_then(|it| it.get("enum")).and_then(Value::as_array);
    let is_plain = |it: &str| !it.contains(char::is_control);
    let values = values.into_iter().flatten().filter_map(text).filter(|it| is_plain(it));
    let values: Vec<_> = values.collect();
    let pattern = match values.len() {
        0 => None,
        count if count > VALUES_MAX => {
            let problem = format!("{count} values are more than {VALUES_MAX}: any value is taken");
            reporter.noted(Subject::Server, at.child("enum"), problem, "write a pattern");
            None
        }
        _ => Some(values.iter().map(|it| regex::escape(it)).collect::<Vec<_>>().join("|")),
    };
    let mut kept = Some(default.to_owned()).filter(|it| !it.is_empty() && is_plain(it));
    if kept.is_some() && pattern.is_some() && !values.iter().any(|it| it == default) {
        let problem =
            format!("the default `{default}` is none of the values that the variable takes");
        reporter.noted(Subject::Server, at.child("default"), problem, "");
        kept = None;
    } else if kept.is_some() && pattern.is_none() && is_in_host {
        let problem =
            format!("the default `{default}` is not taken over: it says whom credentials go to");
        let hint = "each connection gives the variable a value";
        reporter.noted(Subject::Server, at.child("default"), problem, hint);
        kept = None;
    }
    let description = written.and_then(|it| it.get("description")).and_then(text);
    let description = description.map(|it| super::names::first_paragraph(&it, 200));
    RawVariable { pattern, required: kept.is_none(), default: kept, description, name: None }
}
