//! Many activations in one write: what each would be asked for alone is asked for some hundred at a time.
use super::Activation;
use super::ActivationRow;
use super::Activations;
use super::Bind;
use super::Condition;
use super::Expect;
use super::Kind;
use super::SealedCredential;
use super::Secrets;
use super::StoreError;
use super::Written;
use super::audit::Act;
use super::audit::Object;
use super::audit::Resealed;
use super::audit::shown;
use super::audit::unreadable;
use super::credentials;
use super::credentials::Place;
use super::engine::Value;
use super::expect::Standing;
use super::record::Record;
use super::record::checksum;
use super::record::read;
use super::several;
use super::write::Told;
use super::write::Write;
use crate::model::Scope;
use crate::seal::Binding;
use crate::seal::Sealed;
use crate::seal::Slot;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;

/// Most of one write: others wait for it, and all that is sealed for it is in memory.
pub const BULK_MAX: usize = 1000;

/// Owner and tenant.
type Of<'a> = (&'a str, &'a str);

/// What there is of an activation.
struct There {
    standing: Standing,
    was: Object,
}

/// Rows that are to be written, in their order.
#[derive(Default)]
struct Rows<'a> {
    activations: Vec<(&'a ActivationRow, [i64; 3], String)>,
    credentials: Vec<(Binding<'a>, Sealed)>,
    /// Those with another credential than they had, or whose account is known.
    accounts: Vec<&'a ActivationRow>,
}

impl Activations<'_> {
    /// Creates or replaces all of these, or none of them: at most [`BULK_MAX`], and none twice. Each has its change and
    /// its entry, as alone.
    pub async fn put_many(
        self,
        scope: &Scope,
        all: &[Activation<'_>],
    ) -> Result<Vec<Written>, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        write.is_bulk = true;
        write.check_all(all).await?;
        let binds = binds(all);
        let news = write.bind(&binds).await?;
        let there = write.all_there(all).await?;
        let sealed = write.all_sealed(all).await?;
        let (mut rows, mut written) = (Rows::default(), Vec::with_capacity(all.len()));
        for one in all {
            let of = (&*one.row.owner, &*one.row.tenant);
            let there = there.get(&(of.0.to_owned(), of.1.to_owned()));
            let current = sealed.get(of.1).and_then(|it| it.get(of.0));
            written.push(write.plan(one, there, current, &mut rows).await?);
        }
        write.put_rows(&rows).await?;
        for (bind, rebound) in binds.iter().zip(&news) {
            if let Some(rebound) = rebound {
                write.told_confirmed(&bind.to.connection, rebound).await?;
            }
        }
        write.commit().await?;
        Ok(written)
    }
}

/// Where the credentials of each owner go, once: with all that is entered with them.
fn binds(all: &[Activation<'_>]) -> Vec<Bind> {
    let mut merged: Vec<Bind> = Vec::new();
    let mut place: HashMap<&str, usize> = HashMap::new();
    for bind in all.iter().flat_map(|it| &it.condition.binds) {
        let known = place.get(&*bind.to.owner).and_then(|it| merged.get_mut(*it));
        match known.filter(|it| it.to == bind.to && it.confirmed == bind.confirmed) {
            Some(known) => known.brings.extend(bind.brings.iter().cloned()),
            None => {
                place.insert(&bind.to.owner, merged.len());
                merged.push(bind.clone());
            }
        }
    }
    merged
}

impl Write<'_> {
    /// What each was checked beside, and its connection: each asked for once.
    async fn check_all(&mut self, all: &[Activation<'_>]) -> Result<(), StoreError> {
        let conditions = || all.iter().map(|it| &it.condition);
        let needs: HashSet<_> = conditions().flat_map(|it| it.needs.iter().cloned()).collect();
        let beside: HashSet<_> = conditions().flat_map(|it| it.beside.iter().cloned()).collect();
        let needs = needs.into_iter().collect();
        let beside = beside.into_iter().collect();
        self.check_needs(&Condition { needs, beside, ..Condition::from(Expect::Anything) }).await?;
        let mut owners = HashSet::new();
        for Activation { row, .. } in all {
            if owners.insert((&*row.owner, &*row.connection)) {
                self.check_owner(row).await?;
            }
        }
        Ok(())
    }

    /// Which of these there are, by owner and tenant.
    async fn all_there(
        &mut self,
        all: &[Activation<'_>],
    ) -> Result<HashMap<(String, String), There>, StoreError> {
        let key = |it: &'_ Activation<'_>| (it.row.owner.clone(), it.row.tenant.clone());
        let keys: Vec<_> = all
            .iter()
            .map(|it| vec![Value::Text(&it.row.owner), Value::Text(&it.row.tenant)])
            .collect();
        let mut there = HashMap::new();
        let mut damaged = Vec::new();
        for part in several::parts(&keys, 2) {
            let select = ActivationRow::TABLE.select();
            let sql = format!("{select} WHERE (owner, tenant) IN (VALUES {})", part.places);
            for row in &self.tx.rows(&sql, &part.values).await? {
                let key = row.text(0).and_then(|owner| Ok((owner, row.text(1)?)));
                match (key, read::<ActivationRow>(row)) {
                    (Ok(key), Ok(stored)) => {
                        let standing = Standing {
                            version: stored.version,
                            created_at_ms: stored.created_at_ms,
                            updated_at_ms: stored.updated_at_ms,
                            updated_by: row.text(UPDATED_BY).unwrap_or_default(),
                        };
                        there.insert(key, There { standing, was: shown(&stored.value) });
                    }
                    (Ok(key), Err(_)) => damaged.push(key),
                    (Err(_), _) => {
                        return Err(StoreError::Corrupt { table: "activations", key: None });
                    }
                }
            }
        }
        for key in damaged {
            let keys = [&*key.0, &*key.1];
            if let Some(standing) = self.standing(&ActivationRow::TABLE, &keys).await? {
                there.insert(key, There { standing, was: unreadable() });
            }
        }
        for one in all {
            let standing = there.get(&key(one)).map(|it| &it.standing);
            if let Err(unmet) = one.condition.expect.check(standing) {
                let standing = standing.cloned();
                return Err(unmet.into_error(Kind::Activation, &one.row.owner, standing, None));
            }
        }
        Ok(there)
    }

    /// What is sealed for these, by tenant and owner. What does not read is replaced: it is of no use to anybody.
    async fn all_sealed(
        &mut self,
        all: &[Activation<'_>],
    ) -> Result<BTreeMap<String, BTreeMap<String, SealedCredential>>, StoreError> {
        let slot = Value::Text(Slot::Activation.as_str());
        let set = all.iter().filter(|it| matches!(it.secrets, Secrets::Set(_)));
        let keys: Vec<_> = set
            .map(|it| vec![Value::Text(&it.row.owner), Value::Text(&it.row.tenant), slot])
            .collect();
        let mut sealed: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for part in several::parts(&keys, 3) {
            let select = credentials::SELECT;
            let sql = format!("{select} WHERE (owner, tenant, slot) IN (VALUES {})", part.places);
            let rows = self.tx.rows(&sql, &part.values).await?;
            for entry in rows.iter().filter_map(|it| credentials::read(it).ok()) {
                sealed.entry(entry.tenant).or_default().insert(entry.owner, entry.credential);
            }
        }
        Ok(sealed)
    }

    /// Seals one and tells its change; its rows are written with all the others'.
    async fn plan<'a>(
        &mut self,
        one: &'a Activation<'_>,
        there: Option<&There>,
        current: Option<&SealedCredential>,
        rows: &mut Rows<'a>,
    ) -> Result<Written, StoreError> {
        let Activation { row, secrets, .. } = one;
        let (owner, tenant): Of<'a> = (&row.owner, &row.tenant);
        match secrets {
            Secrets::Keep => {}
            Secrets::Remove => self.secrets((owner, tenant, Slot::Activation), *secrets).await?,
            Secrets::Set(seal) => {
                let generation = u64::try_from(self.next_revision()).unwrap_or_default();
                let binding = Binding { owner, tenant, slot: Slot::Activation, generation };
                let sealed = seal(&Place { binding, current, now_ms: self.now_ms });
                let sealed = sealed.map_err(StoreError::Refused)?;
                self.sealed.push(Resealed::new(Slot::Activation, current, Some(&sealed)));
                rows.credentials.push((binding, sealed));
            }
        }
        let is_another = there.is_some() && !matches!(secrets, Secrets::Keep);
        if is_another || row.account.is_some() {
            rows.accounts.push(row);
        }
        let act = if there.is_some() { Act::Updated } else { Act::Created };
        let told = Told { kind: Kind::Activation, key: &row.connection, tenant };
        let was = there.map(|it| it.was.clone());
        let revision = self.change(told, act, was, Some(shown(row))).await?;
        let now_ms = self.now_ms;
        let created_at_ms = there.map_or(now_ms, |it| it.standing.created_at_ms);
        let sum = checksum(ActivationRow::TABLE.name, &[owner, tenant], &row.values());
        rows.activations.push((row, [revision, created_at_ms, now_ms], sum));
        Ok(Written { revision, created: there.is_none(), created_at_ms, updated_at_ms: now_ms })
    }

    async fn put_rows(&mut self, rows: &Rows<'_>) -> Result<(), StoreError> {
        let who = self.who().to_owned();
        let mut all = Vec::with_capacity(rows.activations.len());
        for (row, numbers, sum) in &rows.activations {
            let mut values = vec![Value::Text(&row.owner), Value::Text(&row.tenant)];
            values.extend(numbers.iter().map(|it| Value::Integer(*it)));
            values.extend([Value::Text(&who), Value::Text(sum)]);
            values.extend(row.values());
            all.push(values);
        }
        let table = ActivationRow::TABLE;
        let head = format!("INSERT INTO {} ({})", table.name, table.all(""));
        several::insert(&mut self.tx, &head, &all, OVER_ACTIVATION).await?;
        // With another credential nobody knows any more whose it is, unless that is said.
        for row in &rows.accounts {
            self.put_account(&row.owner, &row.tenant, row.account.as_ref()).await?;
        }
        credentials::put_all(&mut self.tx, &rows.credentials).await
    }
}

/// The column of [`Standing::updated_by`] in a row with two keys.
const UPDATED_BY: usize = 5;

const OVER_ACTIVATION: &str = "ON CONFLICT (owner, tenant) DO UPDATE SET \
    version = excluded.version, updated_at = excluded.updated_at, updated_by = excluded.updated_by, \
    checksum = excluded.checksum, connection = excluded.connection, enabled = excluded.enabled, \
    definition = excluded.definition";
