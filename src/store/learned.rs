//! Secrets that senders of webhooks hand over: kept once, while they are waited for, and shown once.
//!
//! Until it is shown a second copy lies in a slot of its own, where nothing else ever comes to lie: what is sealed
//! for another slot does not open there, so that nobody is shown a secret that was entered.
use super::ActivationRow;
use super::ConnectionRow;
use super::Kind;
use super::SealedCredential;
use super::Secrets;
use super::Store;
use super::StoreError;
use super::Stored;
use super::audit::Act;
use super::audit::Entry;
use super::credentials;
use super::credentials::Place;
use super::credentials::Seal;
use super::engine::Value;
use super::migrate::clock_of;
use super::record::Record;
use super::record::read;
use super::write::Write;
use crate::model::Scope;
use crate::seal::Binding;
use crate::seal::Slot;
use std::time::Duration;

/// How long a connection, or a tenant's activation, waits for its sender to hand the secret over, counted from when
/// it was last written: meanwhile whoever knows its address could. Each write of it opens the window anew.
pub const WAITS_FOR_SECRET: Duration = Duration::from_secs(3600);

/// What senders hand over.
#[derive(Clone, Copy, Debug)]
pub struct LearnedSecrets<'s>(pub(super) &'s Store);

/// Whose secret, and as which field of the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretOf<'a> {
    /// A stored connection's id, or `file:` and the key of one that a file declares.
    pub owner: &'a str,
    /// Empty where it is a connection's own.
    pub tenant: &'a str,
    pub field: &'a str,
}

/// How a secret that is handed over is sealed: as part of the credential, and to be shown once.
#[derive(Clone, Copy)]
pub struct Sealing<'a> {
    pub credential: Seal<'a>,
    pub shown_once: Seal<'a>,
}

/// What came of handing a secret over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandedOver {
    /// It is kept, since this revision.
    Kept(i64),
    /// There is one already; or whose it would be is not there, or switched off.
    NotAwaited,
    /// It was waited for, and that is over.
    TooLate,
}

/// Who waits for a secret.
enum Waiting {
    Connection(Stored<ConnectionRow>),
    Activation(Stored<ActivationRow>),
}

impl LearnedSecrets<'_> {
    /// Keeps what `sender` hands over where it is waited for: once, whoever else hands one over at the same time.
    pub async fn keep(
        self,
        scope: &Scope,
        of: SecretOf<'_>,
        sender: &str,
        sealing: Sealing<'_>,
    ) -> Result<HandedOver, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        if let Some(refused) = self.refused(scope, of).await? {
            return Ok(refused);
        }
        let mut write = self.0.write(scope).await?;
        let Some(waiting) = write.waiting(of).await? else { return Ok(HandedOver::NotAwaited) };
        if waiting.until_ms() < write.now_ms {
            return Ok(HandedOver::TooLate);
        }
        write.by(sender);
        let SecretOf { owner, tenant, .. } = of;
        let place = (owner, tenant, of.slot());
        write.secrets(place, Secrets::Set(sealing.credential)).await?;
        let generation = u64::try_from(write.next_revision()).unwrap_or_default();
        let binding = Binding { owner, tenant, slot: Slot::Learned, generation };
        let shown_once = Place { binding, current: None, now_ms: write.now_ms };
        let sealed = (sealing.shown_once)(&shown_once).map_err(StoreError::Refused)?;
        credentials::put(&mut write.tx, &binding, &sealed).await?;
        match waiting {
            Waiting::Connection(it) => write.learned(&[&it.key], &it.value, (&it.key, "")).await?,
            Waiting::Activation(it) => {
                let told = (&*it.value.connection, tenant);
                write.learned(&[owner, tenant], &it.value, told).await?;
            }
        }
        Ok(HandedOver::Kept(write.commit().await?))
    }

    /// Why it is refused at once, where it is: whoever hands over what is not waited for makes no other write wait.
    async fn refused(
        self,
        scope: &Scope,
        of: SecretOf<'_>,
    ) -> Result<Option<HandedOver>, StoreError> {
        let SecretOf { owner, tenant, field } = of;
        if !has_none(self.0.credentials().get(scope, owner, tenant, of.slot()).await, field)? {
            return Ok(Some(HandedOver::NotAwaited));
        }
        let now = clock_of(self.0.engine.is_postgres());
        let (waiting, place) = if tenant.is_empty() {
            ("connections WHERE id = $1 AND embedded = 0", vec![Value::Text(owner)])
        } else {
            let place = vec![Value::Text(owner), Value::Text(tenant)];
            ("activations WHERE owner = $1 AND tenant = $2", place)
        };
        let sql = format!("SELECT updated_at, {now} FROM {waiting} AND enabled = 1");
        let rows = self.0.engine.rows(&sql, &place).await?;
        let Some(row) = rows.first() else { return Ok(Some(HandedOver::NotAwaited)) };
        // What does not read is told of by the write.
        let (Ok(updated_at_ms), Ok(now_ms)) = (row.integer(0), row.integer(1)) else {
            return Ok(None);
        };
        let is_over = waits_until_ms(updated_at_ms) < now_ms;
        Ok(is_over.then_some(HandedOver::TooLate))
    }

    /// What was handed over and was not shown yet, where it is still the secret.
    pub async fn unseen(
        self,
        scope: &Scope,
        of: SecretOf<'_>,
    ) -> Result<Option<SealedCredential>, StoreError> {
        let credentials = self.0.credentials();
        let unseen = credentials.get(scope, of.owner, of.tenant, Slot::Learned).await?;
        let Some(unseen) = unseen else { return Ok(None) };
        let present = credentials.get(scope, of.owner, of.tenant, of.slot()).await?;
        Ok(Some(unseen).filter(|it| is_still(it, present.as_ref(), of.field)))
    }

    /// Enters that somebody is about to be shown it, and has it be shown to nobody after that. False where it was
    /// shown meanwhile, or is not the secret any more. `connection`: the key.
    pub async fn revealed(
        self,
        scope: &Scope,
        of: SecretOf<'_>,
        connection: &str,
        unseen: &SealedCredential,
    ) -> Result<bool, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let SecretOf { owner, tenant, field } = of;
        let there = write.sealed_at(owner, tenant, Slot::Learned).await?;
        let present = write.sealed_at(owner, tenant, of.slot()).await?;
        let is_same = there.as_ref().is_some_and(|it| it.generation == unseen.generation);
        if !is_same || !is_still(unseen, present.as_ref(), field) {
            return Ok(false);
        }
        write.forget_learned(owner, tenant).await?;
        write.entries.push(Entry {
            act: Act::Revealed,
            of: Some(if tenant.is_empty() { Kind::Connection } else { Kind::Activation }),
            key: connection.to_owned(),
            tenant: tenant.to_owned(),
            revision: 0,
            was: None,
            became: None,
        });
        write.commit().await?;
        Ok(true)
    }
}

/// Whether there is no secret yet in the credential that was found.
fn has_none(
    found: Result<Option<SealedCredential>, StoreError>,
    field: &str,
) -> Result<bool, StoreError> {
    match found {
        Ok(present) => Ok(present.is_none_or(|it| !it.sealed.fields.contains_key(field))),
        // What does not read may have been one.
        Err(StoreError::Corrupt { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether what was handed over is still what is used.
fn is_still(unseen: &SealedCredential, present: Option<&SealedCredential>, field: &str) -> bool {
    let fingerprint =
        |it: &SealedCredential| Some(it.sealed.fields.get(field)?.fingerprint.clone());
    let handed_over = fingerprint(unseen);
    handed_over.is_some() && handed_over == present.and_then(fingerprint)
}

impl SecretOf<'_> {
    /// Where the credential lies that it becomes part of.
    pub fn slot(self) -> Slot {
        if self.tenant.is_empty() { Slot::Own } else { Slot::Activation }
    }
}

impl Waiting {
    /// Unix milliseconds, by the database's clock.
    fn until_ms(&self) -> i64 {
        let (Self::Connection(Stored { updated_at_ms, .. })
        | Self::Activation(Stored { updated_at_ms, .. })) = self;
        waits_until_ms(*updated_at_ms)
    }
}

/// Until when what was written at this time waits for its secret: Unix milliseconds, both.
pub fn waits_until_ms(updated_at_ms: i64) -> i64 {
    let window = i64::try_from(WAITS_FOR_SECRET.as_millis()).unwrap_or(i64::MAX);
    updated_at_ms.saturating_add(window)
}

impl Write<'_> {
    /// Whoever this secret would be of, where it has none.
    async fn waiting(&mut self, of: SecretOf<'_>) -> Result<Option<Waiting>, StoreError> {
        let SecretOf { owner, tenant, field } = of;
        if !has_none(self.sealed_at(owner, tenant, of.slot()).await, field)? {
            return Ok(None);
        }
        if !tenant.is_empty() {
            let found = self.current::<ActivationRow>(&[owner, tenant]).await?;
            return Ok(found.filter(|it| it.value.enabled).map(Waiting::Activation));
        }
        let sql = format!("{} WHERE id = $1", ConnectionRow::TABLE.select());
        let rows = self.tx.rows(&sql, &[Value::Text(owner)]).await?;
        let found: Option<Stored<ConnectionRow>> = rows.first().map(read).transpose()?;
        let found = found.filter(|it| it.value.enabled && !it.value.embedded);
        Ok(found.map(Waiting::Connection))
    }

    async fn sealed_at(
        &mut self,
        owner: &str,
        tenant: &str,
        slot: Slot,
    ) -> Result<Option<SealedCredential>, StoreError> {
        let sql = format!("{} WHERE owner = $1 AND tenant = $2 AND slot = $3", credentials::SELECT);
        let place = [Value::Text(owner), Value::Text(tenant), Value::Text(slot.as_str())];
        let rows = self.tx.rows(&sql, &place).await?;
        Ok(rows.first().map(credentials::read).transpose()?.map(|it| it.credential))
    }

    /// The row has another version, though only what is sealed for it is new: whoever has read it before does not
    /// write over what was learned meanwhile.
    async fn learned<R: Record>(
        &mut self,
        keys: &[&str],
        record: &R,
        told: (&str, &str),
    ) -> Result<(), StoreError> {
        let standing = self.standing(&R::TABLE, keys).await?;
        self.put_as(Act::Learned, keys, record, standing.as_ref(), told).await.map(drop)
    }

    /// What was handed over is shown to nobody any more.
    pub(super) async fn forget_learned(
        &mut self,
        owner: &str,
        tenant: &str,
    ) -> Result<(), StoreError> {
        let sql = "DELETE FROM credentials WHERE owner = $1 AND tenant = $2 AND slot = $3";
        let slot = Value::Text(Slot::Learned.as_str());
        self.tx.run(sql, &[Value::Text(owner), Value::Text(tenant), slot]).await.map(drop)
    }
}
