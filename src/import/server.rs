//! Where the API is: `servers` (OpenAPI 3.1.0 §4.8.5), or `host`, `basePath` and `schemes` (Swagger 2.0).
use super::filled;
use super::filled::Filled;
use super::format::Format;
use super::report::Reporter;
use super::report::Subject;
use super::tree::Pointer;
use super::tree::text;
use crate::catalog::BaseUrlTemplate;
use crate::catalog::RawVariable;
use indexmap::IndexMap;
use serde_json::Value;
use std::borrow::Cow;

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
pub(super) struct Server<'v> {
    pub(super) url: String,
    pub(super) variables: Option<&'v Value>,
    pub(super) at: Pointer,
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
    let Filled { url, variables } = match filled::filled(chosen, reporter) {
        Ok(filled) => filled,
        Err(unfit) => {
            reporter.skipped(Subject::Server, unfit.at, unfit.problem, unfit.hint);
            return Place { written, ..Place::default() };
        }
    };
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
        Some(Server {
            url: url(it)?.into_owned(),
            variables: it.get("variables"),
            at: at.index(index),
        })
    };
    servers.enumerate().filter_map(server).collect()
}

pub(super) fn url(server: &Value) -> Option<Cow<'_, str>> {
    let url = match server.get("url").and_then(text)? {
        Cow::Borrowed(url) => Cow::Borrowed(url.trim()),
        Cow::Owned(url) => Cow::Owned(url.trim().to_owned()),
    };
    // RFC 3986 §4.2: a network-path reference lacks nothing but the scheme.
    Some(if url.starts_with("//") { format!("https:{url}").into() } else { url })
}

fn swagger<'v>(root: &'v Value, reporter: &mut Reporter) -> Vec<Server<'v>> {
    let mut base_path = root.get("basePath").and_then(text).unwrap_or_default();
    // Without it the path would be a part of the host's name.
    if !base_path.is_empty() && !base_path.starts_with('/') {
        let problem = "`basePath` begins with no `/`: it is read with one";
        reporter.noted(Subject::Server, Pointer::root().child("basePath"), problem, "");
        base_path = format!("/{base_path}").into();
    }
    let host = root.get("host").and_then(text).filter(|it| !it.trim().is_empty());
    // A path or a scheme in it would be read as another host, or as one more of the path.
    if host.as_ref().is_some_and(|it| it.contains('/')) {
        let problem = "`host` is more than a host, or less";
        let hint = "give a base URL (`--base-url`)";
        reporter.skipped(Subject::Server, Pointer::root().child("host"), problem, hint);
        return Vec::new();
    }
    let Some(host) = host else {
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
