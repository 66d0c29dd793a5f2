//! Where a connection's credentials may go: what they are entered for, and what an edit must not widen unasked.
use super::auth_method::Auth;
use super::base_url::BaseUrlTemplate;
use super::connection::Connection;
use super::variables::VariableRules;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// The origins (RFC 6454 §4) that a connection may send its credentials to, and by which connector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// The connector's key.
    pub connector: String,
    /// That of the base URL, and those that `allowed_origins` adds. A variable that the connection gives no
    /// value stands in its braces: an activation or a request fills it in.
    pub origins: BTreeSet<String>,
    /// What these variables may hold.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, Open>,
}

/// What a variable in an origin may hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Anything where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

impl Reach {
    /// True where whatever goes by `other` could have gone by this one already.
    pub fn covers(&self, other: &Self) -> bool {
        let is_known = |(name, open): (&String, &Open)| {
            self.variables.get(name).is_some_and(|it| {
                let fits = it.pattern.is_none() || it.pattern == open.pattern;
                fits && (open.default.is_none() || it.default == open.default)
            })
        };
        self.connector == other.connector
            && other.origins.is_subset(&self.origins)
            && other.variables.iter().all(is_known)
    }
}

impl Connection {
    /// Where its credentials may go. `None` for one that receives webhooks: its secrets go nowhere.
    pub fn reach(&self) -> Option<Reach> {
        if matches!(self.method.auth, Auth::Inbound(_)) {
            return None;
        }
        Some(self.reach_by(&self.base_url, &self.variables))
    }

    /// The same, for another base URL, or other rules for what stands in it.
    pub fn reach_by(&self, base_url: &BaseUrlTemplate, rules: &VariableRules) -> Reach {
        let given = self.given();
        let value = |name: &str| given.get(name).map(String::as_str);
        let (own, open) = base_url.origin(value);
        let allowed = self.allowed_origins.iter().map(ToString::to_string);
        let variables = open.into_iter().map(|name| {
            let rule = rules.rule(&name);
            let pattern = rule.and_then(|it| it.pattern.as_ref()).map(|it| it.as_str().to_owned());
            let default = rule.and_then(|it| it.default.clone());
            (name, Open { pattern, default })
        });
        Reach {
            connector: self.connector.to_string(),
            origins: std::iter::once(own).chain(allowed).collect(),
            variables: variables.collect(),
        }
    }

    /// The origin of the base URL with these variables of an activation's; `None` where its credentials go
    /// nowhere.
    pub fn activation_origin(&self, variables: &BTreeMap<String, String>) -> Option<String> {
        self.reach()?;
        let inherited = &self.shared()?.variables;
        let value = |name: &str| variables.get(name).or_else(|| inherited.get(name));
        Some(self.base_url.origin(|name| value(name).map(String::as_str)).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(origins: &[&str], variables: &[(&str, Option<&str>, Option<&str>)]) -> Reach {
        let open = |it: &(&str, Option<&str>, Option<&str>)| {
            let owned = |it: Option<&str>| it.map(ToOwned::to_owned);
            (it.0.to_owned(), Open { pattern: owned(it.1), default: owned(it.2) })
        };
        Reach {
            connector: "api".to_owned(),
            origins: origins.iter().map(|it| (*it).to_owned()).collect(),
            variables: variables.iter().map(open).collect(),
        }
    }

    #[test]
    fn what_narrows_is_covered_and_what_moves_or_widens_is_not() {
        let two = reach(&["https://a", "https://b"], &[]);
        let open = reach(&["https://{s}.a"], &[("s", None, None)]);
        let strict = reach(&["https://{s}.a"], &[("s", Some("[a-z]+"), None)]);
        let filled = reach(&["https://{s}.a"], &[("s", Some("[a-z]+"), Some("eu"))]);
        let other = Reach { connector: "other".to_owned(), ..two.clone() };
        for (entered, now, expected) in [
            (&two, &two, true),
            (&two, &reach(&["https://b"], &[]), true),
            (&two, &reach(&["https://c"], &[]), false),
            (&two, &reach(&["https://a", "https://b", "https://c"], &[]), false),
            (&two, &other, false),
            (&open, &strict, true),
            (&strict, &open, false),
            (&strict, &reach(&["https://{s}.a"], &[("s", Some("[a-z.]+"), None)]), false),
            (&filled, &strict, true),
            (&strict, &filled, false),
            (&two, &open, false),
        ] {
            assert_eq!(entered.covers(now), expected, "{entered:?} {now:?}");
        }
    }
}
