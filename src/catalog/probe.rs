//! A declared request that a credential has to succeed with, where somebody tries it.
use super::problem::At;
use super::problem::Problem;
use crate::grant::AccountPlaces;
use crate::grant::NoPointer;
use crate::grant::RawAccount;
use crate::model::Account;
use crate::wire::path_guard;
use http::Method;
use http::Uri;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;

/// Longest path, its query among it, in bytes.
const PATH_LEN_MAX: usize = 1000;

/// Most statuses, and most of them that something is said of.
const STATUSES_MAX: usize = 32;

/// Longest text that is said of a status, in bytes: it stands on a page.
const WORDS_LEN_MAX: usize = 500;

/// A probe as written.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawProbe {
    /// Default: GET. It is sent without a body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<ProbeMethod>,
    /// What follows the base URL, with or without a query: `/me`.
    pub path: String,
    /// With which statuses the API says that the credential works. Default: each from 200 to 299.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<u16>,
    /// Where its answer says whose account the credential is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<RawAccount>,
    /// What a person is told instead of attache's own words, by the status of the answer: `"403": "Ask your
    /// administrator for the role Editor."`
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub says: IndexMap<String, String>,
}

/// Methods that are asked with and change nothing, or are used so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ProbeMethod {
    #[default]
    Get,
    Head,
    Post,
}

/// The same, checked: its path can't leave the base URL that it is put behind.
#[derive(Clone, Debug)]
pub struct Probe {
    pub method: ProbeMethod,
    /// Begins with a slash.
    pub path: Box<str>,
    pub query: Option<Box<str>>,
    /// Empty: each from 200 to 299.
    status: Box<[u16]>,
    pub account: Option<AccountPlaces>,
    says: BTreeMap<u16, Box<str>>,
}

impl ProbeMethod {
    pub fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Head => Method::HEAD,
            Self::Post => Method::POST,
        }
    }
}

impl Probe {
    pub(super) fn build(raw: &RawProbe, at: At<'_>, problems: &mut Vec<Problem>) -> Option<Self> {
        let before = problems.len();
        let (path, query) = match raw.path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (&*raw.path, None),
        };
        if let Some(problem) = path_problem(&raw.path, path) {
            let hint = "write what follows the base URL, as in /me?fields=id";
            problems.push(at.key("path").problem(problem, hint));
        }
        for (index, status) in raw.status.iter().enumerate() {
            if !is_final(*status) || index >= STATUSES_MAX {
                let problem = match is_final(*status) {
                    true => format!("there are more than {STATUSES_MAX}"),
                    false => format!("{status} is no final status"),
                };
                problems.push(at.key("status").index(index).problem(problem, "write 200 to 599"));
            }
        }
        let account = raw.account.as_ref().and_then(|it| account(it, at.key("account"), problems));
        if account.is_some() && raw.method == Some(ProbeMethod::Head) {
            let problem = "the answer to a HEAD has no body that says it";
            problems.push(at.key("account").problem(problem, "write method: GET, or leave it out"));
        }
        let says = says(&raw.says, at.key("says"), problems);
        (problems.len() == before).then(|| Self {
            method: raw.method.unwrap_or_default(),
            path: path.into(),
            query: query.map(Into::into),
            status: raw.status.clone().into(),
            account,
            says,
        })
    }

    /// Whether the API says by this status that the credential works.
    pub fn takes(&self, status: u16) -> bool {
        match &*self.status {
            [] => (200..=299).contains(&status),
            statuses => statuses.contains(&status),
        }
    }

    /// What a person is told of an answer with this status, where something is declared.
    pub fn words(&self, status: u16) -> Option<&str> {
        self.says.get(&status).map(|it| &**it)
    }

    /// The account that an answer tells.
    pub fn account(&self, body: &[u8]) -> Option<Account> {
        self.account.as_ref()?.find(body)
    }
}

fn path_problem(whole: &str, path: &str) -> Option<String> {
    if whole.len() > PATH_LEN_MAX {
        return Some(format!("the path is longer than {PATH_LEN_MAX} bytes"));
    }
    if path.is_empty() || path_guard(path).is_err() {
        return Some(format!("`{path}` would not lie below the base URL"));
    }
    if whole.contains(['{', '}']) {
        return Some("no name can stand in the path".to_owned());
    }
    let is_sendable = whole.bytes().all(|it| it.is_ascii_graphic() && it != b'#');
    let is_sendable = is_sendable && Uri::try_from(whole).is_ok();
    (!is_sendable).then(|| "the path has a character that has to be percent-encoded".to_owned())
}

fn is_final(status: u16) -> bool {
    (200..=599).contains(&status)
}

fn account(raw: &RawAccount, at: At<'_>, problems: &mut Vec<Problem>) -> Option<AccountPlaces> {
    let places = AccountPlaces::read(raw);
    let problem = |NoPointer(member)| {
        let hint = "write where it stands in the answer: `/id`";
        problems.push(at.key(member).problem("it is no JSON pointer", hint));
    };
    places.map_err(problem).ok()
}

fn says(
    raw: &IndexMap<String, String>,
    at: At<'_>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<u16, Box<str>> {
    if raw.len() > STATUSES_MAX {
        let problem = format!("{} texts are more than {STATUSES_MAX}", raw.len());
        problems.push(at.problem(problem, "leave some out"));
    }
    let mut says = BTreeMap::new();
    for (status, words) in raw {
        let at = at.key(status);
        if words.is_empty() || words.len() > WORDS_LEN_MAX || words.chars().any(char::is_control) {
            let problem = "it is no text for a page";
            let hint = format!("write one line of {WORDS_LEN_MAX} bytes at most");
            problems.push(at.problem(problem, hint));
        }
        match status.parse::<u16>().ok().filter(|it| is_final(*it)) {
            Some(status) => {
                says.insert(status, words.as_str().into());
            }
            None => {
                let problem = format!("`{status}` is no status of an answer");
                problems.push(at.problem(problem, "write 200 to 599"));
            }
        }
    }
    says
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::AuthMethod;
    use crate::catalog::PathSegment;
    use crate::catalog::RawAuthMethod;
    use crate::model::Credential;
    use crate::model::Key;
    use serde_json::Value;
    use serde_json::json;

    fn good() -> Value {
        json!({
            "basic": {},
            "fields": { "username": {
                "name": "User", "pattern": "[^@]+@[^@]+", "example": "ann@example.com",
            } },
            "probe": {
                "method": "GET", "path": "/me?fields=id", "status": [200, 403],
                "account": { "id": "/id", "name": "/email" }, "says": { "401": "Copy the key again." },
            },
        })
    }

    fn method(raw: Value) -> Result<AuthMethod, Vec<(String, String)>> {
        let raw: RawAuthMethod = serde_json::from_value(raw).unwrap();
        let step = |it: &PathSegment| match it {
            PathSegment::Key(key) => format!("/{key}"),
            PathSegment::Index(index) => format!("/{index}"),
        };
        AuthMethod::recorded(Key::try_from("m").unwrap(), 1, raw).map_err(|problems| {
            let told = |it: &Problem| (it.path[2..].iter().map(step).collect(), it.problem.clone());
            problems.iter().map(told).collect()
        })
    }

    #[test]
    fn a_probe_says_which_answers_are_good_and_what_the_others_mean() {
        let method = method(good()).unwrap();
        let probe = method.probe.as_ref().unwrap();
        assert_eq!((&*probe.path, probe.query.as_deref()), ("/me", Some("fields=id")));
        assert!(probe.takes(200) && probe.takes(403) && !probe.takes(204));
        assert_eq!(probe.words(401), Some("Copy the key again."));
        assert_eq!(probe.words(403), None);
        let account = probe.account(br#"{"id":7,"email":"ann@example.com"}"#);
        assert_eq!(account, Account::new("7", Some("ann@example.com")));
        let mut plain = good();
        plain["probe"] = json!({ "path": "/me" });
        let plain = super::tests::method(plain).unwrap().probe.unwrap();
        assert!(plain.takes(204) && !plain.takes(302) && plain.account(b"{\"id\":7}").is_none());
        assert_eq!(plain.method.method(), Method::GET);
    }

    #[test]
    fn what_is_unsound_is_told_at_its_place() {
        for (pointer, value, below, problem) in [
            ("/probe/path", json!("me"), "", "`me` would not lie below the base URL"),
            ("/probe/path", json!(""), "", "`` would not lie below the base URL"),
            ("/probe/path", json!("?a=b"), "", "`` would not lie below the base URL"),
            ("/probe/path", json!("/a/../b"), "", "`/a/../b` would not lie below the base URL"),
            (
                "/probe/path",
                json!("/%2e%2e/b?x"),
                "",
                "`/%2e%2e/b` would not lie below the base URL",
            ),
            (
                "/probe/path",
                json!("//evil.test/"),
                "",
                "`//evil.test/` would not lie below the base URL",
            ),
            (
                "/probe/path",
                json!("@evil.test/"),
                "",
                "`@evil.test/` would not lie below the base URL",
            ),
            (
                "/probe/path",
                json!("https://evil.test/"),
                "",
                "`https://evil.test/` would not lie below the base URL",
            ),
            ("/probe/path", json!("/a#b"), "", "`/a#b` would not lie below the base URL"),
            (
                "/probe/path",
                json!("/me?a=b#c"),
                "",
                "the path has a character that has to be percent-encoded",
            ),
            (
                "/probe/path",
                json!("/me?a=b\r\nX: y"),
                "",
                "the path has a character that has to be percent-encoded",
            ),
            ("/probe/path", json!("/{id}"), "", "no name can stand in the path"),
            (
                "/probe/path",
                json!(format!("/{}", "x".repeat(1000))),
                "",
                "the path is longer than 1000 bytes",
            ),
            ("/probe/status", json!([200, 101]), "/1", "101 is no final status"),
            ("/probe/status", json!(vec![200; 33]), "/32", "there are more than 32"),
            ("/probe/account", json!({ "id": "id" }), "/id", "it is no JSON pointer"),
            (
                "/probe/account",
                json!({ "id": "/id", "name": "/a~" }),
                "/name",
                "it is no JSON pointer",
            ),
            (
                "/probe/method",
                json!("HEAD"),
                "/../account",
                "the answer to a HEAD has no body that says it",
            ),
            ("/probe/says", json!({ "x": "y" }), "/x", "`x` is no status of an answer"),
            ("/probe/says", json!({ "401": "a\nb" }), "/401", "it is no text for a page"),
            ("/fields/username/pattern", json!("("), "", "`(` is not a regular expression"),
            ("/fields/username/pattern", json!("a)|(b"), "", "`a)|(b` is not a regular expression"),
            (
                "/fields/username/example",
                json!("ann"),
                "",
                "the example does not match the pattern",
            ),
            (
                "/fields/username/example",
                json!(format!("@{}", "x".repeat(200))),
                "",
                "201 bytes are more than 200",
            ),
        ] {
            let mut raw = good();
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            raw.pointer_mut(parent).unwrap()[name] = value.clone();
            let place = match below.strip_prefix("/..") {
                Some(beside) => format!("{parent}{beside}"),
                None => format!("{pointer}{below}"),
            };
            let told = method(raw).err().unwrap_or_default();
            assert!(told.contains(&(place, problem.to_owned())), "{pointer} {value}: {told:?}");
        }
        let webhook = json!({ "hmac": { "preset": "github" }, "probe": { "path": "/me" } });
        let told = method(webhook).unwrap_err();
        assert_eq!(told[0].1, "webhooks come in: there is no request to try");
    }

    #[test]
    fn a_credential_that_is_set_fits_what_is_said_of_its_fields() {
        let method = method(good()).unwrap();
        let misfits = |username: &str, is_set: bool| {
            let fields = [("username", username), ("password", "x")];
            let credential: Credential = fields.into_iter().collect();
            let problems = method.misfits(&credential, |_| is_set, "credentials");
            problems.into_iter().map(|it| (it.problem, it.hint)).collect::<Vec<_>>()
        };
        assert_eq!(misfits("ann@example.com", true), []);
        for value in ["ann", "a@b@c", "ann@example.com\n@", ""] {
            let [(problem, hint)] = &misfits(value, true)[..] else { panic!("{value}") };
            assert_eq!(
                problem,
                "the credential field `username` does not match its pattern `[^@]+@[^@]+`"
            );
            assert_eq!(hint, "write it as in ann@example.com");
        }
        assert_eq!(misfits("ann", false), [], "what was set before");
        assert!(method.is_secret("password") && !method.is_secret("username"));
    }
}
