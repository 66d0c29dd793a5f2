//! JSON: a list of objects, or one behind the other (JSON lines); each is read alone, however many there are.
use super::row::Fault;
use super::row::Row;
use super::source::Unreadable;
use crate::cli::text::plain;
use crate::config::JsonError;
use crate::config::parse_json;
use std::io;
use std::io::BufRead;
use zeroize::Zeroizing;

/// Longest object, in bytes: more than an activation may have.
const OBJECT_LEN_MAX: usize = 2 << 20;

/// The objects of a file.
pub(super) struct Objects {
    input: Box<dyn BufRead>,
    /// Bytes that were read.
    at: u64,
    /// The line that comes next.
    line: u64,
    number: u64,
    /// Whether they stand in a list; none before the first.
    in_list: Option<bool>,
}

impl Objects {
    pub(super) fn new(input: Box<dyn BufRead>) -> Self {
        Self { input, at: 0, line: 1, number: 0, in_list: None }
    }

    /// The next row; none at the end.
    pub(super) fn next(&mut self, connection: Option<&str>) -> Result<Option<Row>, Unreadable> {
        if !self.find()? {
            return Ok(None);
        }
        self.number += 1;
        let line = self.line;
        let text = self.object()?;
        let entry = parse_json(&text).map_err(|error| match error {
            JsonError::Syntax(problem) => Fault::new("", format!("it is not JSON: {problem}")),
            JsonError::Unsound(it) => {
                Fault::new(plain(&super::row::column_of(&it.pointer)), plain(&it.problem))
            }
        });
        Ok(Some(Row::of_entry((self.number, line, self.at), entry, connection)))
    }

    /// Goes to the next object. False at the end.
    fn find(&mut self) -> Result<bool, Unreadable> {
        let mut has_comma = self.number == 0;
        loop {
            match (self.peek()?, self.in_list) {
                (Some(byte), _) if byte.is_ascii_whitespace() => self.take()?,
                (Some(b'['), None) => {
                    self.in_list = Some(true);
                    self.take()?;
                }
                (Some(b'{'), Some(true)) if !has_comma => {
                    return Err(self.broken("expected a comma between objects"));
                }
                (Some(b'{'), of) => {
                    self.in_list = Some(of.unwrap_or(false));
                    return Ok(true);
                }
                (Some(b','), Some(true)) if !has_comma => {
                    has_comma = true;
                    self.take()?;
                }
                (Some(b']'), Some(true)) => return Ok(false),
                (None, Some(true)) => return Err(self.broken("the list has no end")),
                (None, _) => return Ok(false),
                (Some(_), _) => return Err(self.broken("expected an object")),
            }
        }
    }

    /// From its brace to the one that closes it.
    fn object(&mut self) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
        let mut text = Zeroizing::new(Vec::new());
        let (mut depth, mut in_text, mut is_escaped) = (0_u32, false, false);
        loop {
            let Some(byte) = self.peek()? else {
                return Err(self.broken("it ends within an object"));
            };
            if text.len() >= OBJECT_LEN_MAX {
                let problem = format!("an object is longer than {OBJECT_LEN_MAX} bytes");
                return Err(self.broken(&problem));
            }
            text.push(byte);
            self.take()?;
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if in_text => is_escaped = true,
                b'"' => in_text = !in_text,
                b'{' if !in_text => depth += 1,
                b'}' if !in_text => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(text);
            }
        }
    }

    fn peek(&mut self) -> Result<Option<u8>, Unreadable> {
        let read = |it: io::Error| Unreadable(format!("it can't be read: {}", it.kind()));
        Ok(self.input.fill_buf().map_err(read)?.first().copied())
    }

    fn take(&mut self) -> Result<(), Unreadable> {
        if self.peek()? == Some(b'\n') {
            self.line += 1;
        }
        self.input.consume(1);
        self.at += 1;
        Ok(())
    }

    fn broken(&self, problem: &str) -> Unreadable {
        Unreadable(format!("line {}, row {}: {problem}", self.line, self.number + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Result<Vec<Row>, Unreadable> {
        let mut objects = Objects::new(Box::new(io::Cursor::new(text.to_owned().into_bytes())));
        std::iter::from_fn(|| objects.next(Some("crm")).transpose()).collect()
    }

    #[test]
    fn objects_stand_in_a_list_or_one_behind_the_other() {
        for text in [
            "[{\"tenant\": \"a\"},\n {\"tenant\": \"b\", \"x\": \"}\\\"{\"} ]\n",
            "{\"tenant\": \"a\"}\n\n{\"tenant\": \"b\"}",
        ] {
            let rows = all(text).unwrap();
            let told: Vec<_> = rows.iter().map(|it| (it.number, &*it.tenant)).collect();
            assert_eq!(told, [(1, "a"), (2, "b")], "{text}");
            assert_eq!(&text[rows[0].end as usize - 1..rows[0].end as usize], "}");
            assert!(rows[1].line >= 2);
        }
        assert!(all("").unwrap().is_empty() && all(" [ ] ").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_object_says_where() {
        for (text, says) in [
            ("[{\"tenant\": \"a\"} {\"tenant\": \"b\"}]", "row 2: expected a comma"),
            ("[{\"tenant\": \"a\"}", "no end"),
            ("{\"tenant\": \"a\"\n", "within an object"),
            ("\n\"canary\"", "line 2, row 1: expected an object"),
        ] {
            let error = all(text).err().map(|it| it.0).unwrap_or_default();
            assert!(error.contains(says), "{text}: {error}");
        }
        let rows = all("{\"tenant\": \"a\", \"tenant\": \"b\"}{nothing}").unwrap();
        assert!(rows.iter().all(|it| it.entry.is_err()), "each for itself");
        let rows = all("{\"a\\u001b[2J\": 1, \"a\\u001b[2J\": 2}").unwrap();
        let fault = rows[0].entry.clone().unwrap_err();
        assert!(fault.column.contains("[2J"), "{fault:?}");
        assert!(!format!("{}{}", fault.column, fault.why).contains('\u{1b}'), "{fault:?}");
    }
}
