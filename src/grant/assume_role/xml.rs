//! A few texts out of an XML document of a known form.
//!
//! No parser of XML: what is read has elements with nothing but text in them, and what is not so is not read.

/// What is between the first `<name>` and the `</name>` behind it; attributes may stand in the first.
pub(super) fn inside<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    let mut rest = xml;
    loop {
        let at = rest.find('<')?;
        rest = &rest[at + 1..];
        let Some(after) = rest.strip_prefix(name) else { continue };
        let end = after.find('>')?;
        let (attributes, content) = (&after[..end], &after[end + 1..]);
        let is_name = attributes.is_empty() || attributes.starts_with(char::is_whitespace);
        if !is_name || attributes.ends_with('/') {
            continue;
        }
        let close = ["</", name, ">"].concat();
        return content.find(&close).map(|it| &content[..it]);
    }
}

/// The text of the first element of this name, without the spaces around it. `None` where it has elements in it, or an
/// escape of no meaning.
pub(super) fn text(xml: &str, name: &str) -> Option<String> {
    let inner = inside(xml, name)?.trim();
    if inner.contains('<') {
        return None;
    }
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('&') {
        text.push_str(&rest[..at]);
        let (escape, after) = rest[at + 1..].split_once(';')?;
        text.push(match escape {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            other => numbered(other)?,
        });
        rest = after;
    }
    text.push_str(rest);
    Some(text)
}

/// `#38`, `#x26`.
fn numbered(escape: &str) -> Option<char> {
    let number = escape.strip_prefix('#')?;
    let code = match number.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_and_nothing_else() {
        for (xml, expected) in [
            ("<a>1</a>", Some("1")),
            ("<?xml version=\"1.0\"?><r xmlns=\"x\"><aa>0</aa><a x=\"y\"> 1\n</a></r>", Some("1")),
            ("<a/><a>2</a>", Some("2")),
            ("<a></a>", Some("")),
            ("<a>&lt;&amp;&#x41;&#66;&apos;&quot;&gt;</a>", Some("<&AB'\">")),
            ("<a>&nbsp;</a>", None),
            ("<a>&#xD800;</a>", None),
            ("<a>1 & 2</a>", None),
            ("<a><b>1</b></a>", None),
            ("<a>1", None),
            ("<ab>1</ab>", None),
            ("a>1</a>", None),
            ("", None),
        ] {
            assert_eq!(text(xml, "a").as_deref(), expected, "{xml}");
        }
    }
}
