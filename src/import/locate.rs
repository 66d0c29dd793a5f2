//! In which lines of a document its parts stand: a second look at it, for what a report tells of alone.
use super::tree::Pointer;
use saphyr_parser::Event;
use saphyr_parser::Parser;
use std::cell::Cell;
use std::collections::HashMap;

/// The lines of these places, counted from 1. What is not there has the line of what it would stand in.
pub(super) fn lines(document: &str, pointers: &[&str]) -> Vec<usize> {
    let mut wanted = Wanted::default();
    for (index, pointer) in pointers.iter().enumerate() {
        wanted.want(pointer, index);
    }
    if document.trim_start().starts_with('{') {
        Json { text: document.as_bytes(), at: 0, line: 1, begun: 0 }.value(&wanted);
    } else {
        Yaml { open: Vec::new(), begun: 0 }.document(document, &wanted);
    }
    let mut lines = vec![1; pointers.len()];
    wanted.tell(1, 0, &mut lines);
    lines
}

/// The places that are looked for, as a tree.
#[derive(Debug, Default)]
struct Wanted {
    /// Which of them this one is.
    indexes: Vec<usize>,
    below: HashMap<String, Wanted>,
    begun: Cell<Begun>,
}

/// Where a place was come upon last. Of a key that stands twice the later one counts, with what is below that one.
#[derive(Clone, Copy, Debug, Default)]
struct Begun {
    line: usize,
    /// The how manieth beginning that was; none before the first.
    number: usize,
    /// That of what it is in.
    within: usize,
}

impl Wanted {
    fn want(&mut self, pointer: &str, index: usize) {
        let mut own = self;
        for token in Pointer::parse(pointer).tokens() {
            own = own.below.entry(token).or_default();
        }
        own.indexes.push(index);
    }

    /// What is wanted of this key, which begins here.
    fn below(&self, key: &str, line: usize, begun: &mut usize) -> Option<&Wanted> {
        let below = self.below.get(key)?;
        *begun += 1;
        below.begun.set(Begun { line, number: *begun, within: self.begun.get().number });
        Some(below)
    }

    /// The line of each: its own, else that of what it is in, which began as the `number`th.
    fn tell(&self, line: usize, number: usize, lines: &mut [usize]) {
        for index in &self.indexes {
            lines[*index] = line;
        }
        for below in self.below.values() {
            let begun = below.begun.get();
            match begun.number > 0 && begun.within == number {
                true => below.tell(begun.line, begun.number, lines),
                false => below.tell(line, usize::MAX, lines),
            }
        }
    }
}

/// JSON that has been read once, and so is sound.
struct Json<'d> {
    text: &'d [u8],
    at: usize,
    line: usize,
    /// How many of the wanted places have begun.
    begun: usize,
}

impl Json<'_> {
    /// Descends only where something is wanted, which is no deeper than what was kept of the document.
    fn value(&mut self, wanted: &Wanted) {
        match self.next() {
            _ if wanted.below.is_empty() => self.past(),
            Some(b'{') => self.map(wanted),
            Some(b'[') => self.list(wanted),
            _ => self.past(),
        }
    }

    fn map(&mut self, wanted: &Wanted) {
        self.at += 1;
        while let Some(byte) = self.next() {
            if byte != b'"' {
                self.at += 1;
                if byte == b'}' {
                    return;
                }
                continue;
            }
            let (from, line) = (self.at, self.line);
            self.string();
            let key: Option<String> = serde_json::from_slice(&self.text[from..self.at]).ok();
            if self.next() == Some(b':') {
                self.at += 1;
            }
            match key.and_then(|it| wanted.below(&it, line, &mut self.begun)) {
                Some(wanted) => self.value(wanted),
                None => self.past(),
            }
        }
    }

    fn list(&mut self, wanted: &Wanted) {
        self.at += 1;
        let mut index = 0_usize;
        while let Some(byte) = self.next() {
            if matches!(byte, b',' | b']') {
                self.at += 1;
                if byte == b']' {
                    return;
                }
                continue;
            }
            match wanted.below(&index.to_string(), self.line, &mut self.begun) {
                Some(wanted) => self.value(wanted),
                None => self.past(),
            }
            index += 1;
        }
    }

    /// Goes on behind a value, whatever is in it.
    fn past(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.next() {
            match byte {
                b'"' => self.string(),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' if depth == 0 => return,
                b',' if depth == 0 => return,
                b'}' | b']' => {
                    depth -= 1;
                    self.at += 1;
                }
                // A letter or a digit of one.
                _ => self.at += 1,
            }
        }
    }

    /// The next byte that is not white.
    fn next(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.get(self.at)?;
            if !byte.is_ascii_whitespace() {
                return Some(byte);
            }
            self.line += usize::from(byte == b'\n');
            self.at += 1;
        }
    }

    /// Goes on behind a string, which has no line's end in it.
    fn string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.text.get(self.at) {
            self.at += match byte {
                b'\\' => 2,
                _ => 1,
            };
            if *byte == b'"' {
                return;
            }
        }
    }
}

/// YAML that has been read once.
struct Yaml<'w> {
    open: Vec<Level<'w>>,
    /// How many of the wanted places have begun.
    begun: usize,
}

/// A map or list that has begun.
enum Level<'w> {
    /// Nothing in it is wanted.
    Past,
    List(&'w Wanted, usize),
    /// With what stands behind the key that was read last.
    Map(&'w Wanted, Option<Due<'w>>),
}

/// What comes next, where it is wanted.
type Due<'w> = Option<&'w Wanted>;

impl<'w> Yaml<'w> {
    fn document(&mut self, document: &str, wanted: &'w Wanted) {
        for event in Parser::new_from_str(document) {
            let Ok((event, span)) = event else { return };
            let line = span.start.line();
            match event {
                Event::Scalar(text, ..) => match self.open.last_mut() {
                    Some(Level::Map(of, due @ None)) => {
                        *due = Some(of.below(&text, line, &mut self.begun));
                    }
                    _ => {
                        self.due(wanted, line);
                    }
                },
                Event::Alias(_) => {
                    self.due(wanted, line);
                }
                Event::SequenceStart(..) => {
                    let due = self.due(wanted, line);
                    self.open.push(due.map_or(Level::Past, |it| Level::List(it, 0)));
                }
                Event::MappingStart(..) => {
                    let due = self.due(wanted, line);
                    self.open.push(due.map_or(Level::Past, |it| Level::Map(it, None)));
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    self.open.pop();
                }
                Event::Nothing
                | Event::StreamStart
                | Event::StreamEnd
                | Event::DocumentStart(_)
                | Event::DocumentEnd => {}
            }
        }
    }

    /// What the value is that begins in this line.
    fn due(&mut self, root: &'w Wanted, line: usize) -> Due<'w> {
        match self.open.last_mut() {
            None => Some(root),
            Some(Level::Past) => None,
            Some(Level::Map(_, due)) => due.take().flatten(),
            Some(Level::List(of, index)) => {
                let due = of.below(&index.to_string(), line, &mut self.begun);
                *index += 1;
                due
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{
  "a": { "x\"y": [1, [2],
    {"deep": true}], "b/c": "}]{["
  },
  "past": {"a": [{}, "\\"]},
  "z": null
}"#;

    const YAML: &str = "\
# A comment.
a:
  'x\"y': [1, [2],
    {deep: true}]
  b/c: '}]{['
past: &it {a: [{}, '\\']}
same: *it
z:
";

    #[test]
    fn each_place_has_its_line_in_json_and_in_yaml() {
        let pointers =
            ["", "/a", "/a/x\"y/2/deep", "/a/b~1c", "/a/b~1c/none", "/past/none", "/z", "/none/b"];
        assert_eq!(lines(JSON, &pointers), [1, 2, 3, 3, 3, 5, 6, 1]);
        assert_eq!(lines(YAML, &pointers), [1, 2, 4, 5, 5, 6, 8, 1]);
        assert_eq!(lines(YAML, &["/same/a"]), [7]);
    }

    #[test]
    fn what_stands_twice_has_the_line_of_the_one_that_counts() {
        assert_eq!(lines("{\"a\": 1,\n\"a\": {\n\"b\": 2}}", &["/a", "/a/b"]), [2, 3]);
        assert_eq!(lines("a: 1\nb: 1\nc: [\n x,\n y]", &["/b", "/c/1"]), [2, 5]);
        assert_eq!(lines("{\"a\": {\n\"b\": {\"c\": 1}},\n\"a\": 2}", &["/a/b/c", "/a"]), [3, 3]);
    }
}
