//! `environments`, and an index of what they assign.
use super::Condition;
use super::Kind;
use super::Store;
use super::StoreError;
use super::Uses;
use super::Written;
use super::definitions::readings;
use super::engine::Row;
use super::engine::Unreadable;
use super::engine::Value;
use super::record::Record;
use super::record::Table;
use super::record::texts;
use super::uses;
use super::write::Write;
use crate::model::Scope;
use indexmap::IndexMap;

/// The stored environments.
#[derive(Clone, Copy, Debug)]
pub struct Environments<'s>(pub(super) &'s Store);

/// An environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentRow {
    pub integration: String,
    pub deployed: bool,
    /// JSON, as the API takes it, without `integration`, `deployed` and `assign`.
    pub definition: String,
    /// The connection of each alias.
    assign: IndexMap<String, String>,
    assign_json: String,
}

impl EnvironmentRow {
    /// `assign`: the connection of each alias.
    pub fn new(
        integration: String,
        deployed: bool,
        definition: String,
        assign: IndexMap<String, String>,
    ) -> Self {
        let assign_json = serde_json::to_string(&assign).expect("texts are JSON");
        Self { integration, deployed, definition, assign, assign_json }
    }

    pub fn assign(&self) -> &IndexMap<String, String> {
        &self.assign
    }

    fn assigning(self, assign: IndexMap<String, String>) -> Self {
        Self::new(self.integration, self.deployed, self.definition, assign)
    }
}

impl Record for EnvironmentRow {
    const TABLE: Table = Table {
        name: "environments",
        kind: Kind::Environment,
        keys: &["key"],
        columns: &["integration", "deployed", "definition", "assign"],
    };

    fn values(&self) -> Vec<Value<'_>> {
        vec![
            Value::Text(&self.integration),
            Value::flag(self.deployed),
            Value::Text(&self.definition),
            Value::Text(&self.assign_json),
        ]
    }

    fn definition(&self) -> Option<&str> {
        Some(&self.definition)
    }

    fn read(row: &Row, first: usize) -> Result<Self, Unreadable> {
        let assign_json = row.text(first + 3)?;
        Ok(Self {
            integration: row.text(first)?,
            deployed: row.flag(first + 1)?,
            definition: row.text(first + 2)?,
            assign: texts(&assign_json)?,
            assign_json,
        })
    }
}

readings!(Environments of EnvironmentRow);

impl Environments<'_> {
    pub async fn put(
        self,
        scope: &Scope,
        key: &str,
        row: &EnvironmentRow,
        condition: impl Into<Condition>,
    ) -> Result<Written, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let written = write.put(&[key], row, &condition.into(), (key, "")).await?;
        write.index_assignments(key, row).await?;
        write.commit().await?;
        Ok(written)
    }

    /// Deletes an environment that is not deployed. `force`: even one that is.
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
        write.there(&EnvironmentRow::TABLE, &[key], expect).await?;
        if !force {
            uses::of_environment(&mut write.tx, key).await?.refuse()?;
        }
        write.remove::<EnvironmentRow>(&[key], expect, (key, "")).await?;
        write.commit().await
    }

    /// Whether it is deployed: whoever is served by it uses it.
    pub async fn uses(self, scope: &Scope, key: &str) -> Result<Uses, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        uses::of_environment(&mut &self.0.engine, key).await
    }
}

impl Write<'_> {
    async fn index_assignments(
        &mut self,
        key: &str,
        row: &EnvironmentRow,
    ) -> Result<(), StoreError> {
        let sql = "DELETE FROM assignments WHERE environment = $1";
        self.tx.run(sql, &[Value::Text(key)]).await?;
        for (alias, connection) in &row.assign {
            let sql =
                "INSERT INTO assignments (environment, alias, connection) VALUES ($1, $2, $3)";
            let values = [Value::Text(key), Value::Text(alias), Value::Text(connection)];
            self.tx.run(sql, &values).await?;
        }
        Ok(())
    }

    /// Puts another connection wherever `old` is assigned; nothing in its place where `new` is none. The
    /// environments that it changes.
    pub(super) async fn reassign(
        &mut self,
        old: &str,
        new: Option<&str>,
    ) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT DISTINCT environment FROM assignments WHERE connection = $1 \
                   ORDER BY environment";
        let rows = self.tx.rows(sql, &[Value::Text(old)]).await?;
        let mut changed = Vec::new();
        for row in &rows {
            let corrupt = |_: Unreadable| StoreError::Corrupt { table: "assignments", key: None };
            let key = row.text(0).map_err(corrupt)?;
            let Some(current) = self.current::<EnvironmentRow>(&[&key]).await? else { continue };
            let standing = self.standing(&EnvironmentRow::TABLE, &[&key]).await?;
            let mut assign = current.value.assign.clone();
            match new {
                Some(new) => {
                    for it in assign.values_mut().filter(|it| *it == old) {
                        new.clone_into(it);
                    }
                }
                None => assign.retain(|_, it| it != old),
            }
            let row = current.value.assigning(assign);
            self.put_over(&[&key], &row, standing.as_ref(), (&key, "")).await?;
            self.index_assignments(&key, &row).await?;
            changed.push(key);
        }
        Ok(changed)
    }
}
