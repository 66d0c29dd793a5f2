//! Where rows come from: a file, which can be gone on with, standard input, or another product.
use super::nango::Nango;
use super::objects::Objects;
use super::row::Row;
use super::seen::Seen;
use super::table::Table;
use crate::cli::stopped::Stopped;
use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;

/// What is read at a time, in bytes.
const BUFFER_LEN: usize = 256 << 10;

/// Longest batch, in bytes of its input: half of what the API takes.
const BATCH_LEN_MAX: u64 = 8 << 20;

/// What an age file begins with.
const SEALED: &[u8] = b"age-encryption.org/v1";

/// Why there is nothing to be read, for people.
#[derive(Debug)]
pub(super) struct Unreadable(pub(super) String);

/// Rows, one batch after the other.
pub(super) enum Source {
    Table(Box<Table>),
    Objects(Box<Objects>),
    Nango(Box<Nango>),
}

impl Source {
    /// `-` is standard input. Whether it is CSV its name or its first character says.
    pub(super) fn open(path: &Path) -> Result<Self, Unreadable> {
        if path == Path::new("-") {
            return Self::read(Box::new(BufReader::with_capacity(BUFFER_LEN, io::stdin())), false);
        }
        let file = File::open(path).map_err(|it| Unreadable(it.kind().to_string()))?;
        let is_table = path.extension().is_some_and(|it| it.eq_ignore_ascii_case("csv"));
        Self::read(Box::new(BufReader::with_capacity(BUFFER_LEN, file)), is_table)
    }

    fn read(mut input: Box<dyn BufRead>, is_table: bool) -> Result<Self, Unreadable> {
        let begin = input.fill_buf().map_err(|it| Unreadable(it.kind().to_string()))?;
        if begin.starts_with(SEALED) {
            return Err(Unreadable(
                "it is sealed: `age -d -i KEY FILE | attache activation import -`".to_owned(),
            ));
        }
        let first = begin.iter().find(|it| !it.is_ascii_whitespace());
        match first {
            Some(b'{' | b'[') if !is_table => Ok(Self::Objects(Box::new(Objects::new(input)))),
            _ => Ok(Self::Table(Box::new(Table::new(Box::new(input))?))),
        }
    }

    /// The next rows: so many, or fewer where they are long or there are no more.
    pub(super) async fn batch(
        &mut self,
        count: usize,
        connection: Option<&str>,
    ) -> Result<Vec<Row>, Stopped> {
        let mut rows: Vec<Row> = Vec::new();
        while rows.len() < count {
            let len = rows.last().map_or(0, |it| it.end) - rows.first().map_or(0, |it| it.end);
            if len > BATCH_LEN_MAX {
                break;
            }
            let row = match self {
                Self::Table(table) => table.next(connection),
                Self::Objects(objects) => objects.next(connection),
                Self::Nango(nango) => return nango.batch(count).await,
            };
            match row.map_err(|it| Stopped::Invalid(it.0))? {
                Some(row) => rows.push(row),
                None => break,
            }
        }
        Ok(rows)
    }

    /// Goes past the next rows, which are done.
    pub(super) fn skip(
        &mut self,
        count: u64,
        connection: Option<&str>,
        seen: &mut Seen,
    ) -> Result<(), Stopped> {
        let invalid = |it: Unreadable| Stopped::Invalid(it.0);
        for _ in 0..count {
            let row = match self {
                Self::Table(table) => table.next(connection).map_err(invalid)?,
                Self::Objects(objects) => objects.next(connection).map_err(invalid)?,
                Self::Nango(_) => None,
            };
            let Some(mut row) = row else {
                return Err(Stopped::Invalid("it is shorter than it was".to_owned()));
            };
            seen.refuse_twice(std::slice::from_mut(&mut row))?;
        }
        Ok(())
    }
}
