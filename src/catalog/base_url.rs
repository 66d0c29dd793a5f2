//! Base URLs with variables in them: `https://{subdomain}.example.com/{version}`.
use super::variables::VariableError;
use super::variables::VariableRules;
use super::variables::is_variable_name;
use crate::model::BaseUrl;
use crate::model::Origin;
use crate::model::UrlError;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A base URL, or a template of one. A variable fills its slot and nothing else: it changes neither
/// the scheme nor what stands around the slot. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrlTemplate(Arc<Shape>);

#[derive(PartialEq, Eq)]
enum Shape {
    Fixed(BaseUrl),
    Template { text: Box<str>, parts: Box<[Part]> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(Box<str>),
    Variable { name: Box<str>, slot: Slot },
}

/// Where a variable stands, which says what it may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    /// Host labels, with dots between them.
    Host,
    Port,
    /// A path segment or a part of one.
    Path,
}

/// Fewest labels that make a domain somebody's: below `com` anybody has one.
const DOMAIN_LABELS_MIN: usize = 2;

/// Why a text is not a base URL or a template of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("the base URL {0}")]
    Url(#[from] UrlError),
    #[error("the base URL has a brace without its other one")]
    Braces,
    #[error("the base URL names a variable `{0}`, which can't be a name")]
    Name(String),
    #[error("the base URL has a variable in its scheme")]
    Scheme,
}

impl TemplateError {
    /// What to write instead.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Url(_) => "write it as in https://api.example.com/v1",
            Self::Braces | Self::Name(_) | Self::Scheme => {
                "write it as in https://{subdomain}.example.com/{version}"
            }
        }
    }
}

impl BaseUrlTemplate {
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if !text.contains(['{', '}']) {
            return Ok(Self::from(BaseUrl::parse(text)?));
        }
        let parts = split(text)?;
        // Whatever the variables: the rest has to be a base URL already.
        let sample: String = parts
            .iter()
            .map(|part| match part {
                Part::Literal(text) => text,
                Part::Variable { slot: Slot::Port, .. } => "1",
                Part::Variable { .. } => "x",
            })
            .collect();
        BaseUrl::parse(&sample)?;
        Ok(Self(Arc::new(Shape::Template { text: text.into(), parts: parts.into() })))
    }

    /// The base URL, where there is no variable in it.
    pub fn fixed(&self) -> Option<&BaseUrl> {
        match &*self.0 {
            Shape::Fixed(url) => Some(url),
            Shape::Template { .. } => None,
        }
    }

    /// The variables it names, in order, repeated where it repeats them.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts().iter().filter_map(|it| match it {
            Part::Literal(_) => None,
            Part::Variable { name, .. } => Some(&**name),
        })
    }

    /// Whether this variable says whose host it is, or which of its ports: not a name below a domain that the
    /// template names itself.
    pub fn says_whose_host(&self, name: &str) -> bool {
        let slot_of = |it: &Part| match it {
            Part::Variable { name: it, slot } if **it == *name => Some(*slot),
            _ => None,
        };
        self.parts().iter().filter_map(slot_of).any(|slot| match slot {
            Slot::Host => self.domain_labels() < DOMAIN_LABELS_MIN,
            Slot::Port => true,
            Slot::Path => false,
        })
    }

    /// How many labels of the host stand behind its last variable.
    fn domain_labels(&self) -> usize {
        let is_host = |it: &Part| matches!(it, Part::Variable { slot: Slot::Host, .. });
        let behind = self.parts().iter().rposition(is_host).and_then(|it| self.parts().get(it + 1));
        let Some(Part::Literal(text)) = behind else { return 0 };
        let end = text.find([':', '/']).unwrap_or(text.len());
        text[..end].split('.').skip(1).filter(|it| !it.is_empty()).count()
    }

    /// Fills the variables in: the given values, else the rules' defaults. All given values are
    /// checked, those that stand elsewhere too; ones that nothing declares are refused.
    pub fn expand(
        &self,
        rules: &VariableRules,
        values: &BTreeMap<String, String>,
    ) -> Result<BaseUrl, VariableError> {
        for (name, value) in values {
            if rules.rule(name).is_none() && !self.variables().any(|it| it == name) {
                return Err(VariableError::Unknown(name.clone()));
            }
            rules.check(name, value)?;
        }
        if let Some(url) = self.fixed() {
            return Ok(url.clone());
        }
        let mut text = String::new();
        for part in self.parts() {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Variable { name, slot } => {
                    let value = rules.value(name, values)?;
                    slot.check(name, value)?;
                    text.push_str(value);
                }
            }
        }
        let url = BaseUrl::parse(&text).map_err(|_| VariableError::Shape)?;
        // A host that a URL parser reads as another one, as `0x7f.1`, is not what was written.
        if !host(&text).eq_ignore_ascii_case(url.origin().host()) {
            return Err(VariableError::Shape);
        }
        let dots = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
        if url.prefix().split('/').any(dots) {
            return Err(VariableError::Shape);
        }
        Ok(url)
    }

    /// With these values filled in. What has no value stays in its braces.
    pub(super) fn filled<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> String {
        if let Some(url) = self.fixed() {
            return url.to_string();
        }
        let mut text = String::new();
        for part in self.parts() {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Variable { name, .. } => match value(name) {
                    Some(value) => text.push_str(value),
                    None => text.push_str(&format!("{{{name}}}")),
                },
            }
        }
        text
    }

    /// Scheme, host and port, with these values filled in. What has no value stays in its braces, and is
    /// named beside it.
    pub(super) fn origin<'v>(
        &self,
        value: impl Fn(&str) -> Option<&'v str>,
    ) -> (String, Vec<String>) {
        if let Some(url) = self.fixed() {
            return (url.origin().to_string(), Vec::new());
        }
        let (mut text, mut open) = (String::new(), Vec::new());
        for part in self.parts() {
            match part {
                Part::Literal(literal) => text.push_str(&literal.to_ascii_lowercase()),
                Part::Variable { slot: Slot::Path, .. } => break,
                Part::Variable { name, .. } => match value(name) {
                    Some(value) => text.push_str(&value.to_ascii_lowercase()),
                    None => {
                        text.push_str(&format!("{{{name}}}"));
                        open.push(name.to_string());
                    }
                },
            }
        }
        let authority_at = text.find("://").map_or(0, |it| it + 3);
        if let Some(end) = text[authority_at..].find('/') {
            text.truncate(authority_at + end);
        }
        // One spelling of it, where it is whole.
        let text = Origin::parse(&text).map_or(text, |it| it.to_string());
        (text, open)
    }

    fn parts(&self) -> &[Part] {
        match &*self.0 {
            Shape::Fixed(_) => &[],
            Shape::Template { parts, .. } => parts,
        }
    }
}

impl Slot {
    fn check(self, name: &str, value: &str) -> Result<(), VariableError> {
        let host = |it: u8| it.is_ascii_alphanumeric() || it == b'-' || it == b'_';
        match self {
            Self::Host if value.split('.').all(|it| !it.is_empty() && it.bytes().all(host)) => {
                Ok(())
            }
            Self::Host => Err(VariableError::Host(name.to_owned())),
            Self::Port
                if value.parse::<u16>().is_ok_and(|it| it.to_string() == value && it > 0) =>
            {
                Ok(())
            }
            Self::Port => Err(VariableError::Port(name.to_owned())),
            // RFC 3986 §3.3 pchar, less `@` and percent-encoding, in which anything can hide.
            Self::Path if !value.is_empty() && value.bytes().all(is_path_byte) => Ok(()),
            Self::Path => Err(VariableError::Path(name.to_owned())),
        }
    }
}

/// The host as it stands in a URL without user information.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or("", |it| it.1);
    let authority = rest.split('/').next().unwrap_or("");
    let port = authority.rfind(':').filter(|_| !authority.ends_with(']'));
    port.map_or(authority, |at| &authority[..at])
}

fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:".contains(&byte)
}

fn split(text: &str) -> Result<Vec<Part>, TemplateError> {
    let scheme_end = text.find("://").map(|it| it + 3).ok_or(UrlError::NotHttp)?;
    if text[..scheme_end].contains(['{', '}']) {
        return Err(TemplateError::Scheme);
    }
    let path_at = text[scheme_end..].find('/').map_or(text.len(), |it| scheme_end + it);
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        let (literal, after) = (&rest[..open], &rest[open + 1..]);
        let (name, after) = after.split_once('}').ok_or(TemplateError::Braces)?;
        if rest[open..].starts_with('}') || name.contains('{') {
            return Err(TemplateError::Braces);
        }
        if !is_variable_name(name) {
            return Err(TemplateError::Name(name.to_owned()));
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal.into()));
        }
        let at = text.len() - rest.len() + open;
        let slot = if at > path_at {
            Slot::Path
        } else if text[scheme_end..at].contains(':') {
            Slot::Port
        } else {
            Slot::Host
        };
        parts.push(Part::Variable { name: name.into(), slot });
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Literal(rest.into()));
    }
    Ok(parts)
}

impl From<BaseUrl> for BaseUrlTemplate {
    fn from(url: BaseUrl) -> Self {
        Self(Arc::new(Shape::Fixed(url)))
    }
}

impl fmt::Display for BaseUrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Shape::Fixed(url) => fmt::Display::fmt(url, f),
            Shape::Template { text, .. } => f.write_str(text),
        }
    }
}

impl fmt::Debug for BaseUrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(template: &str, values: &[(&str, &str)]) -> Result<String, VariableError> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let values = values.iter().map(owned).collect();
        let template = BaseUrlTemplate::parse(template).unwrap();
        template.expand(&VariableRules::default(), &values).map(|it| it.to_string())
    }

    #[test]
    fn whose_host_it_is_says_what_stands_at_its_end() {
        for (template, name, says) in [
            ("https://{host}", "host", true),
            ("https://{host}/v1", "host", true),
            ("https://api.{domain}:8443/v1", "domain", true),
            ("https://{name}.com", "name", true),
            ("https://{name}.com:443/a.b", "name", true),
            ("https://{shop}.{domain}", "shop", true),
            ("https://{subdomain}.example.com", "subdomain", false),
            ("https://{shop}.{region}.example.com/v1", "shop", false),
            ("https://{shop}-eu.example.com/v1", "shop", false),
            ("https://{shop}.example.com:{port}", "port", true),
            ("https://api.example.com:{port}", "port", true),
            ("https://api.example.com/{version}", "version", false),
            ("https://api.example.com", "host", false),
        ] {
            let template = BaseUrlTemplate::parse(template).unwrap();
            assert_eq!(template.says_whose_host(name), says, "{template} {name}");
        }
    }

    #[test]
    fn variables_fill_their_slots() {
        for (template, values, url) in [
            ("https://{s}.a.example", &[("s", "acme")][..], "https://acme.a.example"),
            ("https://{s}.a.example/", &[("s", "eu.ACME")], "https://eu.acme.a.example"),
            (
                "https://{h}:{p}/api",
                &[("h", "10.0.0.1"), ("p", "8443")],
                "https://10.0.0.1:8443/api",
            ),
            ("https://a/{v}/x{v}", &[("v", "v2.1")], "https://a/v2.1/xv2.1"),
            ("https://a/{v}", &[("v", "..a")], "https://a/..a"),
        ] {
            assert_eq!(expand(template, values).as_deref(), Ok(url));
        }
        assert_eq!(expand("https://{s}.a", &[]), Err(VariableError::Missing("s".into())));
        let unknown = VariableError::Unknown("t".into());
        assert_eq!(expand("https://{s}.a", &[("s", "b"), ("t", "c")]), Err(unknown));
    }

    #[test]
    fn an_origin_has_the_values_that_there_are_and_no_path() {
        for (template, expected, open) in [
            ("https://API.example:443/v1", "https://api.example", &[][..]),
            ("https://{Known}.Example/{v}/x", "https://acme.example", &[]),
            ("https://{s}.Example:8443/{v}", "https://{s}.example:8443", &["s"]),
            ("https://{Known}.{s}:{p}", "https://acme.{s}:{p}", &["s", "p"]),
            ("http://a.example/{v}", "http://a.example", &[]),
        ] {
            let template = BaseUrlTemplate::parse(template).unwrap();
            let (origin, left) = template.origin(|it| (it == "Known").then_some("ACME"));
            assert_eq!((&*origin, left), (expected, open.iter().map(|it| (*it).into()).collect()));
        }
    }

    #[test]
    fn a_variable_stays_in_its_slot() {
        for host in [
            "", ".", "a.", ".a", "a..b", "a/b", "a@b", "a:1", "a?b", "a#b", "a\\b", "a b", "é",
            "a%2eb", "a\n",
        ] {
            let error = VariableError::Host("s".into());
            assert_eq!(expand("https://{s}.a.example", &[("s", host)]), Err(error), "{host:?}");
        }
        for path in ["", "a/b", "a?b", "a#b", "a\\b", "a@b", "%2e%2e", "%2f", "a b", "é", "\0"] {
            let error = VariableError::Path("v".into());
            assert_eq!(expand("https://a/{v}/b", &[("v", path)]), Err(error), "{path:?}");
        }
        for path in [".", "..", "..;", ".;a"] {
            assert_eq!(
                expand("https://a/{v}/b", &[("v", path)]),
                Err(VariableError::Shape),
                "{path}"
            );
        }
        for host in ["0x7f.1", "2130706433", "127.1", "017.0.0.1"] {
            assert_eq!(expand("https://{h}", &[("h", host)]), Err(VariableError::Shape), "{host}");
        }
        for port in ["", "0", "01", "+1", "65536", "80/x"] {
            let error = VariableError::Port("p".into());
            assert_eq!(expand("https://a:{p}", &[("p", port)]), Err(error), "{port}");
        }
    }

    #[test]
    fn refuses_what_is_no_template_of_a_base_url() {
        for (text, error) in [
            ("{s}://a", TemplateError::Scheme),
            ("https://{s", TemplateError::Braces),
            ("https://s}.a", TemplateError::Braces),
            ("https://{a{b}}", TemplateError::Braces),
            ("https://{a-b}.c", TemplateError::Name("a-b".into())),
            ("https://{}.c", TemplateError::Name(String::new())),
            ("https://{u}@a", TemplateError::Url(UrlError::UserInfo)),
            ("https://a/b?{q}", TemplateError::Url(UrlError::QueryOrFragment)),
            ("https://a/../{v}", TemplateError::Url(UrlError::Path)),
            ("ftp://{a}", TemplateError::Url(UrlError::NotHttp)),
        ] {
            assert_eq!(BaseUrlTemplate::parse(text).unwrap_err(), error, "{text}");
        }
    }
}
