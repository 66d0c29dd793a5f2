//! Reading round damage: a row or a page that does not read is left out and named, and the rest is read.
use super::engine::Engine;
use super::engine::Row;
use super::engine::Unreadable;
use super::engine::Value;
use super::error::StoreError;

/// A table that is read whole.
pub(super) struct Source {
    pub(super) table: &'static str,
    /// `SELECT … FROM table`, and the condition where there is one: about columns of the key alone.
    pub(super) select: &'static str,
    pub(super) condition: &'static str,
    /// The same in words that fit no index but that of the key: any other leads to the rows themselves.
    pub(super) of_keys: &'static str,
    /// The columns of its primary key, which stand in an index as well.
    pub(super) key: &'static [Column],
}

/// A column of a key.
pub(super) enum Column {
    Text(&'static str),
    Integer(&'static str),
    Bytes(&'static str),
}

/// What was read, in no order, and what does not read.
pub(super) type Salvaged<T> = (Vec<T>, Vec<StoreError>);

/// A part of a key, to ask by.
enum Part {
    Text(String),
    Integer(i64),
    Bytes(Vec<u8>),
}

impl Source {
    /// All at once, and row by row where a page does not read.
    pub(super) async fn all<T>(
        &self,
        engine: &Engine,
        read: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Salvaged<T>, StoreError> {
        // In no order: a damaged index does no harm then.
        let sql = format!("{}{}", self.select, self.condition);
        match engine.rows(&sql, &[]).await {
            Err(StoreError::Corrupt { .. }) => self.one_by_one(engine, read).await,
            rows => Ok(sorted_out(&rows?, read)),
        }
    }

    /// The keys from their index, then each row alone.
    pub(super) async fn one_by_one<T>(
        &self,
        engine: &Engine,
        read: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Salvaged<T>, StoreError> {
        let names: Vec<&str> = self.key.iter().map(Column::name).collect();
        let order = names.join(", ");
        let Self { table, select, of_keys, .. } = self;
        let sql = format!("SELECT {order} FROM {table}{of_keys} ORDER BY {order}");
        let keys = match engine.rows(&sql, &[]).await {
            // Neither the table nor its index: nothing of it can be told but that.
            Err(error @ StoreError::Corrupt { .. }) => return Ok((Vec::new(), vec![error])),
            keys => keys?,
        };
        let is: Vec<String> =
            (1..).zip(&names).map(|(number, name)| format!("{name} = ${number}")).collect();
        let sql = format!("{select} WHERE {}", is.join(" AND "));
        let (mut all, mut unreadable) = (Vec::new(), Vec::new());
        for key in &keys {
            let Ok(parts) = self.parts(key) else {
                unreadable.push(StoreError::Corrupt { table, key: None });
                continue;
            };
            let values: Vec<Value<'_>> = parts.iter().map(Part::value).collect();
            match engine.rows(&sql, &values).await {
                Ok(rows) => {
                    let (read, broken) = sorted_out(&rows, &read);
                    all.extend(read);
                    unreadable.extend(broken);
                }
                Err(StoreError::Corrupt { .. }) => {
                    unreadable.push(StoreError::Corrupt { table, key: Some(shown(&parts)) });
                }
                Err(error) => return Err(error),
            }
        }
        Ok((all, unreadable))
    }

    fn parts(&self, row: &Row) -> Result<Vec<Part>, Unreadable> {
        let part = |(column, name): (usize, &Column)| {
            Ok(match name {
                Column::Text(_) => Part::Text(row.text(column)?),
                Column::Integer(_) => Part::Integer(row.integer(column)?),
                Column::Bytes(_) => Part::Bytes(row.bytes(column)?),
            })
        };
        self.key.iter().enumerate().map(part).collect()
    }
}

impl Column {
    fn name(&self) -> &'static str {
        match self {
            Self::Text(name) | Self::Integer(name) | Self::Bytes(name) => name,
        }
    }
}

impl Part {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(text),
            Self::Integer(integer) => Value::Integer(*integer),
            Self::Bytes(bytes) => Value::Bytes(bytes),
        }
    }
}

/// As rows that do not read are named elsewhere: by the first part of their key.
fn shown(parts: &[Part]) -> String {
    match parts.first() {
        Some(Part::Text(text)) => text.clone(),
        Some(Part::Integer(integer)) => integer.to_string(),
        Some(Part::Bytes(bytes)) => hex::encode(&bytes[..bytes.len().min(4)]),
        None => String::new(),
    }
}

/// What reads, and what does not.
pub(super) fn sorted_out<T>(
    rows: &[Row],
    read: impl Fn(&Row) -> Result<T, StoreError>,
) -> Salvaged<T> {
    let (mut all, mut unreadable) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in rows {
        match read(row) {
            Ok(it) => all.push(it),
            Err(error) => unreadable.push(error),
        }
    }
    (all, unreadable)
}
