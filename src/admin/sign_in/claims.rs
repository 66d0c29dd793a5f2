//! What a provider says of a person, as far as it counts here: who it is, and what that gives them.
use super::super::role::Role;
use crate::config::OidcSettings;
use serde_json::Map;
use serde_json::Value;

/// Longest name, in characters: an audit entry has it.
const LEN_MAX: usize = 200;

/// Longest subject, in bytes (OpenID Connect Core §2).
const SUBJECT_LEN_MAX: usize = 255;

/// Whoever is it, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claimed {
    /// As the audit trail calls the person.
    pub(super) name: String,
    /// One of the issuer's, and nobody else's ever: as the issuer writes it, to the letter.
    pub(super) subject: String,
    /// None where nothing gives one.
    pub(super) role: Option<Role>,
}

/// None where nobody can be told from everybody else.
pub(super) fn read(oidc: &OidcSettings, claims: &Map<String, Value>) -> Option<Claimed> {
    let subject = subject(claims)?.to_owned();
    let names = [&*oidc.name_claim, "email", "preferred_username", "name"];
    let is_said = |claim: &&str| !is_email(claim) || !is_unverified(claims);
    let name = names.into_iter().filter(is_said).find_map(|it| text(claims, it));
    let name = name.or_else(|| text(claims, "sub"));
    let name = name.unwrap_or_else(|| subject.escape_debug().to_string());
    Some(Claimed { name, subject, role: role(oidc, claims) })
}

/// Taken as it is, or not at all: what is cut or cleaned may be another's.
fn subject(claims: &Map<String, Value>) -> Option<&str> {
    let subject = claims.get("sub")?.as_str()?;
    let fits = (1..=SUBJECT_LEN_MAX).contains(&subject.len());
    (fits && !subject.chars().any(char::is_control)).then_some(subject)
}

fn is_email(claim: &str) -> bool {
    claim.strip_prefix('/').unwrap_or(claim) == "email"
}

/// Whether the provider says that the address may be anybody's (OpenID Connect Core §5.1). Some write it as a text.
fn is_unverified(claims: &Map<String, Value>) -> bool {
    match claims.get("email_verified") {
        Some(Value::Bool(is_verified)) => !is_verified,
        Some(Value::String(text)) => text.eq_ignore_ascii_case("false"),
        _ => false,
    }
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

/// Of one line, cut, and nothing in it that is not seen.
fn text(claims: &Map<String, Value>, name: &str) -> Option<String> {
    let text = found(claims, name)?.as_str()?;
    let is_seen = |it: &char| !it.is_control() && !is_format(*it);
    let plain: String = text.chars().filter(is_seen).take(LEN_MAX).collect();
    (!plain.trim().is_empty()).then_some(plain)
}

/// Characters that are not seen, and turn or hide what stands round them (Unicode TR 36 §2.10.2): the general category
/// Cf, the separators of lines, and fillers and selectors that have no width.
fn is_format(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
        | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
        | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
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
        read(&settings(role_claim), claims.as_object().unwrap()).expect("it has a subject")
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
            (json!({ "sub": "1", "name": "\u{202e}A\u{200b}nn\u{feff}\u{e0041}" }), "Ann"),
            (json!({ "sub": "1", "email": "\u{200b}", "name": "Ann" }), "Ann"),
            (json!({ "sub": "\u{200b}" }), "\\u{200b}"),
        ] {
            assert_eq!(claimed("roles", claims.clone()).name, name, "{claims}");
        }
    }

    #[test]
    fn nobody_is_called_by_an_address_that_may_be_anybodys() {
        let ann = |verified: Value| json!({ "sub": "1", "email": "ann@example.com", "email_verified": verified });
        for (verified, name) in [
            (json!(true), "ann@example.com"),
            (Value::Null, "ann@example.com"),
            (json!("true"), "ann@example.com"),
            (json!(false), "1"),
            (json!("false"), "1"),
        ] {
            assert_eq!(claimed("roles", ann(verified.clone())).name, name, "{verified}");
        }
        let of_pointer = OidcSettings { name_claim: "/email".to_owned(), ..settings("roles") };
        let claims = ann(json!(false));
        assert_eq!(read(&of_pointer, claims.as_object().unwrap()).unwrap().name, "1");
    }

    #[test]
    fn a_subject_is_taken_to_the_letter_or_not_at_all() {
        let read =
            |sub: Value| read(&settings("roles"), json!({ "sub": sub }).as_object().unwrap());
        for good in ["1", " a\u{200b} ", &"x".repeat(255)] {
            assert_eq!(read(json!(good)).unwrap().subject, good);
        }
        let long = "x".repeat(256);
        for bad in
            [json!(""), json!(long), json!("é".repeat(128)), json!("a\u{0}"), json!(7), Value::Null]
        {
            assert_eq!(read(bad.clone()), None, "{bad}");
        }
    }
}
