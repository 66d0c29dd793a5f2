//! `activations`: by owner and tenant, up to millions, each found in one look-up with its credential.
use super::Condition;
use super::ConnectionRow;
use super::EnvironmentRow;
use super::Expect;
use super::Hold;
use super::Kind;
use super::Listed;
use super::PAGE_MAX;
use super::SealedCredential;
use super::Secrets;
use super::Store;
use super::StoreError;
use super::Stored;
use super::Written;
use super::audit::Act;
use super::audit::Entry;
use super::credentials::sealed;
use super::engine::Row;
use super::engine::Unreadable;
use super::engine::Value;
use super::grants::GrantKey;
use super::record::Record;
use super::record::Table;
use super::record::read;
use super::search::Lot;
use super::search::Search;
use super::several;
use super::write::Told;
use super::write::Write;
use crate::model::Account;
use crate::model::Scope;
use crate::seal::Slot;
use serde_json::json;
use std::collections::HashSet;

/// The stored activations.
#[derive(Clone, Copy, Debug)]
pub struct Activations<'s>(pub(super) &'s Store);

/// An activation. The key of its [`Stored`] is the owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivationRow {
    /// The connection's id, or `file:` and the key of one that a file declares.
    pub owner: String,
    pub tenant: String,
    /// The connection's key.
    pub connection: String,
    pub enabled: bool,
    /// JSON, as the API takes it, without what stands above and without credentials.
    pub definition: String,
    /// Whose account the credential is, where that is known. Written with a credential, or where it is known.
    pub account: Option<Account>,
}

/// An activation to be written.
#[derive(Clone)]
pub struct Activation<'a> {
    pub row: ActivationRow,
    pub secrets: Secrets<'a>,
    pub condition: Condition,
}

impl Record for ActivationRow {
    const TABLE: Table = Table {
        name: "activations",
        kind: Kind::Activation,
        keys: &["owner", "tenant"],
        columns: &["connection", "enabled", "definition"],
    };

    fn values(&self) -> Vec<Value<'_>> {
        vec![
            Value::Text(&self.connection),
            Value::flag(self.enabled),
            Value::Text(&self.definition),
        ]
    }

    fn read(row: &Row, first: usize) -> Result<Self, Unreadable> {
        Ok(Self {
            owner: row.text(0)?,
            tenant: row.text(1)?,
            connection: row.text(first)?,
            enabled: row.flag(first + 1)?,
            definition: row.text(first + 2)?,
            account: None,
        })
    }
}

/// The columns of an activation and of its credential, which may be missing.
const FOUND: &str = "SELECT a.owner, a.tenant, a.version, a.created_at, a.updated_at, a.updated_by, \
                     a.checksum, a.connection, a.enabled, a.definition, \
                     c.generation, c.key_id, c.wrapped, c.fields, a.account_id, a.account_name \
                     FROM activations AS a LEFT JOIN credentials AS c \
                     ON c.owner = a.owner AND c.tenant = a.tenant AND c.slot = 'activation'";

/// Where the credential begins in them.
const CREDENTIAL: usize = 10;

/// And where the account does.
const ACCOUNT: usize = 14;

/// An activation with its credential, where it has one.
pub type Found = (Stored<ActivationRow>, Option<SealedCredential>);

/// Some of all activations.
#[derive(Debug)]
pub struct Behind {
    pub found: Vec<Found>,
    pub unreadable: Vec<StoreError>,
    /// Owner and tenant of the last row, be it sound or not: the others come behind it. None where there is none.
    pub last: Option<(String, String)>,
}

impl Activations<'_> {
    /// One tenant's activation under one owner, with its credential: one look-up.
    pub async fn find(
        self,
        scope: &Scope,
        owner: &str,
        tenant: &str,
    ) -> Result<Option<Found>, StoreError> {
        if !scope.sees_tenant(tenant) {
            return Ok(None);
        }
        let sql = format!("{FOUND} WHERE a.owner = $1 AND a.tenant = $2");
        let rows = self.0.engine.rows(&sql, &[Value::Text(owner), Value::Text(tenant)]).await?;
        rows.first().map(found).transpose()
    }

    /// Those of these that are there, with their credentials: by owner and tenant, in no order. One that does not
    /// read is left out.
    pub async fn these(
        self,
        scope: &Scope,
        all: &[(&str, &str)],
    ) -> Result<Vec<Found>, StoreError> {
        let mut there = Vec::new();
        if !scope.sees_everything() {
            return Ok(there);
        }
        let keys = all.iter().map(|(owner, tenant)| vec![Value::Text(owner), Value::Text(tenant)]);
        for part in several::parts(&keys.collect::<Vec<_>>(), 2) {
            let sql = format!("{FOUND} WHERE (a.owner, a.tenant) IN (VALUES {})", part.places);
            let rows = self.0.engine.rows(&sql, &part.values).await?;
            there.extend(rows.iter().filter_map(|it| found(it).ok()));
        }
        Ok(there)
    }

    /// Which of these there are, by owner and tenant.
    pub async fn there(
        self,
        scope: &Scope,
        all: &[(&str, &str)],
    ) -> Result<HashSet<(String, String)>, StoreError> {
        let mut there = HashSet::new();
        if !scope.sees_everything() {
            return Ok(there);
        }
        let keys = all.iter().map(|(owner, tenant)| vec![Value::Text(owner), Value::Text(tenant)]);
        for part in several::parts(&keys.collect::<Vec<_>>(), 2) {
            let sql = format!(
                "SELECT owner, tenant FROM activations WHERE (owner, tenant) IN (VALUES {})",
                part.places
            );
            let rows = self.0.engine.rows(&sql, &part.values).await?;
            there.extend(rows.iter().filter_map(|it| Some((it.text(0).ok()?, it.text(1).ok()?))));
        }
        Ok(there)
    }

    /// Whether any tenant is activated under this owner. A tenant sees its own.
    pub async fn any(self, scope: &Scope, owner: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM activations WHERE owner = $1 LIMIT 1";
        let own = "SELECT 1 FROM activations WHERE owner = $1 AND tenant = $2";
        let rows = match scope {
            Scope::Tenant(tenant) => {
                let values = [Value::Text(owner), Value::Text(tenant.as_str())];
                self.0.engine.rows(own, &values).await?
            }
            Scope::System
            | Scope::Command(_)
            | Scope::Operator(_)
            | Scope::Person(_)
            | Scope::Once(_) => self.0.engine.rows(sql, &[Value::Text(owner)]).await?,
        };
        Ok(!rows.is_empty())
    }

    /// Which of these owners any tenant is activated under.
    pub async fn any_of(
        self,
        scope: &Scope,
        owners: &[&str],
    ) -> Result<HashSet<String>, StoreError> {
        let mut activated = HashSet::new();
        if !scope.sees_everything() {
            return Ok(activated);
        }
        for part in several::texts(owners) {
            let sql = format!(
                "WITH asked (of) AS (VALUES {}) SELECT asked.of FROM asked WHERE EXISTS \
                 (SELECT 1 FROM activations WHERE activations.owner = asked.of)",
                part.places
            );
            let rows = self.0.engine.rows(&sql, &part.values).await?;
            activated.extend(rows.iter().filter_map(|it| it.text(0).ok()));
        }
        Ok(activated)
    }

    /// The owners of activations under connections that files declare, or once did: reads the whole index.
    pub async fn owners_of_files(self, scope: &Scope) -> Result<Vec<String>, StoreError> {
        if !scope.sees_everything() {
            return Ok(Vec::new());
        }
        let sql = "SELECT DISTINCT owner FROM activations WHERE owner LIKE 'file:%'";
        match self.0.engine.rows(sql, &[]).await {
            // Then none of them is found by a look-up either.
            Err(StoreError::Corrupt { .. }) => Ok(Vec::new()),
            rows => Ok(rows?.iter().filter_map(|it| it.text(0).ok()).collect()),
        }
    }

    /// Whether there is one still, or none, and its account is the one that was read. In writes that are one it stays so
    /// until they are kept.
    pub async fn is_of(
        self,
        scope: &Scope,
        (owner, tenant): (&str, &str),
        had: bool,
        account: Option<&Account>,
    ) -> Result<bool, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let lock = if tx.is_postgres() { " FOR UPDATE" } else { "" };
        let sql =
            format!("SELECT account_id FROM activations WHERE owner = $1 AND tenant = $2{lock}");
        let rows = tx.rows(&sql, &[Value::Text(owner), Value::Text(tenant)]).await?;
        tx.commit().await?;
        let Some(row) = rows.first() else { return Ok(!had) };
        let corrupt = |Unreadable| StoreError::Corrupt { table: "activations", key: None };
        let known = row.text(0).map_err(corrupt)?;
        Ok(had && known == account.map_or("", |it| &it.id))
    }

    /// Puts down whose account it is, or that nobody can tell any more.
    pub async fn set_account(
        self,
        scope: &Scope,
        (owner, tenant): (&str, &str),
        account: Option<&Account>,
    ) -> Result<(), StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let sql = "UPDATE activations SET account_id = $3, account_name = $4 \
                   WHERE owner = $1 AND tenant = $2";
        let [id, name] = texts(account);
        tx.run(sql, &[Value::Text(owner), Value::Text(tenant), id, name]).await?;
        tx.commit().await
    }

    /// Creates or replaces one, and what is sealed for it.
    pub async fn put(
        self,
        scope: &Scope,
        row: &ActivationRow,
        secrets: Secrets<'_>,
        condition: impl Into<Condition>,
    ) -> Result<Written, StoreError> {
        let one = Activation { row: row.clone(), secrets, condition: condition.into() };
        let mut written = self.put_all(scope, std::slice::from_ref(&one), &[]).await?;
        written.pop().ok_or(StoreError::NotFound)
    }

    /// Creates or replaces all of these, or none of them: where what they take for granted holds.
    pub async fn put_all(
        self,
        scope: &Scope,
        all: &[Activation<'_>],
        holds: &[Hold],
    ) -> Result<Vec<Written>, StoreError> {
        if !all.iter().all(|it| scope.sees_tenant(&it.row.tenant)) {
            return Err(StoreError::NotFound);
        }
        let mut write = self.0.write(scope).await?;
        for hold in holds {
            write.check_hold(hold).await?;
        }
        let mut written = Vec::with_capacity(all.len());
        for Activation { row, secrets, condition } in all {
            let keys = [&*row.owner, &*row.tenant];
            let standing = write.expected(&ActivationRow::TABLE, &keys, condition.expect).await?;
            write.check_needs(condition).await?;
            write.check_owner(row).await?;
            let news = write.bind(&condition.binds).await?;
            write.secrets((&row.owner, &row.tenant, Slot::Activation), *secrets).await?;
            let told = (&*row.connection, &*row.tenant);
            written.push(write.put_over(&keys, row, standing.as_ref(), told).await?);
            // With another credential nobody knows any more whose it is, unless that is said.
            if row.account.is_some() || !matches!(secrets, Secrets::Keep) {
                write.put_account(&row.owner, &row.tenant, row.account.as_ref()).await?;
            }
            for rebound in news.iter().flatten() {
                write.told_confirmed(&row.connection, rebound).await?;
            }
        }
        write.commit().await?;
        Ok(written)
    }

    /// Puts down whose account it turned out to be, where the activation is as it was and nothing else was known.
    pub async fn told_account(
        self,
        scope: &Scope,
        (owner, tenant): (&str, &str),
        version: i64,
        account: &Account,
    ) -> Result<(), StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let sql = "UPDATE activations SET account_id = $3, account_name = $4 \
                   WHERE owner = $1 AND tenant = $2 AND version = $5 AND account_id IN ('', $3)";
        let [id, name] = texts(Some(account));
        let values = [Value::Text(owner), Value::Text(tenant), id, name, Value::Integer(version)];
        tx.run(sql, &values).await?;
        tx.commit().await
    }

    /// Deletes one, and what is sealed for it.
    pub async fn delete(
        self,
        scope: &Scope,
        owner: &str,
        tenant: &str,
        condition: impl Into<Condition>,
    ) -> Result<i64, StoreError> {
        self.delete_all(scope, &[(owner, tenant, condition.into())]).await
    }

    /// Deletes all of these, or none of them. With [`super::Expect::Anything`] one that is not there is
    /// passed over.
    pub async fn delete_all(
        self,
        scope: &Scope,
        all: &[(&str, &str, Condition)],
    ) -> Result<i64, StoreError> {
        if !all.iter().all(|it| scope.sees_tenant(it.1)) {
            return Err(StoreError::NotFound);
        }
        let mut write = self.0.write(scope).await?;
        for (owner, tenant, condition) in all {
            let keys = [*owner, *tenant];
            let standing = write.expected(&ActivationRow::TABLE, &keys, condition.expect).await?;
            if standing.is_some() {
                write.deactivate(owner, tenant).await?;
            }
        }
        write.commit().await
    }

    /// The activations under one owner, in the order of their tenants, after the tenant `after`.
    pub async fn of_owner(
        self,
        scope: &Scope,
        owner: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Listed<Found>, StoreError> {
        if let Scope::Tenant(own) = scope {
            let is_after = after.is_none_or(|it| own.as_str() > it);
            let found = self.find(scope, owner, own.as_str()).await?.filter(|_| is_after);
            let rows = found.into_iter().collect();
            return Ok(Listed { rows, unreadable: Vec::new(), next: None });
        }
        let sql =
            format!("{FOUND} WHERE a.owner = $1 AND a.tenant > $2 ORDER BY a.tenant LIMIT $3");
        self.list(&sql, (owner, after.unwrap_or_default()), limit, 1).await
    }

    /// The same of those whose tenant's id has each of these words, of one lot of rows: `next` is where it ended.
    /// Letters beyond ASCII are compared as they are written.
    pub async fn found_of_owner(
        self,
        scope: &Scope,
        owner: &str,
        search: &Search,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Listed<Found>, StoreError> {
        if search.words.is_empty() || !scope.sees_everything() {
            return self.of_owner(scope, owner, after, limit).await;
        }
        let limit = limit.clamp(1, PAGE_MAX);
        let from = "FROM activations WHERE owner = $1 AND tenant > $2";
        let of = vec![Value::Text(owner), Value::Text(after.unwrap_or_default())];
        let lot = Lot { from, of, column: "tenant", text: "lower(tenant)", unless: None, search };
        let (tenants, next) = lot.keys(self.0, limit).await?;
        let these: Vec<_> = tenants.iter().map(|it| (owner, it.as_str())).collect();
        let mut rows = self.these(scope, &these).await?;
        rows.sort_by(|a, b| a.0.value.tenant.cmp(&b.0.value.tenant));
        Ok(Listed { rows, unreadable: Vec::new(), next })
    }

    /// One tenant's activations, in the order of their owners, after the owner `after`.
    pub async fn of_tenant(
        self,
        scope: &Scope,
        tenant: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Listed<Found>, StoreError> {
        if !scope.sees_tenant(tenant) {
            return Ok(Listed { rows: Vec::new(), unreadable: Vec::new(), next: None });
        }
        // What is left of a connection that was deleted is nobody's.
        let sql = format!(
            "{FOUND} WHERE a.tenant = $1 AND a.owner > $2 \
             AND NOT EXISTS (SELECT 1 FROM orphans WHERE orphans.owner = a.owner) \
             ORDER BY a.owner LIMIT $3"
        );
        self.list(&sql, (tenant, after.unwrap_or_default()), limit, 0).await
    }

    /// Of all owners, or of one, by owner and tenant, behind `after`: at most `limit`. Those that do not read are named
    /// beside them. What is left of a connection that was deleted is nobody's.
    pub async fn all(
        self,
        scope: &Scope,
        owner: Option<&str>,
        after: Option<(&str, &str)>,
        limit: u32,
    ) -> Result<Behind, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let (behind, tenant) = after.unwrap_or_default();
        let mut values = vec![
            Value::Text(behind),
            Value::Text(tenant),
            Value::Integer(i64::from(limit.clamp(1, PAGE_MAX))),
        ];
        let mut of = "";
        if let Some(owner) = owner {
            values.push(Value::Text(owner));
            of = "a.owner = $4 AND ";
        }
        let sql = format!(
            "{FOUND} WHERE {of}(a.owner, a.tenant) > ($1, $2) \
             AND NOT EXISTS (SELECT 1 FROM orphans WHERE orphans.owner = a.owner) \
             ORDER BY a.owner, a.tenant LIMIT $3"
        );
        let rows = self.0.engine.rows(&sql, &values).await?;
        let last = rows.last().and_then(|it| Some((it.text(0).ok()?, it.text(1).ok()?)));
        let (found, unreadable) = super::salvage::sorted_out(&rows, found);
        Ok(Behind { found, unreadable, last })
    }

    /// Enters that somebody is about to be given credentials, sealed to `recipient`: of this connection, or of all.
    pub async fn exported(
        self,
        scope: &Scope,
        connection: Option<&str>,
        recipient: &str,
    ) -> Result<(), StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        write.entries.push(Entry {
            act: Act::Disclosed,
            of: Some(Kind::Activation),
            key: connection.unwrap_or_default().to_owned(),
            tenant: String::new(),
            revision: 0,
            was: None,
            became: json!({ "recipient": recipient }).as_object().cloned(),
        });
        write.commit().await.map(drop)
    }

    /// `cursor`: the column that the next page begins after.
    async fn list(
        self,
        sql: &str,
        (of, after): (&str, &str),
        limit: u32,
        cursor: usize,
    ) -> Result<Listed<Found>, StoreError> {
        let limit = limit.clamp(1, PAGE_MAX);
        let values = [Value::Text(of), Value::Text(after), Value::Integer(i64::from(limit) + 1)];
        let rows = match self.0.engine.rows(sql, &values).await {
            Err(StoreError::Corrupt { .. }) => return self.one_by_one(&values, cursor).await,
            rows => rows?,
        };
        let mut listed = Listed { rows: Vec::new(), unreadable: Vec::new(), next: None };
        let mut last = None;
        for row in rows.iter().take(limit as usize) {
            last = row.text(cursor).ok().or(last);
            match found(row) {
                Ok(it) => listed.rows.push(it),
                Err(error) => listed.unreadable.push(error),
            }
        }
        listed.next = last.filter(|_| rows.len() > limit as usize);
        Ok(listed)
    }
}

impl Activations<'_> {
    /// The same page round a page of the database that does not read: the keys from an index, then each row alone.
    async fn one_by_one(
        self,
        values: &[Value<'_>; 3],
        cursor: usize,
    ) -> Result<Listed<Found>, StoreError> {
        let (of, by) = if cursor == 1 { ("owner", "tenant") } else { ("tenant", "owner") };
        let sql = format!(
            "SELECT {by} FROM activations WHERE {of} = $1 AND {by} > $2 \
             AND NOT EXISTS (SELECT 1 FROM orphans WHERE orphans.owner = activations.owner) \
             ORDER BY {by} LIMIT $3"
        );
        let mut listed = Listed { rows: Vec::new(), unreadable: Vec::new(), next: None };
        let rows = match self.0.engine.rows(&sql, values).await {
            Err(error @ StoreError::Corrupt { .. }) => {
                listed.unreadable.push(error);
                return Ok(listed);
            }
            rows => rows?,
        };
        let [Value::Text(of), _, Value::Integer(limit)] = *values else { return Ok(listed) };
        let limit = usize::try_from(limit).unwrap_or_default().saturating_sub(1);
        for row in rows.iter().take(limit) {
            let Ok(by) = row.text(0) else { continue };
            let (owner, tenant) = if cursor == 1 { (of, &*by) } else { (&*by, of) };
            match self.find(&Scope::System, owner, tenant).await {
                Ok(found) => listed.rows.extend(found),
                Err(StoreError::Corrupt { table, .. }) => {
                    let key = Some(format!("{owner} of {tenant}"));
                    listed.unreadable.push(StoreError::Corrupt { table, key });
                }
                Err(error) => return Err(error),
            }
            listed.next = Some(by).filter(|_| rows.len() > limit);
        }
        Ok(listed)
    }
}

/// As the columns have it.
fn texts(account: Option<&Account>) -> [Value<'_>; 2] {
    let id = account.map_or("", |it| &it.id);
    [Value::Text(id), Value::Text(account.and_then(|it| it.name.as_deref()).unwrap_or_default())]
}

/// A row as [`FOUND`] has it.
fn found(row: &Row) -> Result<Found, StoreError> {
    let mut stored = read::<ActivationRow>(row)?;
    let text = |column| row.text(column).ok().filter(|it| !it.is_empty());
    stored.value.account = text(ACCOUNT).map(|id| Account { id, name: text(ACCOUNT + 1) });
    match sealed(row, CREDENTIAL) {
        Ok(credential) => Ok((stored, credential)),
        Err(Unreadable) => {
            let key = Some(format!("{} of {}", stored.key, stored.value.tenant));
            Err(StoreError::Corrupt { table: "credentials", key })
        }
    }
}

impl Write<'_> {
    async fn check_hold(&mut self, hold: &Hold) -> Result<(), StoreError> {
        let held = match hold {
            Hold::Environment { key, version } => {
                self.expected(&EnvironmentRow::TABLE, &[key], Expect::Version(*version)).await
            }
            Hold::Connection { key, version } => {
                self.expected(&ConnectionRow::TABLE, &[key], Expect::Version(*version)).await
            }
            Hold::Activation { owner, tenant } => {
                self.expected(&ActivationRow::TABLE, &[owner, tenant], Expect::Present).await
            }
        };
        held.map(drop)
    }

    /// Says whose account an activation's credential is, or that nobody knows.
    pub(super) async fn put_account(
        &mut self,
        owner: &str,
        tenant: &str,
        account: Option<&Account>,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE activations SET account_id = $3, account_name = $4 \
                   WHERE owner = $1 AND tenant = $2";
        let [id, name] = texts(account);
        let values = [Value::Text(owner), Value::Text(tenant), id, name];
        self.tx.run(sql, &values).await.map(drop)
    }

    /// Refuses an activation under a stored connection that is not there (any more).
    pub(super) async fn check_owner(&mut self, row: &ActivationRow) -> Result<(), StoreError> {
        if row.owner.starts_with("file:") {
            return Ok(());
        }
        let sql = "SELECT 1 FROM connections WHERE key = $1 AND id = $2";
        let values = [Value::Text(&row.connection), Value::Text(&row.owner)];
        if self.tx.rows(sql, &values).await?.is_empty() {
            let key = row.connection.clone();
            return Err(StoreError::Missing { kind: Kind::Connection, key });
        }
        Ok(())
    }

    /// Deletes one activation and what is sealed for it; there may be none.
    async fn deactivate(&mut self, owner: &str, tenant: &str) -> Result<(), StoreError> {
        let place = [Value::Text(owner), Value::Text(tenant)];
        let was = self.was::<ActivationRow>(&[owner, tenant]).await?;
        let deleted = "DELETE FROM activations WHERE owner = $1 AND tenant = $2";
        let deleted = self.tx.run(deleted, &place).await?;
        self.secrets((owner, tenant, Slot::Activation), Secrets::Remove).await?;
        self.forget_grant(GrantKey { owner, tenant, slot: Slot::Activation }).await?;
        self.forget_deliveries(owner, Some(tenant)).await?;
        if deleted > 0 {
            let connection = self.connection_of(owner).await?;
            let told = Told { kind: Kind::Activation, key: &connection, tenant };
            self.change(told, Act::Deleted, was, None).await?;
        }
        self.sealed.clear();
        Ok(())
    }

    /// The key that the connection of an owner is served under; empty where nobody can say it. What an
    /// activation's own row says may be damaged, and whoever relied on it would go on using what is revoked.
    pub(super) async fn connection_of(&mut self, owner: &str) -> Result<String, StoreError> {
        if let Some(key) = owner.strip_prefix("file:") {
            return Ok(key.to_owned());
        }
        let sql = format!("{} WHERE id = $1", ConnectionRow::TABLE.select());
        let rows = self.tx.rows(&sql, &[Value::Text(owner)]).await?;
        let connection = rows.first().and_then(|it| read::<ConnectionRow>(it).ok());
        Ok(connection.map_or_else(String::new, |it| it.key))
    }

    /// Deletes all activations of a tenant.
    pub(super) async fn deactivate_tenant(&mut self, tenant: &str) -> Result<(), StoreError> {
        let sql = "SELECT owner FROM activations WHERE tenant = $1 ORDER BY owner";
        for row in &self.tx.rows(sql, &[Value::Text(tenant)]).await? {
            let corrupt = |_: Unreadable| StoreError::Corrupt { table: "activations", key: None };
            let owner = row.text(0).map_err(corrupt)?;
            self.deactivate(&owner, tenant).await?;
        }
        Ok(())
    }
}
