//! Paths with parameters in them: `/repos/{owner}/{repo}/issues`.
use percent_encoding::percent_decode_str;
use std::fmt;

/// Longest path, in bytes.
const PATH_LEN_MAX: usize = 1000;

/// Longest name of a parameter, in bytes.
const PARAMETER_LEN_MAX: usize = 64;

/// A path below a base URL, as OpenAPI writes one (3.1.0 §4.8.8.2). A parameter stands for a segment or a
/// part of one. It describes requests and checks none: the path guard does.
#[derive(Clone, PartialEq, Eq)]
pub struct PathTemplate(Box<str>);

/// Why a text is not a [`PathTemplate`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathTemplateError {
    #[error("the path does not begin with `/`")]
    Relative,
    #[error("the path begins with `//`, as a host does")]
    Network,
    #[error("the path is longer than {PATH_LEN_MAX} bytes")]
    TooLong,
    #[error("the path has a query or a fragment")]
    QueryOrFragment,
    #[error("the path has {0:?} in it, which has to be percent-encoded")]
    Character(char),
    #[error("the path has a `%` in it that encodes nothing that may stand there")]
    Escape,
    #[error("the path has a dot segment")]
    DotSegment,
    #[error("the path has a brace without its other one")]
    Braces,
    #[error("the path names a parameter `{0}`, which can't be a name")]
    Name(String),
    #[error("the path names the parameter `{0}` twice")]
    Repeated(String),
}

impl PathTemplateError {
    /// What to write instead.
    pub fn hint(&self) -> &'static str {
        "write what follows the base URL, as in /repos/{owner}/{repo}/issues"
    }
}

impl PathTemplate {
    pub fn parse(text: &str) -> Result<Self, PathTemplateError> {
        if text.len() > PATH_LEN_MAX {
            return Err(PathTemplateError::TooLong);
        }
        if !text.starts_with('/') {
            return Err(PathTemplateError::Relative);
        }
        if text.starts_with("//") {
            return Err(PathTemplateError::Network);
        }
        let (mut names, mut sample, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            let inner = rest[at..].strip_prefix('{').ok_or(PathTemplateError::Braces)?;
            let (name, after) = inner.split_once('}').ok_or(PathTemplateError::Braces)?;
            if name.contains('{') {
                return Err(PathTemplateError::Braces);
            }
            if !is_parameter_name(name) {
                return Err(PathTemplateError::Name(name.to_owned()));
            }
            if names.contains(&name) {
                return Err(PathTemplateError::Repeated(name.to_owned()));
            }
            names.push(name);
            sample.push_str(&rest[..at]);
            sample.push('x');
            rest = after;
        }
        sample.push_str(rest);
        check(&sample)?;
        Ok(Self(text.into()))
    }

    /// The names of its parameters, in order.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.0.split('{').skip(1).filter_map(|it| it.split_once('}').map(|it| it.0))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same for two that differ in nothing but the names of their parameters.
    pub(super) fn shape(&self) -> String {
        let mut parts = self.0.split('{');
        let mut shape = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            shape.push_str("{}");
            shape.push_str(part.split_once('}').map_or("", |it| it.1));
        }
        shape
    }
}

fn is_parameter_name(name: &str) -> bool {
    (1..=PARAMETER_LEN_MAX).contains(&name.len())
        && name.bytes().all(|it| it.is_ascii_alphanumeric() || b"_-.".contains(&it))
}

/// A path without parameters.
fn check(path: &str) -> Result<(), PathTemplateError> {
    if path.contains(['?', '#']) {
        return Err(PathTemplateError::QueryOrFragment);
    }
    if let Some(odd) = path.chars().find(|it| !is_path_char(*it)) {
        return Err(PathTemplateError::Character(odd));
    }
    if !path.split('%').skip(1).all(encodes) {
        return Err(PathTemplateError::Escape);
    }
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    if decoded.split('/').any(is_dot_segment) { Err(PathTemplateError::DotSegment) } else { Ok(()) }
}

/// RFC 3986 §3.3: a pchar, or what divides segments.
fn is_path_char(it: char) -> bool {
    it.is_ascii_alphanumeric() || "/-._~!$&'()*+,;=:@%".contains(it)
}

/// Whether what follows a `%` encodes something that means no more than itself: no dot, no backslash, no
/// control character and no other `%`.
fn encodes(after: &str) -> bool {
    let byte = after.get(..2).and_then(|it| u8::from_str_radix(it, 16).ok());
    byte.is_some_and(|it| !it.is_ascii_control() && !b".\\%".contains(&it))
        && after.bytes().take(2).all(|it| it.is_ascii_hexdigit())
}

/// As the path guard has it: also with path parameters, and with spaces that some servers drop.
fn is_dot_segment(segment: &str) -> bool {
    let named = segment.split([';', '?', '#']).next().unwrap_or_default();
    matches!(&*named.replace(' ', ""), "." | "..")
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_parameters_in_order() {
        for (text, parameters, shape) in [
            ("/", &[][..], "/"),
            ("/repos/{owner}/{repo}/issues", &["owner", "repo"], "/repos/{}/{}/issues"),
            ("/v1/{name}:cancel", &["name"], "/v1/{}:cancel"),
            ("/{file.name}.{format-2}", &["file.name", "format-2"], "/{}.{}"),
            ("/group%2Fproject/caf%C3%A9/", &[], "/group%2Fproject/caf%C3%A9/"),
            ("/a//b;v=1/.well-known/..a", &[], "/a//b;v=1/.well-known/..a"),
        ] {
            let path = PathTemplate::parse(text).unwrap();
            assert_eq!(path.parameters().collect::<Vec<_>>(), parameters, "{text}");
            assert_eq!((path.as_str(), &*path.shape()), (text, shape));
        }
    }

    #[test]
    fn refuses_what_is_no_path_below_a_base_url() {
        use PathTemplateError as E;
        let (longest, too_long) =
            ("/a".repeat(PATH_LEN_MAX / 2), "/".to_owned() + &"a".repeat(PATH_LEN_MAX));
        assert!(PathTemplate::parse(&longest).is_ok());
        let name = "n".repeat(PARAMETER_LEN_MAX + 1);
        for (text, error) in [
            ("", E::Relative),
            ("repos", E::Relative),
            ("{a}", E::Relative),
            ("https://a.example/b", E::Relative),
            ("//a.example", E::Network),
            (&*too_long, E::TooLong),
            ("/a?b=c", E::QueryOrFragment),
            ("/#Action", E::QueryOrFragment),
            ("/a b", E::Character(' ')),
            ("/é", E::Character('é')),
            ("/a\\b", E::Character('\\')),
            ("/a\n", E::Character('\n')),
            ("/100%", E::Escape),
            ("/%zz", E::Escape),
            ("/%+1", E::Escape),
            ("/a%00", E::Escape),
            ("/%2e%2e/a", E::Escape),
            ("/a%5c", E::Escape),
            ("/%252e", E::Escape),
            ("/../a", E::DotSegment),
            ("/a/.", E::DotSegment),
            ("/a/..;v=1", E::DotSegment),
            ("/a%2F..", E::DotSegment),
            ("/..%20/a", E::DotSegment),
            ("/{a", E::Braces),
            ("/a}", E::Braces),
            ("/{a{b}}", E::Braces),
            ("/{}", E::Name(String::new())),
            ("/{+path}", E::Name("+path".into())),
            (&*format!("/{{{name}}}"), E::Name(name.clone())),
            ("/{a}/b/{a}", E::Repeated("a".into())),
        ] {
            assert_eq!(PathTemplate::parse(text).unwrap_err(), error, "{text:?}");
        }
    }
}
