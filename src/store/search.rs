//! Searching lists: what has each of some words in its key or name, a bounded lot of rows at a time.
//!
//! There is no index of parts of words, which both databases would have alike: a lot is gone through in the order
//! of the keys, and the next one begins where it ended. A million tenants are some lots of an index.
use super::Listed;
use super::PAGE_MAX;
use super::Store;
use super::Stored;
use super::definitions::page;
use super::definitions::several;
use super::engine::Tx;
use super::engine::Value;
use super::error::StoreError;
use super::record::Record;
use super::record::Table;
use super::record::texts;
use crate::model::Scope;
use indexmap::IndexMap;
use serde::Deserialize;

/// Rows that one question goes through at most: some hundredths of a second.
pub const SEARCH_LOT: u32 = 50_000;

/// Longest part of key and name that is searched, in bytes: an entry of PostgreSQL's index has less than three times
/// as many.
const WORDS_LEN_MAX: usize = 1024;

/// Rows whose words are put down with one statement.
const AT_ONCE: usize = 64;

/// What is looked for in a list; all of it where nothing is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// In small letters: each of them stands somewhere in key or name.
    pub words: Vec<String>,
    pub only: Vec<Only>,
    /// Rows to go through at most: [`SEARCH_LOT`].
    pub lot: u32,
}

/// What a row has to hold besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Only {
    /// Of a connection.
    Connector(String),
    Method(String),
    Embedded(bool),
    /// Of an integration: a link to this connector.
    Linking(String),
}

impl Default for Search {
    fn default() -> Self {
        Self { words: Vec::new(), only: Vec::new(), lot: SEARCH_LOT }
    }
}

impl Search {
    pub fn is_all(&self) -> bool {
        self.words.is_empty() && self.only.is_empty()
    }

    /// Whether each word stands in these texts.
    pub fn is_in(&self, key: &str, name: &str) -> bool {
        let text = words(key, name);
        self.words.iter().all(|it| text.contains(it))
    }

    fn is_of<R: Record>(&self, stored: &Stored<R>) -> bool {
        let name = name(stored.value.definition());
        let holds = |only: &Only| {
            let place = R::TABLE.columns.iter().position(|it| *it == only.column());
            let is = place.and_then(|it| stored.value.values().get(it).copied());
            match (only, is, only.value()) {
                (Only::Linking(wanted), Some(Value::Text(links)), _) => {
                    let links = texts::<IndexMap<String, String>>(links);
                    links.is_ok_and(|it| it.values().any(|it| it == wanted))
                }
                (_, Some(Value::Text(is)), Value::Text(wanted)) => is == wanted,
                (_, Some(Value::Integer(is)), Value::Integer(wanted)) => is == wanted,
                _ => false,
            }
        };
        self.is_in(&stored.key, &name) && self.only.iter().all(holds)
    }
}

impl Only {
    fn column(&self) -> &'static str {
        match self {
            Self::Connector(_) => "connector",
            Self::Method(_) => "method",
            Self::Embedded(_) => "embedded",
            Self::Linking(_) => "links",
        }
    }

    /// The condition, of a row of a lot.
    fn wanted(&self, place: usize) -> String {
        match self {
            Self::Linking(_) => format!(
                "EXISTS (SELECT 1 FROM integration_links WHERE integration = lot.key AND connector = ${place})"
            ),
            _ => format!("{} = ${place}", self.column()),
        }
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Connector(it) | Self::Method(it) | Self::Linking(it) => Value::Text(it),
            Self::Embedded(it) => Value::flag(*it),
        }
    }
}

/// Key and name as they are searched.
pub(super) fn words(key: &str, name: &str) -> String {
    let mut text = format!("{key}\n{name}").to_lowercase();
    let end = (0..=WORDS_LEN_MAX.min(text.len())).rev().find(|it| text.is_char_boundary(*it));
    text.truncate(end.unwrap_or_default());
    text
}

/// The name in a definition; empty where it has none.
pub(super) fn name(definition: Option<&str>) -> String {
    #[derive(Deserialize)]
    struct Named {
        name: Option<String>,
    }
    let named = definition.and_then(|it| serde_json::from_str::<Named>(it).ok());
    named.and_then(|it| it.name).unwrap_or_default()
}

/// What of a lot of rows is looked for: statements, and where the lot ends.
pub(super) struct Lot<'a> {
    /// `FROM … WHERE …`, with a value for each place.
    pub(super) from: &'a str,
    pub(super) of: Vec<Value<'a>>,
    /// The column that is listed, in whose order it goes on.
    pub(super) column: &'a str,
    /// The expression that is searched.
    pub(super) text: &'a str,
    /// Of the rows of a lot, those that count: a column, and what has to hold of it.
    pub(super) unless: Option<(&'a str, &'a str)>,
    pub(super) search: &'a Search,
}

impl Lot<'_> {
    /// At most `limit` keys, in order, and where to go on: there may be nothing of interest behind it.
    pub(super) async fn keys(
        self,
        store: &Store,
        limit: u32,
    ) -> Result<(Vec<String>, Option<String>), StoreError> {
        let Self { from, of, column, text, unless, search } = self;
        let has = if store.is_shared() { "strpos" } else { "instr" };
        let mut values = of.clone();
        values.push(Value::Integer(i64::from(search.lot)));
        let lot = values.len();
        let mut wanted = vec!["1 = 1".to_owned()];
        for word in &search.words {
            values.push(Value::Text(word));
            wanted.push(format!("{has}(words, ${}) > 0", values.len()));
        }
        for only in &search.only {
            values.push(only.value());
            wanted.push(only.wanted(values.len()));
        }
        let mut columns: String =
            search.only.iter().map(|it| format!(", {}", it.column())).collect();
        if let Some((column, holds)) = unless {
            columns = format!("{columns}, {column}");
            wanted.push(holds.to_owned());
        }
        values.push(Value::Integer(i64::from(limit) + 1));
        let sql = format!(
            "SELECT DISTINCT {column} FROM (SELECT {column}, {text} AS words{columns} {from} ORDER BY {column} LIMIT ${lot}) AS lot \
             WHERE {} ORDER BY {column} LIMIT ${}",
            wanted.join(" AND "),
            values.len()
        );
        let rows = store.engine.rows(&sql, &values).await?;
        let mut keys: Vec<String> = rows.iter().filter_map(|it| it.text(0).ok()).collect();
        if keys.len() > limit as usize {
            keys.truncate(limit as usize);
            let last = keys.last().cloned();
            return Ok((keys, last));
        }
        let mut values = of;
        values.push(Value::Integer(i64::from(search.lot) - 1));
        let sql =
            format!("SELECT {column} {from} ORDER BY {column} LIMIT 1 OFFSET ${}", values.len());
        let rows = store.engine.rows(&sql, &values).await?;
        Ok((keys, rows.first().and_then(|it| it.text(0).ok())))
    }
}

/// Rows after a key that are looked for, in the order of their keys: of one lot. `next` is where the lot ended.
pub(super) async fn found<R: Record>(
    store: &Store,
    scope: &Scope,
    search: &Search,
    after: Option<&str>,
    limit: u32,
) -> Result<Listed<Stored<R>>, StoreError> {
    if search.is_all() || !scope.sees_everything() {
        return page(store, scope, after, limit).await;
    }
    let limit = limit.clamp(1, PAGE_MAX);
    let from = format!("FROM {} WHERE key > $1", R::TABLE.name);
    let of = vec![Value::Text(after.unwrap_or_default())];
    let lot = Lot { from: &from, of, column: "key", text: "words", unless: None, search };
    let (keys, next) = match lot.keys(store, limit).await {
        // Round the damage, by the rows themselves.
        Err(StoreError::Corrupt { .. }) => {
            let mut listed = page::<R>(store, scope, after, limit).await?;
            listed.rows.retain(|it| search.is_of(it));
            return Ok(listed);
        }
        keys => keys?,
    };
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let mut listed = several::<R>(store, scope, &keys).await?;
    listed.rows.sort_by(|a, b| a.key.cmp(&b.key));
    listed.next = next;
    Ok(listed)
}

/// Puts down the words of rows of before. A page that does not read is left: what lies behind it is found once it is
/// written again.
pub(super) async fn word_all(tx: &mut Tx) -> Result<(), StoreError> {
    for table in ["connectors", "integrations", "environments", "connections", "tenants", "callers"]
    {
        let mut after = String::new();
        loop {
            let sql = format!(
                "SELECT key, definition FROM {table} WHERE key > $1 ORDER BY key LIMIT {AT_ONCE}"
            );
            let rows = match tx.rows(&sql, &[Value::Text(&after)]).await {
                Err(StoreError::Corrupt { .. }) => break,
                rows => rows?,
            };
            let lot: Vec<(String, String)> = rows
                .iter()
                .filter_map(|it| {
                    let key = it.text(0).ok()?;
                    let words = words(&key, &name(it.text(1).ok().as_deref()));
                    Some((key, words))
                })
                .collect();
            let Some(last) = lot.last() else { break };
            after.clone_from(&last.0);
            let places = (0..lot.len()).map(|it| format!("(${}, ${})", it * 2 + 1, it * 2 + 2));
            let sql = format!(
                "WITH worded (of, words) AS (VALUES {}) UPDATE {table} SET words = \
                 (SELECT worded.words FROM worded WHERE worded.of = {table}.key) \
                 WHERE key IN (SELECT of FROM worded)",
                places.collect::<Vec<_>>().join(", ")
            );
            let values: Vec<_> =
                lot.iter().flat_map(|it| [Value::Text(&it.0), Value::Text(&it.1)]).collect();
            tx.run(&sql, &values).await?;
        }
    }
    Ok(())
}

/// Puts down the words of a row that was written, where lists of its kind are searched.
pub(super) async fn put_words<R: Record>(
    tx: &mut Tx,
    keys: &[&str],
    record: &R,
) -> Result<(), StoreError> {
    let ([key], Some(definition)) = (keys, record.definition()) else { return Ok(()) };
    let Table { name: table, .. } = R::TABLE;
    let words = words(key, &name(Some(definition)));
    let sql = format!("UPDATE {table} SET words = $2 WHERE key = $1 AND words <> $2");
    tx.run(&sql, &[Value::Text(key), Value::Text(&words)]).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_in_small_letters_and_no_longer_than_an_index_takes() {
        assert_eq!(words("acme", "ZÜRICH Ärzte"), "acme\nzürich ärzte");
        assert!(words("a", &"ü".repeat(5000)).len() <= WORDS_LEN_MAX);
        assert_eq!(name(Some(r#"{"name":"Acme \"1\""}"#)), "Acme \"1\"");
        for none in [None, Some("torn"), Some("{}"), Some("[]"), Some(r#"{"name":null}"#)] {
            assert_eq!(name(none), "", "{none:?}");
        }
        let search = Search { words: vec!["zür".into(), "me".into()], ..Search::default() };
        assert!(search.is_in("acme", "Zürich") && !search.is_in("acme", "Bern"));
    }
}
