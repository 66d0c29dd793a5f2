//! `auth_methods`: every revision of every auth method, never changed and never deleted, so that a number
//! means one thing for ever.
use super::Kind;
use super::PAGE_MAX;
use super::Store;
use super::StoreError;
use super::audit::Act;
use super::audit::shown_text;
use super::engine::Row;
use super::engine::Unreadable;
use super::engine::Value;
use super::record::checksum;
use super::salvage::Column;
use super::salvage::Source;
use super::salvage::sorted_out;
use super::several;
use super::write::Told;
use super::write::Write;
use crate::model::Scope;
use serde_json::json;

/// The revisions of auth methods, those of connectors that files declare included.
#[derive(Clone, Copy, Debug)]
pub struct AuthMethods<'s>(pub(super) &'s Store);

/// One revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodRevision {
    pub connector: String,
    pub method: String,
    /// Counted from 1.
    pub revision: i64,
    /// JSON, as the API takes it.
    pub definition: String,
    pub created_at_ms: i64,
    /// Who made it.
    pub created_by: String,
}

/// A method that a file declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenMethod<'a> {
    pub connector: &'a str,
    pub method: &'a str,
    pub definition: &'a str,
}

impl AuthMethods<'_> {
    pub async fn revision(
        self,
        scope: &Scope,
        connector: &str,
        method: &str,
        revision: i64,
    ) -> Result<Option<MethodRevision>, StoreError> {
        let is = "connector = $1 AND method = $2 AND revision = $3";
        let values = [Value::Text(connector), Value::Text(method), Value::Integer(revision)];
        Ok(self.one(scope, is, &values).await?.pop())
    }

    /// The last revision that was made, whether or not its connector still has the method.
    pub async fn latest(
        self,
        scope: &Scope,
        connector: &str,
        method: &str,
    ) -> Result<Option<MethodRevision>, StoreError> {
        let is = "connector = $1 AND method = $2 ORDER BY revision DESC LIMIT 1";
        Ok(self.one(scope, is, &[Value::Text(connector), Value::Text(method)]).await?.pop())
    }

    /// At most `limit` revisions of one method before a revision, the newest first; those among them that do
    /// not read are named beside them.
    pub async fn revisions(
        self,
        scope: &Scope,
        connector: &str,
        method: &str,
        before: i64,
        limit: u32,
    ) -> Result<(Vec<MethodRevision>, Vec<StoreError>), StoreError> {
        if !scope.sees_everything() {
            return Ok((Vec::new(), Vec::new()));
        }
        let is = "connector = $1 AND method = $2 AND revision < $3 ORDER BY revision DESC LIMIT $4";
        let values = [
            Value::Text(connector),
            Value::Text(method),
            Value::Integer(before),
            Value::Integer(i64::from(limit.min(PAGE_MAX))),
        ];
        let rows = self.0.engine.rows(&format!("{SELECT} WHERE {is}"), &values).await?;
        Ok(sorted_out(&rows, read))
    }

    /// All revisions of a connector's methods.
    pub async fn all_of(
        self,
        scope: &Scope,
        connector: &str,
    ) -> Result<Vec<MethodRevision>, StoreError> {
        let is = "connector = $1 ORDER BY method, revision";
        self.one(scope, is, &[Value::Text(connector)]).await
    }

    /// The same of several connectors.
    pub async fn all_of_several(
        self,
        scope: &Scope,
        connectors: &[&str],
    ) -> Result<Vec<MethodRevision>, StoreError> {
        let mut all = Vec::new();
        for part in several::texts(connectors) {
            let is = format!("connector IN (VALUES {})", part.places);
            all.extend(self.one(scope, &is, &part.values).await?);
        }
        Ok(all)
    }

    /// These revisions, as far as they are there: connector, method and number.
    pub async fn these(
        self,
        scope: &Scope,
        revisions: &[(&str, &str, i64)],
    ) -> Result<Vec<MethodRevision>, StoreError> {
        let values = revisions.iter().map(|(connector, method, revision)| {
            vec![Value::Text(connector), Value::Text(method), Value::Integer(*revision)]
        });
        let mut all = Vec::new();
        for part in several::parts(&values.collect::<Vec<_>>(), 3) {
            let is = format!("(connector, method, revision) IN (VALUES {})", part.places);
            all.extend(self.one(scope, &is, &part.values).await?);
        }
        Ok(all)
    }

    /// The revisions that connections pin, and the last of each method; those that do not read are named
    /// beside them. Round a damaged page, all that there are.
    pub async fn in_use(
        self,
        scope: &Scope,
    ) -> Result<(Vec<MethodRevision>, Vec<StoreError>), StoreError> {
        if !scope.sees_everything() {
            return Ok((Vec::new(), Vec::new()));
        }
        let sql = format!(
            "{SELECT} WHERE revision = (SELECT MAX(last.revision) FROM auth_methods AS last WHERE \
             last.connector = auth_methods.connector AND last.method = auth_methods.method) \
             OR EXISTS (SELECT 1 FROM connections WHERE connections.connector = auth_methods.connector \
             AND connections.method = auth_methods.method \
             AND connections.revision = auth_methods.revision) ORDER BY connector, method, revision"
        );
        match self.0.engine.rows(&sql, &[]).await {
            Err(StoreError::Corrupt { .. }) => {
                let (mut all, unreadable) = EVERY.one_by_one(&self.0.engine, read).await?;
                all.sort_by(|a, b| a.place().cmp(&b.place()));
                Ok((all, unreadable))
            }
            rows => Ok(sorted_out(&rows?, read)),
        }
    }

    /// Records methods that files declare, each where it differs from its last revision, so that stored
    /// connections can pin them. How many were recorded.
    pub async fn record_seen(
        self,
        scope: &Scope,
        seen: &[SeenMethod<'_>],
    ) -> Result<usize, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        // Most often there is nothing new, and then nobody has to wait.
        let (known, _) = self.in_use(scope).await?;
        let is_known = |it: &SeenMethod<'_>| {
            let mut all = known.iter().rev();
            let last = all.find(|at| at.connector == it.connector && at.method == it.method);
            last.is_some_and(|last| last.definition == it.definition)
        };
        if seen.iter().all(is_known) {
            return Ok(0);
        }
        let mut write = self.0.write(scope).await?;
        write.by("file");
        let mut recorded = 0;
        for SeenMethod { connector, method, definition } in seen {
            if write.revise(connector, method, definition).await?.1 {
                recorded += 1;
            }
        }
        write.commit().await?;
        Ok(recorded)
    }

    async fn one(
        self,
        scope: &Scope,
        is: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<MethodRevision>, StoreError> {
        if !scope.sees_everything() {
            return Ok(Vec::new());
        }
        let rows = self.0.engine.rows(&format!("{SELECT} WHERE {is}"), values).await?;
        rows.iter().map(read).collect()
    }
}

const SELECT: &str = "SELECT connector, method, revision, definition, created_at, created_by, checksum \
                      FROM auth_methods";

const EVERY: Source = Source {
    table: "auth_methods",
    select: SELECT,
    condition: "",
    of_keys: "",
    key: &[Column::Text("connector"), Column::Text("method"), Column::Integer("revision")],
};

impl MethodRevision {
    /// What it is ordered by.
    fn place(&self) -> (&str, &str, i64) {
        (&self.connector, &self.method, self.revision)
    }
}

fn read(row: &Row) -> Result<MethodRevision, StoreError> {
    let read = || {
        Ok(MethodRevision {
            connector: row.text(0)?,
            method: row.text(1)?,
            revision: row.integer(2)?,
            definition: row.text(3)?,
            created_at_ms: row.integer(4)?,
            created_by: row.text(5)?,
        })
    };
    let named = || Some(format!("{}/{}", row.text(0).ok()?, row.text(1).ok()?));
    let corrupt = |_: Unreadable| StoreError::Corrupt { table: "auth_methods", key: named() };
    let it = read().map_err(corrupt)?;
    let checksum = checksum_of(&it.connector, &it.method, it.revision, &it.definition);
    if row.text(6).map_err(corrupt)? != checksum {
        return Err(corrupt(Unreadable));
    }
    Ok(it)
}

fn checksum_of(connector: &str, method: &str, revision: i64, definition: &str) -> String {
    let values = [Value::Integer(revision), Value::Text(definition)];
    checksum("auth_methods", &[connector, method], &values)
}

impl Write<'_> {
    /// The revision that has this definition: the last one, or the next, which is made. True where it
    /// was made.
    pub(super) async fn revise(
        &mut self,
        connector: &str,
        method: &str,
        definition: &str,
    ) -> Result<(i64, bool), StoreError> {
        let sql =
            format!("{SELECT} WHERE connector = $1 AND method = $2 ORDER BY revision DESC LIMIT 1");
        let rows = self.tx.rows(&sql, &[Value::Text(connector), Value::Text(method)]).await?;
        // One that does not read is not this one, and keeps its number.
        let number = |row: &Row| {
            let corrupt = |Unreadable| StoreError::Corrupt { table: "auth_methods", key: None };
            row.integer(2).map_err(corrupt)
        };
        let last = rows.first().map(number).transpose()?;
        if let Some(Ok(last)) = rows.first().map(read)
            && last.definition == definition
        {
            return Ok((last.revision, false));
        }
        let revision = last.map_or(1, |it| it + 1);
        let checksum = checksum_of(connector, method, revision, definition);
        let who = self.who().to_owned();
        let values = [
            Value::Text(connector),
            Value::Text(method),
            Value::Integer(revision),
            Value::Text(definition),
            Value::Integer(self.now_ms),
            Value::Text(&who),
            Value::Text(&checksum),
        ];
        let sql = "INSERT INTO auth_methods \
                   (connector, method, revision, definition, created_at, created_by, checksum) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        self.tx.run(sql, &values).await?;
        let definition = shown_text(definition);
        let became = json!({ "method": method, "revision": revision, "definition": definition });
        let told = Told { kind: Kind::AuthMethod, key: connector, tenant: "" };
        self.change(told, Act::Created, None, became.as_object().cloned()).await?;
        Ok((revision, true))
    }
}
