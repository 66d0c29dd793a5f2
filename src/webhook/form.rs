//! A form in the body or the query, read strictly: what is no UTF-8 is refused, not replaced.
use super::refusal::Refusal;
use super::refusal::What;
use std::borrow::Cow;

/// Most fields of one form: each is decoded and some are sorted before anybody proved who sent them.
pub(super) const FIELDS_MAX: usize = 4096;

/// Whether a content type is that of a form such as is read here.
pub(super) fn is_urlencoded(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// A form's name and value, decoded.
pub(super) type Field<'d> = (Cow<'d, str>, Cow<'d, str>);

/// Every field of `application/x-www-form-urlencoded` text, in its order. One too many is refused.
pub(super) fn fields(form: &[u8]) -> impl Iterator<Item = Result<Field<'_>, Refusal>> {
    let pairs = form.split(|it| *it == b'&').filter(|it| !it.is_empty());
    pairs.enumerate().map(|(index, pair)| {
        if index >= FIELDS_MAX {
            return Err(Refusal::Malformed(What::Value));
        }
        let end = pair.iter().position(|it| *it == b'=').unwrap_or(pair.len());
        let value = pair.get(end + 1..).unwrap_or_default();
        Ok((decoded(&pair[..end])?, decoded(value)?))
    })
}

/// The field's value; a field that is there twice is refused, however it is spelled.
pub(super) fn field<'d>(form: &'d [u8], name: &str) -> Result<Option<Cow<'d, str>>, Refusal> {
    let mut found = None;
    for field in fields(form) {
        let (key, value) = field?;
        if key == name && found.replace(value).is_some() {
            return Err(Refusal::Malformed(What::Value));
        }
    }
    Ok(found)
}

/// Names and values run together, sorted by name, values of one name made unique and sorted: as
/// read in twilio 6.2.0 (npm), `webhooks.js`.
pub(super) fn sorted_together(form: &[u8]) -> Result<String, Refusal> {
    let mut fields = fields(form).collect::<Result<Vec<_>, _>>()?;
    fields.sort();
    fields.dedup();
    Ok(fields.into_iter().fold(String::new(), |text, (name, value)| text + &name + &value))
}

/// `name=value` as on the request line, sorted by name and joined by `&`: as read in messagebird
/// 4.0.1 (npm), `signature.js`.
pub(super) fn sorted_query(query: &str) -> String {
    let mut pairs: Vec<&str> = query.split('&').filter(|it| !it.is_empty()).collect();
    pairs.sort_by_key(|it| it.split_once('=').map_or(*it, |it| it.0));
    pairs.join("&")
}

fn decoded(text: &[u8]) -> Result<Cow<'_, str>, Refusal> {
    let malformed = Refusal::Malformed(What::Value);
    if !text.iter().any(|it| matches!(it, b'+' | b'%')) {
        return std::str::from_utf8(text).map(Cow::Borrowed).map_err(|_| malformed);
    }
    let spaced: Vec<u8> = text.iter().map(|it| if *it == b'+' { b' ' } else { *it }).collect();
    let bytes = percent_encoding::percent_decode(&spaced).collect::<Vec<u8>>();
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_occurs_once_however_it_is_spelled() {
        let malformed = Err(Refusal::Malformed(What::Value));
        for (form, value) in [
            ("a=1&b=2", Ok(Some("1"))),
            ("b=2&a=x+y%2B%C3%A9", Ok(Some("x y+é"))),
            ("a", Ok(Some(""))),
            ("a=b=c", Ok(Some("b=c"))),
            ("", Ok(None)),
            ("A=1", Ok(None)),
            ("a=1&a=1", malformed),
            ("a=1&%61=2", malformed),
            ("a=%ff", malformed),
            ("a=1&b=%C3", malformed),
        ] {
            let found = field(form.as_bytes(), "a");
            assert_eq!(
                found.as_ref().map(Option::as_deref),
                value.as_ref().map(|it| *it),
                "{form}"
            );
        }
    }

    #[test]
    fn a_form_has_so_many_fields_and_no_more() {
        let form = |fields: usize| (0..fields).map(|it| format!("f{it}=1&")).collect::<String>();
        let (full, more) = (form(FIELDS_MAX), form(FIELDS_MAX + 1));
        assert_eq!(field(full.as_bytes(), "f7").unwrap().as_deref(), Some("1"));
        assert!(sorted_together(full.as_bytes()).is_ok());
        let malformed = Refusal::Malformed(What::Value);
        assert_eq!(field(more.as_bytes(), "f7"), Err(malformed));
        assert_eq!(sorted_together(more.as_bytes()), Err(malformed));
    }

    #[test]
    fn sorted_forms_and_queries() {
        // The parameters of Twilio's documentation, "Validating requests".
        let form = "CallSid=CA1234567890ABCDE&Caller=%2B14158675310&Digits=1234&From=%2B14158675310&To=%2B18005551212";
        assert_eq!(
            sorted_together(form.as_bytes()).unwrap(),
            "CallSidCA1234567890ABCDECaller+14158675310Digits1234From+14158675310To+18005551212"
        );
        let repeated = b"b=2&a=z&a=y&a=z&B=1&";
        assert_eq!(sorted_together(repeated).unwrap(), "B1ayazb2");
        assert_eq!(sorted_query("b=2&a=%20x&c&a=0"), "a=%20x&a=0&b=2&c");
        assert_eq!(sorted_query(""), "");
    }
}
