//! `deployment`: this deployment's name, and the key of its fingerprints.
use super::Place;
use super::Seal;
use super::SealedCredential;
use super::Store;
use super::StoreError;
use super::audit::Head;
use super::audit::no_key;
use super::credentials::put;
use super::engine::Row;
use super::engine::Value;
use crate::model::Scope;
use crate::seal::Binding;
use crate::seal::Slot;

/// What there is once.
#[derive(Clone, Copy, Debug)]
pub struct Deployment<'s>(pub(super) &'s Store);

/// The owner under which it is sealed.
const OWNER: &str = "deployment";

impl Deployment<'_> {
    /// A UUID, made with the first tables.
    pub async fn name(self, scope: &Scope) -> Result<String, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let rows = self.0.engine.rows("SELECT name FROM deployment WHERE id = 1", &[]).await?;
        let read = rows.first().and_then(|it| it.text(0).ok());
        read.ok_or(StoreError::Corrupt { table: "deployment", key: None })
    }

    /// The deployment's own sealed credential. Where there is none, `seal` makes it: once, whoever else
    /// starts at the same time. Never beside an audit trail, which is kept under the one that there was.
    pub async fn own(self, scope: &Scope, seal: Seal<'_>) -> Result<SealedCredential, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        if let Some(own) = self.sealed(scope).await? {
            return Ok(own);
        }
        let mut write = self.0.write(scope).await?;
        let sql = "SELECT generation, key_id, wrapped, fields FROM credentials \
                   WHERE owner = $1 AND tenant = '' AND slot = $2";
        let values = [Value::Text(OWNER), Value::Text(Slot::Deployment.as_str())];
        if let Some(row) = write.tx.rows(sql, &values).await?.first() {
            return read(row);
        }
        if write.head != Head::default() {
            return Err(no_key());
        }
        let binding = Self::binding();
        let sealed = seal(&Place { binding, current: None, now_ms: write.now_ms })
            .map_err(StoreError::Refused)?;
        put(&mut write.tx, &binding, &sealed).await?;
        write.commit().await?;
        Ok(SealedCredential { generation: binding.generation, sealed })
    }

    /// The same, where there is one.
    pub async fn sealed(self, scope: &Scope) -> Result<Option<SealedCredential>, StoreError> {
        self.0.credentials().get(scope, OWNER, "", Slot::Deployment).await
    }

    /// What it is bound to.
    pub fn binding() -> Binding<'static> {
        Binding { owner: OWNER, tenant: "", slot: Slot::Deployment, generation: 1 }
    }
}

fn read(row: &Row) -> Result<SealedCredential, StoreError> {
    let read = super::credentials::sealed(row, 0).ok().flatten();
    read.ok_or(StoreError::Corrupt { table: "credentials", key: Some(OWNER.to_owned()) })
}
