//! `integrations`, and an index of what they link.
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
use crate::model::Scope;
use indexmap::IndexMap;

/// The stored integrations.
#[derive(Clone, Copy, Debug)]
pub struct Integrations<'s>(pub(super) &'s Store);

/// An integration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegrationRow {
    /// JSON, as the API takes it.
    pub definition: String,
    /// The linked connectors, by alias: as the definition has them.
    links: IndexMap<String, String>,
    links_json: String,
}

impl IntegrationRow {
    /// `links`: the connector of each alias.
    pub fn new(definition: String, links: IndexMap<String, String>) -> Self {
        let links_json = serde_json::to_string(&links).expect("texts are JSON");
        Self { definition, links, links_json }
    }

    pub fn links(&self) -> &IndexMap<String, String> {
        &self.links
    }
}

impl Record for IntegrationRow {
    const TABLE: Table = Table {
        name: "integrations",
        kind: Kind::Integration,
        keys: &["key"],
        columns: &["definition", "links"],
    };

    fn values(&self) -> Vec<Value<'_>> {
        vec![Value::Text(&self.definition), Value::Text(&self.links_json)]
    }

    fn definition(&self) -> Option<&str> {
        Some(&self.definition)
    }

    fn read(row: &Row, first: usize) -> Result<Self, Unreadable> {
        let links_json = row.text(first + 1)?;
        let links = texts(&links_json)?;
        Ok(Self { definition: row.text(first)?, links, links_json })
    }
}

readings!(Integrations of IntegrationRow);

impl Integrations<'_> {
    pub async fn put(
        self,
        scope: &Scope,
        key: &str,
        row: &IntegrationRow,
        condition: impl Into<Condition>,
    ) -> Result<Written, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let written = write.put(&[key], row, &condition.into(), (key, "")).await?;
        let sql = "DELETE FROM integration_links WHERE integration = $1";
        write.tx.run(sql, &[Value::Text(key)]).await?;
        for (alias, connector) in &row.links {
            let sql = "INSERT INTO integration_links (integration, alias, connector) \
                       VALUES ($1, $2, $3)";
            let values = [Value::Text(key), Value::Text(alias), Value::Text(connector)];
            write.tx.run(sql, &values).await?;
        }
        write.commit().await?;
        Ok(written)
    }

    /// Deletes an integration of which there is no environment. `force`: even then; its environments are
    /// left as they are, and do not work until there is one again.
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
        write.there(&IntegrationRow::TABLE, &[key], expect).await?;
        if !force {
            uses::of_integration(&mut write.tx, key).await?.refuse()?;
        }
        write.remove::<IntegrationRow>(&[key], expect, (key, "")).await?;
        write.commit().await
    }

    pub async fn uses(self, scope: &Scope, key: &str) -> Result<Uses, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        uses::of_integration(&mut &self.0.engine, key).await
    }
}
