//! `tenants`: what operators say of their customers. An activation needs no row here.
use super::Condition;
use super::Expect;
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
use super::uses;
use crate::model::Scope;

/// The stored tenants; their ids are the keys.
#[derive(Clone, Copy, Debug)]
pub struct Tenants<'s>(pub(super) &'s Store);

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantRow {
    /// JSON, as the API takes it.
    pub definition: String,
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

    pub async fn uses(self, scope: &Scope, key: &str) -> Result<Uses, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        uses::of_tenant(&mut &self.0.engine, key).await
    }
}
