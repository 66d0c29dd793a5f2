//! `credentials`: all that is sealed, by owner, tenant and slot.
use super::Store;
use super::audit::Act;
use super::audit::Resealed;
use super::engine::Row;
use super::engine::Tx;
use super::engine::Unreadable;
use super::engine::Value;
use super::error::StoreError;
use super::events::News;
use super::grants::GrantKey;
use super::salvage::Column;
use super::salvage::Source;
use super::several;
use super::write::Write;
use crate::model::EventType;
use crate::model::Scope;
use crate::seal::Binding;
use crate::seal::Sealed;
use crate::seal::Slot;
use crate::seal::Wrap;
use serde_json::json;

/// Most rows of a batch: a batch is one transaction, and others wait for it.
pub const BATCH_MAX: u32 = 1000;

/// What is sealed.
#[derive(Clone, Copy, Debug)]
pub struct Credentials<'s>(pub(super) &'s Store);

/// A sealed credential, and which generation it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedCredential {
    /// The revision that it was set at: never used twice for one place.
    pub generation: u64,
    pub sealed: Sealed,
}

/// Where a credential goes, and what is there now.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub binding: Binding<'a>,
    pub current: Option<&'a SealedCredential>,
    /// Unix milliseconds, by the database's clock.
    pub now_ms: i64,
}

/// Seals a credential for the place it is given, within the transaction that stores it, so that nobody
/// writes between. The error's text refuses the write.
pub type Seal<'a> = &'a (dyn Fn(&Place<'_>) -> Result<Sealed, String> + Send + Sync);

/// What becomes of a credential with a write.
#[derive(Clone, Copy)]
pub enum Secrets<'a> {
    Keep,
    Remove,
    Set(Seal<'a>),
}

/// A row: whose it is, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub owner: String,
    pub tenant: String,
    pub slot: Slot,
    pub credential: SealedCredential,
}

impl Entry {
    pub fn binding(&self) -> Binding<'_> {
        Binding {
            owner: &self.owner,
            tenant: &self.tenant,
            slot: self.slot,
            generation: self.credential.generation,
        }
    }
}

/// A row of an owner; its credential, where it reads.
pub(super) struct Found {
    pub(super) tenant: String,
    pub(super) slot: Slot,
    pub(super) credential: Option<SealedCredential>,
}

/// A data key under another key, and the row that it is for, as it was when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrap {
    pub entry: Entry,
    pub wrap: Wrap,
}

impl Credentials<'_> {
    pub async fn get(
        self,
        scope: &Scope,
        owner: &str,
        tenant: &str,
        slot: Slot,
    ) -> Result<Option<SealedCredential>, StoreError> {
        if !scope.sees_everything() && (slot != Slot::Activation || !scope.sees_tenant(tenant)) {
            return Ok(None);
        }
        let sql = format!("{SELECT} WHERE owner = $1 AND tenant = $2 AND slot = $3");
        let values = [Value::Text(owner), Value::Text(tenant), Value::Text(slot.as_str())];
        let rows = self.0.engine.rows(&sql, &values).await?;
        Ok(rows.first().map(read).transpose()?.map(|it| it.credential))
    }

    /// The connections' own and test credentials: what a gateway holds in memory anyway. Those that do
    /// not read are named beside them.
    pub async fn of_connections(
        self,
        scope: &Scope,
    ) -> Result<(Vec<Entry>, Vec<StoreError>), StoreError> {
        if !scope.sees_everything() {
            return Ok((Vec::new(), Vec::new()));
        }
        OF_CONNECTIONS.all(&self.0.engine, read).await
    }

    /// The same of these connections alone, by their ids.
    pub async fn of_owners(self, scope: &Scope, owners: &[&str]) -> Result<Vec<Entry>, StoreError> {
        let mut entries = Vec::new();
        if !scope.sees_everything() {
            return Ok(entries);
        }
        for part in several::texts(owners) {
            let sql = format!(
                "{SELECT} WHERE owner IN (VALUES {}) AND tenant = '' AND slot IN ('own', 'test')",
                part.places
            );
            let rows = self.0.engine.rows(&sql, &part.values).await?;
            entries.extend(rows.iter().map(read).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(entries)
    }

    /// How many there are of an owner in each slot that were set up to this revision.
    pub async fn of_owner_up_to(
        self,
        scope: &Scope,
        owner: &str,
        revision: i64,
    ) -> Result<Vec<(Slot, i64)>, StoreError> {
        if !scope.sees_everything() {
            return Ok(Vec::new());
        }
        let sql = "SELECT slot, COUNT(*) FROM credentials WHERE owner = $1 AND generation <= $2 \
                   GROUP BY slot";
        let values = [Value::Text(owner), Value::Integer(revision)];
        let rows = self.0.engine.rows(sql, &values).await?;
        let read = |row: &Row| Ok((Slot::parse(&row.text(0)?).ok_or(Unreadable)?, row.integer(1)?));
        rows.iter().map(read).collect::<Result<_, Unreadable>>().map_err(|_| corrupt(None))
    }

    /// Those of an owner that were entered since; what was had with them is none.
    pub async fn of_owner_since(
        self,
        scope: &Scope,
        owner: &str,
        revision: i64,
    ) -> Result<Vec<Entry>, StoreError> {
        if !scope.sees_everything() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "{SELECT} WHERE owner = $1 AND generation > $2 AND slot IN ('own', 'test', 'activation')"
        );
        let values = [Value::Text(owner), Value::Integer(revision)];
        let rows = self.0.engine.rows(&sql, &values).await?;
        rows.iter().map(read).collect()
    }

    /// Those of an owner that stand in these places, some hundred with one question. One that does not read stands
    /// there without its credential.
    pub(super) async fn at(
        self,
        scope: &Scope,
        owner: &str,
        places: &[(&str, Slot)],
    ) -> Result<Vec<Found>, StoreError> {
        if !scope.sees_everything() {
            return Ok(Vec::new());
        }
        let places: Vec<_> = places
            .iter()
            .map(|(tenant, slot)| {
                vec![Value::Text(owner), Value::Text(tenant), Value::Text(slot.as_str())]
            })
            .collect();
        let mut all = Vec::with_capacity(places.len());
        for part in several::parts(&places, 3) {
            let sql = format!("{SELECT} WHERE (owner, tenant, slot) IN (VALUES {})", part.places);
            for row in &self.0.engine.rows(&sql, &part.values).await? {
                let place = || Ok((row.text(1)?, Slot::parse(&row.text(2)?).ok_or(Unreadable)?));
                let (tenant, slot) = place().map_err(|Unreadable| corrupt(None))?;
                all.push(Found { tenant, slot, credential: sealed(row, 3).ok().flatten() });
            }
        }
        Ok(all)
    }

    /// The ids of the keys that any is under: found one after another by the index, however many rows
    /// there are.
    pub async fn key_ids(self, scope: &Scope) -> Result<Vec<String>, StoreError> {
        if !scope.sees_everything() {
            return Ok(Vec::new());
        }
        let sql = "WITH RECURSIVE ids (key_id) AS (SELECT MIN(key_id) FROM credentials UNION ALL \
                   SELECT (SELECT MIN(c.key_id) FROM credentials c WHERE c.key_id > ids.key_id) FROM ids \
                   WHERE ids.key_id IS NOT NULL) \
                   SELECT key_id FROM ids WHERE key_id IS NOT NULL";
        let rows = self.0.engine.rows(sql, &[]).await?;
        let all = rows.iter().map(|it| it.text(0)).collect::<Result<_, Unreadable>>();
        all.map_err(|_| corrupt(None))
    }

    /// How many there are under each key id: reads the whole index.
    pub async fn count(self, scope: &Scope) -> Result<Vec<(String, i64)>, StoreError> {
        if !scope.sees_everything() {
            return Ok(Vec::new());
        }
        let sql = "SELECT key_id, COUNT(*) FROM credentials GROUP BY key_id ORDER BY key_id";
        let rows = self.0.engine.rows(sql, &[]).await?;
        let read = |row: &Row| Ok((row.text(0)?, row.integer(1)?));
        rows.iter().map(read).collect::<Result<_, Unreadable>>().map_err(|_| corrupt(None))
    }

    /// A batch under this key id, or under any, after the row `after`; at most [`BATCH_MAX`]. Rows that
    /// do not read stand as errors in their place; the second value is where the next batch begins,
    /// none at the end.
    pub async fn batch(
        self,
        scope: &Scope,
        key_id: Option<&str>,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<(Vec<Result<Entry, StoreError>>, Option<Cursor>), StoreError> {
        if !scope.sees_everything() {
            return Ok((Vec::new(), None));
        }
        let start = Cursor::default();
        let after = after.unwrap_or(&start);
        let limit = limit.clamp(1, BATCH_MAX);
        let mut values = vec![
            Value::Text(&after.owner),
            Value::Text(&after.tenant),
            Value::Text(&after.slot),
            Value::Integer(i64::from(limit)),
        ];
        let mut under = "";
        if let Some(key_id) = key_id {
            values.push(Value::Text(key_id));
            under = "key_id = $5 AND ";
        }
        let sql = format!(
            "{SELECT} WHERE {under}(owner, tenant, slot) > ($1, $2, $3) \
             ORDER BY owner, tenant, slot LIMIT $4"
        );
        let rows = self.0.engine.rows(&sql, &values).await?;
        let next = rows.last().filter(|_| rows.len() == limit as usize).map(|last| {
            let part = |column| last.text(column).map_err(|_| corrupt(None));
            Ok(Cursor { owner: part(0)?, tenant: part(1)?, slot: part(2)? })
        });
        Ok((rows.iter().map(read).collect(), next.transpose()?))
    }

    /// Puts data keys under another key, in one transaction: each row only where it is as it was read. It
    /// changes nothing that anybody sees, and is no change of the deployment; it waits for its turn behind other
    /// writes all the same, since it touches their rows in another order. How many were put.
    pub async fn rewrap(self, scope: &Scope, rewraps: &[Rewrap]) -> Result<u64, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let mut done = 0;
        for Rewrap { entry, wrap } in rewraps {
            let sql = "UPDATE credentials SET key_id = $1, wrapped = $2 \
                       WHERE owner = $3 AND tenant = $4 AND slot = $5 AND generation = $6 AND key_id = $7";
            let values = [
                Value::Text(&wrap.key_id),
                Value::Bytes(&wrap.wrapped),
                Value::Text(&entry.owner),
                Value::Text(&entry.tenant),
                Value::Text(entry.slot.as_str()),
                generation(entry.credential.generation)?,
                Value::Text(&entry.credential.sealed.key_id),
            ];
            done += write.tx.run(sql, &values).await?;
        }
        // Where the trail's own key is lost keys can be rotated all the same: it changes no credential.
        let kept = self.0.trail.get().filter(|_| done > 0);
        if let Some((Rewrap { wrap, .. }, _)) = rewraps.first().zip(kept) {
            write.note(Act::Rewrapped, &json!({ "key_id": wrap.key_id, "credentials": done }));
        }
        write.commit().await?;
        Ok(done)
    }

    /// Tells, once all lots are done, that so many are under another key now.
    pub async fn tell_rotated(
        self,
        scope: &Scope,
        key_id: &str,
        credentials: u64,
    ) -> Result<(), StoreError> {
        let by = scope.to_string();
        let news = News {
            event: EventType::KeysRotated,
            connection: String::new(),
            tenant: String::new(),
            environment: String::new(),
            data: json!({ "by": by, "key_id": key_id, "credentials": credentials }),
        };
        self.0.events().tell(scope, &[news]).await
    }
}

/// Where a batch begins: after this row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    owner: String,
    tenant: String,
    slot: String,
}

pub(super) const SELECT: &str =
    "SELECT owner, tenant, slot, generation, key_id, wrapped, fields FROM credentials";

const OF_CONNECTIONS: Source = Source {
    table: "credentials",
    select: SELECT,
    condition: " WHERE tenant = '' AND slot IN ('own', 'test')",
    of_keys: " WHERE tenant || '' = '' AND slot IN ('own', 'test')",
    key: &[Column::Text("owner"), Column::Text("tenant"), Column::Text("slot")],
};

pub(super) fn read(row: &Row) -> Result<Entry, StoreError> {
    let name = |column| row.text(column).map_err(|_| corrupt(None));
    let (owner, tenant) = (name(0)?, name(1)?);
    let rest = || {
        let slot = Slot::parse(&row.text(2)?).ok_or(Unreadable)?;
        Ok((slot, sealed(row, 3)?.ok_or(Unreadable)?))
    };
    match rest() {
        Ok((slot, credential)) => Ok(Entry { owner, tenant, slot, credential }),
        Err(Unreadable) if tenant.is_empty() => Err(corrupt(Some(owner))),
        Err(Unreadable) => Err(corrupt(Some(format!("{owner} of {tenant}")))),
    }
}

/// The columns from `generation` on; none where they are null.
pub(super) fn sealed(row: &Row, first: usize) -> Result<Option<SealedCredential>, Unreadable> {
    let Some(generation) = row.maybe_integer(first)? else { return Ok(None) };
    let generation = u64::try_from(generation).map_err(|_| Unreadable)?;
    let key_id = row.text(first + 1)?;
    let wrapped = row.bytes(first + 2)?;
    let fields = super::record::texts(&row.text(first + 3)?)?;
    Ok(Some(SealedCredential { generation, sealed: Sealed { key_id, wrapped, fields } }))
}

fn corrupt(key: Option<String>) -> StoreError {
    StoreError::Corrupt { table: "credentials", key }
}

fn generation(generation: u64) -> Result<Value<'static>, StoreError> {
    i64::try_from(generation).map(Value::Integer).map_err(|_| corrupt(None))
}

impl Write<'_> {
    /// Does to the credential of this place what `secrets` says. To be called before the change that it
    /// belongs to is told: the generation is that change's revision. What was had with a connection's own that
    /// goes, goes with it.
    pub(super) async fn secrets(
        &mut self,
        (owner, tenant, slot): (&str, &str, Slot),
        secrets: Secrets<'_>,
    ) -> Result<(), StoreError> {
        let place = [Value::Text(owner), Value::Text(tenant), Value::Text(slot.as_str())];
        if matches!((&secrets, slot), (Secrets::Remove, Slot::Own | Slot::Test)) {
            self.forget_grant(GrantKey { owner, tenant, slot }).await?;
        }
        let seal = match secrets {
            Secrets::Keep => return Ok(()),
            Secrets::Remove => None,
            Secrets::Set(seal) => Some(seal),
        };
        let sql = format!("{SELECT} WHERE owner = $1 AND tenant = $2 AND slot = $3");
        let rows = self.tx.rows(&sql, &place).await?;
        // What does not read is replaced: it is of no use to anybody.
        let current = rows.first().and_then(|it| read(it).ok()).map(|it| it.credential);
        let Some(seal) = seal else {
            if !rows.is_empty() {
                self.sealed.push(Resealed::new(slot, current.as_ref(), None));
                // Set anew, what was learned is shown only as long as it is in use.
                self.forget_learned(owner, tenant).await?;
            }
            let sql = "DELETE FROM credentials WHERE owner = $1 AND tenant = $2 AND slot = $3";
            return self.tx.run(sql, &place).await.map(drop);
        };
        let generation = u64::try_from(self.next_revision()).unwrap_or_default();
        let binding = Binding { owner, tenant, slot, generation };
        let sealed = seal(&Place { binding, current: current.as_ref(), now_ms: self.now_ms });
        let sealed = sealed.map_err(StoreError::Refused)?;
        self.sealed.push(Resealed::new(slot, current.as_ref(), Some(&sealed)));
        put(&mut self.tx, &binding, &sealed).await
    }
}

/// Stores it, over what is there.
pub(super) async fn put(
    tx: &mut Tx,
    binding: &Binding<'_>,
    sealed: &Sealed,
) -> Result<(), StoreError> {
    put_all(tx, &[(*binding, sealed.clone())]).await
}

/// The same for many.
pub(super) async fn put_all(tx: &mut Tx, all: &[(Binding<'_>, Sealed)]) -> Result<(), StoreError> {
    let text = |it: &Sealed| serde_json::to_string(&it.fields).map_err(|_| corrupt(None));
    let texts = all.iter().map(|it| text(&it.1)).collect::<Result<Vec<_>, _>>()?;
    let mut rows = Vec::with_capacity(all.len());
    for ((binding, sealed), fields) in all.iter().zip(&texts) {
        rows.push(vec![
            Value::Text(binding.owner),
            Value::Text(binding.tenant),
            Value::Text(binding.slot.as_str()),
            generation(binding.generation)?,
            Value::Text(&sealed.key_id),
            Value::Bytes(&sealed.wrapped),
            Value::Text(fields),
        ]);
    }
    let head = "INSERT INTO credentials (owner, tenant, slot, generation, key_id, wrapped, fields)";
    let over = "ON CONFLICT (owner, tenant, slot) DO UPDATE SET generation = excluded.generation, \
                key_id = excluded.key_id, wrapped = excluded.wrapped, fields = excluded.fields";
    several::insert(tx, head, &rows, over).await.map(drop)
}
