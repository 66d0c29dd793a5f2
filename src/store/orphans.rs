//! `orphans`: owners that are gone, and what is left under them. It is out of reach from the commit on by which
//! they went, since nothing has their id any more; then it goes bit by bit, so that no writer waits for a million rows.
use super::BATCH_MAX;
use super::Store;
use super::StoreError;
use super::engine::Unreadable;
use super::engine::Value;
use super::write::Write;
use crate::model::Scope;

/// What is left of what was deleted.
#[derive(Clone, Copy, Debug)]
pub struct Orphans<'s>(pub(super) &'s Store);

impl Orphans<'_> {
    /// Deletes some of what is left, at most [`BATCH_MAX`] activations, in one write: again, where it is true. Where
    /// there is nothing, nothing is written.
    pub async fn sweep(self, scope: &Scope) -> Result<bool, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let rows = self.0.engine.rows("SELECT owner FROM orphans ORDER BY at LIMIT 1", &[]).await?;
        let Some(row) = rows.first() else { return Ok(false) };
        let corrupt = |Unreadable| StoreError::Corrupt { table: "orphans", key: None };
        let owner = row.text(0).map_err(corrupt)?;
        let mut write = self.0.write(scope).await?;
        if !write.drop_some(&owner).await? {
            let sql = "DELETE FROM orphans WHERE owner = $1";
            write.tx.run(sql, &[Value::Text(&owner)]).await?;
        }
        write.commit().await?;
        Ok(true)
    }
}

impl Write<'_> {
    /// Deletes all that stands under an owner that goes: what is sealed for it itself at once, and its tenants'
    /// activations where they are few. More are left as orphans. The change of their connection tells.
    pub(super) async fn leave(&mut self, owner: &str) -> Result<(), StoreError> {
        for table in [
            "origins WHERE owner = $1",
            // First: whoever puts down a token for one waits, and finds it gone.
            "grants WHERE owner = $1 AND tenant = ''",
            "credentials WHERE owner = $1 AND tenant = ''",
        ] {
            self.tx.run(&format!("DELETE FROM {table}"), &[Value::Text(owner)]).await?;
        }
        self.forget_deliveries(owner, None).await?;
        if self.drop_some(owner).await? {
            let sql =
                "INSERT INTO orphans (owner, at) VALUES ($1, $2) ON CONFLICT (owner) DO NOTHING";
            self.tx.run(sql, &[Value::Text(owner), Value::Integer(self.now_ms)]).await?;
        }
        Ok(())
    }

    /// Deletes a batch of an owner's activations, and what is sealed for them. True where there may be more.
    async fn drop_some(&mut self, owner: &str) -> Result<bool, StoreError> {
        let values = [Value::Text(owner), Value::Integer(i64::from(BATCH_MAX))];
        let mut more = false;
        for table in ["activations", "grants", "credentials"] {
            let sql = format!(
                "DELETE FROM {table} WHERE owner = $1 AND tenant IN \
                 (SELECT tenant FROM {table} WHERE owner = $1 ORDER BY tenant LIMIT $2)"
            );
            more |= self.tx.run(&sql, &values).await? >= u64::from(BATCH_MAX);
        }
        Ok(more)
    }
}
