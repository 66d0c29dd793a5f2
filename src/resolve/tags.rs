//! The tags of a request: which connection it is for, by header or by path.
//!
//! Only what is written is looked at here, nothing is looked up, and no answer depends on what
//! exists. With header tags nothing is allocated.
use super::ResolveError;
use super::error::Ambiguity;
use super::options::Options;
use super::path_tag;
use super::path_tag::PathTag;
use crate::model::Key;
use crate::model::TenantId;
use http::HeaderMap;
use http::HeaderValue;
use http::Version;
use http::header::HOST;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// What a caller may send, for a message to whoever mistyped one.
pub(super) const KNOWN: &str = "Attache-Connection, -Tenant, -Environment, -Connector, -Key, \
     -Variables, -Base-Url, -Ignore-Headers, -Force-Refresh, -Test, -Timeout, -Retries and -Request-Id";

/// What a request says about where it wants to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tags<'h> {
    pub by: Selector<'h>,
    pub tenant: Option<Cow<'h, str>>,
    /// True where a path tag names the connection: only then the caller key may stand in the
    /// credential's place.
    pub from_path: bool,
    /// What lies below the base URL: begins with a slash, or is empty. Not guarded yet.
    pub rest: &'h str,
    pub query: Option<&'h str>,
    pub options: Options<'h>,
}

/// The two ways to name a connection. All keys are valid ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selector<'h> {
    Connection(&'h str),
    /// The connection that the environment assigns to this link alias or connector key.
    Environment {
        environment: &'h str,
        connector: &'h str,
    },
}

/// The `Attache-*` fields of a request, each at most once.
#[derive(Default)]
struct Fields<'h> {
    connection: Option<&'h HeaderValue>,
    environment: Option<&'h HeaderValue>,
    connector: Option<&'h HeaderValue>,
    tenant: Option<&'h HeaderValue>,
    options: Options<'h>,
}

/// Reads the tags. Header tags win over the path: if there are any, the path is the upstream's own.
pub fn tags(head: &Parts) -> Result<Tags<'_>, ResolveError> {
    let fields = Fields::read(&head.headers)?;
    let by = fields.selector()?;
    let tenant = fields.tenant.map(header_tenant).transpose()?;
    check_form(head)?;
    let path = head.uri.path();
    let query = head.uri.query();
    if let Some(by) = by {
        let options = fields.options;
        return Ok(Tags { by, tenant, from_path: false, rest: path, query, options });
    }
    let PathTag { by, tenant: path_tenant, rest } =
        path_tag::read(path)?.ok_or(ResolveError::Untagged)?;
    let tenant = match (path_tenant, tenant) {
        (Some(one), Some(other)) if one != other => {
            return Err(ResolveError::Ambiguous(Ambiguity::Tenants));
        }
        (one, other) => one.or(other),
    };
    Ok(Tags { by, tenant, from_path: true, rest, query, options: fields.options })
}

/// True for every field that is attache's own: also in spellings that a server behind CGI would
/// read so (RFC 3875 §4.1.18), as `attache_key`.
pub(super) fn is_ours(name: &str) -> bool {
    matches!(name.as_bytes(), [b'a', b't', b't', b'a', b'c', b'h', b'e', mark, ..]
        if !mark.is_ascii_alphanumeric())
}

impl<'h> Fields<'h> {
    fn read(headers: &'h HeaderMap) -> Result<Self, ResolveError> {
        let mut fields = Self::default();
        for (name, value) in headers {
            let name = name.as_str();
            // Whoever checks callers and makes request ids reads these two.
            if !is_ours(name) || matches!(name, "attache-key" | "attache-request-id") {
                continue;
            }
            let tag = name.strip_prefix("attache-").ok_or(ResolveError::UnknownTag)?;
            fields.take(tag, value)?;
        }
        Ok(fields)
    }

    /// Takes one field `Attache-{name}`.
    fn take(&mut self, name: &str, value: &'h HeaderValue) -> Result<(), ResolveError> {
        match name {
            "connection" => once(&mut self.connection, "Attache-Connection", value),
            "tenant" => once(&mut self.tenant, "Attache-Tenant", value),
            "environment" => once(&mut self.environment, "Attache-Environment", value),
            "connector" => once(&mut self.connector, "Attache-Connector", value),
            other => self.options.take(other, value),
        }
    }

    /// The connection that the header tags name, if there are any.
    fn selector(&self) -> Result<Option<Selector<'h>>, ResolveError> {
        match (self.connection, self.environment, self.connector) {
            (None, None, None) => Ok(None),
            (Some(connection), None, None) => {
                Ok(Some(Selector::Connection(key("Attache-Connection", connection)?)))
            }
            (None, Some(environment), Some(connector)) => Ok(Some(Selector::Environment {
                environment: key("Attache-Environment", environment)?,
                connector: key("Attache-Connector", connector)?,
            })),
            (Some(_), _, _) => Err(ResolveError::Ambiguous(Ambiguity::ConnectionAndEnvironment)),
            (None, Some(_), None) => Err(ResolveError::Invalid {
                tag: "Attache-Environment",
                problem: "needs `Attache-Connector` beside it",
            }),
            (None, None, Some(_)) => Err(ResolveError::Invalid {
                tag: "Attache-Connector",
                problem: "needs `Attache-Environment` beside it",
            }),
        }
    }
}

/// Fills an empty place: a tag that is there twice is refused even if both say the same.
pub(super) fn once<T>(
    place: &mut Option<T>,
    tag: &'static str,
    value: T,
) -> Result<(), ResolveError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(ResolveError::Ambiguous(Ambiguity::Repeated(tag))),
    }
}

fn key<'h>(tag: &'static str, value: &'h HeaderValue) -> Result<&'h str, ResolveError> {
    let text = str::from_utf8(value.as_bytes()).ok().filter(|it| Key::is_valid(it.as_bytes()));
    text.ok_or(ResolveError::Invalid {
        tag,
        problem: "must be one key: 1 to 63 of a-z, 0-9, `.`, `_` and `-`",
    })
}

/// Visible ASCII without a comma; everything else is percent-encoded.
fn header_tenant(value: &HeaderValue) -> Result<Cow<'_, str>, ResolveError> {
    let problem = "must be one tenant id of 1 to 128 bytes, with commas, spaces, `%` and what is \
                   beyond ASCII percent-encoded";
    let invalid = ResolveError::Invalid { tag: "Attache-Tenant", problem };
    let is_plain = |it: &u8| it.is_ascii_graphic() && *it != b',';
    let text = value.as_bytes().iter().all(is_plain).then_some(value.as_bytes());
    let text = text.and_then(|it| str::from_utf8(it).ok());
    text.and_then(tenant).ok_or(invalid)
}

/// A percent-encoded tenant id, decoded once; `None` where it is not one.
pub(super) fn tenant(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return TenantId::is_valid(text).then_some(text.into());
    }
    let is_escape = |it: &str| it.len() >= 2 && it.bytes().take(2).all(|it| it.is_ascii_hexdigit());
    if !text.split('%').skip(1).all(is_escape) {
        return None;
    }
    percent_decode_str(text).decode_utf8().ok().filter(|it| TenantId::is_valid(it))
}

/// Refuses a target that names another place than the one the request came to: absolute-form is a
/// way to write the same thing (RFC 9112 §3.2.2), so its authority has to be the Host field's.
fn check_form(head: &Parts) -> Result<(), ResolveError> {
    let Some(authority) = head.uri.authority() else {
        return Ok(());
    };
    let authority = authority.as_str();
    let is_http = head.uri.scheme_str().is_some_and(|it| matches!(it, "http" | "https"));
    let host = head.headers.get(HOST).map(HeaderValue::as_bytes);
    let same_host = match host {
        Some(host) => host.eq_ignore_ascii_case(authority.as_bytes()),
        // HTTP/2 has `:authority` in its place (RFC 9113 §8.3.1).
        None => head.version == Version::HTTP_2,
    };
    if is_http && same_host && !authority.contains('@') {
        Ok(())
    } else {
        Err(ResolveError::PathEscapes)
    }
}

#[cfg(test)]
mod tests;
