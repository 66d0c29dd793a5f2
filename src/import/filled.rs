//! A server's URL with variables as a base URL can have them.
use super::names::clipped;
use super::names::field_of;
use super::report::Reporter;
use super::report::Subject;
use super::server::Server;
use super::tree::Pointer;
use super::tree::text;
use crate::catalog::RawVariable;
use indexmap::IndexMap;
use serde_json::Value;
use std::collections::HashMap;

/// Longest URL of a server, as it is written and as it is filled in, in bytes.
const URL_LEN_MAX: usize = 2048;

/// Most places of it where a variable stands.
const PLACES_MAX: usize = 20;

/// Longest name of a variable, in bytes.
const NAME_LEN_MAX: usize = 64;

/// Most values of a variable that become its pattern.
const VALUES_MAX: usize = 200;

/// Longest value that is told, in bytes.
const SHOWN_LEN_MAX: usize = 100;

/// What to do where a document leaves open where its API is.
const BASE_URL_HINT: &str = "give a base URL (`--base-url`)";

const ANOTHER_HINT: &str = "give a base URL (`--base-url`) where it is another";

/// A base URL and its variables.
pub(super) struct Filled {
    pub(super) url: String,
    pub(super) variables: IndexMap<String, RawVariable>,
}

/// Why there is none.
pub(super) struct Unfit {
    pub(super) at: Pointer,
    pub(super) problem: String,
    pub(super) hint: &'static str,
}

/// What a variable stands for, by where it does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slot {
    /// The host, or a part of its name.
    Host,
    Port,
    /// A segment of the path, or a part of one.
    Path,
}

/// A URL while it is filled in.
struct Filling<'s, 'v> {
    server: &'s Server<'v>,
    url: String,
    variables: IndexMap<String, RawVariable>,
    /// What the variables are called here, by what the document calls them.
    names: HashMap<&'s str, String>,
}

/// The URL with variables that a base URL can have, and these.
///
/// A variable that stands in the host and may have any value loses its default: a connection that forgot to set it would
/// send its credentials to whoever owns `example.zendesk.com`. For the same reason nothing is written into the host.
pub(super) fn filled(server: &Server<'_>, reporter: &mut Reporter) -> Result<Filled, Unfit> {
    let len = server.url.len();
    if len > URL_LEN_MAX {
        let problem = format!("the server's URL has {len} bytes, of {URL_LEN_MAX} at most");
        return Err(unfit(server.at.child("url"), problem));
    }
    let (url, variables) = (String::new(), IndexMap::new());
    let mut filling = Filling { server, url, variables, names: HashMap::new() };
    let mut rest = server.url.as_str();
    let mut places = 0;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        places += 1;
        if places > PLACES_MAX || name.len() > NAME_LEN_MAX {
            let problem = format!(
                "the server's URL has more than {PLACES_MAX} variables, or names of more than {NAME_LEN_MAX} bytes"
            );
            return Err(unfit(server.at.child("url"), problem));
        }
        filling.url.push_str(before);
        rest = after;
        filling.variable(name, &mut rest, reporter)?;
        if filling.url.len() > URL_LEN_MAX {
            let problem = format!("filled in, the server's URL has more than {URL_LEN_MAX} bytes");
            return Err(unfit(server.at.child("url"), problem));
        }
    }
    filling.url.push_str(rest);
    Ok(Filled { url: filling.url, variables: filling.variables })
}

fn unfit(at: Pointer, problem: String) -> Unfit {
    Unfit { at, problem, hint: BASE_URL_HINT }
}

impl<'s> Filling<'s, '_> {
    /// The next one, and `rest`: what stands behind it.
    fn variable(
        &mut self,
        name: &'s str,
        rest: &mut &str,
        reporter: &mut Reporter,
    ) -> Result<(), Unfit> {
        let written = self.server.variables.and_then(|it| it.get(name));
        let at = self.server.at.child("variables").child(name);
        let default = written.and_then(|it| it.get("default")).and_then(text).unwrap_or_default();
        let shown = clipped(&default, SHOWN_LEN_MAX);
        if self.url.is_empty() {
            if !rest.starts_with("://") {
                let problem = format!("the variable `{name}` is the whole server: `{shown}`");
                return Err(unfit(at, problem));
            }
            let problem =
                format!("the variable `{name}` is `https` for good: no variable can stand there");
            reporter.noted(Subject::Server, at, problem, ANOTHER_HINT);
            self.url.push_str("https");
            return Ok(());
        }
        let slot = self.slot();
        let is_path = slot == Slot::Path || default.starts_with('/') && !self.url.ends_with("://");
        if is_path && default.contains('/') {
            if !default.split('/').all(|it| Slot::Path.takes(it)) {
                let problem = format!("the variable `{name}` is no path: `{shown}`");
                return Err(unfit(at, problem));
            }
            let problem =
                format!("the variable `{name}` is `{shown}` for good: one stands for one segment");
            reporter.noted(Subject::Server, at, problem, ANOTHER_HINT);
            // With one `/` at either end where both sides have one.
            let has_slash = self.url.ends_with('/');
            let default = if has_slash { default.trim_start_matches('/') } else { &*default };
            self.url.push_str(default);
            if self.url.ends_with('/') {
                *rest = rest.strip_prefix('/').unwrap_or(rest);
            }
            return Ok(());
        }
        if !slot.takes(&default) {
            let problem =
                format!("the variable `{name}` is more than what stands in its place: `{shown}`");
            return Err(unfit(at, problem));
        }
        let own = self.named(name);
        if own != name {
            let problem = format!("the variable `{name}` is called `{own}`");
            reporter.noted(Subject::Server, at.clone(), problem, "");
        }
        self.url.push_str(&format!("{{{own}}}"));
        if !self.variables.contains_key(&own) {
            let variable = variable(written, &default, slot, at, reporter);
            self.variables.insert(own, variable);
        }
        Ok(())
    }

    fn slot(&self) -> Slot {
        let authority = self.url.split_once("://").map_or(&*self.url, |it| it.1);
        match authority.contains('/') {
            true => Slot::Path,
            false if authority.ends_with(':') => Slot::Port,
            false => Slot::Host,
        }
    }

    /// What it is called here: no other variable's name, which would have the values of both.
    fn named(&mut self, name: &'s str) -> String {
        let variables = &self.variables;
        let free = || {
            let plain = plain(name);
            let numbered = (2..).map(|it| format!("{plain}_{it}"));
            let mut names = std::iter::once(plain.clone()).chain(numbered);
            names.find(|it| !variables.contains_key(it)).unwrap_or(plain)
        };
        self.names.entry(name).or_insert_with(free).clone()
    }
}

impl Slot {
    /// Whether a base URL takes this value here; an empty one is none.
    fn takes(self, value: &str) -> bool {
        let is_fit = |it: u8| match self {
            Self::Host => it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_' | b'.'),
            Self::Port => it.is_ascii_digit(),
            Self::Path => it.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:".contains(&it),
        };
        value.bytes().all(is_fit)
    }
}

/// As it is where a base URL's variable can be called so.
fn plain(name: &str) -> String {
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
    slot: Slot,
    at: Pointer,
    reporter: &mut Reporter,
) -> RawVariable {
    let all = written.and_then(|it| it.get("enum")).and_then(Value::as_array);
    let all = all.into_iter().flatten().filter_map(text);
    let (values, unfit): (Vec<_>, Vec<_>) = all.partition(|it| !it.is_empty() && slot.takes(it));
    if let Some(first) = unfit.first() {
        let problem = format!(
            "values that can't stand there are left out: {}, the first is `{}`",
            unfit.len(),
            clipped(first, SHOWN_LEN_MAX)
        );
        reporter.noted(Subject::Server, at.child("enum"), problem, ANOTHER_HINT);
    }
    let pattern = match values.len() {
        0 => None,
        count if count > VALUES_MAX => {
            let problem = format!("{count} values are more than {VALUES_MAX}: any value is taken");
            reporter.noted(Subject::Server, at.child("enum"), problem, "write a pattern");
            None
        }
        _ => Some(values.iter().map(|it| regex::escape(it)).collect::<Vec<_>>().join("|")),
    };
    let mut kept = Some(default.to_owned()).filter(|it| !it.is_empty());
    if kept.is_some() && pattern.is_some() && !values.iter().any(|it| it == default) {
        let problem =
            format!("the default `{default}` is none of the values that the variable takes");
        reporter.noted(Subject::Server, at.child("default"), problem, "");
        kept = None;
    } else if kept.is_some() && pattern.is_none() && slot == Slot::Host {
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
