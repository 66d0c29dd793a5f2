//! What a provider says of a person, as far as it counts here: who it is, and what that gives them.
use super::super::role::Role;
use crate::config::OidcSettings;
use serde_json::Map;
use serde_json::Value;

/// Longest name and subject, in characters: an audit entry has them.
const LEN_MAX: usize = 200;

/// Whoever is it, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claimed {
    /// As the audit trail calls the person.
    pub(super) name: String,
    /// One of the issuer's, and nobody else's ever.
    pub(super) subject: String,
    /// None where nothing gives one.
    pub(super) role: Option<Role>,
}

pub(super) fn read(oidc: &OidcSettings, claims: &Map<String, Value>) -> Claimed {
    let subject = text(claims, "sub").unwrap_or_default();
    let names = [&*oidc.name_claim, "email", "preferred_username", "name"];
    let name = names.into_iter().find_map(|it| text(claims, it));
    Claimed { name: name.unwrap_or_else(|| subject.clone()), subject, role: role(oidc, claims) }
}

/// The highest that one of the values gives.
fn role(oidc: &OidcSettings, claims: &Map<String, Value>) -> Option<Role> {
    let values = match found(claims, &oidc.role_claim)? {
        Value::String(one) => vec![&**one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    };
    let of = |role: &Role| match role {
        Role::Admin => &oidc.roles.admin,
        Role::Operator => &oidc.roles.operator,
        Role::Viewer => &oidc.roles.viewer,
    };
    let gives = |role: &Role| of(role).iter().any(|it| values.contains(&&**it));
    Role::ALL.iter().copied().filter(gives).max()
}

/// By its name, or by a JSON pointer (RFC 6901).
fn found<'c>(claims: &'c Map<String, Value>, claim: &str) -> Option<&'c Value> {
    let Some(path) = claim.strip_prefix('/') else { return claims.get(claim) };
    let (first, rest) = path.split_once('/').map_or((path, None), |it| (it.0, Some(it.1)));
    let value = claims.get(&first.replace("~1", "/").replace("~0", "~"))?;
    rest.map_or(Some(value), |it| value.pointer(&format!("/{it}")))
}

/// Of one line, cut.
fn text(claims: &Map<String, Value>, name: &str) -> Option<String> {
    let text = found(claims, name)?.as_str()?;
    let plain: String = text.chars().filter(|it| !it.is_control()).take(LEN_MAX).collect();
    (!plain.trim().is_empty()).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings(role_claim: &str) -> OidcSettings {
        let text = format!(
            "{{issuer: 'https://id.test', client_id: a, role_claim: '{role_claim}', \
             roles: {{admin: [root], operator: [ops, dev], viewer: [all]}}}}"
        );
        serde_yaml::from_str(&text).unwrap()
    }

    fn claimed(role_claim: &str, claims: Value) -> Claimed {
        read(&settings(role_claim), claims.as_object().unwrap())
    }

    #[test]
    fn the_highest_role_counts_and_whoever_has_none_has_none() {
        for (value, role) in [
            (json!("ops"), Some(Role::Operator)),
            (json!(["all", "root", "x"]), Some(Role::Admin)),
            (json!(["all"]), Some(Role::Viewer)),
            (json!([]), None),
            (json!(["ROOT", "roots", " root", 7, ["root"]]), None),
            (json!("root ops"), None),
            (json!({ "root": true }), None),
            (json!(true), None),
            (Value::Null, None),
        ] {
            assert_eq!(
                claimed("roles", json!({ "sub": "1", "roles": value })).role,
                role,
                "{value}"
            );
        }
        assert_eq!(claimed("roles", json!({ "sub": "1", "groups": ["root"] })).role, None);
        let nested = json!({ "sub": "1", "realm_access": { "roles": ["dev"] }, "a/b": "all" });
        assert_eq!(claimed("/realm_access/roles", nested.clone()).role, Some(Role::Operator));
        assert_eq!(claimed("/a~1b", nested.clone()).role, Some(Role::Viewer));
        assert_eq!(claimed("/realm_access", nested.clone()).role, None);
        assert_eq!(claimed("/realm_access/none", nested).role, None);
    }

    #[test]
    fn people_are_called_by_what_is_there_on_one_line() {
        for (claims, name) in [
            (json!({ "sub": "1", "email": "ann@example.com", "name": "Ann" }), "ann@example.com"),
            (json!({ "sub": "1", "email": " ", "name": "Ann" }), "Ann"),
            (json!({ "sub": "1", "name": "A\nB\u{1b}" }), "AB"),
            (json!({ "sub": "1", "email": 7 }), "1"),
        ] {
            assert_eq!(claimed("roles", claims.clone()).name, name, "{claims}");
        }
    }
}
