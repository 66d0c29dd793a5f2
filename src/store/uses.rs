//! Who uses a definition: what keeps it from being deleted.
use super::engine::Engine;
use super::engine::Row;
use super::engine::Tx;
use super::engine::Unreadable;
use super::engine::Value;
use super::error::StoreError;
use std::future::Future;

/// Uses that are named; more are counted.
pub(super) const NAMED_MAX: i64 = 100;

/// Activations of a connection that are counted: there may be millions, and who asks does not wait for them.
const COUNTED_MAX: i64 = 10_000;

/// One use of a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Use {
    /// A connection that is made with it.
    Connection { key: String },
    /// An integration that links it.
    Integration { key: String, alias: String },
    /// An environment that assigns it, or is a copy of it.
    Environment { key: String, alias: Option<String>, deployed: bool },
    /// So many tenants are activated under it, or for it.
    Activations { count: i64 },
}

/// All uses of a definition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// The first hundred of each kind.
    pub by: Vec<Use>,
    /// How many there are: each activation is one.
    pub total: i64,
    /// How many of them are environments.
    pub environments: i64,
    /// How many of these are deployed.
    pub deployed: i64,
    /// Of a connection 10,000 stands for so many and more.
    pub activations: i64,
}

impl Uses {
    /// Refuses what is used.
    pub(super) fn refuse(self) -> Result<(), StoreError> {
        if self.total == 0 {
            return Ok(());
        }
        Err(StoreError::InUse { by: self.by, total: self.total })
    }
}

/// Who can be asked: the database, or a transaction.
pub(super) trait Ask: Send {
    fn rows(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Vec<Row>, StoreError>> + Send;
}

impl Ask for Tx {
    async fn rows(&mut self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        Tx::rows(self, sql, values).await
    }
}

impl Ask for &Engine {
    async fn rows(&mut self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        Engine::rows(self, sql, values).await
    }
}

pub(super) async fn of_connector(ask: &mut impl Ask, key: &str) -> Result<Uses, StoreError> {
    let mut uses = Uses::default();
    let named = [Value::Text(key), Value::Integer(NAMED_MAX)];
    let sql = "SELECT key FROM connections WHERE connector = $1 ORDER BY key LIMIT $2";
    for row in ask.rows(sql, &named).await? {
        uses.by.push(Use::Connection { key: text(&row, 0)? });
    }
    let sql = "SELECT integration, alias FROM integration_links WHERE connector = $1 \
               ORDER BY integration, alias LIMIT $2";
    for row in ask.rows(sql, &named).await? {
        uses.by.push(Use::Integration { key: text(&row, 0)?, alias: text(&row, 1)? });
    }
    let sql = "SELECT COUNT(*) FROM connections WHERE connector = $1";
    uses.total += count(ask, sql, &named[..1]).await?;
    let sql = "SELECT COUNT(*) FROM integration_links WHERE connector = $1";
    uses.total += count(ask, sql, &named[..1]).await?;
    Ok(uses)
}

/// Of one auth method of a connector, at whatever revision.
pub(super) async fn of_method(
    ask: &mut impl Ask,
    connector: &str,
    method: &str,
) -> Result<Uses, StoreError> {
    let mut uses = Uses::default();
    let named = [Value::Text(connector), Value::Text(method), Value::Integer(NAMED_MAX)];
    let sql =
        "SELECT key FROM connections WHERE connector = $1 AND method = $2 ORDER BY key LIMIT $3";
    for row in ask.rows(sql, &named).await? {
        uses.by.push(Use::Connection { key: text(&row, 0)? });
    }
    let sql = "SELECT COUNT(*) FROM connections WHERE connector = $1 AND method = $2";
    uses.total = count(ask, sql, &named[..2]).await?;
    Ok(uses)
}

pub(super) async fn of_integration(ask: &mut impl Ask, key: &str) -> Result<Uses, StoreError> {
    let mut uses = Uses::default();
    let named = [Value::Text(key), Value::Integer(NAMED_MAX)];
    let sql = "SELECT key, deployed FROM environments WHERE integration = $1 ORDER BY key LIMIT $2";
    for row in ask.rows(sql, &named).await? {
        let deployed = row.flag(1).map_err(corrupt)?;
        uses.by.push(Use::Environment { key: text(&row, 0)?, alias: None, deployed });
    }
    let sql = "SELECT COUNT(*) FROM environments WHERE integration = $1";
    uses.environments = count(ask, sql, &named[..1]).await?;
    let sql = "SELECT COUNT(*) FROM environments WHERE integration = $1 AND deployed = 1";
    uses.deployed = count(ask, sql, &named[..1]).await?;
    uses.total = uses.environments;
    Ok(uses)
}

/// A deployed environment is in use by being deployed.
pub(super) async fn of_environment(ask: &mut impl Ask, key: &str) -> Result<Uses, StoreError> {
    let sql = "SELECT 1 FROM environments WHERE key = $1 AND deployed = 1";
    if ask.rows(sql, &[Value::Text(key)]).await?.is_empty() {
        return Ok(Uses::default());
    }
    let by = vec![Use::Environment { key: key.to_owned(), alias: None, deployed: true }];
    Ok(Uses { by, total: 1, environments: 1, deployed: 1, activations: 0 })
}

/// `owner`: under which its activations stand.
pub(super) async fn of_connection(
    ask: &mut impl Ask,
    key: &str,
    owner: &str,
) -> Result<Uses, StoreError> {
    let by = assignments(ask, key, ("", ""), NAMED_MAX).await?;
    let mut uses = Uses { by, ..Uses::default() };
    let named = [Value::Text(key)];
    let sql = format!("SELECT COUNT(*) {ASSIGNED}");
    let assignments = count(ask, &sql, &named).await?;
    let sql = format!("SELECT COUNT(DISTINCT environments.key) {ASSIGNED}");
    uses.environments = count(ask, &sql, &named).await?;
    let sql =
        format!("SELECT COUNT(DISTINCT environments.key) {ASSIGNED} AND environments.deployed = 1");
    uses.deployed = count(ask, &sql, &named).await?;
    let sql =
        "SELECT COUNT(*) FROM (SELECT 1 FROM activations WHERE owner = $1 LIMIT $2) AS counted";
    let counted = [Value::Text(owner), Value::Integer(COUNTED_MAX)];
    uses.activations = count(ask, sql, &counted).await?;
    if uses.activations > 0 {
        uses.by.push(Use::Activations { count: uses.activations });
    }
    uses.total = assignments + uses.activations;
    Ok(uses)
}

const ASSIGNED: &str = "FROM assignments \
                        JOIN environments ON environments.key = assignments.environment \
                        WHERE assignments.connection = $1";

/// The environments that assign a connection, each with the alias, behind one of them.
pub(super) async fn assignments(
    ask: &mut impl Ask,
    key: &str,
    after: (&str, &str),
    limit: i64,
) -> Result<Vec<Use>, StoreError> {
    let sql = format!(
        "SELECT environments.key, assignments.alias, environments.deployed {ASSIGNED} \
         AND (environments.key > $2 OR (environments.key = $2 AND assignments.alias > $3)) \
         ORDER BY environments.key, assignments.alias LIMIT $4"
    );
    let (environment, alias) = after;
    let values =
        [Value::Text(key), Value::Text(environment), Value::Text(alias), Value::Integer(limit)];
    let mut uses = Vec::new();
    for row in ask.rows(&sql, &values).await? {
        let deployed = row.flag(2).map_err(corrupt)?;
        let (key, alias) = (text(&row, 0)?, Some(text(&row, 1)?));
        uses.push(Use::Environment { key, alias, deployed });
    }
    Ok(uses)
}

pub(super) async fn of_tenant(ask: &mut impl Ask, tenant: &str) -> Result<Uses, StoreError> {
    let sql = "SELECT COUNT(*) FROM activations WHERE tenant = $1 \
               AND NOT EXISTS (SELECT 1 FROM orphans WHERE orphans.owner = activations.owner)";
    let activations = count(ask, sql, &[Value::Text(tenant)]).await?;
    let by =
        if activations > 0 { vec![Use::Activations { count: activations }] } else { Vec::new() };
    Ok(Uses { by, total: activations, activations, ..Uses::default() })
}

async fn count(ask: &mut impl Ask, sql: &str, values: &[Value<'_>]) -> Result<i64, StoreError> {
    let rows = ask.rows(sql, values).await?;
    rows.first().ok_or(Unreadable).and_then(|it| it.integer(0)).map_err(corrupt)
}

fn text(row: &Row, column: usize) -> Result<String, StoreError> {
    row.text(column).map_err(corrupt)
}

fn corrupt(_: Unreadable) -> StoreError {
    StoreError::Corrupt { table: "assignments", key: None }
}
