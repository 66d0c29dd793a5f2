//! A JSON document as other programs write it anew.
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::Formatter;
use serde_json::ser::PrettyFormatter;
use serde_json::ser::Serializer;
use std::io;
use std::io::Write;

/// The body as programs write it that parse and print it, each with what it is called.
pub(super) fn rewritten(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return Vec::new() };
    let one = |spaced, ascii, slashes| written(&value, Style { spaced, ascii, slashes });
    vec![
        ("the body's JSON written without white space", one(false, false, false)),
        ("the body's JSON written as Python does, with `, ` and `: `", one(true, true, false)),
        ("the body's JSON written with `, ` and `: `", one(true, false, false)),
        ("the body's JSON written without white space, in ASCII", one(false, true, false)),
        ("the body's JSON written as PHP does, with `\\/`", one(false, true, true)),
        ("the body's JSON written on lines of their own", pretty(&value)),
    ]
}

#[derive(Clone, Copy)]
struct Style {
    /// A space behind commas and colons.
    spaced: bool,
    /// What is not ASCII is escaped.
    ascii: bool,
    /// Slashes are escaped.
    slashes: bool,
}

impl Formatter for Style {
    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        out.write_all(self.comma(first))
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        out.write_all(self.comma(first))
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(if self.spaced { b": " } else { b":" })
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for letter in fragment.chars() {
            if self.slashes && letter == '/' {
                out.write_all(b"\\/")?;
            } else if self.ascii && !letter.is_ascii() {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}")?;
                }
            } else {
                write!(out, "{letter}")?;
            }
        }
        Ok(())
    }
}

impl Style {
    fn comma(self, first: bool) -> &'static [u8] {
        match (first, self.spaced) {
            (true, _) => b"",
            (false, true) => b", ",
            (false, false) => b",",
        }
    }
}

fn written(value: &Value, formatter: impl Formatter) -> Vec<u8> {
    let mut bytes = Vec::new();
    let done = value.serialize(&mut Serializer::with_formatter(&mut bytes, formatter));
    done.map_or_else(|_| Vec::new(), |()| bytes)
}

fn pretty(value: &Value) -> Vec<u8> {
    written(value, PrettyFormatter::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second from `json.dumps` of Python 3, the fifth from `json_encode` of PHP 8, the last from
    /// `JSON.stringify(…, null, 2)`.
    #[test]
    fn a_document_is_written_as_other_programs_do() {
        let body = "{ \"a\" : [1, 2.0,\"é/\u{1f600}\"],\n\"b\":{} }".as_bytes();
        let written: Vec<String> =
            rewritten(body).into_iter().map(|it| String::from_utf8(it.1).unwrap()).collect();
        assert_eq!(
            written,
            [
                r#"{"a":[1,2.0,"é/😀"],"b":{}}"#,
                r#"{"a": [1, 2.0, "\u00e9/\ud83d\ude00"], "b": {}}"#,
                r#"{"a": [1, 2.0, "é/😀"], "b": {}}"#,
                r#"{"a":[1,2.0,"\u00e9/\ud83d\ude00"],"b":{}}"#,
                r#"{"a":[1,2.0,"\u00e9\/\ud83d\ude00"],"b":{}}"#,
                "{\n  \"a\": [\n    1,\n    2.0,\n    \"é/😀\"\n  ],\n  \"b\": {}\n}",
            ]
        );
        assert!(rewritten(b"a=1").is_empty());
    }
}
