//! Where a connection's credentials may go: what they are entered for, and what an edit must not widen unasked.
use super::auth_method::Auth;
use super::base_url::BaseUrlTemplate;
use super::connection::Connection;
use super::variables::VariableRules;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// By which connector a connection may send its credentials, and to which origins (RFC 6454 §4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reach {
    /// The connector's key; empty where nothing is known of it.
    pub connector: String,
    /// That of the base URL, those that `allowed_origins` adds, and those that tokens are had at. A variable that the connection gives no
    /// value stands in its braces: an activation or a request fills it in. None where its credentials go
    /// nowhere, as those that webhooks are checked with.
    pub origins: BTreeSet<String>,
    /// What the variables in them may hold; left out where there are none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, Open>,
}

/// What a variable in an origin may hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "OpenVariable")]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// Anything where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// What it is where nobody gives it a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

impl Reach {
    /// True where whatever goes by `other` could have gone by this one already. One of no origins goes nowhere,
    /// and is covered by any.
    pub fn covers(&self, other: &Self) -> bool {
        if other.origins.is_empty() {
            return true;
        }
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

    /// For people: what credentials that were entered for this would do by `other`, which it does not cover.
    pub fn departure(&self, other: &Self) -> String {
        let list = |it: &Self| it.origins.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        if self.origins.is_empty() {
            return format!("were entered to be sent nowhere, and would go to {}", list(other));
        }
        if self.origins != other.origins {
            return format!("were entered for {}, and would go to {}", list(self), list(other));
        }
        let (was, is) = (&self.connector, &other.connector);
        if was != is {
            return format!("were entered for the connector `{was}`, not `{is}`");
        }
        let told = |open: Option<&Open>| {
            let pattern = open.and_then(|it| it.pattern.as_deref()).unwrap_or("anything");
            match open.and_then(|it| it.default.as_deref()) {
                Some(default) => format!("{pattern} (`{default}` unless said)"),
                None => pattern.to_owned(),
            }
        };
        let changed =
            other.variables.iter().filter(|(name, it)| self.variables.get(*name) != Some(it));
        let changes: Vec<String> = changed
            .map(|(name, it)| {
                format!(
                    "for `{name}` as {}, not {}",
                    told(self.variables.get(name)),
                    told(Some(it))
                )
            })
            .collect();
        format!("were entered {}", changes.join(", "))
    }
}

impl Connection {
    /// Where its credentials may go. Those of one that receives webhooks go nowhere.
    pub fn reach(&self) -> Reach {
        self.reach_by(&self.base_url, &self.variables)
    }

    /// The same, for another base URL, or other rules for what stands in it.
    pub fn reach_by(&self, base_url: &BaseUrlTemplate, rules: &VariableRules) -> Reach {
        let connector = self.connector.to_string();
        if !self.sends() {
            return Reach { connector, ..Reach::default() };
        }
        let given = self.given();
        let value = |name: &str| given.get(name).map(String::as_str);
        let (own, open) = base_url.origin(value);
        let allowed = self.allowed_origins.iter().map(ToString::to_string);
        // What a token is had with goes where it is had.
        let had_at = match &self.method.auth {
            Auth::Token(method) => method.origins(value),
            Auth::Outbound(_) | Auth::Inbound(_) => Vec::new(),
        };
        let variables = open.into_iter().map(|name| {
            let rule = rules.rule(&name);
            let pattern = rule.and_then(|it| it.written()).map(ToOwned::to_owned);
            let default = rule.and_then(|it| it.default.clone());
            (name, Open { pattern, default })
        });
        Reach {
            connector,
            origins: std::iter::once(own).chain(allowed).chain(had_at).collect(),
            variables: variables.collect(),
        }
    }

    /// The origin of the base URL with these variables of an activation's; `None` where its credentials go
    /// nowhere.
    pub fn activation_origin(&self, variables: &BTreeMap<String, String>) -> Option<String> {
        if !self.sends() {
            return None;
        }
        let inherited = &self.shared()?.variables;
        let value = |name: &str| variables.get(name).or_else(|| inherited.get(name));
        Some(self.base_url.origin(|name| value(name).map(String::as_str)).0)
    }

    /// Whether credentials of it go anywhere: secrets that webhooks are checked with do not.
    fn sends(&self) -> bool {
        !matches!(self.method.auth, Auth::Inbound(_))
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
            (&two, &Reach::default(), true),
            (&Reach::default(), &Reach::default(), true),
            (&Reach::default(), &two, false),
        ] {
            assert_eq!(entered.covers(now), expected, "{entered:?} {now:?}");
        }
    }

    #[test]
    fn what_differs_is_told() {
        let one = reach(&["https://{s}.a"], &[("s", Some("[a-z]+"), None)]);
        let wide = reach(&["https://{s}.a"], &[("s", None, Some("eu"))]);
        let other = Reach { connector: "other".to_owned(), ..one.clone() };
        for (entered, now, told) in [
            (&one, &reach(&["https://b"], &[]), "for https://{s}.a, and would go to https://b"),
            (&one, &wide, "for `s` as [a-z]+, not anything (`eu` unless said)"),
            (&one, &other, "for the connector `api`, not `other`"),
            (&Reach::default(), &one, "to be sent nowhere, and would go to https://{s}.a"),
        ] {
            assert_eq!(entered.departure(now), format!("were entered {told}"));
        }
    }
}
