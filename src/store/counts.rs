//! How many there are of everything, counted by indexes: a million rows are some tenths of a second, which is why
//! whoever asks keeps the answer for a while.
use super::Store;
use super::StoreError;
use super::engine::Row;
use super::engine::Unreadable;
use super::engine::Value;
use super::grants::FAILS_AT;
use super::migrate::clock_of;
use crate::model::Scope;
use crate::seal::Slot;

/// Connections that fail by themselves which are named: more are not shown by anybody.
const NAMED_MAX: i64 = 10_000;

/// How many rows there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub connectors: i64,
    pub connections: i64,
    pub embedded: i64,
    pub disabled: i64,
    pub integrations: i64,
    pub environments: i64,
    pub deployed: i64,
    pub tenants: i64,
    pub activations: i64,
    pub callers: i64,
    /// Activations whose requests fail, because their grant does.
    pub activations_failing: i64,
    /// Activations whose grant ends within the time that was asked about.
    pub activations_dying: i64,
    /// Activations whose credential upstreams refuse.
    pub activations_refused: i64,
}

/// Which connections fail by their own credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailingConnections {
    /// Of those whose grant fails, by id, or `file:` and the key.
    pub owners: Vec<String>,
    /// Of those whose credential upstreams refuse.
    pub keys: Vec<String>,
}

impl Store {
    /// Counts everything. `soon_ms`: grants that end within so many milliseconds are dying.
    pub async fn counts(&self, scope: &Scope, soon_ms: i64) -> Result<Counts, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let now = clock_of(self.is_shared());
        // Orphans are left of connections that were deleted: few, and on their way out.
        let sql = format!(
            "SELECT (SELECT COUNT(*) FROM connectors), (SELECT COUNT(*) FROM connections), \
             (SELECT COUNT(*) FROM connections WHERE embedded = 1), \
             (SELECT COUNT(*) FROM connections WHERE enabled = 0), \
             (SELECT COUNT(*) FROM integrations), (SELECT COUNT(*) FROM environments), \
             (SELECT COUNT(*) FROM environments WHERE deployed = 1), \
             (SELECT COUNT(*) FROM (SELECT tenant FROM activations GROUP BY tenant) AS activated) \
             + (SELECT COUNT(*) FROM tenants WHERE NOT EXISTS (SELECT 1 FROM activations WHERE tenant = tenants.key)), \
             (SELECT COUNT(*) FROM activations), \
             (SELECT COUNT(*) FROM callers), \
             (SELECT COUNT(*) FROM grants WHERE {FAILS_AT} IS NOT NULL AND {FAILS_AT} <= {now} AND slot = $1), \
             (SELECT COUNT(*) FROM grants WHERE {FAILS_AT} IS NOT NULL AND {FAILS_AT} > {now} \
              AND {FAILS_AT} <= {now} + $2 AND slot = $1), \
             (SELECT COUNT(*) FROM refused WHERE tenant <> '')"
        );
        let values = [Value::Text(Slot::Activation.as_str()), Value::Integer(soon_ms)];
        let rows = self.engine.rows(&sql, &values).await?;
        let read = |row: &Row| {
            Ok(Counts {
                connectors: row.integer(0)?,
                connections: row.integer(1)?,
                embedded: row.integer(2)?,
                disabled: row.integer(3)?,
                integrations: row.integer(4)?,
                environments: row.integer(5)?,
                deployed: row.integer(6)?,
                tenants: row.integer(7)?,
                activations: row.integer(8)?,
                callers: row.integer(9)?,
                activations_failing: row.integer(10)?,
                activations_dying: row.integer(11)?,
                activations_refused: row.integer(12)?,
            })
        };
        let corrupt = |_: Unreadable| StoreError::Corrupt { table: "connections", key: None };
        rows.first().map(read).transpose().map(Option::unwrap_or_default).map_err(corrupt)
    }

    /// The connections that fail by what they hold themselves.
    pub async fn failing_connections(
        &self,
        scope: &Scope,
    ) -> Result<FailingConnections, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let now = clock_of(self.is_shared());
        let own = format!(
            "SELECT owner FROM grants WHERE {FAILS_AT} IS NOT NULL AND {FAILS_AT} <= {now} AND slot = $1 LIMIT $2"
        );
        let values = [Value::Text(Slot::Own.as_str()), Value::Integer(NAMED_MAX)];
        let owners = self.engine.rows(&own, &values).await?;
        let refused = "SELECT connection FROM refused WHERE tenant = '' LIMIT $1";
        let keys = self.engine.rows(refused, &[Value::Integer(NAMED_MAX)]).await?;
        let texts = |rows: &[Row]| rows.iter().filter_map(|it| it.text(0).ok()).collect();
        Ok(FailingConnections { owners: texts(&owners), keys: texts(&keys) })
    }
}
