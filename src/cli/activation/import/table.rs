//! CSV (RFC 4180): a header, and a row for each activation. Cells that are empty are left out.
use super::row::Fault;
use super::row::Row;
use super::source::Unreadable;
use csv::ReaderBuilder;
use csv::StringRecord;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use std::cell::Cell;
use std::io;
use std::io::Read;
use std::rc::Rc;

/// Longest row, in bytes: one that is longer has a quote that nothing closes.
const ROW_LEN_MAX: usize = 2 << 20;

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Column {
    Tenant,
    Connection,
    /// A member of the same name.
    Token(&'static str),
    Enabled,
    Variable(String),
    Credential(String),
}

impl Column {
    fn parse(name: &str) -> Option<Self> {
        Some(match name.trim() {
            "tenant" => Self::Tenant,
            "connection" => Self::Connection,
            "access_token" => Self::Token("access_token"),
            "refresh_token" => Self::Token("refresh_token"),
            "expires_at" => Self::Token("expires_at"),
            "scopes" => Self::Token("scopes"),
            "enabled" => Self::Enabled,
            other => match other.split_once('.')? {
                ("variable", name) if !name.is_empty() => Self::Variable(name.to_owned()),
                ("credential", name) if !name.is_empty() => Self::Credential(name.to_owned()),
                _ => return None,
            },
        })
    }
}

/// The rows of a file.
pub(super) struct Table {
    reader: csv::Reader<Bounded>,
    columns: Vec<Column>,
    record: StringRecord,
    read: Rc<Cell<usize>>,
    has_returns: Rc<Cell<Option<bool>>>,
    number: u64,
}

impl Table {
    pub(super) fn new(input: Box<dyn Read>) -> Result<Self, Unreadable> {
        let (read, has_returns) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(None)));
        let bounded = Bounded {
            input,
            read: Rc::clone(&read),
            has_returns: Rc::clone(&has_returns),
            last: 0,
        };
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(bounded);
        let header = reader.headers().map_err(|it| unreadable(&it, 0))?.clone();
        let mut columns = Vec::new();
        for (index, name) in header.iter().enumerate() {
            // What some programs begin a file with.
            let name = if index == 0 { name.trim_start_matches('\u{feff}') } else { name };
            let Some(column) = Column::parse(name) else {
                return Err(Unreadable(format!(
                    "the header has an unknown column `{}`: columns are tenant, connection, access_token, \
                     refresh_token, expires_at, scopes, enabled, variable.NAME and credential.NAME",
                    crate::cli::text::plain(name)
                )));
            };
            if columns.contains(&column) {
                let name = crate::cli::text::plain(name);
                return Err(Unreadable(format!("the header has the column `{name}` twice")));
            }
            columns.push(column);
        }
        if !columns.contains(&Column::Tenant) {
            return Err(Unreadable("the header has no column `tenant`".to_owned()));
        }
        let record = StringRecord::new();
        Ok(Self { reader, columns, record, read, has_returns, number: 0 })
    }

    /// The next row; none at the end.
    pub(super) fn next(&mut self, connection: Option<&str>) -> Result<Option<Row>, Unreadable> {
        self.read.set(0);
        let more = self.reader.read_record(&mut self.record);
        if !more.map_err(|it| unreadable(&it, self.number + 1))? {
            return Ok(None);
        }
        self.number += 1;
        // Of two characters that end a line the second one is read with what comes behind it.
        let behind = u64::from(self.has_returns.get() == Some(true));
        let line = self.record.position().map_or(0, csv::Position::line) + behind;
        let end = self.reader.position().byte();
        Ok(Some(Row::of_entry((self.number, line, end), self.entry(), connection)))
    }

    fn entry(&self) -> Result<Value, Fault> {
        let (has, wants) = (self.record.len(), self.columns.len());
        // The tenant is told, as far as it is known whose the row is.
        if has != wants {
            return Err(Fault::new("", format!("it has {has} cells, and the header has {wants}")));
        }
        let mut entry = Map::new();
        for (column, cell) in self.columns.iter().zip(&self.record) {
            if cell.is_empty() {
                continue;
            }
            let (member, value) = match column {
                Column::Tenant => ("tenant", json!(cell)),
                Column::Connection => ("connection", json!(cell.trim())),
                Column::Token(name) => (*name, json!(cell)),
                Column::Enabled => ("enabled", json!(flag(cell)?)),
                Column::Variable(name) => {
                    below(&mut entry, "variables", name, cell);
                    continue;
                }
                Column::Credential(name) => {
                    below(&mut entry, "credentials", name, cell);
                    continue;
                }
            };
            entry.insert(member.to_owned(), value);
        }
        Ok(Value::Object(entry))
    }
}

fn below(entry: &mut Map<String, Value>, member: &str, name: &str, cell: &str) {
    let all = entry.entry(member).or_insert_with(|| json!({}));
    all[name] = cell.into();
}

fn flag(cell: &str) -> Result<bool, Fault> {
    match cell.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err(Fault::new("enabled", "write true or false")),
    }
}

fn unreadable(error: &csv::Error, row: u64) -> Unreadable {
    let place = if row == 0 { "the header".to_owned() } else { format!("row {row}") };
    match error.kind() {
        csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            Unreadable(format!(
                "{place} is longer than {ROW_LEN_MAX} bytes: is there a quote that nothing closes?"
            ))
        }
        csv::ErrorKind::Io(error) => Unreadable(format!("{place}: {}", error.kind())),
        csv::ErrorKind::Utf8 { err, .. } => {
            Unreadable(format!("{place}, cell {}, is not UTF-8", err.field() + 1))
        }
        _ => Unreadable(format!("{place} is no CSV")),
    }
}

/// Fails where a row takes too much of it.
struct Bounded {
    input: Box<dyn Read>,
    /// Since the row began.
    read: Rc<Cell<usize>>,
    /// Lines end in two characters, as RFC 4180 has it: the first one did.
    has_returns: Rc<Cell<Option<bool>>>,
    last: u8,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read.get() > ROW_LEN_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let count = self.input.read(buffer)?;
        self.read.set(self.read.get() + count);
        let read = &buffer[..count];
        if self.has_returns.get().is_none()
            && let Some(at) = read.iter().position(|it| *it == b'\n')
        {
            let before = at.checked_sub(1).map_or(self.last, |it| read[it]);
            self.has_returns.set(Some(before == b'\r'));
        }
        self.last = read.last().copied().unwrap_or(self.last);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Result<Table, Unreadable> {
        Table::new(Box::new(io::Cursor::new(text.to_owned().into_bytes())))
    }

    #[test]
    fn a_row_is_an_activation_with_what_its_cells_say() {
        let text = "\u{feff}tenant,connection,access_token,scopes,enabled,variable.region,credential.key\r\n\
                    acme,crm,\"a,\"\"b\",x y,no,eu,k\r\n\
                    \"in\nitech\",,,,,,\r\n\
                    few,crm\r\n\
                    odd,crm,,,maybe,,\r\n";
        let mut table = table(text).unwrap();
        let mut next = || table.next(Some("all")).unwrap();
        let first = next().unwrap();
        let expected = json!({
            "tenant": "acme", "connection": "crm", "access_token": "a,\"b", "scopes": "x y", "enabled": false,
            "variables": { "region": "eu" }, "credentials": { "key": "k" },
        });
        assert_eq!((first.number, first.line, first.entry.unwrap()), (1, 2, expected));
        let second = next().unwrap();
        assert_eq!((&*second.tenant, &*second.connection), ("in\nitech", "all"));
        let few = next().unwrap();
        assert_eq!(few.entry.as_ref().unwrap_err().why, "it has 2 cells, and the header has 7");
        assert_eq!(few.place(""), "row 3 (line 5)");
        assert_eq!(next().unwrap().entry.unwrap_err().column, "enabled");
        assert!(next().is_none());
        assert!((60..=text.find("\"in").unwrap() as u64).contains(&first.end), "{}", first.end);
    }

    #[test]
    fn a_header_that_is_none_says_what_columns_there_are() {
        for (text, says) in [
            ("", "no column `tenant`"),
            ("connection\n", "no column `tenant`"),
            ("tenant,token\n", "`token`"),
            ("tenant,credential.\n", "`credential.`"),
            ("tenant,tenant\n", "twice"),
        ] {
            let error = table(text).err().map(|it| it.0).unwrap_or_default();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn a_quote_that_nothing_closes_takes_no_more_than_a_row() {
        let text = format!("tenant\n\"{}", "x".repeat(3 * ROW_LEN_MAX));
        let error = table(&text).unwrap().next(None).unwrap_err().0;
        assert!(error.contains("row 1 is longer") && error.contains("quote"), "{error}");
    }
}
