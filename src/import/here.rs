//! Which operations are at the connector's own server, and which at another.
use super::operations::Found;
use super::operations::Operations;
use super::server;
use super::server::Place;
use super::server::is_absolute;
use super::server::trimmed;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ptr;

/// Longest URL of another server that is told, in bytes.
const URL_LEN_MAX: usize = 200;

/// Most servers of an operation that are looked at.
const SERVERS_MAX: usize = 50;

/// What servers are held against.
pub(super) struct Here<'p> {
    /// The document's own server, as it is written; where the base URL is given, the one that it stands for.
    written: Option<&'p str>,
    given: Option<&'p str>,
    /// Set where the base URL is one that some operations alone have: where the others are.
    others: Option<String>,
    /// What came of each list of servers, by its address: references bring up the same one over and over.
    known: HashMap<*const Value, Option<String>>,
}

impl<'p> Here<'p> {
    /// `given` is the base URL that stands in for the document's own.
    pub(super) fn of(
        operations: &Operations<'p>,
        place: &'p Place,
        given: Option<&'p str>,
    ) -> Self {
        let written = place.written.as_deref();
        let given = given.map(trimmed);
        let mut here = Self { written, given, others: None, known: HashMap::new() };
        let Some(given) = given else { return here };
        if written.is_some_and(|it| is_at(it, given)) {
            return here;
        }
        // One of the document's own servers that comes later: then no other is meant.
        let mut of_all = operations.root.get("servers").into_iter().flat_map(urls);
        if of_all.any(|it| is_at(trimmed(&it), given)) {
            here.written = None;
            return here;
        }
        let (mut is_own, mut seen) = (false, HashMap::new());
        operations.each(|found| {
            if let Found::Operation(operation) = found
                && let Some(servers) = operation.servers
            {
                let has_given = || urls(servers).any(|it| is_at(trimmed(&it), given));
                is_own |= *seen.entry(ptr::from_ref(servers)).or_insert_with(has_given);
            }
        });
        if is_own {
            let others = written.unwrap_or("the document's own");
            here.others = Some(super::names::clipped(others, URL_LEN_MAX));
        }
        here
    }

    /// The server of an operation that has these (`None`: the document's), where that is another.
    pub(super) fn elsewhere(&mut self, servers: Option<&Value>) -> Option<&str> {
        let servers = servers.filter(|it| it.as_array().is_some_and(|it| !it.is_empty()));
        let Some(servers) = servers else { return self.others.as_deref() };
        let (written, given) = (self.written, self.given);
        let is_own = self.others.is_some();
        let is_here = |url: Cow<'_, str>| {
            let url = trimmed(&url);
            given.is_some_and(|it| is_at(url, it))
                || !is_own
                    && (Some(url) == written
                        || written.is_none() && given.is_none() && !is_absolute(url))
        };
        let other = || {
            let first = urls(servers).next();
            if urls(servers).any(is_here) {
                return None;
            }
            first.map(|it| super::names::clipped(&it, URL_LEN_MAX))
        };
        self.known.entry(ptr::from_ref(servers)).or_insert_with(other).as_deref()
    }
}

/// Whether a server is where this base URL is: it may be relative to where the document was found, or have variables.
fn is_at(server: &str, base_url: &str) -> bool {
    if server == base_url {
        return true;
    }
    if !is_absolute(server) {
        let path = base_url.split_once("://").and_then(|it| it.1.split_once('/'));
        let path = path.map_or("", |it| it.1);
        let relative = server.trim_start_matches('/');
        return match path.strip_suffix(relative) {
            Some(before) => {
                relative.is_empty() && path.is_empty()
                    || !relative.is_empty() && (before.is_empty() || before.ends_with('/'))
            }
            None => false,
        };
    }
    fits(server, base_url)
}

/// Whether values for the variables make this URL of the template, each without a `/`. A template that says nothing of
/// the host is of no host.
fn fits(template: &str, url: &str) -> bool {
    let (mut template, mut url) = (template, url);
    let (mut said, mut is_variable) = (0, false);
    loop {
        let (literal, rest) = match template.split_once('{') {
            Some((literal, rest)) => (literal, rest.split_once('}').map(|it| it.1)),
            None => (template, None),
        };
        let is_last = rest.is_none();
        said += literal.bytes().filter(u8::is_ascii_alphanumeric).count();
        let at = match (is_variable, is_last) {
            (false, _) => Some(0).filter(|_| url.starts_with(literal)),
            (true, true) => url.len().checked_sub(literal.len()).filter(|_| url.ends_with(literal)),
            (true, false) => url.find(literal),
        };
        let Some(at) = at else { return false };
        let (value, behind) = (&url[..at], &url[at + literal.len()..]);
        if is_variable && (value.is_empty() || value.contains('/')) {
            return false;
        }
        url = behind;
        match rest {
            Some(rest) => (template, is_variable) = (rest, true),
            None => return url.is_empty() && said > "https".len(),
        }
    }
}

fn urls(servers: &Value) -> impl Iterator<Item = Cow<'_, str>> {
    servers.as_array().into_iter().flatten().take(SERVERS_MAX).filter_map(server::url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_at_a_base_url_whatever_stands_for_its_variables() {
        for (server, base_url, is) in [
            ("https://a.example/v1", "https://a.example/v1", true),
            ("https://a.example/v1", "https://a.example/v2", false),
            ("https://{r}.files.example", "https://eu.files.example", true),
            ("https://{r}.files.example", "https://files.example", false),
            ("https://{r}.files.example", "https://eu/x.files.example", false),
            ("{scheme}://a.example/{version}", "https://a.example/v2", true),
            ("{scheme}://a.example/{version}", "https://a.example", false),
            ("https://{host}", "https://mock.example", false),
            ("{base}", "https://mock.example", false),
            ("https://a.example/{v}/x", "https://a.example/v2/y", false),
            ("/v2", "https://h.example/v2", true),
            ("/v2", "https://h.example/api/v2", true),
            ("/v2", "https://h.example/apiv2", false),
            ("v2", "https://h.example/v1", false),
            ("", "https://h.example", true),
            ("", "https://h.example/v1", false),
        ] {
            assert_eq!(is_at(server, base_url), is, "{server} {base_url}");
        }
    }
}
