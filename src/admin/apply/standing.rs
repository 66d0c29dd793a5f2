//! What is stored of a bundle's resources when it begins: read at once for each section, so that what is there already
//! as it is to be costs no more than that.
use super::bundle::Item;
use super::bundle::Part;
use super::rehearsal::needs;
use crate::admin::call::Call;
use crate::admin::connections::Connections;
use crate::admin::definition;
use crate::admin::error::ApiError;
use crate::catalog::owner_in_file;
use crate::seal::Slot;
use crate::store::CallerKey;
use crate::store::CallerRow;
use crate::store::ConnectionRow;
use crate::store::ConnectorRow;
use crate::store::EnvironmentRow;
use crate::store::Found;
use crate::store::IntegrationRow;
use crate::store::Listed;
use crate::store::SealedCredential;
use crate::store::StoreError;
use crate::store::Stored;
use crate::store::TenantRow;
use std::collections::BTreeSet;
use std::collections::HashMap;

/// Rows by their keys. One that does not read is not among them.
pub(super) type Rows<R> = HashMap<String, Stored<R>>;

/// As it was when the bundle began.
#[derive(Default)]
pub(super) struct Standing {
    /// Those that connections of the bundle are of as well.
    pub connectors: Rows<ConnectorRow>,
    pub tenants: Rows<TenantRow>,
    /// Those that activations of the bundle are under as well.
    pub connections: Rows<ConnectionRow>,
    pub integrations: Rows<IntegrationRow>,
    pub environments: Rows<EnvironmentRow>,
    pub callers: Rows<CallerRow>,
    /// By caller.
    pub keys: HashMap<String, Vec<CallerKey>>,
    /// The settings of auth methods: by connector, method and revision.
    pub methods: HashMap<(String, String, i64), String>,
    /// The connections' own and those for tests: by owner.
    pub sealed: HashMap<(String, Slot), SealedCredential>,
    /// By connection and tenant.
    pub activations: HashMap<(String, String), Found>,
    /// Whether some of a section does not read.
    damaged: BTreeSet<Part>,
    /// What was looked for.
    asked: BTreeSet<(Part, String)>,
}

impl Standing {
    /// `call`: on what there would be, before anything is written.
    pub(super) async fn read(call: &Call, items: &[Item]) -> Result<Self, ApiError> {
        let mut standing = Self::default();
        for item in items {
            if matches!(item.part, Part::Connections | Part::Activations) {
                standing.asked.extend(needs(item));
            }
            if item.part != Part::Activations {
                standing.asked.insert((item.part, item.key.clone()));
            }
        }
        let of_store = |it| ApiError::of_store(it, "bundle", "");
        standing.definitions(call).await.map_err(of_store)?;
        standing.credentials(call).await.map_err(of_store)?;
        standing.tenants_of(call, items).await.map_err(of_store)?;
        Ok(standing)
    }

    async fn definitions(&mut self, call: &Call) -> Result<(), StoreError> {
        let Some(backing) = call.api.backing() else { return Ok(()) };
        let (store, scope) = (&backing.store, &call.scope());
        let keys = |part: Part| {
            let of = self.asked.iter().filter(move |it| it.0 == part);
            of.map(|it| it.1.clone()).collect::<Vec<_>>()
        };
        macro_rules! rows {
            ($part:ident, $table:ident) => {{
                let keys = keys(Part::$part);
                let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                sound(&mut self.damaged, Part::$part, store.$table().several(scope, &keys).await)?
            }};
        }
        self.connectors = rows!(Connectors, connectors);
        self.tenants = rows!(Tenants, tenants);
        self.connections = rows!(Connections, connections);
        self.integrations = rows!(Integrations, integrations);
        self.environments = rows!(Environments, environments);
        self.callers = rows!(Callers, callers);
        Ok(())
    }

    /// What connections pin and could pin, what is sealed for them, and the keys of callers.
    async fn credentials(&mut self, call: &Call) -> Result<(), StoreError> {
        let Some(backing) = call.api.backing() else { return Ok(()) };
        let (store, scope) = (&backing.store, &call.scope());
        let pinned = self.connections.values().map(|it| {
            let row = &it.value;
            (&*row.connector, &*row.method, row.revision)
        });
        let current = self.connectors.values().flat_map(|it| {
            it.value.methods.iter().map(|(method, number)| (&*it.key, &**method, *number))
        });
        let wanted: BTreeSet<(&str, &str, i64)> = pinned.chain(current).collect();
        let wanted: Vec<_> = wanted.into_iter().collect();
        let owners: Vec<&str> = self.connections.values().map(|it| &*it.value.id).collect();
        let callers: Vec<&str> = self.callers.keys().map(String::as_str).collect();
        let methods = passable(store.auth_methods().these(scope, &wanted).await)?;
        let sealed = passable(store.credentials().of_owners(scope, &owners).await)?;
        let keys = passable(store.callers().keys_of_several(scope, &callers).await)?;
        let methods = methods.into_iter();
        self.methods =
            methods.map(|it| ((it.connector, it.method, it.revision), it.definition)).collect();
        let sealed = sealed.into_iter();
        self.sealed = sealed.map(|it| ((it.owner, it.slot), it.credential)).collect();
        for key in keys {
            self.keys.entry(key.caller.clone()).or_default().push(key);
        }
        Ok(())
    }

    async fn tenants_of(&mut self, call: &Call, items: &[Item]) -> Result<(), StoreError> {
        let Some(backing) = call.api.backing() else { return Ok(()) };
        let owner = |key: &str| {
            if definition::is_declared::<Connections>(call, key) {
                return Some(owner_in_file(key));
            }
            self.connections.get(key).map(|it| it.value.id.clone())
        };
        let all = items.iter().filter(|it| it.part == Part::Activations);
        let all: Vec<(String, &str)> =
            all.filter_map(|it| Some((owner(&it.key)?, &*it.tenant))).collect();
        let all: Vec<(&str, &str)> = all.iter().map(|it| (&*it.0, it.1)).collect();
        let found = passable(backing.store.activations().these(&call.scope(), &all).await)?;
        let found = found.into_iter();
        self.activations = found
            .map(|it| ((it.0.value.connection.clone(), it.0.value.tenant.clone()), it))
            .collect();
        Ok(())
    }

    /// The version of a resource as it was committed last, or that there is none; nothing where that is not known
    /// here.
    pub(super) fn version(&self, part: Part, key: &str) -> Option<Option<i64>> {
        if self.damaged.contains(&part) || !self.asked.contains(&(part, key.to_owned())) {
            return None;
        }
        match part {
            Part::Connectors => Some(self.connectors.get(key).map(|it| it.version)),
            Part::Connections => Some(self.connections.get(key).map(|it| it.version)),
            Part::Integrations => Some(self.integrations.get(key).map(|it| it.version)),
            Part::Environments => Some(self.environments.get(key).map(|it| it.version)),
            Part::Tenants | Part::Callers | Part::Activations | Part::EventSubscriptions => None,
        }
    }
}

/// What does not read is met again where it is written over, and told there.
fn passable<T>(read: Result<Vec<T>, StoreError>) -> Result<Vec<T>, StoreError> {
    match read {
        Err(StoreError::Corrupt { .. }) => Ok(Vec::new()),
        read => read,
    }
}

fn sound<R>(
    damaged: &mut BTreeSet<Part>,
    part: Part,
    read: Result<Listed<Stored<R>>, StoreError>,
) -> Result<Rows<R>, StoreError> {
    let listed = match read {
        Err(StoreError::Corrupt { .. }) => {
            damaged.insert(part);
            return Ok(Rows::new());
        }
        read => read?,
    };
    if !listed.unreadable.is_empty() {
        damaged.insert(part);
    }
    Ok(listed.rows.into_iter().map(|it| (it.key.clone(), it)).collect())
}
