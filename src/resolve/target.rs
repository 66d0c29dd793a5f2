//! From tags and a caller to the place where the request goes, or the reason why it does not.
use super::ResolveError;
use super::base::Given;
use super::base::base;
use super::error::Limit;
use super::find::Found;
use super::find::visible;
use super::holder::holder;
use super::tags::Tags;
use crate::auth::Prepared;
use crate::catalog::Caller;
use crate::catalog::Connection;
use crate::catalog::Fetched;
use crate::catalog::Holder;
use crate::catalog::Ready;
use crate::catalog::Snapshot;
use crate::catalog::TokenHolder;
use crate::catalog::UpstreamSettings;
use crate::model::BaseUrl;
use crate::model::Key;
use crate::model::TenantId;
use crate::wire::path_guard;
use http::HeaderName;
use http::Method;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Where a request goes and what it takes along. Borrows of the snapshot alone, so that the head can
/// be changed while it is held.
#[derive(Clone, Debug)]
pub struct Target<'s> {
    pub connection: &'s Arc<Connection>,
    pub environment: Option<&'s Key>,
    /// As tagged: with a standard connection it is only logged.
    pub tenant: Option<TenantId>,
    pub holder: &'s Holder,
    pub puts: Puts<'s>,
    pub base: Cow<'s, BaseUrl>,
    /// What tokens said of it; `None` where they say nothing.
    pub kept: Option<Arc<BTreeMap<String, String>>>,
    /// The base URL's prefix and what the caller asked for below it, byte for byte, without query.
    /// There is room behind it for `?` and the caller's query.
    pub path: String,
    /// Request headers to drop before the credential goes on.
    pub ignore: Vec<HeaderName>,
    /// For the whole exchange: the shorter of the caller's and the connection's.
    pub timeout: Option<Duration>,
    pub retries: Option<u8>,
    pub test: bool,
    pub force_refresh: bool,
}

/// What goes on a request: the holder's credential in its finished form, or a token that may have to be
/// had first.
#[derive(Clone, Copy, Debug)]
pub enum Puts<'s> {
    Prepared(&'s Prepared),
    Token(&'s Arc<TokenHolder>),
}

/// Whose credential goes on a request.
#[derive(Clone, Debug)]
pub struct Whose<'s> {
    found: Found<'s>,
    pub connection: &'s Arc<Connection>,
    pub holder: &'s Holder,
    /// As tagged, or as its activation has it.
    pub tenant: Option<TenantId>,
    pub test: bool,
    /// For the whole exchange: the shorter of the caller's and the connection's.
    pub timeout: Option<Duration>,
}

impl<'s> Target<'s> {
    /// How the upstream is reached with this holder's credential.
    pub fn upstream(&self) -> &'s Arc<UpstreamSettings> {
        self.holder.upstream(self.connection)
    }
}

/// Finds the target, or the first reason against it, in an order that tells nothing to whom it is
/// not for: what [`whose`] has against it, then what the request asks of the base URL, and whether it would be
/// answered with a token.
///
/// Where a store is in use, it is first asked without what that says: [`ResolveError::Unfetched`] is
/// the answer where nothing but that is left to be known. [`ResolveError::Unled`] is the answer where the token
/// has to be had first, because it brings what the base URL lacks.
pub fn resolve<'s>(
    snapshot: &'s Snapshot,
    tags: &Tags<'_>,
    caller: &Caller,
    method: &Method,
    fetched: Fetched<'s>,
) -> Result<Target<'s>, ResolveError> {
    let Whose { found, connection, holder, tenant, test, timeout } =
        whose(snapshot, tags, caller, method, fetched)?;
    let puts = match &holder.ready {
        Ready::Outbound(prepared) => Puts::Prepared(prepared),
        Ready::Token(token) => Puts::Token(token),
        Ready::Inbound(_) => return Err(ResolveError::Inbound),
    };
    let kept = match puts {
        Puts::Token(token) if token.leads => Some(token.kept().ok_or(ResolveError::Unled)?),
        Puts::Token(_) | Puts::Prepared(_) => None,
    };
    let options = &tags.options;
    let base = base(found, Given { holder, kept: kept.as_deref() }, options);
    let base = base.map_err(|error| match error {
        ResolveError::Variables { problem } if kept.is_some() && options.variables.is_empty() => {
            ResolveError::Misled { problem }
        }
        error => error,
    })?;
    let path = joined(base.prefix(), tags.rest, tags.query);
    if let Puts::Token(token) = puts
        && token.guards(base.origin(), &path)
    {
        return Err(ResolveError::TokenEndpoint);
    }
    Ok(Target {
        connection,
        environment: found.environment.map(|it| &it.key),
        tenant,
        holder,
        puts,
        path,
        base,
        kept,
        ignore: options.ignore.clone(),
        timeout,
        retries: options.retries,
        test,
        force_refresh: options.force_refresh == Some(true),
    })
}

/// Finds whose credential it is, or the first reason against it:
///
/// 1. what is not there or not visible to this caller: 404, the same for both;
/// 2. what this caller may not do with a connection that it may see: 403. Its paths are asked about
///    a path that passed the guard, since a pattern says nothing of one that a server would mend;
/// 3. the state of the connection: switched off, no tenant, no activation.
pub fn whose<'s>(
    snapshot: &'s Snapshot,
    tags: &Tags<'_>,
    caller: &Caller,
    method: &Method,
    fetched: Fetched<'s>,
) -> Result<Whose<'s>, ResolveError> {
    let found = visible(snapshot, tags, caller)?;
    let connection = found.connection;
    let tenant = tags.tenant.as_deref();
    if !caller.may_use_method(method.as_str()) {
        return Err(ResolveError::Forbidden(Limit::Method));
    }
    if tenant.is_some_and(|it| !caller.may_use_tenant(it)) {
        return Err(ResolveError::Forbidden(Limit::Tenant));
    }
    path_guard(tags.rest)?;
    if !caller.may_use_path(tags.rest) {
        return Err(ResolveError::Forbidden(Limit::Path));
    }
    if !connection.enabled {
        return Err(ResolveError::ConnectionDisabled);
    }
    let options = &tags.options;
    let test = options.test == Some(true);
    if test && caller.tenant_scoped {
        // They are the operator's: a tenant acts for itself alone.
        return Err(ResolveError::NoTestCredentials);
    }
    let elsewhere = snapshot.elsewhere(&connection.key);
    if elsewhere.is_some_and(|it| !it.activations_alone) {
        return Err(ResolveError::EnteredElsewhere);
    }
    let (holder, activated) = holder(connection, tenant, test, fetched)?;
    if elsewhere.is_some()
        && matches!(fetched, Fetched::Activation(it) if std::ptr::eq(&raw const it.holder, holder))
    {
        return Err(ResolveError::EnteredElsewhere);
    }
    let limits = [options.timeout, connection.upstream.timeouts.total];
    Ok(Whose {
        found,
        connection,
        holder,
        tenant: activated.cloned().or_else(|| TenantId::try_from(tenant?).ok()),
        test,
        timeout: limits.into_iter().flatten().min(),
    })
}

/// Prefix and rest, with room for the query. The prefix has no final slash, and the rest begins with
/// one or is empty, so no two segments grow together.
fn joined(prefix: &str, rest: &str, query: Option<&str>) -> String {
    let room = prefix.len() + rest.len() + 1 + query.map_or(0, str::len);
    let mut path = String::with_capacity(room);
    path.push_str(prefix);
    path.push_str(rest);
    if path.is_empty() {
        path.push('/');
    }
    path
}

#[cfg(test)]
mod tests;
