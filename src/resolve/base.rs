//! Which base URL a request goes below: the holder's, unless a link, variables or a tag say another.
//!
//! Whatever says another: a credential goes to the connection's own origin and to the origins that
//! the connection allows (SECURITY.md, "What is promised").
use super::ResolveError;
use super::find::Found;
use super::options::Options;
use crate::catalog::BaseUrlTemplate;
use crate::catalog::Connection;
use crate::catalog::Holder;
use crate::catalog::VariableError;
use crate::model::BaseUrl;
use crate::wire::path_guard;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What a base URL is made of besides its template and the request.
#[derive(Clone, Copy)]
pub(super) struct Given<'s, 'k> {
    pub holder: &'s Holder,
    /// Came with the token, and counts more than what the holder says; `None` where tokens bring no variables.
    pub kept: Option<&'k BTreeMap<String, String>>,
}

impl Given<'_, '_> {
    fn variables(&self) -> impl Iterator<Item = (&String, &String)> {
        // The last of a name counts.
        self.holder.variables.iter().chain(self.kept.into_iter().flatten())
    }

    fn has(&self, name: &str) -> bool {
        self.holder.variables.contains_key(name)
            || self.kept.is_some_and(|it| it.contains_key(name))
    }
}

pub(super) fn base<'s>(
    found: Found<'s>,
    given: Given<'s, '_>,
    options: &Options<'_>,
) -> Result<Cow<'s, BaseUrl>, ResolveError> {
    match options.base_url {
        None => configured(found, given, options),
        Some(text) => named(text, found, given, options).map(Cow::Owned),
    }
}

/// The base URL that `Attache-Base-Url` names, on an origin that the connection allows.
fn named(
    text: &str,
    found: Found<'_>,
    given: Given<'_, '_>,
    options: &Options<'_>,
) -> Result<BaseUrl, ResolveError> {
    let url = BaseUrl::parse(text).map_err(|_| ResolveError::BaseUrlForbidden)?;
    path_guard(url.prefix()).map_err(|_| ResolveError::BaseUrlForbidden)?;
    // On the connection's own origin it may narrow the path, never widen it.
    let is_allowed = is_listed(found.connection, &url)
        || configured(found, given, options).is_ok_and(|own| {
            let below = url.prefix().strip_prefix(own.prefix());
            own.origin() == url.origin()
                && below.is_some_and(|it| it.is_empty() || it.starts_with('/'))
        });
    if is_allowed { Ok(url) } else { Err(ResolveError::BaseUrlForbidden) }
}

/// The base URL of the connection or the link, with the holder's and the request's variables.
fn configured<'s>(
    found: Found<'s>,
    given: Given<'s, '_>,
    options: &Options<'_>,
) -> Result<Cow<'s, BaseUrl>, ResolveError> {
    let connection = found.connection;
    let link = found.link.and_then(|it| it.base_url.as_ref());
    if link.is_none()
        && options.variables.is_empty()
        && given.kept.is_none()
        && let Some(base) = &given.holder.base
    {
        return Ok(Cow::Borrowed(base));
    }
    let template = link.unwrap_or(&connection.base_url);
    let url = expanded(template, connection, given, options, Winner::Request)?;
    // A variable that has a value already may change the path for one request, never the origin.
    let own = expanded(&connection.base_url, connection, given, options, Winner::Holder);
    if is_listed(connection, &url) || own.is_ok_and(|own| own.origin() == url.origin()) {
        Ok(Cow::Owned(url))
    } else {
        Err(ResolveError::BaseUrlForbidden)
    }
}

/// Whose value of a variable counts where both have one. The rules' default is the holder's: who leaves a
/// variable alone has chosen where the credential goes as much as who sets it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Winner {
    Holder,
    Request,
}

fn expanded(
    template: &BaseUrlTemplate,
    connection: &Connection,
    given: Given<'_, '_>,
    options: &Options<'_>,
    winner: Winner,
) -> Result<BaseUrl, ResolveError> {
    let rules = &connection.variables;
    // A link's template need not name every variable that the connection's does.
    let is_used =
        |name: &str| rules.rule(name).is_some() || template.variables().any(|it| it == name);
    let stored = given.variables().filter(|it| is_used(it.0));
    let mut values: BTreeMap<String, String> =
        stored.map(|(name, value)| (name.clone(), value.clone())).collect();
    let is_settled = |name: &str| {
        let has_default = rules.rule(name).is_some_and(|it| it.default.is_some());
        has_default || given.has(name) || template.says_whose_host(name)
    };
    for (name, value) in &options.variables {
        if winner == Winner::Request || !is_settled(name) {
            values.insert(name.clone(), value.clone());
        }
    }
    let problem = |it: VariableError| ResolveError::Variables { problem: it.to_string() };
    template.expand(rules, &values).map_err(problem)
}

fn is_listed(connection: &Connection, url: &BaseUrl) -> bool {
    connection.allowed_origins.contains(url.origin())
}
