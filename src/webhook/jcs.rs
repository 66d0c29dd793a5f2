//! JSON in the one form that everybody writes it in: the canonicalisation scheme of RFC 8785.
use super::strict_json;
use serde_json::Value;

/// The canonical form. None where it is no JSON, has a name twice, or a number beyond a double.
pub(super) fn jcs(json: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(json.len());
    write(&strict_json::read(json)?, &mut out)?;
    Some(out)
}

fn write(value: &Value, out: &mut Vec<u8>) -> Option<()> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::Number(number) => out.extend_from_slice(shortest(number.as_f64()?)?.as_bytes()),
        Value::String(text) => quoted(text, out)?,
        Value::Array(values) => {
            out.push(b'[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(value, out)?;
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|a, b| a.0.encode_utf16().cmp(b.0.encode_utf16()));
            out.push(b'{');
            for (at, (name, value)) in members.into_iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                quoted(name, out)?;
                out.push(b':');
                write(value, out)?;
            }
            out.push(b'}');
        }
    }
    Some(())
}

fn quoted(text: &str, out: &mut Vec<u8>) -> Option<()> {
    out.push(b'"');
    out.extend_from_slice(&super::filters::json_escaped(text.as_bytes())?);
    out.push(b'"');
    Some(())
}

/// As ECMAScript prints a number (ECMA-262 `Number::toString`): the fewest digits that read back as
/// the same double, with an exponent from 1e21 and below 1e-6. None where it is not finite.
fn shortest(number: f64) -> Option<String> {
    if !number.is_finite() {
        return None;
    }
    if number == 0.0 {
        return Some("0".to_owned());
    }
    // `d.ddde±x`. Of two texts that are as short and as near, ECMAScript has the even one.
    let positive = number.abs();
    let short = format!("{positive:e}");
    let places = short.split_once('e')?.0.len().saturating_sub("d.".len());
    let even = format!("{positive:.places$e}");
    let scientific = if even.parse() == Ok(positive) { even } else { short };
    let (digits, exponent) = scientific.split_once('e')?;
    let digits = digits.replace('.', "");
    // Where the point is, counted from the digits' beginning.
    let point = exponent.parse::<i32>().ok()? + 1;
    let len = i32::try_from(digits.len()).ok()?;
    let sign = if number < 0.0 { "-" } else { "" };
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
    Some(match point {
        1..=21 if len <= point => format!("{sign}{digits}{}", zeros(point - len)),
        1..=21 => {
            let (whole, fraction) = digits.split_at(usize::try_from(point).ok()?);
            format!("{sign}{whole}.{fraction}")
        }
        -5..=0 => format!("{sign}0.{}{digits}", zeros(-point)),
        _ => {
            let (first, rest) = digits.split_at(1);
            let dot = if rest.is_empty() { "" } else { "." };
            let plus = if point > 0 { "+" } else { "" };
            format!("{sign}{first}{dot}{rest}e{plus}{}", point - 1)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> Option<String> {
        jcs(json.as_bytes()).map(|it| String::from_utf8(it).unwrap())
    }

    /// RFC 8785 §3.2.2, §3.2.3 and the RFC repository's `french`, `values`, `weird` and `structures`
    /// (cyberphone/json-canonicalization, Apache-2.0).
    #[test]
    fn the_published_examples() {
        let structure = r#"{
            "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
            "literals": [null, true, false]
        }"#;
        let canonical = r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#;
        assert_eq!(text(structure).unwrap(), canonical);
        let weird = r#"{
            "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh",
            "1": "One", "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control",
            "\u00f6": "Latin Small Letter O With Diaeresis"
        }"#;
        let canonical = "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\
            \"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\
            \"😀\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}";
        assert_eq!(text(weird).unwrap(), canonical, "by UTF-16 units, not by code points");
        let structures = r#"{"1": {"f": {"f": "hi","F": 5} ,"\n": 56.0}, "10": { }, "": "empty", "a": { }, "111": [ {"e": "yes","E": "no" } ], "A": { }}"#;
        let canonical = r#"{"":"empty","1":{"\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],"A":{},"a":{}}"#;
        assert_eq!(text(structures).unwrap(), canonical);
        let french = r#"{"peach": "a", "péché": "b", "pêche": "c", "sin": "d"}"#;
        assert_eq!(text(french).unwrap(), r#"{"peach":"a","péché":"b","pêche":"c","sin":"d"}"#);
    }

    /// RFC 8785 appendix B: a double's bits, and what it is printed as.
    #[test]
    fn the_published_numbers() {
        for (bits, printed) in [
            (0x0000000000000000, Some("0")),
            (0x8000000000000000, Some("0")),
            (0x0000000000000001, Some("5e-324")),
            (0x8000000000000001, Some("-5e-324")),
            (0x7fefffffffffffff, Some("1.7976931348623157e+308")),
            (0xffefffffffffffff, Some("-1.7976931348623157e+308")),
            (0x4340000000000000, Some("9007199254740992")),
            (0xc340000000000000, Some("-9007199254740992")),
            (0x4430000000000000, Some("295147905179352830000")),
            (0x7fffffffffffffff, None),
            (0x7ff0000000000000, None),
            (0x44b52d02c7e14af5, Some("9.999999999999997e+22")),
            (0x44b52d02c7e14af6, Some("1e+23")),
            (0x44b52d02c7e14af7, Some("1.0000000000000001e+23")),
            (0x444b1ae4d6e2ef4e, Some("999999999999999700000")),
            (0x444b1ae4d6e2ef4f, Some("999999999999999900000")),
            (0x444b1ae4d6e2ef50, Some("1e+21")),
            (0x3eb0c6f7a0b5ed8c, Some("9.999999999999997e-7")),
            (0x3eb0c6f7a0b5ed8d, Some("0.000001")),
            (0x41b3de4355555553, Some("333333333.3333332")),
            (0x41b3de4355555554, Some("333333333.33333325")),
            (0x41b3de4355555555, Some("333333333.3333333")),
            (0x41b3de4355555556, Some("333333333.3333334")),
            (0x41b3de4355555557, Some("333333333.33333343")),
            (0xbecbf647612f3696, Some("-0.0000033333333333333333")),
            (0x43143ff3c1cb0959, Some("1424953923781206.2")),
        ] {
            assert_eq!(shortest(f64::from_bits(bits)).as_deref(), printed, "{bits:x}");
        }
    }

    /// From Node 20.20: `JSON.stringify(JSON.parse(…))`.
    #[test]
    fn numbers_are_read_exactly() {
        for (json, canonical) in [
            ("9007199254740993", "9007199254740992"),
            ("18446744073709551615", "18446744073709552000"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("0.1", "0.1"),
            ("123e-2", "1.23"),
            ("1424953923781206.25", "1424953923781206.2"),
            ("333333333.33333325", "333333333.33333325"),
            ("9.999999999999997e22", "9.999999999999997e+22"),
            ("5.0731765625e-321", "5.074e-321"),
        ] {
            assert_eq!(text(json).as_deref(), Some(canonical), "{json}");
        }
    }

    #[test]
    fn what_has_no_canonical_form_has_none() {
        for bad in ["", "{\"a\":1,\"a\":1}", "1e400", "\"\\ud800\"", "{} ,", "[1,]"] {
            assert_eq!(text(bad), None, "{bad}");
        }
        assert_eq!(jcs(b"\"\xff\""), None);
    }
}
