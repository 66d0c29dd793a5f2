//! Whose grant somebody acts upon: a connection's own, its test credentials', or a tenant's.
use super::activations;
use super::activations::Under;
use super::call::Call;
use super::connections::Connections;
use super::connections::OWN;
use super::credentials;
use super::credentials::Where;
use super::definition::Definition;
use super::error::ApiError;
use crate::catalog::Activation;
use crate::catalog::Connection;
use crate::catalog::Holder;
use crate::catalog::Kind;
use crate::catalog::Ready;
use crate::catalog::TokenHolder;
use crate::model::Scope;
use crate::model::TenantId;
use crate::renewal::Client;
use crate::renewal::Wanted;
use crate::seal::Slot;
use crate::store::Found;
use crate::store::GrantKey;
use crate::store::GrantName;
use crate::store::GrantOf;
use crate::store::GrantRow;
use crate::store::Store;
use crate::vault::Keys;
use std::sync::Arc;

/// Who has, or is to have, a grant.
pub(super) struct Grantee {
    pub client: Client,
    connection: Arc<Connection>,
    owner: String,
    /// Empty where it is the connection's own.
    tenant: String,
    slot: Slot,
    is_declared: bool,
    fingerprint: String,
}

impl Grantee {
    /// The one that the path names; with `is_test` the connection's test credentials.
    pub(super) async fn of(call: &Call, is_test: bool) -> Result<Self, ApiError> {
        let under = Under::named(call, &Connections::key(call)?).await?;
        let tenant = match call.parameters.iter().any(|it| it.0 == "tenant") {
            true => Some(call.tenant()?),
            false => None,
        };
        Self::under(call, &under, tenant.as_ref(), is_test).await
    }

    async fn under(
        call: &Call,
        under: &Under,
        tenant: Option<&TenantId>,
        is_test: bool,
    ) -> Result<Self, ApiError> {
        let (connection, _) = under.served(call).await?;
        let Some(tenant) = tenant else { return own(&under.owner, &connection, is_test) };
        if is_test {
            let problem = "a tenant has no test credentials";
            return Err(ApiError::invalid("/test", problem, "they are the connection's"));
        }
        if let Some(declared) = under.declared(tenant.as_str()) {
            return Self::of_tenant(&under.owner, &connection, declared, true);
        }
        let missing = || ApiError::NotFound { noun: activations::NOUN, key: tenant.to_string() };
        let found = under.find(call, tenant).await?.ok_or_else(missing)?;
        Self::of_found(&call.api.store()?.keys, &connection, &found).await
    }

    /// The same by the names that the store has it under.
    pub(super) async fn named(
        store: &Store,
        keys: &Keys,
        connection: &Arc<Connection>,
        of: &GrantName,
    ) -> Result<Self, ApiError> {
        // Another connection of the same key is another one.
        if *connection.owner != *of.owner {
            let (noun, key) = (Connections::NOUN, connection.key.to_string());
            return Err(ApiError::NotFound { noun, key });
        }
        let is_test = of.slot == Slot::Test;
        if of.tenant.is_empty() {
            return own(&of.owner, connection, is_test);
        }
        let tenant = &*of.tenant;
        if let Kind::Embedded { activations, .. } = &connection.kind
            && let Some(declared) = activations.get(tenant)
        {
            return Self::of_tenant(&of.owner, connection, declared, true);
        }
        let found = store.activations().find(&Scope::System, &of.owner, tenant).await;
        let found = found.map_err(|it| ApiError::of_store(it, activations::NOUN, tenant))?;
        let missing = || ApiError::NotFound { noun: activations::NOUN, key: tenant.to_owned() };
        Self::of_found(keys, connection, &found.ok_or_else(missing)?).await
    }

    /// The same of what was found already.
    pub(super) async fn of_found(
        keys: &Keys,
        connection: &Arc<Connection>,
        found: &Found,
    ) -> Result<Self, ApiError> {
        let activation = activation(keys, connection, found).await?;
        Self::of_tenant(&found.0.value.owner, connection, &activation, false)
    }

    pub(super) fn of_tenant(
        owner: &str,
        connection: &Arc<Connection>,
        activation: &Activation,
        is_declared: bool,
    ) -> Result<Self, ApiError> {
        let holder = holder(&activation.holder)?;
        let tenant = activation.tenant.to_string();
        Ok(Self::new(owner, connection, holder, (tenant, Slot::Activation, is_declared)))
    }

    fn new(
        owner: &str,
        connection: &Arc<Connection>,
        holder: &Arc<TokenHolder>,
        (tenant, slot, is_declared): (String, Slot, bool),
    ) -> Self {
        let client = Client {
            connection: connection.key.clone(),
            holder: Arc::clone(holder),
            settings: Arc::clone(&connection.upstream),
            under: Arc::clone(connection),
        };
        let fingerprint = holder.grant_identity();
        let (owner, connection) = (owner.to_owned(), Arc::clone(connection));
        Self { client, connection, owner, tenant, slot, is_declared, fingerprint }
    }

    pub(super) fn key(&self) -> GrantKey<'_> {
        GrantKey { owner: &self.owner, tenant: &self.tenant, slot: self.slot }
    }

    /// The same, owned.
    pub(super) fn grant_name(&self) -> GrantName {
        let (owner, tenant) = (self.owner.clone(), self.tenant.clone());
        GrantName { owner, tenant, slot: self.slot }
    }

    /// Whether this is of its grant, and not of one of other credentials.
    pub(super) fn has(&self, row: &GrantRow) -> bool {
        row.fingerprint == self.fingerprint
    }

    pub(super) fn grant(&self) -> GrantOf<'_> {
        GrantOf {
            key: self.key(),
            connection: self.client.connection.as_str(),
            is_declared: self.is_declared,
            fingerprint: &self.fingerprint,
        }
    }

    /// None where it is the connection's own.
    pub(super) fn tenant(&self) -> Option<TenantId> {
        TenantId::try_from(&*self.tenant).ok()
    }

    /// For whoever has its tokens; `tenant` is its own.
    pub(super) fn wanted<'a>(&'a self, tenant: Option<&'a TenantId>) -> Wanted<'a> {
        let (connection, holder) = (&*self.connection, &self.client.holder);
        Wanted { connection, tenant, is_test: self.slot == Slot::Test, holder }
    }

    /// The same as one text: what belongs to one of them is of no use to another.
    pub(super) fn name(&self) -> String {
        let slot = self.slot.as_str();
        format!("{slot} {} {} {}", self.owner.len(), self.owner, self.tenant)
    }
}

/// A tenant's activation, made of what is stored of it.
pub(super) async fn activation(
    keys: &Keys,
    connection: &Connection,
    (stored, sealed): &Found,
) -> Result<Activation, ApiError> {
    let row = &stored.value;
    let (owner, tenant, slot) = (&*row.owner, &*row.tenant, Slot::Activation);
    let at = Where { owner, tenant, slot, member: OWN };
    let credential = match sealed {
        None => Default::default(),
        Some(sealed) => credentials::opened(keys, at, sealed).await.ok_or_else(|| {
            let (noun, key) = (activations::NOUN, tenant.to_owned());
            let problem = "its credentials can't be opened".to_owned();
            ApiError::Damaged { noun, key, problem }
        })?,
    };
    let of = TenantId::try_from(tenant).map_err(|_| ApiError::Internal)?;
    let variables = activations::variables(row);
    let activation = connection.activation(of, row.enabled, &variables, credential);
    activation.map_err(|it| ApiError::below(&it, 1))
}

/// A connection's own, or its test credentials.
pub(super) fn own(
    owner: &str,
    connection: &Arc<Connection>,
    is_test: bool,
) -> Result<Grantee, ApiError> {
    let (found, slot) = held(connection, is_test)?;
    let holder = holder(found)?;
    Ok(Grantee::new(owner, connection, holder, (String::new(), slot, false)))
}

/// What a connection holds itself, or its test credentials, and the slot that they are stored in.
pub(super) fn held(connection: &Connection, is_test: bool) -> Result<(&Holder, Slot), ApiError> {
    Ok(match (&connection.kind, is_test) {
        (Kind::Standard(holder), false) => (holder, Slot::Own),
        (Kind::Standard(_), true) => {
            let problem = "only an embedded connection has test credentials";
            return Err(ApiError::invalid("/test", problem, "leave it out"));
        }
        (Kind::Embedded { test: Some(holder), .. }, true) => (&**holder, Slot::Test),
        (Kind::Embedded { test: None, .. }, true) => {
            let problem = "the connection has no test credentials";
            return Err(ApiError::invalid("/test", problem, "give it some first"));
        }
        (Kind::Embedded { .. }, false) => {
            let key = &connection.key;
            let hint = format!("ask under `{}/{key}/activations/TENANT/`", Connections::PATH);
            return Err(ApiError::invalid(
                "",
                "the connection is embedded: its tenants have grants",
                hint,
            ));
        }
    })
}

fn holder(holder: &Holder) -> Result<&Arc<TokenHolder>, ApiError> {
    match &holder.ready {
        Ready::Token(holder) => Ok(holder),
        Ready::Outbound(_) | Ready::Inbound(_) => {
            let problem = "its auth method has no tokens to be had";
            Err(ApiError::invalid("", problem, "this is for `oauth2` and `session_login`"))
        }
    }
}
