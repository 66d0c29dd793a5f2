//! Tags in the path, for clients that can only set a base URL.
use super::ResolveError;
use super::tags;
use super::tags::Selector;
use crate::model::Key;
use std::borrow::Cow;

/// A path taken apart: `/c/{connection}[@{tenant}]rest`, `/e/{environment}/{connector}[@{tenant}]rest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PathTag<'h> {
    pub by: Selector<'h>,
    pub tenant: Option<Cow<'h, str>>,
    /// Begins with a slash, or is empty.
    pub rest: &'h str,
}

/// Reads the tag; `None` where the path does not begin as one.
pub(super) fn read(path: &str) -> Result<Option<PathTag<'_>>, ResolveError> {
    if let Some(path) = path.strip_prefix("/c/") {
        let (segment, rest) = first_segment(path);
        let (connection, tenant) = named(segment)?;
        return Ok(Some(PathTag { by: Selector::Connection(connection), tenant, rest }));
    }
    let Some(path) = path.strip_prefix("/e/") else {
        return Ok(None);
    };
    let (environment, path) = first_segment(path);
    let (segment, rest) = first_segment(path.strip_prefix('/').unwrap_or_default());
    let environment = key(environment)?;
    let (connector, tenant) = named(segment)?;
    Ok(Some(PathTag { by: Selector::Environment { environment, connector }, tenant, rest }))
}

/// Reads `{key}` or `{key}@{tenant}`: one path segment, the tenant percent-encoded.
pub fn named(segment: &str) -> Result<(&str, Option<Cow<'_, str>>), ResolveError> {
    let (name, tenant) = segment.split_once('@').map_or((segment, None), |it| (it.0, Some(it.1)));
    let problem = "what follows `@` must be a tenant id of 1 to 128 bytes, percent-encoded";
    let tenant = tenant.map(|it| tags::tenant(it).ok_or(ResolveError::InvalidPathTag { problem }));
    Ok((key(name)?, tenant.transpose()?))
}

fn key(text: &str) -> Result<&str, ResolveError> {
    let problem = "a key is 1 to 63 of a-z, 0-9, `.`, `_` and `-`";
    if Key::is_valid(text.as_bytes()) {
        Ok(text)
    } else {
        Err(ResolveError::InvalidPathTag { problem })
    }
}

/// The text up to the first slash, and the rest from there.
fn first_segment(path: &str) -> (&str, &str) {
    path.find('/').map_or((path, ""), |it| path.split_at(it))
}
