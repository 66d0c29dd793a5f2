//! Reading tables of definitions: one row, a page, all of it.
use super::Listed;
use super::PAGE_MAX;
use super::Store;
use super::Stored;
use super::engine::Value;
use super::error::StoreError;
use super::record::Record;
use super::record::read;
use super::salvage::sorted_out;
use super::several;
use crate::model::Scope;

/// One row by its key.
pub(super) async fn one<R: Record>(
    store: &Store,
    scope: &Scope,
    key: &str,
) -> Result<Option<Stored<R>>, StoreError> {
    if !scope.sees_everything() {
        return Ok(None);
    }
    let sql = format!("{} WHERE key = $1", R::TABLE.select());
    let rows = store.engine.rows(&sql, &[Value::Text(key)]).await.map_err(|it| match it {
        StoreError::Corrupt { table, .. } => {
            StoreError::Corrupt { table, key: Some(key.to_owned()) }
        }
        error => error,
    })?;
    rows.first().map(read).transpose()
}

/// Those of these that are there, in no order.
pub(super) async fn several<R: Record>(
    store: &Store,
    scope: &Scope,
    keys: &[&str],
) -> Result<Listed<Stored<R>>, StoreError> {
    let mut listed = Listed { rows: Vec::new(), unreadable: Vec::new(), next: None };
    if !scope.sees_everything() {
        return Ok(listed);
    }
    for part in several::texts(keys) {
        let sql = format!("{} WHERE key IN (VALUES {})", R::TABLE.select(), part.places);
        for row in &store.engine.rows(&sql, &part.values).await? {
            match read(row) {
                Ok(stored) => listed.rows.push(stored),
                Err(error) => listed.unreadable.push(error),
            }
        }
    }
    Ok(listed)
}

/// The rows after a key, in the order of their keys.
pub(super) async fn page<R: Record>(
    store: &Store,
    scope: &Scope,
    after: Option<&str>,
    limit: u32,
) -> Result<Listed<Stored<R>>, StoreError> {
    let mut listed = Listed { rows: Vec::new(), unreadable: Vec::new(), next: None };
    if !scope.sees_everything() {
        return Ok(listed);
    }
    let limit = limit.clamp(1, PAGE_MAX);
    let sql = format!("{} WHERE key > $1 ORDER BY key LIMIT $2", R::TABLE.select());
    let values = [Value::Text(after.unwrap_or_default()), Value::Integer(i64::from(limit) + 1)];
    let rows = match store.engine.rows(&sql, &values).await {
        Err(StoreError::Corrupt { .. }) => return one_by_one(store, scope, after, limit).await,
        rows => rows?,
    };
    let mut last = None;
    for row in rows.iter().take(limit as usize) {
        last = row.text(0).ok().or(last);
        match read(row) {
            Ok(stored) => listed.rows.push(stored),
            Err(error) => listed.unreadable.push(error),
        }
    }
    listed.next = last.filter(|_| rows.len() > limit as usize);
    Ok(listed)
}

/// Round a page of the database that does not read: the keys from the index, then each row alone.
async fn one_by_one<R: Record>(
    store: &Store,
    scope: &Scope,
    after: Option<&str>,
    limit: u32,
) -> Result<Listed<Stored<R>>, StoreError> {
    let sql = format!("SELECT key FROM {} WHERE key > $1 ORDER BY key LIMIT $2", R::TABLE.name);
    let values = [Value::Text(after.unwrap_or_default()), Value::Integer(i64::from(limit) + 1)];
    let rows = match store.engine.rows(&sql, &values).await {
        Err(StoreError::Corrupt { .. }) => return without_index(store, after, limit).await,
        rows => rows?,
    };
    let mut keys: Vec<String> = rows.iter().filter_map(|it| it.text(0).ok()).collect();
    let more = keys.len() > limit as usize;
    keys.truncate(limit as usize);
    let mut listed = Listed { rows: Vec::new(), unreadable: Vec::new(), next: None };
    for key in &keys {
        match one(store, scope, key).await {
            Ok(stored) => listed.rows.extend(stored),
            Err(error @ StoreError::Corrupt { .. }) => listed.unreadable.push(error),
            Err(error) => return Err(error),
        }
    }
    listed.next = keys.pop().filter(|_| more);
    Ok(listed)
}

/// Round a page of the index that does not read: the table as it lies. Where that does not read either, nothing
/// of it can be told but that.
async fn without_index<R: Record>(
    store: &Store,
    after: Option<&str>,
    limit: u32,
) -> Result<Listed<Stored<R>>, StoreError> {
    let none = |error| Listed { rows: Vec::new(), unreadable: vec![error], next: None };
    let rows = match store.engine.rows(&R::TABLE.select(), &[]).await {
        Err(error @ StoreError::Corrupt { .. }) => return Ok(none(error)),
        rows => rows?,
    };
    let (mut rows, unreadable) = sorted_out(&rows, read::<R>);
    rows.retain(|it| after.is_none_or(|after| it.key.as_str() > after));
    rows.sort_by(|a, b| a.key.cmp(&b.key));
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(|it| it.key.clone());
    Ok(Listed { rows, unreadable, next })
}

/// All rows: what a gateway holds in memory anyway.
pub(super) async fn all<R: Record>(
    store: &Store,
    scope: &Scope,
) -> Result<Listed<Stored<R>>, StoreError> {
    let mut all = Listed { rows: Vec::new(), unreadable: Vec::new(), next: None };
    loop {
        let listed = page(store, scope, all.next.as_deref(), PAGE_MAX).await?;
        all.rows.extend(listed.rows);
        all.unreadable.extend(listed.unreadable);
        all.next = listed.next;
        if all.next.is_none() {
            return Ok(all);
        }
    }
}

/// The methods by which every table of definitions is read.
macro_rules! readings {
    ($table:ident of $row:ident) => {
        impl $table<'_> {
            pub async fn get(
                self,
                scope: &crate::model::Scope,
                key: &str,
            ) -> Result<Option<super::Stored<$row>>, super::StoreError> {
                super::definitions::one(self.0, scope, key).await
            }

            /// Those of these that are there, in no order: a question for some hundred of them.
            pub async fn several(
                self,
                scope: &crate::model::Scope,
                keys: &[&str],
            ) -> Result<super::Listed<super::Stored<$row>>, super::StoreError> {
                super::definitions::several(self.0, scope, keys).await
            }

            /// At most `limit` rows after the key `after`, in the order of their keys.
            pub async fn list(
                self,
                scope: &crate::model::Scope,
                after: Option<&str>,
                limit: u32,
            ) -> Result<super::Listed<super::Stored<$row>>, super::StoreError> {
                super::definitions::page(self.0, scope, after, limit).await
            }

            /// The same of those that are looked for, of one lot of rows: `next` is where it ended.
            pub async fn found(
                self,
                scope: &crate::model::Scope,
                search: &super::Search,
                after: Option<&str>,
                limit: u32,
            ) -> Result<super::Listed<super::Stored<$row>>, super::StoreError> {
                super::search::found(self.0, scope, search, after, limit).await
            }

            /// All rows: what a gateway holds in memory anyway.
            pub async fn all(
                self,
                scope: &crate::model::Scope,
            ) -> Result<super::Listed<super::Stored<$row>>, super::StoreError> {
                super::definitions::all(self.0, scope).await
            }
        }
    };
}
pub(super) use readings;
