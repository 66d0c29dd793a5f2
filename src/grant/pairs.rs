//! A message's parameters: one list of pairs, written as a form, as JSON or into a query.
use super::raw::BodyFormat;
use super::target::RESERVED;
use crate::model::Secret;
use percent_encoding::utf8_percent_encode;
use zeroize::Zeroizing;

/// Parameters in the order in which they are sent. A name may stand several times.
#[derive(Clone, Debug, Default)]
pub(super) struct Pairs(Vec<(String, Secret)>);

impl Pairs {
    pub(super) fn add(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), Secret::new(value)));
    }

    pub(super) fn add_secret(&mut self, name: &str, value: &Secret) {
        self.0.push((name.to_owned(), value.clone()));
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|it| it.0 == name)
    }

    /// In place of all of that name, or behind the others.
    pub(super) fn replace(&mut self, name: &str, value: Secret) {
        let at = self.0.iter().position(|it| it.0 == name).unwrap_or(self.0.len());
        self.0.retain(|it| it.0 != name);
        self.0.insert(at.min(self.0.len()), (name.to_owned(), value));
    }

    pub(super) fn omit(&mut self, names: &[Box<str>]) {
        self.0.retain(|it| !names.iter().any(|name| **name == it.0));
    }

    pub(super) fn rename(&mut self, names: &[(Box<str>, Box<str>)]) {
        for (name, _) in &mut self.0 {
            if let Some((_, other)) = names.iter().find(|it| *it.0 == *name) {
                *name = other.to_string();
            }
        }
    }

    pub(super) fn encoded(&self, format: BodyFormat) -> Zeroizing<Vec<u8>> {
        match format {
            BodyFormat::Form => self.form(),
            BodyFormat::Query => Zeroizing::new(self.query().as_bytes().to_vec()),
            BodyFormat::Json => self.json(),
        }
    }

    /// `application/x-www-form-urlencoded`, as the URL standard §5.2 writes it.
    fn form(&self) -> Zeroizing<Vec<u8>> {
        let mut text = self.room();
        for (index, (name, value)) in self.0.iter().enumerate() {
            if index > 0 {
                text.push('&');
            }
            text.extend(url::form_urlencoded::byte_serialize(name.as_bytes()));
            text.push('=');
            text.extend(url::form_urlencoded::byte_serialize(value.expose().as_bytes()));
        }
        Zeroizing::new(std::mem::take(&mut *text).into_bytes())
    }

    /// The same for a URL's query, a space being `%20`, which every server reads.
    pub(super) fn query(&self) -> Zeroizing<String> {
        let mut text = self.room();
        for (index, (name, value)) in self.0.iter().enumerate() {
            if index > 0 {
                text.push('&');
            }
            text.extend(utf8_percent_encode(name, RESERVED));
            text.push('=');
            text.extend(utf8_percent_encode(value.expose(), RESERVED));
        }
        text
    }

    /// One object of texts; a name that stands several times is a list.
    fn json(&self) -> Zeroizing<Vec<u8>> {
        let mut text = Zeroizing::new(Vec::with_capacity(self.len_max()));
        let mut written: Vec<&str> = Vec::with_capacity(self.0.len());
        text.push(b'{');
        for (name, _) in &self.0 {
            if written.contains(&name.as_str()) {
                continue;
            }
            if !written.is_empty() {
                text.push(b',');
            }
            written.push(name);
            json_text(&mut text, name);
            text.push(b':');
            let values: Vec<&Secret> =
                self.0.iter().filter(|it| it.0 == *name).map(|it| &it.1).collect();
            match values[..] {
                [value] => json_text(&mut text, value.expose()),
                _ => {
                    text.push(b'[');
                    for (index, value) in values.iter().enumerate() {
                        if index > 0 {
                            text.push(b',');
                        }
                        json_text(&mut text, value.expose());
                    }
                    text.push(b']');
                }
            }
        }
        text.push(b'}');
        text
    }

    /// Room for all of it, so that no half-written copy of a secret is left behind on the heap.
    fn room(&self) -> Zeroizing<String> {
        Zeroizing::new(String::with_capacity(self.len_max()))
    }

    /// A byte makes at most six (`\u0000`), a pair at most six marks.
    fn len_max(&self) -> usize {
        2 + self.0.iter().map(|it| (it.0.len() + it.1.expose().len()) * 6 + 6).sum::<usize>()
    }
}

fn json_text(into: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(into, text).expect("a text can be written into memory");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(format: BodyFormat) -> String {
        let mut pairs = Pairs::default();
        pairs.add("grant_type", "refresh_token");
        pairs.add("scope", "a b:c/d");
        pairs.add("resource", "https://a.example/");
        pairs.add("resource", "x&y=\"é\"");
        pairs.replace("scope", Secret::new("r w"));
        pairs.rename(&[("scope".into(), "scopes".into())]);
        String::from_utf8(pairs.encoded(format).to_vec()).unwrap()
    }

    #[test]
    fn one_list_makes_a_form_a_query_and_an_object() {
        assert_eq!(
            encoded(BodyFormat::Form),
            "grant_type=refresh_token&scopes=r+w&resource=https%3A%2F%2Fa.example%2F\
             &resource=x%26y%3D%22%C3%A9%22"
        );
        assert_eq!(
            encoded(BodyFormat::Query),
            "grant_type=refresh_token&scopes=r%20w&resource=https%3A%2F%2Fa.example%2F\
             &resource=x%26y%3D%22%C3%A9%22"
        );
        assert_eq!(
            encoded(BodyFormat::Json),
            r#"{"grant_type":"refresh_token","scopes":"r w","resource":["https://a.example/","x&y=\"é\""]}"#
        );
    }
}
