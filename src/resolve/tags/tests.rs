//! Tables of tags: what is read, and what is refused with which code.
use super::*;
use crate::model::Code;
use http::HeaderName;
use http::Request;
use std::time::Duration;

type Field<'a> = (&'a str, &'a [u8]);

/// A request head: `headers` as bytes, so that anything can be in them.
fn head(uri: &str, headers: &[Field<'_>]) -> Parts {
    let (mut head, ()) = Request::get(uri).body(()).unwrap().into_parts();
    for (name, value) in headers {
        let name = HeaderName::try_from(*name).unwrap();
        head.headers.append(name, HeaderValue::from_bytes(value).unwrap());
    }
    head
}

fn refused(uri: &str, headers: &[Field<'_>]) -> Option<Code> {
    tags(&head(uri, headers)).err().map(|it| it.code())
}

#[test]
fn header_tags_leave_the_path_alone() {
    let head = head(
        "/c/other@t/x?a=%2F",
        &[
            ("Attache-Connection", b"github-prod"),
            ("attache-key", b"k"),
            ("attache-request-id", b"r"),
        ],
    );
    let tags = tags(&head).unwrap();
    assert_eq!(tags.by, Selector::Connection("github-prod"));
    assert_eq!((tags.rest, tags.query), ("/c/other@t/x", Some("a=%2F")));
    assert!(!tags.from_path && tags.tenant.is_none() && tags.options == Options::default());
}

#[test]
fn an_environment_and_a_connector_name_a_connection() {
    let head = head("/", &[("attache-environment", b"production"), ("attache-connector", b"desk")]);
    let by = Selector::Environment { environment: "production", connector: "desk" };
    assert_eq!(tags(&head).unwrap().by, by);
}

#[test]
fn path_tags_are_taken_off_the_path() {
    use Selector::Connection;
    let desk = Selector::Environment { environment: "prod", connector: "desk" };
    for (uri, by, tenant, rest, query) in [
        ("/c/github", Connection("github"), None, "", None),
        ("/c/github?a", Connection("github"), None, "", Some("a")),
        ("/c/github/", Connection("github"), None, "/", None),
        ("/c/github/a/b?c=d", Connection("github"), None, "/a/b", Some("c=d")),
        ("/c/github@acme/a", Connection("github"), Some("acme"), "/a", None),
        ("/c/github@ACME%2Fa%20%C3%A9%2C/a", Connection("github"), Some("ACME/a é,"), "/a", None),
        ("/c/github@ops@acme/a", Connection("github"), Some("ops@acme"), "/a", None),
        ("/c/github@a+b/a", Connection("github"), Some("a+b"), "/a", None),
        ("/c/github@../a", Connection("github"), Some(".."), "/a", None),
        ("/c/github@%2541/a", Connection("github"), Some("%41"), "/a", None),
        ("/c/github//host/a", Connection("github"), None, "//host/a", None),
        ("/c/github/c/other/a", Connection("github"), None, "/c/other/a", None),
        ("/c/github/%2e%2e/x", Connection("github"), None, "/%2e%2e/x", None),
        ("/e/prod/desk/a", desk, None, "/a", None),
        ("/e/prod/desk", desk, None, "", None),
        ("/e/prod/desk@acme/a?b", desk, Some("acme"), "/a", Some("b")),
    ] {
        let head = head(uri, &[]);
        let tags = tags(&head).unwrap_or_else(|it| panic!("{uri}: {it}"));
        assert_eq!((tags.by, tags.tenant.as_deref()), (by, tenant), "{uri}");
        assert_eq!((tags.rest, tags.query), (rest, query), "{uri}");
        assert!(tags.from_path, "{uri}");
    }
}

#[test]
fn broken_path_tags_are_refused() {
    use Code::InvalidTag as Invalid;
    use Code::Untagged;
    let long = format!("/c/{}/x", "a".repeat(64));
    let long_tenant = format!("/c/a@{}/x", "t".repeat(129));
    for (uri, code) in [
        ("/", Untagged),
        ("/c", Untagged),
        ("/e", Untagged),
        ("/C/github/x", Untagged),
        ("//c/github/x", Untagged),
        ("/x/c/github", Untagged),
        ("/c/", Invalid),
        ("/c//x", Invalid),
        ("/c/../x", Invalid),
        ("/c/GitHub/x", Invalid),
        ("/c/git%68ub/x", Invalid),
        ("/c/github;x/y", Invalid),
        ("/c/github%2Fx", Invalid),
        ("/c/github,other/x", Invalid),
        ("/c/.github/x", Invalid),
        (&long, Invalid),
        ("/c/github@/x", Invalid),
        ("/c/@acme/x", Invalid),
        ("/c/github@%/x", Invalid),
        ("/c/github@%4/x", Invalid),
        ("/c/github@%zz/x", Invalid),
        ("/c/github@%00/x", Invalid),
        ("/c/github@%0a/x", Invalid),
        ("/c/github@%ff/x", Invalid),
        ("/c/github@%C2%85/x", Invalid),
        (&long_tenant, Invalid),
        ("/e/", Invalid),
        ("/e/prod", Invalid),
        ("/e/prod/", Invalid),
        ("/e//desk/x", Invalid),
        ("/e/prod//x", Invalid),
        ("/e/prod@acme/desk/x", Invalid),
    ] {
        assert_eq!(refused(uri, &[]), Some(code), "{uri}");
    }
}

#[test]
fn broken_header_tags_are_refused() {
    use Code::AmbiguousTags as Ambiguous;
    use Code::InvalidTag as Invalid;
    const CONNECTION: Field<'static> = ("attache-connection", b"github");
    const ENVIRONMENT: Field<'static> = ("attache-environment", b"prod");
    const CONNECTOR: Field<'static> = ("attache-connector", b"desk");
    const TENANT: Field<'static> = ("attache-tenant", b"acme");
    let long = [b'a'; 64];
    let long_tenant = [b't'; 129];
    let cases: &[(&[Field<'_>], Code)] = &[
        (&[CONNECTION, CONNECTION], Ambiguous),
        (&[CONNECTION, ("attache-connection", b"other")], Ambiguous),
        (&[CONNECTION, ENVIRONMENT], Ambiguous),
        (&[CONNECTION, CONNECTOR], Ambiguous),
        (&[CONNECTION, ENVIRONMENT, CONNECTOR], Ambiguous),
        (&[ENVIRONMENT, CONNECTOR, CONNECTOR], Ambiguous),
        (&[ENVIRONMENT, ENVIRONMENT, CONNECTOR], Ambiguous),
        (&[CONNECTION, TENANT, TENANT], Ambiguous),
        (&[ENVIRONMENT], Invalid),
        (&[CONNECTOR], Invalid),
        (&[("attache-connection", b"")], Invalid),
        (&[("attache-connection", b"github, other")], Invalid),
        (&[("attache-connection", b"github,other")], Invalid),
        (&[("attache-connection", b"github,github")], Invalid),
        (&[("attache-connection", b"GitHub")], Invalid),
        (&[("attache-connection", b"git hub")], Invalid),
        (&[("attache-connection", b"github\t")], Invalid),
        (&[("attache-connection", b"github@acme")], Invalid),
        (&[("attache-connection", b"git\xffhub")], Invalid),
        (&[("attache-connection", b"git\xc3\xa9hub")], Invalid),
        (&[("attache-connection", b"git%68ub")], Invalid),
        (&[("attache-connection", &long)], Invalid),
        (&[CONNECTION, ("attache-tenant", b"")], Invalid),
        (&[CONNECTION, ("attache-tenant", b"acme, other")], Invalid),
        (&[CONNECTION, ("attache-tenant", b"acme,other")], Invalid),
        (&[CONNECTION, ("attache-tenant", b"ac me")], Invalid),
        (&[CONNECTION, ("attache-tenant", b"ac\tme")], Invalid),
        (&[CONNECTION, ("attache-tenant", b"caf\xc3\xa9")], Invalid),
        (&[CONNECTION, ("attache-tenant", b"caf\xe9")], Invalid),
        (&[CONNECTION, ("attache-tenant", b"%")], Invalid),
        (&[CONNECTION, ("attache-tenant", b"%0a")], Invalid),
        (&[CONNECTION, ("attache-tenant", b"%ff")], Invalid),
        (&[CONNECTION, ("attache-tenant", &long_tenant)], Invalid),
        (&[("attache_connection", b"github")], Invalid),
        (&[CONNECTION, ("attache_connection", b"github")], Invalid),
        (&[CONNECTION, ("attache.tenant", b"acme")], Invalid),
        (&[CONNECTION, ("attache-base_url", b"https://a.example")], Invalid),
        (&[CONNECTION, ("attache-conection", b"github")], Invalid),
        (&[CONNECTION, ("attache-", b"github")], Invalid),
        (&[TENANT], Code::Untagged),
        (&[("attache-key", b"k")], Code::Untagged),
    ];
    for (headers, code) in cases {
        assert_eq!(refused("/x", headers), Some(*code), "{headers:?}");
    }
}

#[test]
fn a_tenant_may_stand_beside_a_path_tag_if_both_agree() {
    let read = |uri: &str, tenant: &[u8]| {
        let head = head(uri, &[("attache-tenant", tenant)]);
        tags(&head).map(|it| it.tenant.map(Cow::into_owned)).map_err(|it| it.code())
    };
    assert_eq!(read("/c/a/x", b"acme"), Ok(Some("acme".into())));
    assert_eq!(read("/c/a@acme/x", b"acme"), Ok(Some("acme".into())));
    assert_eq!(read("/c/a@a%2Cb/x", b"a%2cb"), Ok(Some("a,b".into())));
    assert_eq!(read("/c/a@acme/x", b"other"), Err(Code::AmbiguousTags));
    assert_eq!(read("/c/a@acme/x", b"ACME"), Err(Code::AmbiguousTags));
}

#[test]
fn absolute_form_has_to_name_the_host_it_came_to() {
    let tag: Field<'_> = ("attache-connection", b"github");
    for (uri, host, version, code) in [
        ("http://here.example/x", Some("here.example"), Version::HTTP_11, None),
        ("http://HERE.example/x", Some("here.EXAMPLE"), Version::HTTP_11, None),
        ("https://here.example:8080/x", Some("here.example:8080"), Version::HTTP_11, None),
        ("https://here.example/x", None, Version::HTTP_2, None),
        ("/x", Some("anything.example"), Version::HTTP_11, None),
        (
            "http://other.example/x",
            Some("here.example"),
            Version::HTTP_11,
            Some(Code::PathEscapesBase),
        ),
        (
            "http://here.example:81/x",
            Some("here.example"),
            Version::HTTP_11,
            Some(Code::PathEscapesBase),
        ),
        ("http://here.example/x", None, Version::HTTP_11, Some(Code::PathEscapesBase)),
        (
            "https://here.example/x",
            Some("other.example"),
            Version::HTTP_2,
            Some(Code::PathEscapesBase),
        ),
        (
            "http://u@here.example/x",
            Some("u@here.example"),
            Version::HTTP_11,
            Some(Code::PathEscapesBase),
        ),
        (
            "ftp://here.example/x",
            Some("here.example"),
            Version::HTTP_11,
            Some(Code::PathEscapesBase),
        ),
        (
            "other.example:443",
            Some("other.example:443"),
            Version::HTTP_11,
            Some(Code::PathEscapesBase),
        ),
        ("@other.example", Some("@other.example"), Version::HTTP_11, Some(Code::PathEscapesBase)),
    ] {
        let Ok(parsed) = uri.parse::<http::Uri>() else {
            assert_eq!(code, Some(Code::PathEscapesBase), "{uri}");
            continue;
        };
        let mut head = head("/", &[tag]);
        head.uri = parsed;
        head.version = version;
        if let Some(host) = host {
            head.headers.insert(HOST, HeaderValue::from_static(host));
        }
        assert_eq!(tags(&head).err().map(|it| it.code()), code, "{uri} {host:?}");
    }
}

#[test]
fn options_are_read() {
    let head = head(
        "/x",
        &[
            ("attache-connection", b"github"),
            ("attache-variables", b"subdomain=acme&version=v2"),
            ("attache-variables", b"subdomain=a%2Cb+c&empty="),
            ("attache-base-url", b"https://eu.example/v1"),
            ("attache-ignore-headers", b"User-Agent, x-trace ,,"),
            ("attache-ignore-headers", b"cookie"),
            ("attache-force-refresh", b"true"),
            ("attache-test", b"false"),
            ("attache-timeout", b"1500ms"),
            ("attache-retries", b"2"),
        ],
    );
    let options = tags(&head).unwrap().options;
    let variables =
        [("subdomain", "acme"), ("version", "v2"), ("subdomain", "a,b c"), ("empty", "")];
    assert_eq!(options.variables, variables.map(|it| (it.0.to_owned(), it.1.to_owned())));
    assert_eq!(options.base_url, Some("https://eu.example/v1"));
    assert_eq!(options.ignore, ["user-agent", "x-trace", "cookie"]);
    assert_eq!((options.force_refresh, options.test), (Some(true), Some(false)));
    assert_eq!((options.timeout, options.retries), (Some(Duration::from_millis(1500)), Some(2)));
}

#[test]
fn broken_options_are_refused() {
    let many = "a=1&".repeat(64) + "a=1";
    let cases: &[Field<'_>] = &[
        ("attache-variables", b""),
        ("attache-variables", b"a"),
        ("attache-variables", b"=b"),
        ("attache-variables", b"a=1&"),
        ("attache-variables", b"a=1, b=2"),
        ("attache-variables", b"a=1,b=2"),
        ("attache-variables", b"a=b c"),
        ("attache-variables", b"a=%zz"),
        ("attache-variables", b"a=%ff"),
        ("attache-variables", b"a=%0a"),
        ("attache-variables", b"a=\xc3\xa9"),
        ("attache-variables", many.as_bytes()),
        ("attache-base-url", b""),
        ("attache-base-url", b"https://\xc3\xa9.example"),
        ("attache-ignore-headers", b""),
        ("attache-ignore-headers", b"a b"),
        ("attache-ignore-headers", b"a:b"),
        ("attache-ignore-headers", b"Host"),
        ("attache-ignore-headers", b"x, content-length"),
        ("attache-ignore-headers", b"Transfer-Encoding"),
        ("attache-ignore-headers", b"connection"),
        ("attache-ignore-headers", b"te"),
        ("attache-ignore-headers", b"trailer"),
        ("attache-ignore-headers", b"upgrade"),
        ("attache-ignore-headers", b"expect"),
        ("attache-test", b""),
        ("attache-test", b"TRUE"),
        ("attache-test", b"1"),
        ("attache-test", b"true, true"),
        ("attache-force-refresh", b"yes"),
        ("attache-timeout", b""),
        ("attache-timeout", b"10"),
        ("attache-timeout", b"s"),
        ("attache-timeout", b"0s"),
        ("attache-timeout", b"-1s"),
        ("attache-timeout", b"+1s"),
        ("attache-timeout", b"1.5s"),
        ("attache-timeout", b"10 s"),
        ("attache-timeout", b"25h"),
        ("attache-timeout", b"99999999999999999999s"),
        ("attache-timeout", b"18446744073709551615h"),
        ("attache-retries", b""),
        ("attache-retries", b"-1"),
        ("attache-retries", b"+1"),
        ("attache-retries", b"11"),
        ("attache-retries", b"256"),
        ("attache-retries", b"two"),
    ];
    for (name, value) in cases {
        let headers: [Field<'_>; 2] = [("attache-connection", b"github"), (name, value)];
        assert_eq!(
            refused("/x", &headers),
            Some(Code::InvalidTag),
            "{name}: {}",
            value.escape_ascii()
        );
    }
    for (name, value) in [
        ("attache-base-url", "https://a.example"),
        ("attache-test", "true"),
        ("attache-force-refresh", "true"),
        ("attache-timeout", "1s"),
        ("attache-retries", "1"),
    ] {
        let value = value.as_bytes();
        let headers: [Field<'_>; 3] =
            [("attache-connection", b"github"), (name, value), (name, value)];
        assert_eq!(refused("/x", &headers), Some(Code::AmbiguousTags), "{name}");
    }
}

#[test]
fn a_connection_option_can_not_hide_a_tag() {
    let head = head(
        "/x",
        &[
            ("connection", b"attache-connection, attache-tenant"),
            ("attache-connection", b"github"),
            ("attache-tenant", b"acme"),
        ],
    );
    let tags = tags(&head).unwrap();
    assert_eq!((tags.by, tags.tenant.as_deref()), (Selector::Connection("github"), Some("acme")));
}
