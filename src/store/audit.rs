//! `audit`: who did what, from what to what. Entries are only ever added, each with the transaction of what it
//! tells; a write whose entry can't be made is not done.
//!
//! Entries are numbered from 1 without gaps. Each has a MAC over its number, all that it says and the MAC of the
//! one before, and `deployment` has the last one's number and MAC, under a MAC of their own: [`super::trail`]
//! checks all that.
use super::Kind;
use super::PAGE_MAX;
use super::Store;
use super::StoreError;
use super::TrailHead;
use super::credentials::SealedCredential;
use super::engine::Engine;
use super::engine::Row;
use super::engine::Tx;
use super::engine::Unreadable;
use super::engine::Value;
use super::events;
use super::record::Record;
use super::several;
use super::write::Write;
use crate::model::Scope;
use crate::seal::Slot;
use crate::seal::TrailKey;
use serde_json::Map;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;
use std::ops::RangeInclusive;

/// The audit trail.
#[derive(Clone, Copy, Debug)]
pub struct Audit<'s>(pub(super) &'s Store);

/// A JSON object.
pub(super) type Object = Map<String, serde_json::Value>;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// The trail itself was begun: its first entry.
    Begun,
    Created,
    Updated,
    Deleted,
    /// What is sealed goes to other origins from now on: entered for them, or nothing was there before.
    Bound,
    /// What is sealed may go to other origins than those it was entered for: somebody has said so.
    Confirmed,
    /// A grant is dead: a person has to authorize it again.
    Lapsed,
    /// There is a token again where a person had to authorize it, or somebody has consented.
    Authorized,
    /// Data keys were put under another of the operator's keys.
    Rewrapped,
    /// The end of the trail was not as it was left: what came before may have been cut or changed. Everything goes
    /// on behind this entry, which nobody can take away again unnoticed.
    Broken,
    /// A grant was ended by whoever may.
    Revoked,
    /// An access token was shown to an operator.
    Disclosed,
    /// A sender of webhooks has handed its secret over, and it was kept.
    Learned,
    /// A secret that a sender handed over was shown to an operator: this one time.
    Revealed,
    /// An operator has signed in with a browser.
    SignedIn,
    /// The browser is signed out again, by whoever it belongs to or because what it was signed in by is gone.
    SignedOut,
    /// Somebody who wanted to sign in was not let in.
    Refused,
    /// An operator has sent a request with a connection's or a tenant's credentials.
    Tried,
    /// An operator had a kept delivery sent to its target again.
    Replayed,
}

impl Act {
    pub const ALL: &[Self] = &[
        Self::Begun,
        Self::Created,
        Self::Updated,
        Self::Deleted,
        Self::Bound,
        Self::Confirmed,
        Self::Lapsed,
        Self::Rewrapped,
        Self::Broken,
        Self::Authorized,
        Self::Revoked,
        Self::Disclosed,
        Self::Learned,
        Self::Revealed,
        Self::SignedIn,
        Self::SignedOut,
        Self::Refused,
        Self::Tried,
        Self::Replayed,
    ];

    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Bound => "bound",
            Self::Confirmed => "confirmed",
            Self::Lapsed => "lapsed",
            Self::Rewrapped => "rewrapped",
            Self::Broken => "broken",
            Self::Authorized => "authorized",
            Self::Revoked => "revoked",
            Self::Disclosed => "disclosed",
            Self::Learned => "learned",
            Self::Revealed => "revealed",
            Self::SignedIn => "signed_in",
            Self::SignedOut => "signed_out",
            Self::Refused => "refused",
            Self::Tried => "tried",
            Self::Replayed => "replayed",
        }
    }
}

/// The kind of what is said of the deployment as a whole.
const DEPLOYMENT: &str = "deployment";

/// The only member of what stands for a row that could not be read.
const UNREADABLE: &str = "unreadable";

/// An entry that is to be made.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) act: Act,
    /// What it is of; none for the deployment as a whole.
    pub(super) of: Option<Kind>,
    pub(super) key: String,
    pub(super) tenant: String,
    /// The revision of the change that it tells; 0 where it tells none.
    pub(super) revision: i64,
    /// What was there, without secrets.
    pub(super) was: Option<Object>,
    /// What is there now.
    pub(super) became: Option<Object>,
}

/// What was done to the credential of a slot: fingerprints and dates.
#[derive(Clone, Debug)]
pub(super) struct Resealed {
    pub(super) slot: Slot,
    pub(super) was: Option<serde_json::Value>,
    pub(super) became: Option<serde_json::Value>,
}

/// Where the trail ends, as `deployment` has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// 0 before the first entry.
    pub(super) seq: i64,
    pub(super) mac: Vec<u8>,
    /// The MAC of both.
    seal: Vec<u8>,
}

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entered {
    pub seq: i64,
    /// Unix milliseconds, by the database's clock.
    pub at_ms: i64,
    /// `operator` and the key of a token, `file`, `command` and its name, or `attache`.
    pub who: String,
    pub act: String,
    pub kind: String,
    pub key: String,
    /// Empty where it is nobody's in particular.
    pub tenant: String,
    /// 0 where it tells no change.
    pub revision: i64,
    /// JSON, as is the next; empty where there was nothing.
    pub was: String,
    pub became: String,
    /// The MAC of the entry before; empty where it begins.
    pub prior: Vec<u8>,
    pub mac: Vec<u8>,
}

/// Which entries are asked for; all where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub kind: Option<String>,
    pub key: Option<String>,
    pub tenant: Option<String>,
    pub who: Option<String>,
    /// Unix milliseconds: not before, and not at or after.
    pub since_ms: Option<i64>,
    pub until_ms: Option<i64>,
}

/// The columns, in the order that [`Entered::read`] takes them.
pub(super) const COLUMNS: &[&str] = &[
    "seq", "at", "who", "act", "kind", "key", "tenant", "revision", "was", "became", "prior", "mac",
];

/// Longest column that an entry repeats, in bytes: most definitions are below a tenth of it, and a page of a
/// thousand entries has to fit in memory.
const SHOWN_MAX: usize = 64 << 10;

const NOT_AS_LEFT: &str =
    "the end of the audit trail is not as attache left it: run `attache audit verify`";

/// Where the trail has no key.
pub(super) const NO_KEY: &str = "the deployment's own key does not open, or is not there";
pub(super) const RESTORE_KEY: &str =
    "restore the row `deployment` of the table `credentials` from a backup, and start attache anew";

/// Where a row of somebody else's stands in the way.
const DELETE_ROW: &str = "delete that row, which is not attache's";

/// Where a page of what entries and events lie on does not read.
const REPAIR: &str = "run `REINDEX` in the database, then `attache audit verify`, and restore a backup where that \
                      does not mend it";

impl Audit<'_> {
    /// Enters that the trail begins, where there is none: one that is not there is missed from then on.
    pub async fn begin(self, scope: &Scope) -> Result<(), StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let sql = "SELECT audit_seq, audit_mac, audit_head FROM deployment WHERE id = 1";
        let rows = self.0.engine.rows(sql, &[]).await?;
        let head = rows.first().map(|it| Head::read(it, 0)).unwrap_or_default();
        if !head.is_fresh() {
            if self.0.trail.get().is_some_and(|it| head.is_good(it)) {
                self.0.keep_in_mind(head.place());
            }
            return Ok(());
        }
        let mut write = self.0.write(scope).await?;
        // Another replica may have been first.
        write.begins_trail = write.head.is_fresh();
        write.commit().await.map(drop)
    }

    /// Says so in the log, and counts it, where the trail's end is not as attache left it. What is before the end
    /// is not looked at.
    pub async fn look_at_end(self, scope: &Scope) -> Result<(), StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let Some(key) = self.0.trail.get() else { return Ok(()) };
        let columns: Vec<_> = COLUMNS.iter().map(|it| format!("a.{it}")).collect();
        let sql = format!(
            "SELECT d.audit_seq, d.audit_mac, d.audit_head, {} FROM deployment AS d \
             LEFT JOIN audit AS a ON a.seq = d.audit_seq WHERE d.id = 1",
            columns.join(", ")
        );
        let rows = self.0.engine.rows(&sql, &[]).await?;
        let is_sound = rows.first().is_some_and(|row| {
            let (head, last) = (Head::read(row, 0), Entered::read(row, 3));
            let is_last =
                |it: &Entered| it.mac == head.mac && it.expected_mac(key)[..] == it.mac[..];
            head.is_fresh() || head.is_good(key) && last.is_ok_and(|it| is_last(&it))
        });
        if !is_sound {
            tracing::error!("{NOT_AS_LEFT}");
            if let Some(metrics) = self.0.metrics.get() {
                metrics.audit_broken();
            }
        }
        Ok(())
    }

    /// At most `limit` entries, the newest first, before the entry `before`. Those that do not read are named
    /// beside them.
    pub async fn list(
        self,
        scope: &Scope,
        filter: &Filter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<(Vec<Entered>, Vec<StoreError>), StoreError> {
        if !scope.sees_everything() {
            return Ok((Vec::new(), Vec::new()));
        }
        let limit = limit.clamp(1, PAGE_MAX);
        let last = before.map_or(i64::MAX, |it| it.saturating_sub(1));
        let asked = Stretch { seqs: i64::MIN..=last, newest_first: true, limit, filter };
        match asked.rows(&self.0.engine).await {
            Err(StoreError::Corrupt { .. }) => {
                let sql = "SELECT audit_seq FROM deployment WHERE id = 1";
                let rows = self.0.engine.rows(sql, &[]).await?;
                let end = rows.first().and_then(|it| it.integer(0).ok()).unwrap_or_default();
                let asked = Stretch { seqs: 1..=last.min(end), ..asked };
                let (mut all, mut unreadable) = (Vec::new(), Vec::new());
                for row in asked.read(&self.0.engine).await? {
                    match row.map_err(|seq| corrupt(Some(seq))).and_then(|it| entered(&it)) {
                        Ok(it) => all.push(it),
                        Err(error) => unreadable.push(error),
                    }
                }
                Ok((all, unreadable))
            }
            rows => Ok(super::salvage::sorted_out(&rows?, entered)),
        }
    }
}

fn entered(row: &Row) -> Result<Entered, StoreError> {
    Entered::read(row, 0).map_err(|Unreadable| corrupt(row.integer(0).ok()))
}

pub(super) fn corrupt(seq: Option<i64>) -> StoreError {
    StoreError::Corrupt { table: "audit", key: seq.map(|it| it.to_string()) }
}

/// Entries that are asked for, by number and otherwise.
#[derive(Clone, Debug)]
pub(super) struct Stretch<'a> {
    pub(super) seqs: RangeInclusive<i64>,
    pub(super) newest_first: bool,
    pub(super) limit: u32,
    pub(super) filter: &'a Filter,
}

/// No filter.
static ALL: Filter =
    Filter { kind: None, key: None, tenant: None, who: None, since_ms: None, until_ms: None };

impl Default for Stretch<'_> {
    fn default() -> Self {
        Self { seqs: 1..=i64::MAX, newest_first: false, limit: PAGE_MAX, filter: &ALL }
    }
}

impl Stretch<'_> {
    async fn rows(&self, engine: &Engine) -> Result<Vec<Row>, StoreError> {
        self.part(engine, &self.seqs, self.limit, true).await
    }

    /// Round pages that do not read: a stretch is halved until what does not read is one number, which stands in
    /// its place. By no index but that of the numbers, which is the table itself in SQLite.
    pub(super) async fn read(&self, engine: &Engine) -> Result<Vec<Result<Row, i64>>, StoreError> {
        let mut found = Vec::new();
        let mut left = vec![self.seqs.clone()];
        while let Some(seqs) = left.pop() {
            let more = (self.limit as usize).saturating_sub(found.len());
            let (first, last) = (*seqs.start(), *seqs.end());
            if more == 0 || first > last {
                continue;
            }
            let limit = u32::try_from(more).unwrap_or(self.limit);
            match self.part(engine, &seqs, limit, false).await {
                Err(StoreError::Corrupt { .. }) if first == last => found.push(Err(first)),
                Err(StoreError::Corrupt { .. }) => {
                    let middle = first + (last - first) / 2;
                    let (lower, upper) = (first..=middle, middle + 1..=last);
                    left.extend(if self.newest_first { [lower, upper] } else { [upper, lower] });
                }
                rows => found.extend(rows?.into_iter().map(Ok)),
            }
        }
        Ok(found)
    }

    async fn part(
        &self,
        engine: &Engine,
        seqs: &RangeInclusive<i64>,
        limit: u32,
        by_index: bool,
    ) -> Result<Vec<Row>, StoreError> {
        let mut values = vec![Value::Integer(*seqs.start()), Value::Integer(*seqs.end())];
        let mut is = "seq >= $1 AND seq <= $2".to_owned();
        // In words that fit no index, where one may not read.
        let (as_text, as_number) = if by_index { ("", "") } else { (" || ''", " + 0") };
        let Filter { kind, key, tenant, who, since_ms, until_ms } = self.filter;
        for (condition, value) in [
            (format!("kind{as_text} ="), kind.as_deref().map(Value::Text)),
            (format!("key{as_text} ="), key.as_deref().map(Value::Text)),
            (format!("tenant{as_text} ="), tenant.as_deref().map(Value::Text)),
            (format!("who{as_text} ="), who.as_deref().map(Value::Text)),
            (format!("at{as_number} >="), since_ms.map(Value::Integer)),
            (format!("at{as_number} <"), until_ms.map(Value::Integer)),
        ] {
            let Some(value) = value else { continue };
            values.push(value);
            is += &format!(" AND {condition} ${}", values.len());
        }
        // The index is partial.
        if tenant.as_deref().is_some_and(|it| !it.is_empty()) && by_index {
            is += " AND tenant <> ''";
        }
        values.push(Value::Integer(i64::from(limit)));
        let (columns, last) = (COLUMNS.join(", "), values.len());
        let order = if self.newest_first { "DESC" } else { "ASC" };
        let sql =
            format!("SELECT {columns} FROM audit WHERE {is} ORDER BY seq {order} LIMIT ${last}");
        engine.rows(&sql, &values).await
    }
}

impl Store {
    /// This end of the trail is committed: it has to be there from now on.
    pub(super) fn keep_in_mind(&self, head: Option<TrailHead>) {
        // Nobody is woken: it changes nothing that is served.
        self.written.send_if_modified(|it| {
            *it = head;
            false
        });
    }
}

impl Entry {
    /// Of what kind, as it is stored and shown.
    pub(super) fn kind(&self) -> &'static str {
        self.of.map_or(DEPLOYMENT, Kind::as_str)
    }

    /// What is said of the deployment as a whole.
    fn of_deployment(act: Act, became: &serde_json::Value) -> Self {
        Self {
            act,
            of: None,
            key: String::new(),
            tenant: String::new(),
            revision: 0,
            was: None,
            became: became.as_object().cloned(),
        }
    }

    /// Whether a member is another one than before. Of what could not be read nobody knows.
    pub(super) fn differs(&self, name: &str) -> bool {
        let is_known = self.was.as_ref().is_none_or(|it| !it.contains_key(UNREADABLE));
        let of = |it: &Option<Object>| it.as_ref().and_then(|it| it.get(name)).cloned();
        is_known && of(&self.was) != of(&self.became)
    }
}

impl Entered {
    /// From the columns that begin at `first`.
    pub(super) fn read(row: &Row, first: usize) -> Result<Self, Unreadable> {
        Ok(Self {
            seq: row.integer(first)?,
            at_ms: row.integer(first + 1)?,
            who: row.text(first + 2)?,
            act: row.text(first + 3)?,
            kind: row.text(first + 4)?,
            key: row.text(first + 5)?,
            tenant: row.text(first + 6)?,
            revision: row.integer(first + 7)?,
            was: row.text(first + 8)?,
            became: row.text(first + 9)?,
            prior: row.bytes(first + 10)?,
            mac: row.bytes(first + 11)?,
        })
    }

    /// What its MAC has to be.
    pub(super) fn expected_mac(&self, key: &TrailKey) -> [u8; 32] {
        let (at, revision) = (self.at_ms.to_be_bytes(), self.revision.to_be_bytes());
        let parts: [&[u8]; 9] = [
            &at,
            self.who.as_bytes(),
            self.act.as_bytes(),
            self.kind.as_bytes(),
            self.key.as_bytes(),
            self.tenant.as_bytes(),
            &revision,
            self.was.as_bytes(),
            self.became.as_bytes(),
        ];
        key.entry(self.seq, &self.prior, &parts)
    }
}

impl Head {
    /// From the columns that begin at `first`. One that does not read is no end that was left by anybody.
    pub(super) fn read(row: &Row, first: usize) -> Self {
        let read = || {
            let seq = row.integer(first)?;
            let mac = row.bytes(first + 1)?;
            Ok(Self { seq, mac, seal: row.bytes(first + 2)? })
        };
        let unread = |Unreadable| Self { seq: -1, ..Self::default() };
        read().unwrap_or_else(unread)
    }

    pub(super) fn new(key: &TrailKey, seq: i64, mac: &[u8]) -> Self {
        Self { seq, mac: mac.to_vec(), seal: key.head(seq, mac).to_vec() }
    }

    /// As a database has it that was never written to under a trail.
    pub(super) fn is_fresh(&self) -> bool {
        *self == Self::default()
    }

    /// Whether attache has left it so.
    pub(super) fn is_good(&self, key: &TrailKey) -> bool {
        self.is_fresh() || *self == Self::new(key, self.seq, &self.mac)
    }

    /// The last entry; none before the first.
    pub(super) fn place(&self) -> Option<TrailHead> {
        let mac = <[u8; 32]>::try_from(&*self.mac).ok()?;
        Some(TrailHead { seq: self.seq, mac })
    }

    /// Its columns in the order of [`Head::read`].
    pub(super) fn values(&self) -> [Value<'_>; 3] {
        [Value::Integer(self.seq), Value::Bytes(&self.mac), Value::Bytes(&self.seal)]
    }
}

impl Resealed {
    pub(super) fn new(
        slot: Slot,
        was: Option<&SealedCredential>,
        became: Option<&crate::seal::Sealed>,
    ) -> Self {
        Self { slot, was: was.map(|it| fingerprints(&it.sealed)), became: became.map(fingerprints) }
    }

    /// Under `credentials`, by the slot.
    pub(super) fn into_entry(self, entry: &mut Entry) {
        for (object, side) in [(&mut entry.was, self.was), (&mut entry.became, self.became)] {
            let Some(side) = side else { continue };
            let all = object.get_or_insert_default().entry("credentials").or_insert(json!({}));
            all[self.slot.as_str()] = side;
        }
    }
}

/// Of each field what tells it apart, and since when it is so.
fn fingerprints(sealed: &crate::seal::Sealed) -> serde_json::Value {
    let one = |(name, field): (&String, &crate::seal::SealedField)| {
        let shown = json!({ "fingerprint": field.fingerprint, "set_at_ms": field.set_at_ms });
        (name.clone(), shown)
    };
    serde_json::Value::Object(sealed.fields.iter().map(one).collect())
}

/// A row by its columns. Hashes are left out: of keys and tokens their first characters tell.
pub(super) fn shown<R: Record>(record: &R) -> Object {
    let columns = R::TABLE.columns.iter().zip(record.values());
    let shown = columns.filter_map(|(column, value)| {
        let value = match value {
            Value::Text(text) => shown_text(text),
            Value::Integer(integer) => integer.into(),
            Value::Bytes(_) | Value::NoInteger => return None,
        };
        Some(((*column).to_owned(), value))
    });
    shown.collect()
}

/// A column, JSON as JSON. Of one that is longer than [`SHOWN_MAX`] its length and SHA-256 are left.
pub(super) fn shown_text(text: &str) -> serde_json::Value {
    if text.len() > SHOWN_MAX {
        let sha256 = hex::encode(Sha256::digest(text.as_bytes()));
        return json!({ "bytes": text.len(), "sha256": sha256 });
    }
    match serde_json::from_str(text) {
        Ok(json @ (serde_json::Value::Object(_) | serde_json::Value::Array(_))) => json,
        _ => text.into(),
    }
}

/// What stands for a row that could not be read.
pub(super) fn unreadable() -> Object {
    Object::from_iter([(UNREADABLE.to_owned(), true.into())])
}

/// A write that fails for the trail's own tables fails for no fault of what was to be written.
fn of_trail(error: StoreError) -> StoreError {
    match error {
        StoreError::Corrupt { table: "audit" | "events", .. } => {
            StoreError::NoTrail { problem: error.to_string(), remedy: REPAIR }
        }
        error => error,
    }
}

/// Somebody else's row stands where the next one belongs: it is not written over.
pub(super) fn in_the_way(table: &'static str, seq: i64) -> StoreError {
    let problem = format!("row {seq} of `{table}` stands where the next one belongs");
    StoreError::NoTrail { problem, remedy: DELETE_ROW }
}

/// Without the deployment's own key nothing is entered.
pub(super) fn no_key() -> StoreError {
    StoreError::NoTrail { problem: NO_KEY.to_owned(), remedy: RESTORE_KEY }
}

impl Write<'_> {
    /// Says of the deployment what is no change of anything that is served: an entry without a revision.
    pub(super) fn note(&mut self, act: Act, became: &serde_json::Value) {
        self.entries.push(Entry::of_deployment(act, became));
    }

    /// Adds to the last entry what goes with it.
    pub(super) fn note_with_last(
        &mut self,
        name: &str,
        was: Option<serde_json::Value>,
        became: Option<serde_json::Value>,
    ) {
        let Some(entry) = self.entries.last_mut() else { return };
        for (object, side) in [(&mut entry.was, was), (&mut entry.became, became)] {
            if let (Some(object), Some(side)) = (object.as_mut(), side) {
                object.insert(name.to_owned(), side);
            }
        }
    }

    /// Enters all that was told behind the end of the trail. False where there is nothing; the new end is still
    /// to be stored.
    pub(super) async fn enter_all(&mut self) -> Result<bool, StoreError> {
        if self.entries.is_empty() && !self.begins_trail {
            return Ok(false);
        }
        let store = self.store;
        let key = store.trail.get().ok_or_else(no_key)?;
        self.enter_each(key).await.map_err(of_trail)?;
        Ok(true)
    }

    async fn enter_each(&mut self, key: &TrailKey) -> Result<(), StoreError> {
        let gone = self.gone_entry().await?;
        if gone.is_some() || self.head.is_fresh() || !self.head.is_good(key) {
            self.begin(key, gone).await?;
        }
        let who = self.who().to_owned();
        let mut entered = Vec::new();
        for entry in std::mem::take(&mut self.entries) {
            let chained = self.chain(key, entry, &who).await?;
            if self.is_bulk {
                entered.push(chained);
            } else {
                insert(&mut self.tx, &[chained]).await?;
            }
        }
        insert(&mut self.tx, &entered).await?;
        self.tell_gathered().await
    }

    /// The last entry that this process knows of, where it is not in the trail any more.
    async fn gone_entry(&mut self) -> Result<Option<TrailHead>, StoreError> {
        let Some(known) = *self.store.written.borrow() else { return Ok(None) };
        if known.seq == self.head.seq {
            return Ok(Some(known).filter(|it| it.mac[..] != self.head.mac[..]));
        }
        // Another replica has written since, or what was there was taken back.
        let sql = "SELECT mac FROM audit WHERE seq = $1";
        let rows = match self.tx.rows(sql, &[Value::Integer(known.seq)]).await {
            // It may be there: `verify` tells.
            Err(StoreError::Corrupt { .. }) if !self.tx.is_postgres() => return Ok(None),
            rows => rows?,
        };
        let mac = rows.first().and_then(|it| it.bytes(0).ok());
        Ok(Some(known).filter(|it| mac.is_none_or(|mac| it.mac[..] != mac[..])))
    }

    /// The trail begins, or goes on behind an end that attache has not left so. `gone`: an entry that was there, and
    /// is not any more.
    async fn begin(&mut self, key: &TrailKey, gone: Option<TrailHead>) -> Result<(), StoreError> {
        let found = std::mem::take(&mut self.head);
        let rows = self.tx.rows("SELECT COALESCE(MAX(seq), 0) FROM audit", &[]).await?;
        let last = rows.first().and_then(|it| it.integer(0).ok()).unwrap_or_default();
        let (act, became) = if found.is_fresh() && last == 0 && gone.is_none() {
            (Act::Begun, json!({ "revision": self.before + 1 }))
        } else {
            tracing::error!("{NOT_AS_LEFT}");
            let mac = hex::encode(&found.mac);
            let found = json!({ "seq": found.seq, "mac": mac });
            let mut became = json!({ "found": found, "last": last, "by": self.who() });
            if let Some(TrailHead { seq, mac }) = gone {
                became["gone"] = json!({ "seq": seq, "mac": hex::encode(mac) });
            }
            (Act::Broken, became)
        };
        // Behind whatever is there, with no entry before it. The number that was found may be anybody's.
        self.head.seq = last.max(0);
        // It is attache that finds it so, whoever writes.
        let who = Scope::System.to_string();
        let entered = self.chain(key, Entry::of_deployment(act, &became), &who).await?;
        insert(&mut self.tx, &[entered]).await
    }

    /// The entry behind the trail's end, which is to be written, and is the end from here on.
    async fn chain(
        &mut self,
        key: &TrailKey,
        entry: Entry,
        who: &str,
    ) -> Result<Entered, StoreError> {
        let corrupt = |seq: i64| StoreError::Corrupt { table: "audit", key: Some(seq.to_string()) };
        let text = |object: Option<Object>| {
            object.map(|it| serde_json::Value::Object(it).to_string()).unwrap_or_default()
        };
        let seq = self.head.seq.checked_add(1).ok_or_else(|| corrupt(self.head.seq))?;
        for news in events::of(&entry, who, seq) {
            self.tell(&news).await?;
        }
        self.forget_refused(&entry).await?;
        self.tally.entries += 1;
        self.tally.is_broken |= entry.act == Act::Broken;
        let mut entered = Entered {
            seq,
            at_ms: self.now_ms,
            who: who.to_owned(),
            act: entry.act.as_str().to_owned(),
            kind: entry.kind().to_owned(),
            key: entry.key,
            tenant: entry.tenant,
            revision: entry.revision,
            was: text(entry.was),
            became: text(entry.became),
            prior: std::mem::take(&mut self.head.mac),
            mac: Vec::new(),
        };
        entered.mac = entered.expected_mac(key).to_vec();
        self.head = Head::new(key, seq, &entered.mac);
        Ok(entered)
    }
}

async fn insert(tx: &mut Tx, all: &[Entered]) -> Result<(), StoreError> {
    let Some(first) = all.first() else { return Ok(()) };
    let head = format!("INSERT INTO audit ({})", COLUMNS.join(", "));
    let rows: Vec<_> = all.iter().map(row_of).collect();
    let written = several::insert(tx, &head, &rows, "ON CONFLICT (seq) DO NOTHING").await?;
    if written < rows.len() as u64 {
        return Err(in_the_way("audit", first.seq));
    }
    Ok(())
}

/// As it stands in its table.
fn row_of(it: &Entered) -> Vec<Value<'_>> {
    vec![
        Value::Integer(it.seq),
        Value::Integer(it.at_ms),
        Value::Text(&it.who),
        Value::Text(&it.act),
        Value::Text(&it.kind),
        Value::Text(&it.key),
        Value::Text(&it.tenant),
        Value::Integer(it.revision),
        Value::Text(&it.was),
        Value::Text(&it.became),
        Value::Bytes(&it.prior),
        Value::Bytes(&it.mac),
    ]
}
