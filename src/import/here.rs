//! Which operations are at the connector's own server, and which at another.
use super::operations;
use super::operations::Found;
use super::server;
use super::server::Place;
use super::server::is_absolute;
use super::server::trimmed;
use serde_json::Value;
use std::collections::HashMap;
use std::ptr;

/// Longest URL of another server that is told, in bytes.
const URL_LEN_MAX: usize = 200;

/// What servers are held against.
pub(super) struct Here<'p> {
    written: Option<&'p str>,
    given: Option<&'p str>,
    /// Set where the base URL is one that some operations alone have: where the others are.
    others: Option<String>,
    /// What came of each list of servers, by its address: references bring up the same one over and over.
    known: HashMap<*const Value, Option<String>>,
}

impl<'p> Here<'p> {
    /// `given` is the base URL that stands in for the document's own.
    pub(super) fn of(root: &Value, place: &'p Place, given: Option<&'p str>) -> Self {
        let written = place.written.as_deref();
        let given = given.map(trimmed);
        let mut here = Self { written, given, others: None, known: HashMap::new() };
        let Some(given) = given else { return here };
        let has_given = |servers: &Value| urls(servers).any(|it| trimmed(&it) == given);
        let of_all = root.get("servers");
        if written == Some(given) || of_all.is_some_and(has_given) {
            return here;
        }
        let (mut is_own, mut seen) = (false, HashMap::new());
        operations::each(root, |found| {
            if let Found::Operation(operation) = found
                && let Some(servers) = operation.servers
            {
                is_own |= *seen.entry(ptr::from_ref(servers)).or_insert_with(|| has_given(servers));
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
        let is_here = |url: &String| {
            let url = Some(trimmed(url));
            url == given && given.is_some()
                || !is_own && (url == written || written.is_none() && !url.is_some_and(is_absolute))
        };
        let other = || {
            let first = urls(servers).next();
            if urls(servers).any(|it| is_here(&it)) {
                return None;
            }
            first.map(|it| super::names::clipped(&it, URL_LEN_MAX))
        };
        self.known.entry(ptr::from_ref(servers)).or_insert_with(other).as_deref()
    }
}

fn urls(servers: &Value) -> impl Iterator<Item = String> {
    servers.as_array().into_iter().flatten().filter_map(server::url)
}
