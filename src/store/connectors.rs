//! `connectors`: each with its current auth methods, whose definitions are in `auth_methods`.
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

/// The stored connectors.
#[derive(Clone, Copy, Debug)]
pub struct Connectors<'s>(pub(super) &'s Store);

/// A connector, less the definitions of its methods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorRow {
    /// JSON, as the API takes it, without `auth`.
    pub definition: String,
    /// The current revision of each of its methods, in their order.
    pub methods: IndexMap<String, i64>,
    /// The same as JSON.
    methods_json: String,
}

impl ConnectorRow {
    fn new(definition: String, methods: IndexMap<String, i64>) -> Self {
        let methods_json = serde_json::to_string(&methods).expect("texts and numbers are JSON");
        Self { definition, methods, methods_json }
    }
}

impl Record for ConnectorRow {
    const TABLE: Table = Table {
        name: "connectors",
        kind: Kind::Connector,
        keys: &["key"],
        columns: &["definition", "methods"],
    };

    fn values(&self) -> Vec<Value<'_>> {
        vec![Value::Text(&self.definition), Value::Text(&self.methods_json)]
    }

    fn definition(&self) -> Option<&str> {
        Some(&self.definition)
    }

    fn read(row: &Row, first: usize) -> Result<Self, Unreadable> {
        let methods_json = row.text(first + 1)?;
        let methods = texts(&methods_json)?;
        Ok(Self { definition: row.text(first)?, methods, methods_json })
    }
}

readings!(Connectors of ConnectorRow);

impl Connectors<'_> {
    /// Creates or replaces a connector with all its methods: `definition` without `auth`, and each
    /// method's definition by its key. A method that changes gets a revision; one that is left out is
    /// gone, unless a connection pins it. `force`: even then: it goes on with its revision. The
    /// condition's bindings are those of the stored connections that follow it.
    pub async fn put(
        self,
        scope: &Scope,
        key: &str,
        definition: &str,
        methods: &IndexMap<String, String>,
        force: bool,
        condition: impl Into<Condition>,
    ) -> Result<Written, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let condition = condition.into();
        let mut write = self.0.write(scope).await?;
        let standing = write.expected(&ConnectorRow::TABLE, &[key], condition.expect).await?;
        write.check_needs(&condition).await?;
        if standing.is_some() && !force {
            let before = write.current::<ConnectorRow>(&[key]).await?;
            let before = before.map(|it| it.value.methods).unwrap_or_default();
            for gone in before.keys().filter(|it| !methods.contains_key(*it)) {
                uses::of_method(&mut write.tx, key, gone).await?.refuse()?;
            }
        }
        let mut current = IndexMap::new();
        for (method, definition) in methods {
            current.insert(method.clone(), write.revise(key, method, definition).await?.0);
        }
        let row = ConnectorRow::new(definition.to_owned(), current);
        let news = write.bind(&condition.binds).await?;
        let written = write.put_over(&[key], &row, standing.as_ref(), (key, "")).await?;
        for (bind, rebound) in condition.binds.iter().zip(&news) {
            if let Some(rebound) = rebound {
                write.told_confirmed(&bind.to.connection, rebound).await?;
            }
        }
        write.commit().await?;
        Ok(written)
    }

    /// Creates or changes one method of a connector. `expect` is about the connector. Also returns the
    /// method's revision.
    pub async fn put_method(
        self,
        scope: &Scope,
        key: &str,
        method: &str,
        definition: &str,
        condition: impl Into<Condition>,
    ) -> Result<(Written, i64), StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let mut row = write.connector(key, &condition.into()).await?;
        let (revision, _) = write.revise(key, method, definition).await?;
        let created = row.methods.insert(method.to_owned(), revision).is_none();
        let written = write.put_connector(key, row).await?;
        write.commit().await?;
        Ok((Written { created, ..written }, revision))
    }

    /// Takes a method from a connector, unless a connection pins it, or `force`.
    pub async fn delete_method(
        self,
        scope: &Scope,
        key: &str,
        method: &str,
        force: bool,
        condition: impl Into<Condition>,
    ) -> Result<i64, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let mut row = write.connector(key, &condition.into()).await?;
        if row.methods.shift_remove(method).is_none() {
            return Err(StoreError::NotFound);
        }
        if !force {
            uses::of_method(&mut write.tx, key, method).await?.refuse()?;
        }
        write.put_connector(key, row).await?;
        write.commit().await
    }

    /// Deletes a connector that nothing uses. `force`: even one that is used; who uses it is left as it
    /// is, and does not work until there is one again.
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
        write.there(&ConnectorRow::TABLE, &[key], expect).await?;
        if !force {
            uses::of_connector(&mut write.tx, key).await?.refuse()?;
        }
        write.remove::<ConnectorRow>(&[key], expect, (key, "")).await?;
        write.commit().await
    }

    pub async fn uses(self, scope: &Scope, key: &str) -> Result<Uses, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        uses::of_connector(&mut &self.0.engine, key).await
    }

    /// Of one of its methods, at whatever revision.
    pub async fn method_uses(
        self,
        scope: &Scope,
        key: &str,
        method: &str,
    ) -> Result<Uses, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        uses::of_method(&mut &self.0.engine, key, method).await
    }
}

impl Write<'_> {
    async fn connector(
        &mut self,
        key: &str,
        condition: &Condition,
    ) -> Result<ConnectorRow, StoreError> {
        self.there(&ConnectorRow::TABLE, &[key], condition.expect).await?;
        self.check_needs(condition).await?;
        let current = self.current::<ConnectorRow>(&[key]).await?;
        current.map(|it| it.value).ok_or(StoreError::NotFound)
    }

    async fn put_connector(&mut self, key: &str, row: ConnectorRow) -> Result<Written, StoreError> {
        let standing = self.standing(&ConnectorRow::TABLE, &[key]).await?;
        let row = ConnectorRow::new(row.definition, row.methods);
        self.put_over(&[key], &row, standing.as_ref(), (key, "")).await
    }
}
