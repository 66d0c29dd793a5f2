//! What is served of a built console, and of one that was not.
use super::files::File;
use super::*;
use http::HeaderMap;
use http::Method;
use http::Request;
use sha2::Digest;
use sha2::Sha256;

const SCRIPT: &str = "/assets/index-abc123.js";

/// A console of four files, one of them compressed as well.
fn built(path: &str) -> Option<File> {
    let bytes: &'static [u8] = match path {
        "index.html" => b"<!doctype html><title>attache</title>",
        "icon.svg" => b"<svg/>",
        "assets/index-abc123.js" => b"console.log(1)",
        "assets/index-abc123.js.gz" => b"\x1f\x8bzipped",
        _ => return None,
    };
    Some(File { bytes: Bytes::from_static(bytes), sha256: Sha256::digest(bytes).into() })
}

fn asked(
    files: Files,
    method: Method,
    path: &str,
    fields: &[(&str, &str)],
) -> Option<Response<Bytes>> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    answer(files, &request.body(()).unwrap().into_parts().0, 7)
}

fn get(path: &str, fields: &[(&str, &str)]) -> Option<Response<Bytes>> {
    asked(built, Method::GET, path, fields)
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).map_or("", |it| it.to_str().unwrap())
}

const BROWSER: &[(&str, &str)] = &[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];

#[test]
fn every_path_of_the_console_is_drawn_by_its_page_and_no_path_of_the_listeners_is() {
    for path in
        ["/", "/index.html", "/connectors", "/connectors/a/endpoints?q=1", "/v1s", "/sign-in"]
    {
        let page = get(path, BROWSER).expect(path);
        assert_eq!(text(page.headers(), "content-type"), "text/html; charset=utf-8", "{path}");
        assert_eq!(text(page.headers(), "cache-control"), "no-cache", "{path}");
        assert!(page.body().starts_with(b"<!doctype html>"), "{path}");
    }
    for path in [
        "/v1",
        "/v1/nothing",
        "/metrics/x",
        "/healthz/",
        "/readyz/x",
        "/console",
        "/console/x",
        "/assets",
        "/openapi.json",
        "/x.js",
    ] {
        assert!(get(path, BROWSER).is_none(), "{path}");
    }
    assert!(get("/connectors", &[("accept", "application/json")]).is_none());
    assert!(get("/connectors", &[("accept", "*/*")]).is_none(), "curl");
    assert!(get("/connectors", &[]).is_none());
    assert!(get("/", &[]).is_some());
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        assert!(asked(built, method, "/", BROWSER).is_none());
    }
}

#[test]
fn nothing_is_served_that_is_not_embedded() {
    for path in [
        "/assets/",
        "/assets/nothing.js",
        "/assets/../index.html",
        "/assets/%2e%2e/index.html",
        "/assets/..%2findex.html",
        "/assets//index-abc123.js",
        "/assets/index-abc123.js/",
        "/assets/index-abc123.js.gz",
        "/Cargo.toml",
        "/index.html.gz",
        "/assets/INDEX-abc123.js",
        "/..",
        "/%00",
    ] {
        assert!(get(path, &[]).is_none(), "{path}");
    }
}

#[test]
fn what_has_its_hash_in_its_name_is_kept_for_ever() {
    let plain = get(SCRIPT, &[]).unwrap();
    let headers = plain.headers();
    assert_eq!(text(headers, "cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(text(headers, "content-type"), "text/javascript; charset=utf-8");
    assert_eq!(text(headers, "vary"), "Accept-Encoding");
    assert_eq!(text(headers, "content-encoding"), "");
    assert_eq!(
        (&plain.body()[..], text(headers, "content-length")),
        (&b"console.log(1)"[..], "14")
    );
    let icon = get("/icon.svg", &[("accept-encoding", "gzip")]).unwrap();
    assert_eq!(text(icon.headers(), "cache-control"), "no-cache");
    assert_eq!(text(icon.headers(), "content-type"), "image/svg+xml");
    assert_eq!((text(icon.headers(), "vary"), text(icon.headers(), "content-encoding")), ("", ""));
}

#[test]
fn the_compressed_form_is_sent_to_those_who_take_it_under_a_tag_of_its_own() {
    let gzip = ("accept-encoding", "gzip, br");
    let (plain, zipped) = (get(SCRIPT, &[]).unwrap(), get(SCRIPT, &[gzip]).unwrap());
    assert_eq!(text(zipped.headers(), "content-encoding"), "gzip");
    assert_eq!(text(zipped.headers(), "vary"), "Accept-Encoding");
    assert_eq!(text(zipped.headers(), "content-type"), "text/javascript; charset=utf-8");
    assert!(zipped.body().starts_with(b"\x1f\x8b"));
    let (of_plain, of_zipped) = (text(plain.headers(), "etag"), text(zipped.headers(), "etag"));
    assert_ne!(of_plain, of_zipped);
    let weak = format!("\"x\", W/{of_zipped}");
    for (known, fields) in
        [(of_plain, &[][..]), (of_zipped, &[gzip][..]), (&weak, &[gzip]), ("*", &[])]
    {
        let fields = [fields, &[("if-none-match", known)]].concat();
        let answer = get(SCRIPT, &fields).unwrap();
        assert_eq!((answer.status().as_u16(), answer.body().len()), (304, 0), "{known}");
        assert_eq!(text(answer.headers(), "vary"), "Accept-Encoding");
        assert!(text(answer.headers(), "cache-control").contains("immutable"));
    }
    let other = get(SCRIPT, &[gzip, ("if-none-match", of_plain)]).unwrap();
    assert_eq!(other.status(), 200, "it is the other form's");
}

#[test]
fn a_head_is_the_same_without_the_body() {
    for (path, fields) in [("/", BROWSER), (SCRIPT, &[("accept-encoding", "gzip")][..])] {
        let (got, head) =
            (get(path, fields).unwrap(), asked(built, Method::HEAD, path, fields).unwrap());
        assert_eq!(got.headers(), head.headers(), "{path}");
        assert!(head.body().is_empty() && !got.body().is_empty(), "{path}");
    }
}

#[test]
fn every_answer_tells_the_browser_what_to_keep_out() {
    let known = get("/", &[]).unwrap();
    let tag = ("if-none-match", text(known.headers(), "etag"));
    let unbuilt = asked(|_| None, Method::GET, "/", &[]).unwrap();
    for answer in
        [get("/", &[]).unwrap(), get(SCRIPT, &[]).unwrap(), get("/", &[tag]).unwrap(), unbuilt]
    {
        let headers = answer.headers();
        let policy = text(headers, "content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"),
            "{policy}"
        );
        assert!(policy.ends_with("base-uri 'none'; frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        let names = policy.split("; ").map(|it| it.split(' ').next().unwrap());
        let all = ["default-src", "script-src", "style-src", "img-src", "font-src", "connect-src"];
        let more = ["form-action", "base-uri", "frame-ancestors"];
        assert_eq!(names.collect::<Vec<_>>(), [&all[..], &more].concat(), "{policy}");
        // `form-action` falls back on nothing (Content Security Policy Level 3 §6.4.1).
        assert!(policy.contains("; form-action 'self';"), "{policy}");
        assert_eq!(text(headers, "x-content-type-options"), "nosniff");
        assert_eq!(text(headers, "referrer-policy"), "no-referrer");
        assert_eq!(text(headers, "cross-origin-opener-policy"), "same-origin");
        assert_eq!(text(headers, "cross-origin-resource-policy"), "same-origin");
        assert!(text(headers, "permissions-policy").contains("camera=()"));
    }
}

#[test]
fn a_gateway_without_a_console_says_how_it_comes_by_one() {
    let none: Files = |_| None;
    let page = asked(none, Method::GET, "/connectors", BROWSER).unwrap();
    let shown = std::str::from_utf8(page.body()).unwrap();
    assert!(shown.contains("make console") && shown.contains("configuration number 7 "), "{shown}");
    assert!(
        shown.contains(env!("CARGO_PKG_VERSION")) && shown.contains("/openapi.json"),
        "{shown}"
    );
    assert!(!shown.contains('{'), "{shown}");
    assert_eq!(text(page.headers(), "cache-control"), "no-store");
    assert!(asked(none, Method::GET, SCRIPT, BROWSER).is_none());
}
