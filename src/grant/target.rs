//! Where a message goes: URLs with variables in them, which never change the URL's shape.
use super::error::GrantError;
use super::template::Part;
use super::template::Template;
use super::template::TemplateFault;
use crate::model::BaseUrl;
use crate::model::Origin;
use crate::model::Secret;
use crate::model::UrlError;
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The URL of one message. Prints its origin alone: path and query may hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    origin: Arc<Origin>,
    /// Begins with a slash, byte for byte as configured.
    path: Box<str>,
    /// Empty where there is none.
    query: Secret,
}

/// A URL, or a template of one. A name fills its place and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UrlTemplate {
    text: Box<str>,
    parts: Box<[(Part, Place)]>,
}

/// Where a name stands, which says what it may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Host,
    Port,
    Path,
    Query,
}

/// Why a text is not a URL or a template of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum UrlFault {
    #[error("{0}")]
    Url(#[from] UrlError),
    #[error("{0}")]
    Template(#[from] TemplateFault),
    #[error("has a name in its scheme")]
    Scheme,
    #[error("has a fragment")]
    Fragment,
}

/// Everything but the unreserved characters (RFC 3986 §2.3).
pub(super) const RESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Fewest labels that make a domain somebody's: below `com` anybody has one.
const DOMAIN_LABELS_MIN: usize = 2;

impl Target {
    /// Reads a URL that may have a query; no fragment, no user name.
    pub(super) fn parse(text: &str) -> Result<Self, UrlFault> {
        if text.contains('#') {
            return Err(UrlFault::Fragment);
        }
        let (front, query) = text.split_once('?').unwrap_or((text, ""));
        if query.chars().any(|it| it.is_control() || it == ' ' || !it.is_ascii()) {
            return Err(UrlError::Path.into());
        }
        let base = BaseUrl::parse(front)?;
        let rest = front.split_once("://").map_or("", |it| it.1);
        let path = rest.find('/').map_or("/", |at| &rest[at..]);
        Ok(Self { origin: Arc::clone(base.origin()), path: path.into(), query: Secret::new(query) })
    }

    /// Something that is to be fetched without a credential: an https URL without a user name or a fragment.
    pub fn page(url: &str) -> Option<Self> {
        Self::parse(url).ok().filter(|it| it.origin.is_https())
    }

    pub fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// Path and query, as they go on the request line.
    pub fn path_and_query(&self) -> Zeroizing<String> {
        Zeroizing::new(match self.query.expose() {
            "" => self.path.to_string(),
            query => [&*self.path, "?", query].concat(),
        })
    }

    /// The URL without its query: the `htu` of RFC 9449 §4.2, and what tells one endpoint from another.
    pub fn without_query(&self) -> String {
        format!("{}{}", self.origin, self.path)
    }

    /// Adds pairs that are encoded already.
    pub(super) fn with_query(self, encoded: &str) -> Self {
        let query = match (self.query.expose(), encoded) {
            (_, "") => return self,
            ("", encoded) => Secret::new(encoded),
            (query, encoded) => Secret::new([query, "&", encoded].concat()),
        };
        Self { query, ..self }
    }

    /// The same with this query in place of its own: as it is sent.
    pub fn asking(self, query: Option<&str>) -> Self {
        Self { query: Secret::new(query.unwrap_or_default()), ..self }
    }

    /// The query, empty where there is none.
    pub fn query(&self) -> &str {
        self.query.expose()
    }

    /// The whole of it, for a browser: an authorization URL.
    pub(super) fn whole(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{}{}", self.origin, &*self.path_and_query()))
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/…", self.origin)
    }
}

impl UrlTemplate {
    pub(super) fn parse(text: &str) -> Result<Self, UrlFault> {
        let template = Template::parse(text)?;
        let mut place = None;
        let mut parts = Vec::new();
        let mut sample = String::new();
        for part in template.parts() {
            match part {
                Part::Literal(literal) => {
                    sample.push_str(literal);
                    place = place_at(&sample);
                }
                Part::Name { .. } => match place {
                    None => return Err(UrlFault::Scheme),
                    Some(Place::Port) => sample.push('1'),
                    Some(_) => sample.push('x'),
                },
            }
            parts.push((part.clone(), place.unwrap_or(Place::Path)));
        }
        // Whatever the values: the rest has to be a URL already.
        Target::parse(&sample)?;
        Ok(Self { text: text.into(), parts: parts.into() })
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|it| match &it.0 {
            Part::Literal(_) => None,
            Part::Name { name, .. } => Some(&**name),
        })
    }

    /// Scheme, host and port as a text, which is an origin's own where all of it has a value; a name
    /// without one stands in its braces.
    pub(super) fn origin_text<'v>(&self, find: impl Fn(&str) -> Option<&'v str>) -> String {
        let mut text = String::new();
        for (part, place) in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Name { name, .. } if matches!(place, Place::Host | Place::Port) => {
                    match find(name) {
                        Some(value) => text.push_str(value),
                        None => text.extend(["{", name, "}"]),
                    }
                }
                Part::Name { .. } => break,
            }
        }
        let end = text.find("://").and_then(|at| {
            let rest = &text[at + 3..];
            rest.find(['/', '?']).map(|it| at + 3 + it)
        });
        text.truncate(end.unwrap_or(text.len()));
        Origin::parse(&text).map_or(text, |it| it.to_string())
    }

    /// The names that say whose host it is, or which of its ports: not those of a part in front of a domain that
    /// is written out, as in `https://{x}.example.com`.
    pub(super) fn whose_host(&self) -> Vec<&str> {
        let named = |it: &(Part, Place)| match it {
            (Part::Name { .. }, place) => Some(*place),
            (Part::Literal(_), _) => None,
        };
        let last = self.parts.iter().rposition(|it| named(it) == Some(Place::Host));
        let domain = match last.and_then(|it| self.parts.get(it + 1)) {
            Some((Part::Literal(text), _)) => {
                text.split([':', '/', '?']).next().unwrap_or_default()
            }
            _ => "",
        };
        let labels = domain.split('.').skip(1).filter(|it| !it.is_empty()).count();
        let says = |place| match place {
            Place::Host => labels < DOMAIN_LABELS_MIN,
            Place::Port => true,
            Place::Path | Place::Query => false,
        };
        let names = self.parts.iter().filter(|it| named(it).is_some_and(says));
        names
            .filter_map(|it| match &it.0 {
                Part::Name { name, .. } => Some(&**name),
                Part::Literal(_) => None,
            })
            .collect()
    }

    pub(super) fn has_query(&self) -> bool {
        self.text.contains('?')
    }

    pub(super) fn is_https(&self) -> bool {
        self.text.get(..8).is_some_and(|it| it.eq_ignore_ascii_case("https://"))
    }

    /// Fills the names in. `setting` is what the URL is called in errors.
    pub(super) fn expand<'v>(
        &self,
        setting: &'static str,
        find: impl Fn(&str) -> Option<&'v str>,
    ) -> Result<Target, GrantError> {
        let text = self.text(setting, find)?;
        let target = Target::parse(&text).map_err(|_| GrantError::Url { setting })?;
        if self.names().next().is_none() {
            return Ok(target);
        }
        // A host that a URL parser reads as another one, as `0x7f.1`, is not what was written.
        let host = authority(&text).rsplit_once(':').map_or(authority(&text), |it| it.0);
        let same = authority(&text).eq_ignore_ascii_case(target.origin.host())
            || host.eq_ignore_ascii_case(target.origin.host());
        let dots = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
        if !same || target.path.split('/').any(dots) {
            return Err(GrantError::Url { setting });
        }
        Ok(target)
    }

    /// The same as a text, for an issuer, which is compared byte by byte.
    pub(super) fn text<'v>(
        &self,
        setting: &'static str,
        find: impl Fn(&str) -> Option<&'v str>,
    ) -> Result<Zeroizing<String>, GrantError> {
        let mut text = Zeroizing::new(String::new());
        for (part, place) in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Name { name, .. } => {
                    let value =
                        find(name).ok_or_else(|| GrantError::Missing { name: name.to_string() })?;
                    match place {
                        Place::Query => text.extend(utf8_percent_encode(value, RESERVED)),
                        place if place.takes(value) => text.push_str(value),
                        _ => {
                            return Err(GrantError::UrlPart { setting, name: name.to_string() });
                        }
                    }
                }
            }
        }
        Ok(text)
    }
}

impl fmt::Display for UrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Place {
    fn takes(self, value: &str) -> bool {
        let label = |it: u8| it.is_ascii_alphanumeric() || it == b'-' || it == b'_';
        match self {
            Self::Host => value.split('.').all(|it| !it.is_empty() && it.bytes().all(label)),
            Self::Port => value.parse::<u16>().is_ok_and(|it| it > 0),
            // A `pchar` (RFC 3986 §3.3) that means nothing to anybody on the way.
            Self::Path => {
                let plain = |it: u8| label(it) || b".~@:!$'()*+,=".contains(&it);
                !value.is_empty() && value != "." && value != ".." && value.bytes().all(plain)
            }
            Self::Query => true,
        }
    }
}

/// The place behind the end of `text`; `None` before the authority begins.
fn place_at(text: &str) -> Option<Place> {
    let rest = text.split_once("://")?.1;
    Some(match rest.find(['/', '?']) {
        None if rest.contains(':') && !rest.ends_with(']') => Place::Port,
        None => Place::Host,
        Some(_) if rest.contains('?') => Place::Query,
        Some(_) => Place::Path,
    })
}

fn authority(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |it| it.1);
    rest.split(['/', '?']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(template: &str, value: &str) -> Result<String, GrantError> {
        let template = UrlTemplate::parse(template).unwrap();
        let target = template.expand("token_url", |_| Some(value))?;
        Ok(target.whole().to_string())
    }

    #[test]
    fn a_name_fills_its_place() {
        for (template, value, url) in [
            ("https://a.example/token", "", "https://a.example/token"),
            ("https://a.example/token/", "", "https://a.example/token/"),
            ("https://a.example", "", "https://a.example/"),
            ("https://{x}.example/token", "acme", "https://acme.example/token"),
            ("https://{x}/oauth/token", "eu.acme.example", "https://eu.acme.example/oauth/token"),
            ("https://a.example:{x}/t", "8443", "https://a.example:8443/t"),
            ("https://a.example/{x}/v2.0/token", "common", "https://a.example/common/v2.0/token"),
            ("https://a.example/t?tenant={x}", "a b&c", "https://a.example/t?tenant=a%20b%26c"),
        ] {
            assert_eq!(expanded(template, value).unwrap(), url, "{template} {value}");
        }
    }

    #[test]
    fn a_name_changes_nothing_else() {
        for (template, value) in [
            ("https://{x}.example/token", "evil.test/"),
            ("https://{x}.example/token", "a@evil"),
            ("https://{x}.example/token", ""),
            ("https://{x}.example/token", "a..b"),
            ("https://{x}/token", "0x7f.1"),
            ("https://a.example:{x}/t", "0"),
            ("https://a.example:{x}/t", "80@evil"),
            ("https://a.example/{x}/token", ".."),
            ("https://a.example/{x}/token", "a/b"),
            ("https://a.example/{x}/token", "a%2fb"),
            ("https://a.example/{x}/token", "a?b"),
            ("https://a.example/.{x}/token", "."),
        ] {
            assert!(expanded(template, value).is_err(), "{template} {value}");
        }
    }

    #[test]
    fn whose_host_it_is_says_what_stands_at_its_end() {
        for (template, names) in [
            ("https://a.example/{x}/token?y={y}", &[][..]),
            ("https://{x}.example.com/token", &[]),
            ("https://{x}.{y}.example.com/token", &[]),
            ("https://{x}/token", &["x"]),
            ("https://{x}.com/token", &["x"]),
            ("https://api.{x}:8443/token", &["x"]),
            ("https://{x}.{y}/token", &["x", "y"]),
            ("https://{x}.example.{y}", &["x", "y"]),
            ("https://id{x}.com", &["x"]),
            ("https://id.example.com:{x}/token", &["x"]),
            ("https://{x}?y={y}", &["x"]),
        ] {
            let template = UrlTemplate::parse(template).unwrap();
            assert_eq!(template.whose_host(), names, "{template}");
        }
    }

    #[test]
    fn what_is_no_url_is_no_template_of_one() {
        for bad in [
            "",
            "a.example",
            "ftp://a.example/",
            "{x}/token",
            "https{x}://a.example",
            "https://u:p@a.example/t",
            "https://a.example/t#x",
            "https://a.example/../t",
            "https://a.example/t?a b",
            "https://a.example/{x",
        ] {
            assert!(UrlTemplate::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn path_and_query_are_never_printed() {
        let target = Target::parse("https://a.example/hunter2?client_secret=hunter2").unwrap();
        assert_eq!(format!("{target:?}"), "https://a.example/…");
    }
}
