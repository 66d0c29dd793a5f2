//! The Date of answers (RFC 9110 §6.6.1): written out once a second, not once an answer.
use httpdate::HttpDate;
use std::cell::Cell;
use std::cell::RefCell;
use std::io::Write;
use std::time::SystemTime;

/// A worker's date; up to one second and one tick old.
#[derive(Debug)]
pub(super) struct Date {
    /// The second of the worker's clock in which the field was written.
    second: Cell<u64>,
    /// The whole field line.
    line: RefCell<Vec<u8>>,
}

impl Date {
    pub(super) fn new() -> Self {
        let date = Self { second: Cell::new(0), line: RefCell::new(Vec::new()) };
        date.renew();
        date
    }

    /// The worker's clock has moved on.
    pub(super) fn tick(&self, now_ms: u64) {
        let second = now_ms / 1_000;
        if self.second.replace(second) != second {
            self.renew();
        }
    }

    pub(super) fn write_field(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.line.borrow());
    }

    #[expect(clippy::disallowed_methods, reason = "the workers' clock")]
    fn renew(&self) {
        let mut line = self.line.borrow_mut();
        line.clear();
        let now = HttpDate::from(SystemTime::now());
        write!(line, "date: {now}\r\n").expect("a Vec takes what is written to it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_anew_with_each_second_and_not_before() {
        let date = Date::new();
        let written = || {
            let mut out = Vec::new();
            date.write_field(&mut out);
            String::from_utf8(out).unwrap()
        };
        let first = written();
        assert!(first.starts_with("date: ") && first.ends_with(" GMT\r\n"), "{first}");
        date.line.borrow_mut().clear();
        date.tick(999);
        assert_eq!(written(), "", "the same second");
        date.tick(1_000);
        assert_eq!(written().len(), first.len());
    }
}
