//! What the tables of definitions have in common: a key, a version, dates, a checksum, and columns.
use super::Kind;
use super::engine::Row;
use super::engine::Unreadable;
use super::engine::Value;
use super::error::StoreError;
use sha2::Digest;
use sha2::Sha256;

/// A table whose rows are written whole.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// The columns of its primary key.
    pub(super) keys: &'static [&'static str],
    /// Its own columns, as [`Record::values`] has them.
    pub(super) columns: &'static [&'static str],
}

/// The columns that every such table has, before its own.
const META: &[&str] = &["version", "created_at", "updated_at", "updated_by", "checksum"];

/// A row of such a table, less what all of them have.
pub(super) trait Record: Sized {
    const TABLE: Table;

    fn values(&self) -> Vec<Value<'_>>;

    /// JSON with its name, where lists of it are searched: then the table has `words`.
    fn definition(&self) -> Option<&str> {
        None
    }

    /// From its own columns, which begin at `first`.
    fn read(row: &Row, first: usize) -> Result<Self, Unreadable>;
}

/// A row, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<T> {
    pub key: String,
    pub value: T,
    /// The revision that it was last written at: its ETag. Never used twice.
    pub version: i64,
    /// Unix milliseconds, as is the next.
    pub created_at_ms: i64,
    pub updated_at_ms: i64,
}

/// A page of rows, in the order of their keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    pub rows: Vec<T>,
    /// Rows that do not read, or are not what was written: left out, and named.
    pub unreadable: Vec<StoreError>,
    /// Where the next page begins: after this key. None at the end.
    pub next: Option<String>,
}

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// The revision of the change, and the version of what was written.
    pub revision: i64,
    /// False where it replaced something.
    pub created: bool,
    /// Unix milliseconds, as is the next.
    pub created_at_ms: i64,
    pub updated_at_ms: i64,
}

impl Table {
    /// `SELECT key…, meta…, columns…`, in the order that [`read`] takes them.
    pub(super) fn select(&self) -> String {
        format!("SELECT {} FROM {}", self.all(""), self.name)
    }

    /// All columns, each behind `prefix`.
    pub(super) fn all(&self, prefix: &str) -> String {
        let all = self.keys.iter().chain(META).chain(self.columns);
        let all: Vec<_> = all.map(|it| format!("{prefix}{it}")).collect();
        all.join(", ")
    }

    /// How many columns there are.
    pub(super) fn width(&self) -> usize {
        self.keys.len() + META.len() + self.columns.len()
    }

    /// `key = $1`, or `owner = $1 AND tenant = $2`.
    pub(super) fn is_key(&self) -> String {
        let each = (1..).zip(self.keys).map(|(number, it)| format!("{it} = ${number}"));
        each.collect::<Vec<_>>().join(" AND ")
    }

    pub(super) fn insert(&self) -> String {
        let places: Vec<_> = (1..=self.width()).map(|it| format!("${it}")).collect();
        format!("INSERT INTO {} ({}) VALUES ({})", self.name, self.all(""), places.join(", "))
    }

    /// The same values in the same order; the date of creation stays.
    pub(super) fn update(&self) -> String {
        let numbered = (self.keys.len() + 1..).zip(META.iter().chain(self.columns));
        let each = numbered.map(|(number, it)| format!("{it} = ${number}"));
        let sets = each.collect::<Vec<_>>().join(", ");
        format!("UPDATE {} SET {sets} WHERE {}", self.name, self.is_key())
    }
}

/// A digest of a row, 16 hex digits: so that a damaged page is found rather than served. It is no
/// protection against whoever can write to the database; that is what sealing is for.
pub(super) fn checksum(table: &str, keys: &[&str], values: &[Value<'_>]) -> String {
    let mut digest = Sha256::new();
    let mut add = |kind: u8, bytes: &[u8]| {
        digest.update([kind]);
        digest.update((bytes.len() as u64).to_be_bytes());
        digest.update(bytes);
    };
    add(0, table.as_bytes());
    keys.iter().for_each(|it| add(0, it.as_bytes()));
    for value in values {
        match value {
            Value::Text(text) => add(1, text.as_bytes()),
            Value::Integer(integer) => add(2, &integer.to_be_bytes()),
            Value::Bytes(bytes) => add(3, bytes),
            Value::NoInteger => add(4, &[]),
        }
    }
    hex::encode(&digest.finalize()[..8])
}

/// A row as [`Table::select`] has it. The key of a table with two is the first.
pub(super) fn read<R: Record>(row: &Row) -> Result<Stored<R>, StoreError> {
    let width = R::TABLE.keys.len();
    let keys: Result<Vec<String>, Unreadable> = (0..width).map(|it| row.text(it)).collect();
    let keys = keys.map_err(|_| StoreError::Corrupt { table: R::TABLE.name, key: None })?;
    let corrupt = || StoreError::Corrupt { table: R::TABLE.name, key: Some(keys.join(" of ")) };
    let whole = || {
        let value = R::read(row, width + META.len())?;
        let borrowed: Vec<&str> = keys.iter().map(String::as_str).collect();
        if row.text(width + 4)? != checksum(R::TABLE.name, &borrowed, &value.values()) {
            return Err(Unreadable);
        }
        Ok(Stored {
            key: keys[0].clone(),
            value,
            version: row.integer(width)?,
            created_at_ms: row.integer(width + 1)?,
            updated_at_ms: row.integer(width + 2)?,
        })
    };
    whole().map_err(|Unreadable| corrupt())
}

/// A column that holds a JSON object of texts, in their order.
pub(super) fn texts<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Unreadable> {
    serde_json::from_str(text).map_err(|_| Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: Table = Table {
        name: "activations",
        kind: Kind::Activation,
        keys: &["owner", "tenant"],
        columns: &["enabled"],
    };

    #[test]
    fn statements_number_their_values_alike() {
        assert_eq!(
            TABLE.insert(),
            "INSERT INTO activations (owner, tenant, version, created_at, updated_at, updated_by, \
             checksum, enabled) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        );
        assert_eq!(
            TABLE.update(),
            "UPDATE activations SET version = $3, created_at = $4, updated_at = $5, updated_by = $6, \
             checksum = $7, enabled = $8 WHERE owner = $1 AND tenant = $2"
        );
    }

    #[test]
    fn a_checksum_tells_parts_and_kinds_apart() {
        let sum = |keys: &[&str], values: &[Value<'_>]| checksum("t", keys, values);
        let good = sum(&["a", "b"], &[Value::Text("1")]);
        assert_eq!(good.len(), 16);
        assert_eq!(good, sum(&["a", "b"], &[Value::Text("1")]));
        assert_ne!(good, sum(&["ab", ""], &[Value::Text("1")]));
        assert_ne!(good, sum(&["a", "b"], &[Value::Bytes(b"1")]));
        assert_ne!(good, checksum("u", &["a", "b"], &[Value::Text("1")]));
    }
}
