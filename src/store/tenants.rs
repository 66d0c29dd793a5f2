//! `tenants`: what operators say of their customers. A tenant that is activated is there without a row here.
use super::Condition;
use super::Expect;
use super::Kind;
use super::Listed;
use super::PAGE_MAX;
use super::Search;
use super::Store;
use super::StoreError;
use super::Stored;
use super::Uses;
use super::Written;
use super::definitions::readings;
use super::engine::Row;
use super::engine::Unreadable;
use super::engine::Value;
use super::grants::FAILS_AT;
use super::migrate::clock_of;
use super::record::Record;
use super::record::Table;
use super::search::Lot;
use super::several;
use super::uses;
use crate::model::Scope;
use crate::seal::Slot;
use std::collections::HashMap;
use std::collections::HashSet;

/// The stored tenants; their ids are the keys.
#[derive(Clone, Copy, Debug)]
pub struct Tenants<'s>(pub(super) &'s Store);

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantRow {
    /// JSON, as the API takes it.
    pub definition: String,
}

/// The version of a tenant without a row.
pub const UNWRITTEN: i64 = 0;

/// Activations that a page of tenants goes through at most: those of connections that were deleted among them, until
/// they are swept up.
const PAGE_LOT: u32 = 2000;

/// Those of connections that are there.
const STANDING: (&str, &str) = ("owner", "owner NOT IN (SELECT owner FROM orphans)");

/// What is wrong where an activation does not read.
const DAMAGED: StoreError = StoreError::Corrupt { table: "activations", key: None };

/// How a tenant's activations stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activated {
    pub total: i64,
    /// Those whose requests fail, because their grant does.
    pub failing: i64,
    /// Those whose grant ends within the time that was asked about.
    pub dying: i64,
    /// Those whose credential upstreams refuse.
    pub refused: i64,
}

impl TenantRow {
    /// A tenant that is there by its activations alone. `since_ms`: of the first of them, 0 where that is not known.
    pub fn unwritten(key: &str, since_ms: i64) -> Stored<Self> {
        let value = Self { definition: "{}".to_owned() };
        let (key, version) = (key.to_owned(), UNWRITTEN);
        Stored { key, value, version, created_at_ms: since_ms, updated_at_ms: since_ms }
    }
}

impl Record for TenantRow {
    const TABLE: Table =
        Table { name: "tenants", kind: Kind::Tenant, keys: &["key"], columns: &["definition"] };

    fn values(&self) -> Vec<Value<'_>> {
        vec![Value::Text(&self.definition)]
    }

    fn definition(&self) -> Option<&str> {
        Some(&self.definition)
    }

    fn read(row: &Row, first: usize) -> Result<Self, Unreadable> {
        Ok(Self { definition: row.text(first)? })
    }
}

readings!(Tenants of TenantRow);

impl Tenants<'_> {
    pub async fn put(
        self,
        scope: &Scope,
        key: &str,
        row: &TenantRow,
        condition: impl Into<Condition>,
    ) -> Result<Written, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let written = write.put(&[key], row, &condition.into(), (key, "")).await?;
        write.commit().await?;
        Ok(written)
    }

    /// Deletes a tenant that is activated nowhere. `force`: and its activations with it. One that has
    /// activations and no row is there by them.
    pub async fn delete(
        self,
        scope: &Scope,
        key: &str,
        force: bool,
        condition: impl Into<Condition>,
    ) -> Result<i64, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let expect = condition.into().expect;
        let uses = uses::of_tenant(&mut write.tx, key).await?;
        let is_row = write.standing(&TenantRow::TABLE, &[key]).await?.is_some();
        let is_meant = is_row || uses.activations == 0 || matches!(expect, Expect::Version(_));
        if is_meant {
            write.there(&TenantRow::TABLE, &[key], expect).await?;
        }
        if force {
            write.deactivate_tenant(key).await?;
        } else {
            uses.refuse()?;
        }
        write.end_sessions_of(key).await?;
        if is_row {
            write.remove::<TenantRow>(&[key], expect, (key, "")).await?;
        }
        write.commit().await
    }

    /// A tenant that has a row, or activations.
    pub async fn known(
        self,
        scope: &Scope,
        key: &str,
    ) -> Result<Option<Stored<TenantRow>>, StoreError> {
        if let Some(row) = self.get(scope, key).await? {
            return Ok(Some(row));
        }
        Ok(self.activated(scope, &[key]).await?.pop())
    }

    /// How many of these have a row, or activations.
    pub async fn count_known(self, scope: &Scope, keys: &[&str]) -> Result<usize, StoreError> {
        let rows = self.several(scope, keys).await?.rows;
        let mut known: HashSet<String> = rows.into_iter().map(|it| it.key).collect();
        known.extend(self.activated(scope, keys).await?.into_iter().map(|it| it.key));
        Ok(known.len())
    }

    /// All of them after the key `after`, in the order of their keys, of one lot of rows: `next` is where it ended.
    /// `ids`: the same words with A to Z alone in small letters, since the database makes no others of ids.
    pub async fn all_known(
        self,
        scope: &Scope,
        (search, ids): (&Search, &Search),
        after: Option<&str>,
        limit: u32,
    ) -> Result<Listed<Stored<TenantRow>>, StoreError> {
        let mut listed = self.found(scope, search, after, limit).await?;
        if !scope.sees_everything() {
            return Ok(listed);
        }
        let limit = limit.clamp(1, PAGE_MAX);
        let lot = if ids.is_all() { PAGE_LOT } else { ids.lot };
        let ids = Search { lot, ..ids.clone() };
        let lot = Lot {
            from: "FROM activations WHERE tenant > $1",
            of: vec![Value::Text(after.unwrap_or_default())],
            column: "tenant",
            text: "lower(tenant)",
            unless: Some(STANDING),
            search: &ids,
        };
        let (keys, next) = match lot.keys(self.0, limit).await {
            // The rows are there round the damage.
            Err(error @ StoreError::Corrupt { .. }) => {
                listed.unreadable.push(error);
                return Ok(listed);
            }
            keys => keys?,
        };
        let is_written = |key: &str| {
            let damaged = |it: &StoreError| matches!(it, StoreError::Corrupt { key: Some(it), .. } if it == key);
            listed.rows.iter().any(|it| it.key == key) || listed.unreadable.iter().any(damaged)
        };
        let unwritten: Vec<_> =
            keys.iter().map(String::as_str).filter(|it| !is_written(it)).collect();
        let unwritten = self.activated(scope, &unwritten).await?;
        listed.rows.extend(unwritten);
        listed.rows.sort_by(|a, b| a.key.cmp(&b.key));
        // What lies behind the nearer of both ends has not been gone through yet.
        listed.next = [listed.next, next].into_iter().flatten().min();
        if let Some(end) = &listed.next {
            listed.rows.retain(|it| it.key <= *end);
        }
        if listed.rows.len() > limit as usize {
            listed.rows.truncate(limit as usize);
            listed.next = listed.rows.last().map(|it| it.key.clone());
        }
        Ok(listed)
    }

    /// How the activations of these stand. `soon_ms`: grants that end within so many milliseconds are dying. Those
    /// without any are left out.
    pub async fn standing(
        self,
        scope: &Scope,
        keys: &[&str],
        soon_ms: i64,
    ) -> Result<HashMap<String, Activated>, StoreError> {
        let mut all = HashMap::new();
        if !scope.sees_everything() {
            return Ok(all);
        }
        let now = clock_of(self.0.is_shared());
        let count = |what: &str| format!("SUM(CASE WHEN {what} THEN 1 ELSE 0 END)");
        for part in several::texts(keys) {
            let values = part.values.len();
            let (slot, soon) = (values + 1, values + 2);
            let failing = count(&format!("{FAILS_AT} <= {now}"));
            let dying = count(&format!("{FAILS_AT} > {now} AND {FAILS_AT} <= {now} + ${soon}"));
            let refused = count(
                "EXISTS (SELECT 1 FROM refused WHERE refused.connection = a.connection AND refused.tenant = a.tenant)",
            );
            let sql = format!(
                "SELECT a.tenant, COUNT(*), {failing}, {dying}, {refused} FROM activations a \
                 LEFT JOIN grants ON grants.owner = a.owner AND grants.tenant = a.tenant AND grants.slot = ${slot} \
                 WHERE a.tenant IN (VALUES {}) \
                 AND NOT EXISTS (SELECT 1 FROM orphans WHERE orphans.owner = a.owner) GROUP BY a.tenant",
                part.places
            );
            let mut values = part.values;
            values.extend([Value::Text(Slot::Activation.as_str()), Value::Integer(soon_ms)]);
            for row in &self.0.engine.rows(&sql, &values).await? {
                let (key, activated) = standing(row).map_err(|_| DAMAGED)?;
                all.insert(key, activated);
            }
        }
        Ok(all)
    }

    /// Those of these that are activated, without what may be written of them.
    async fn activated(
        self,
        scope: &Scope,
        keys: &[&str],
    ) -> Result<Vec<Stored<TenantRow>>, StoreError> {
        let mut found = Vec::new();
        if !scope.sees_everything() {
            return Ok(found);
        }
        for part in several::texts(keys) {
            let sql = format!(
                "SELECT tenant, MIN(created_at) FROM activations WHERE tenant IN (VALUES {}) \
                 AND NOT EXISTS (SELECT 1 FROM orphans WHERE orphans.owner = activations.owner) \
                 GROUP BY tenant ORDER BY tenant",
                part.places
            );
            for row in &self.0.engine.rows(&sql, &part.values).await? {
                let read = || Ok(TenantRow::unwritten(row.text(0)?.as_str(), row.integer(1)?));
                found.push(read().map_err(|_: Unreadable| DAMAGED)?);
            }
        }
        Ok(found)
    }

    pub async fn uses(self, scope: &Scope, key: &str) -> Result<Uses, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        uses::of_tenant(&mut &self.0.engine, key).await
    }
}

fn standing(row: &Row) -> Result<(String, Activated), Unreadable> {
    let (total, failing) = (row.integer(1)?, row.integer(2)?);
    let (dying, refused) = (row.integer(3)?, row.integer(4)?);
    Ok((row.text(0)?, Activated { total, failing, dying, refused }))
}
