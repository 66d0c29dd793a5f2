//! Methods whose credential has to be had, and what is said of holders that can't have any.
mod oauth1;

use crate::catalog::Kind;
use crate::catalog::PathSegment;
use crate::catalog::Problem;
use crate::catalog::RawCatalog;
use crate::catalog::Ready;
use crate::catalog::Snapshot;

const APP: &str = "client_id: a, client_secret: b";

/// A connection `crm`, and an embedded one, `many`, which `acme` has activated.
fn build(method: &str, own: &str, many: &str, acme: &str) -> Result<Snapshot, Vec<Problem>> {
    built(method, own, many, acme, &mut Vec::new())
}

fn built(
    method: &str,
    own: &str,
    many: &str,
    acme: &str,
    warnings: &mut Vec<Problem>,
) -> Result<Snapshot, Vec<Problem>> {
    let yaml = format!(
        "connectors:
  api:
    base_url: \"https://{{region}}.api.example\"
    variables:
      region: {{ default: eu }}
      realm: {{ pattern: '[a-z]+' }}
      domain: {{}}
      tied: {{ pattern: '[a-z]+[.]id[.]example' }}
    auth: {{ m: {{ oauth2: {{ {method} }} }} }}
connections:
  crm: {{ connector: api, auth: m, {own} }}
  many: {{ connector: api, auth: m, embedded: true, {many} }}
activations:
  - {{ connection: many, tenant: acme, {acme} }}
"
    );
    let raw: RawCatalog = serde_yaml::from_str(&yaml).unwrap();
    Snapshot::build(raw, warnings)
}

fn path(problem: &Problem) -> String {
    let steps = problem.path.iter().map(|it| match it {
        PathSegment::Key(key) => key.clone(),
        PathSegment::Index(index) => index.to_string(),
    });
    steps.collect::<Vec<_>>().join("/")
}

const GOOD: (&str, &str, &str, &str) = (
    "grant: password, token_url: \"https://{region}.id.example/token\"",
    "credentials: { client_id: a, client_secret: b, username: c, password: d }",
    "credentials: { client_id: a, client_secret: b }",
    "credentials: { username: c, password: d }",
);

#[test]
fn a_holder_has_its_fields_variables_and_defaults_and_the_apps_own_from_the_connection() {
    let (method, own, many, acme) = GOOD;
    let snapshot = build(method, own, many, acme).unwrap();
    let Kind::Embedded { activations, .. } = &snapshot.connection("many").unwrap().kind else {
        panic!("embedded")
    };
    let Ready::Token(holder) = &activations.values().next().unwrap().holder.ready else {
        panic!("a token's holder")
    };
    let fields: Vec<&str> = holder.credential.fields().collect();
    assert_eq!(fields, ["client_id", "client_secret", "password", "username"]);
    assert_eq!(holder.variables["region"], "eu");
    let origin = crate::model::Origin::parse("https://eu.id.example").unwrap();
    assert!(holder.guards(&origin, "/token") && !holder.guards(&origin, "/tokens"));
    let reach = snapshot.connection("crm").unwrap().reach();
    let origins: Vec<&str> = reach.origins.iter().map(String::as_str).collect();
    assert_eq!(origins, ["https://{region}.api.example", "https://{region}.id.example"]);
}

#[test]
fn an_endpoint_is_guarded_in_whatever_spelling_it_is_written() {
    let (_, own, many, acme) = GOOD;
    let origin = crate::model::Origin::parse("https://id.example").unwrap();
    for path in ["/oauth/token", "//oauth/token", "/oauth/token/", "/%6fauth/token"] {
        let method = format!("grant: password, token_url: \"https://id.example{path}\"");
        let snapshot = build(&method, own, many, acme).unwrap();
        let Kind::Standard(holder) = &snapshot.connection("crm").unwrap().kind else { panic!() };
        let Ready::Token(holder) = &holder.ready else { panic!("a token's holder") };
        assert!(holder.guards(&origin, "/oauth/token"), "{path}");
        assert!(!holder.guards(&origin, "/oauth") && !holder.guards(&origin, "/"), "{path}");
    }
}

#[test]
fn what_a_holder_lacks_is_told_with_its_place() {
    let (method, own, many, acme) = GOOD;
    let realm = "grant: client_credentials, token_url: \"https://id.example/{realm}/token\"";
    let code = "grant: authorization_code, authorize_url: https://id.example/a, token_url: https://id.example/t";
    let kept = format!("{code}, refresh: {{ rotates: false }}");
    let app = format!("credentials: {{ {APP} }}");
    let app_realm = format!("credentials: {{ {APP} }}, variables: {{ realm: main }}");
    let refreshed = format!("credentials: {{ {APP}, refresh_token: r }}");
    for (method, own, many, acme, problems) in [
        (
            method,
            "enabled: true",
            many,
            acme,
            &[
                "connections/crm/credentials/client_id",
                "connections/crm/credentials/client_secret",
                "connections/crm/credentials/username",
                "connections/crm/credentials/password",
            ][..],
        ),
        (
            method,
            own,
            many,
            "credentials: { username: c, pasword: d }",
            &["activations/0/credentials/password", "activations/0/credentials/pasword"],
        ),
        // The app's own are the connection's, unless it says that each tenant has its own.
        (
            method,
            own,
            many,
            "credentials: { client_id: x, username: c, password: d }",
            &["activations/0/credentials/client_id"],
        ),
        (
            method,
            own,
            "credentials: { client_id: a, client_secret: b, username: c }",
            acme,
            &["connections/many/credentials"],
        ),
        (
            realm,
            &*app,
            many,
            "enabled: true",
            &["connections/crm/variables/realm", "activations/0/variables/realm"],
        ),
        (realm, &*app_realm, many, "variables: { realm: main }", &[]),
        (&*kept, &*refreshed, many, "credentials: { refresh_token: r }", &[]),
        (
            method,
            own,
            "inputs: { client_id: tenant, client_secret: tenant }",
            "credentials: { client_id: x, client_secret: y, username: c, password: d }",
            &[],
        ),
    ] {
        let built = build(method, own, many, acme);
        let found = built.err().unwrap_or_default();
        let paths: Vec<String> = found.iter().map(path).collect();
        assert_eq!(paths, problems, "{method} {own} {many} {acme}: {found:#?}");
        assert!(found.iter().all(|it| !it.hint.is_empty()), "{found:#?}");
    }
}

#[test]
fn what_has_to_be_kept_is_told_where_there_is_no_store() {
    let code = "grant: authorization_code, authorize_url: https://id.example/a, token_url: https://id.example/t";
    let kept = format!("{code}, refresh: {{ rotates: false }}");
    let app = format!("credentials: {{ {APP} }}");
    let refreshed = format!("credentials: {{ {APP}, refresh_token: r }}");
    let (method, own, many, acme) = GOOD;
    for (method, own, acme, problems) in [
        (
            code,
            &*refreshed,
            "credentials: { refresh_token: r }",
            &["connections/crm/credentials", "connections/many"][..],
        ),
        (&*kept, &*app, "credentials: { refresh_token: r }", &["connections/crm/credentials"]),
        (&*kept, &*refreshed, "enabled: true", &["connections/many"]),
        (&*kept, &*refreshed, "credentials: { refresh_token: r }", &[]),
        (method, own, acme, &[]),
    ] {
        let found = build(method, own, many, acme).unwrap().unstored();
        let paths: Vec<String> = found.iter().map(path).collect();
        assert_eq!(paths, problems, "{method} {own} {acme}: {found:#?}");
        assert!(found.iter().all(|it| it.hint.contains("store")), "{found:#?}");
    }
}

#[test]
fn no_tenant_says_whose_host_gets_what_the_connection_holds_for_all() {
    let at = |host: &str| format!("grant: client_credentials, token_url: \"https://{host}/token\"");
    let (domain, tied, region) = (at("{domain}"), at("{tied}"), at("{region}.id.example"));
    let revoked = format!("{region}, revoke_url: \"https://id.{{domain}}/r\"");
    let own = format!(
        "credentials: {{ {APP} }}, variables: {{ domain: id.example, tied: eu.id.example }}"
    );
    let app = format!("credentials: {{ {APP} }}");
    let set = format!("{app}, variables: {{ domain: id.example }}");
    let global = format!("{set}, inputs: {{ domain: global }}");
    let tenants = "inputs: { client_id: tenant, client_secret: tenant }";
    let theirs = format!("credentials: {{ {APP} }}, variables: {{ domain: id.example }}");
    let evil = "variables: { domain: evil.example }";
    let told = &["connections/many/inputs/domain"][..];
    for (method, many, acme, expected) in [
        (&domain, &*app, evil, told),
        // A tenant's own value would stand above the connection's.
        (&domain, &*set, "enabled: true", told),
        (&revoked, &*app, evil, told),
        (&domain, &*global, "enabled: true", &[][..]),
        (&domain, tenants, &*theirs, &[]),
        (&tied, &*app, "variables: { tied: acme.id.example }", &[]),
        (&region, &*app, "variables: { region: us }", &[]),
    ] {
        let problems = build(method, &own, many, acme).err().unwrap_or_default();
        let paths: Vec<String> = problems.iter().map(path).collect();
        assert_eq!(paths, expected, "{method} {many} {acme}: {problems:#?}");
        assert!(problems.iter().all(|it| it.hint.contains("global")), "{problems:#?}");
    }
    // What is above is not all of it: a part of a host is no more than that.
    for (method, value) in
        [(&region, "evil.example/"), (&region, "a@evil"), (&tied, "evil.example")]
    {
        let acme = format!("variables: {{ region: \"{value}\", tied: \"{value}\" }}");
        assert!(build(method, &own, &app, &acme).is_err(), "{method} {value}");
    }
}

#[test]
fn an_address_where_no_message_goes_is_told() {
    let (_, own, many, acme) = GOOD;
    let told = |method: &str| {
        let mut warnings = Vec::new();
        built(method, own, many, acme, &mut warnings).unwrap();
        warnings.retain(|it| it.problem.contains("not allowed here"));
        let places: Vec<String> = warnings.iter().map(path).collect();
        (places, warnings.iter().all(|it| it.hint.starts_with("add it to egress.allow: [")))
    };
    let method = |more: &str| format!("grant: password, {more}");
    let at_both = vec!["connections/crm/auth".to_owned(), "connections/many/auth".to_owned()];
    for (more, places) in [
        ("token_url: \"https://id.example/token\"", Vec::new()),
        ("token_url: \"http://169.254.169.254/{region}/token\"", at_both.clone()),
        ("token_url: \"http://2852039166/token\"", at_both.clone()),
        ("token_url: \"https://[::1]:8443/token\"", at_both.clone()),
        ("token_url: \"https://id.example/t\", revoke_url: \"http://10.0.0.1/r\"", at_both.clone()),
        ("issuer: \"http://192.168.0.1\"", at_both),
    ] {
        assert_eq!(told(&method(more)), (places, true), "{more}");
    }
}

#[test]
fn a_token_that_renews_itself_says_when_it_ends() {
    let method = "grant: refresh_token, token_url: https://id.example/t, \
                  refresh: { by: access_token, rotates: false }";
    let never = format!("{method}, expiry: {{ never: true }}");
    let lives = format!("{method}, expiry: {{ lifetime: 60d }}");
    // `{"exp":1900000000}`
    let jwt = "e30.eyJleHAiOjE5MDAwMDAwMDB9.x";
    for (method, more, expected) in [
        (method, "access_token: t", &["connections/crm/credentials/expires_at"][..]),
        // How much of it is over nobody knows.
        (&*lives, "access_token: t", &["connections/crm/credentials/expires_at"]),
        (method, "access_token: t, expires_at: soon", &["connections/crm/credentials/expires_at"]),
        (method, "access_token: t, expires_at: 2027-01-01T00:00:00Z", &[]),
        (method, &*format!("access_token: {jwt}"), &[]),
        (&*never, "access_token: t", &[]),
    ] {
        let own = format!("credentials: {{ {APP}, {more} }}");
        // Nobody's but `crm`.
        let none = "enabled: true";
        let mut problems = build(method, &own, none, none).err().unwrap_or_default();
        problems.retain(|it| path(it).contains("/crm/"));
        let paths: Vec<String> = problems.iter().map(path).collect();
        assert_eq!(paths, expected, "{method} {more}: {problems:#?}");
    }
}

#[test]
fn several_client_secrets_are_taken_while_they_rotate_and_no_other_list_is() {
    let (method, _, many, acme) = GOOD;
    let own = |secret: &str, password: &str| {
        format!(
            "credentials: {{ client_id: a, client_secret: {secret}, username: c, password: {password} }}"
        )
    };
    assert!(build(method, &own("[b, bb]", "d"), many, acme).is_ok());
    for own in [own("[b, b, b, b, b]", "d"), own("b", "[d, dd]")] {
        assert_eq!(build(method, &own, many, acme).unwrap_err().len(), 1, "{own}");
    }
}
