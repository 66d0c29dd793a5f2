//! The programs that send requests through the proxy, and what each may use.
use super::connection::Connection;
use super::pattern::Allowed;
use super::pattern::Pattern;
use super::problem::At;
use super::problem::Problem;
use super::rate::Rate;
use super::rate::RawRate;
use crate::model::Key;
use crate::model::Secret;
use crate::telemetry::trial;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;

/// Shortest caller key, in bytes: a shorter one can be guessed.
pub const CALLER_KEY_LEN_MIN: usize = 16;

/// A caller as written. The lists take patterns with `*`, may name what does not exist yet, and
/// default to everything.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCaller {
    /// The caller key: at least 16 visible ASCII characters.
    #[serde(skip_serializing)]
    pub key: Secret,
    /// Keys of connections that it may use.
    pub connections: Option<Vec<String>>,
    /// Keys of environments that it may use.
    pub environments: Option<Vec<String>>,
    /// Tenants that it may act for.
    pub tenants: Option<Vec<String>>,
    /// Request methods that it may send, in upper case.
    pub methods: Option<Vec<String>>,
    /// Paths below the base URL that it may ask for, without query.
    pub paths: Option<Vec<String>>,
    /// How many requests it may send. Default: no limit.
    pub rate: Option<RawRate>,
    /// Whether it is for the tenants in `tenants` themselves: it may use, and lists at
    /// `GET /-/connections`, only connections that are exposed. Default: no.
    #[serde(default)]
    pub tenant_scoped: bool,
}

/// A caller as written where its keys are made, not given: the same less the key.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawGrants {
    /// Keys of connections that it may use.
    pub connections: Option<Vec<String>>,
    /// Keys of environments that it may use.
    pub environments: Option<Vec<String>>,
    /// Tenants that it may act for.
    pub tenants: Option<Vec<String>>,
    /// Request methods that it may send, in upper case.
    pub methods: Option<Vec<String>>,
    /// Paths below the base URL that it may ask for, without query.
    pub paths: Option<Vec<String>>,
    /// How many requests it may send. Default: no limit.
    pub rate: Option<RawRate>,
    /// Whether it is for the tenants in `tenants` themselves: it may use, and lists at
    /// `GET /-/connections`, only connections that are exposed. Default: no.
    pub tenant_scoped: bool,
}

/// A caller and its grants.
#[derive(Clone, Debug)]
pub struct Caller {
    pub key: Key,
    /// It sees exposed connections only.
    pub tenant_scoped: bool,
    connections: Allowed,
    environments: Allowed,
    tenants: Allowed,
    methods: Allowed,
    paths: Allowed,
    pub rate: Option<Rate>,
}

impl Caller {
    /// A caller that may use everything.
    pub fn unlimited(key: Key) -> Self {
        Self {
            key,
            tenant_scoped: false,
            connections: Allowed::default(),
            environments: Allowed::default(),
            tenants: Allowed::default(),
            methods: Allowed::default(),
            paths: Allowed::default(),
            rate: None,
        }
    }

    pub fn may_use_connection(&self, connection: &Connection) -> bool {
        (connection.exposed || !self.tenant_scoped) && self.connections.has(connection.key.as_str())
    }

    pub fn may_use_environment(&self, key: &str) -> bool {
        self.environments.has(key)
    }

    pub fn may_use_tenant(&self, tenant: &str) -> bool {
        self.tenants.has(tenant)
    }

    pub fn may_use_method(&self, method: &str) -> bool {
        self.methods.has(method)
    }

    /// `path` is the one below the base URL, without query; an empty one counts as `/`.
    pub fn may_use_path(&self, path: &str) -> bool {
        self.paths.has(if path.is_empty() { "/" } else { path })
    }

    /// A caller of a file, and the SHA-256 of its key: the key itself is not kept.
    pub(super) fn declared(
        key: Key,
        raw: &RawCaller,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) -> (Self, [u8; 32]) {
        let caller_key = raw.key.expose();
        if caller_key.len() < CALLER_KEY_LEN_MIN
            || !caller_key.bytes().all(|it| it.is_ascii_graphic())
        {
            let problem =
                format!("a caller key has at least {CALLER_KEY_LEN_MIN} visible ASCII characters");
            problems.push(at.key("key").problem(problem, "make one: openssl rand -hex 24"));
        }
        let grants = RawGrants {
            connections: raw.connections.clone(),
            environments: raw.environments.clone(),
            tenants: raw.tenants.clone(),
            methods: raw.methods.clone(),
            paths: raw.paths.clone(),
            rate: raw.rate,
            tenant_scoped: raw.tenant_scoped,
        };
        (Self::build(key, &grants, at, problems), Sha256::digest(caller_key).into())
    }

    pub(super) fn build(
        key: Key,
        raw: &RawGrants,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        if key.as_str() == trial::CALLER {
            let name = trial::CALLER;
            let problem = format!(
                "no caller can be called `{name}`: operators who try requests out go by that name in the access log"
            );
            let hint = format!("give it another key, as `{name}-app`");
            problems.push(at.problem(problem, hint));
        }
        if raw.tenant_scoped && raw.tenants.is_none() {
            let problem = "a tenant-scoped caller has tenants";
            problems.push(at.key("tenants").problem(problem, "name them, as in tenants: [acme]"));
        }
        let rate = Rate::build(raw.rate, at.key("rate"), problems);
        let mut allowed = |name, patterns: &Option<Vec<String>>, rule: &Rule| {
            checked(patterns.as_deref(), rule, at.key(name), problems)
        };
        Self {
            key,
            tenant_scoped: raw.tenant_scoped,
            connections: allowed("connections", &raw.connections, &KEYS),
            environments: allowed("environments", &raw.environments, &KEYS),
            tenants: allowed("tenants", &raw.tenants, &TENANTS),
            methods: allowed("methods", &raw.methods, &METHODS),
            paths: allowed("paths", &raw.paths, &PATHS),
            rate,
        }
    }
}

/// What a pattern of a list can be, so that one that never matches is told at once.
struct Rule {
    fits: fn(&str) -> bool,
    hint: &'static str,
}

const KEYS: Rule = Rule {
    fits: |it| it.bytes().all(|b| b == b'*' || Key::is_valid(&[b'a', b])) && !it.is_empty(),
    hint: "keys are lower case: github-prod, github-*, or * for all of them",
};

const TENANTS: Rule = Rule {
    fits: |it| !it.is_empty() && !it.chars().any(char::is_control),
    hint: "write the tenant's id, or a pattern with *",
};

const METHODS: Rule = Rule {
    fits: |it| {
        !it.is_empty() && it.bytes().all(|b| b == b'*' || b == b'-' || b.is_ascii_uppercase())
    },
    hint: "methods are upper case: GET, POST",
};

const PATHS: Rule = Rule {
    fits: |it| it.starts_with(['/', '*']) && !it.contains(['?', '#']),
    hint: "a path begins with a slash and has no query: /repos/*",
};

fn checked(
    patterns: Option<&[String]>,
    rule: &Rule,
    at: At<'_>,
    problems: &mut Vec<Problem>,
) -> Allowed {
    let Some(patterns) = patterns else { return Allowed::default() };
    for (index, pattern) in patterns.iter().enumerate() {
        if !(rule.fits)(pattern) {
            let problem = format!("`{pattern}` can match nothing");
            problems.push(at.index(index).problem(problem, rule.hint));
        }
    }
    Allowed::only(patterns.iter().map(|it| Pattern::new(it)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_caller_reads_like_what_operators_try_out() {
        let told = |name: &str| {
            let mut problems = Vec::new();
            let key = Key::try_from(name).unwrap();
            let section = At::section("callers");
            Caller::build(key, &RawGrants::default(), section.key(name), &mut problems);
            problems
        };
        assert!(told("console-app").is_empty());
        let [problem] = &told("console")[..] else { panic!("it is one problem") };
        assert_eq!(problem.path, At::section("callers").key("console").path());
        assert!(problem.problem.contains("operators"), "{}", problem.problem);
        assert!(problem.hint.contains("`console-app`"), "{}", problem.hint);
    }
}
