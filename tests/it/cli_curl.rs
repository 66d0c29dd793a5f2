//! `attache curl`: what arrives at the third party, and what comes back.
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Process;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::Shell;
use std::fs;

async fn in_front_of(upstream: &RawUpstream) -> (Database, Process, Shell) {
    let database = Database::sqlite();
    let process = Process::beside(&database, &Gateway::usual(&upstream.url())).await;
    let shell = Shell::of(&process).without("ATTACHE_TOKEN");
    (database, process, shell)
}

#[tokio::test]
async fn a_request_has_the_credential_and_what_was_typed_and_no_tag() {
    let upstream = RawUpstream::start([Script::ok("hello")]).await;
    let (_database, _process, shell) = in_front_of(&upstream).await;
    let ran =
        shell.done("attache curl header '/items?q=a%20b&x=1' -H 'X-Trace: t 1' -H x-trace:2").await;
    assert_eq!((&*ran.out, &*ran.err), ("hello", ""));
    let request = upstream.request().await;
    assert_eq!(request.line(), "GET /base/items?q=a%20b&x=1 HTTP/1.1");
    assert_eq!(request.field("x-api-key"), Some("s3cret-in-header"));
    assert_eq!(request.head.all("x-trace"), ["t 1", "2"]);
    for tag in ["attache-key", "attache-connection", "attache-tenant", "authorization"] {
        assert_eq!(request.field(tag), None, "{tag}");
    }
    // A slash in front is not asked for.
    shell.done("attache curl open items").await;
    assert_eq!(upstream.request().await.line(), "GET /base/items HTTP/1.1");
}

#[tokio::test]
async fn a_body_comes_from_the_line_a_file_or_standard_input() {
    let upstream = RawUpstream::start([Script::ok("")]).await;
    let (_database, _process, shell) = in_front_of(&upstream).await;
    fs::write(shell.folder.path().join("body"), b"\x00\xff\n").expect("a folder takes files");
    for (line, method, kind, body) in [
        (r#"curl open / -d '{"a":1}'"#, "POST", "application/json", &b"{\"a\":1}"[..]),
        (
            "curl open / -d @body -X PUT -H 'content-type: image/png'",
            "PUT",
            "image/png",
            b"\x00\xff\n",
        ),
        ("curl open / -d @- -X PATCH", "PATCH", "application/json", b"from the pipe"),
    ] {
        shell.fed(&format!("attache {line}"), "from the pipe").await.is(0);
        let request = upstream.request().await;
        assert!(request.line().starts_with(method), "{line}: {}", request.line());
        assert_eq!((request.field("content-type"), &*request.body), (Some(kind), body), "{line}");
    }
    shell.done("attache curl open /x -X DELETE").await;
    assert_eq!(upstream.request().await.line(), "DELETE /base/x HTTP/1.1");
}

#[tokio::test]
async fn a_tenant_s_credential_is_used_or_that_for_trying_it_out() {
    let upstream = RawUpstream::start([Script::ok("")]).await;
    let (_database, _process, shell) = in_front_of(&upstream).await;
    shell.done("attache curl many@acme /").await;
    assert_eq!(upstream.request().await.field("x-api-key"), Some("s3cret-of-acme"));
    shell.done("attache curl many@acme / --test").await;
    assert_eq!(upstream.request().await.field("x-api-key"), Some("s3cret-of-tests"));
    shell.run("attache curl many /").await.is(1).says(&["tenant_required"]);
    shell.run("attache curl many@'so me@body,é' /").await.is(1).says(&["activation_not_found"]);
}

#[tokio::test]
async fn the_head_is_shown_and_the_body_put_into_a_file() {
    let upstream = RawUpstream::start([Script::ok("hello")]).await;
    let (_database, _process, shell) = in_front_of(&upstream).await;
    let ran = shell.done("attache curl open / -i").await;
    let (head, body) = ran.out.split_once("\n\n").expect("a head and a body");
    assert!(head.starts_with("HTTP/1.1 200 OK\n"), "{head}");
    assert!(head.contains("\nattache-request-id: "), "{head}");
    assert_eq!(body, "hello");
    let ran = shell.done("attache curl open / -o answer").await;
    assert_eq!(ran.out, "");
    assert_eq!(fs::read(shell.folder.path().join("answer")).expect("it was written"), b"hello");
    // What is not answered leaves what was there.
    shell.run("attache curl nowhere / -o answer").await.is(1);
    assert_eq!(fs::read(shell.folder.path().join("answer")).expect("it is there"), b"hello");
}

#[tokio::test]
async fn exit_codes_tell_attache_s_own_answers_from_the_third_party_s() {
    let teapot = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone";
    let upstream = RawUpstream::start([Script::answer(teapot)]).await;
    let (_database, _process, shell) = in_front_of(&upstream).await;
    let shell = shell.with("KEY_FILE", "key");
    let key = shell.setting("ATTACHE_CALLER_KEY").to_owned();
    fs::write(shell.folder.path().join("key"), key + "\n").expect("a folder takes files");
    for (code, line, words) in [
        (0, "attache curl open /x", &[][..]),
        (1, "attache curl open /x -f", &[]),
        (0, "env -u ATTACHE_CALLER_KEY attache curl open /x --caller-key-file key", &[]),
        (1, "attache curl nothing /", &["404 connection_not_found", "attache's own answer"]),
        (1, "attache curl off /", &["403 connection_disabled"]),
        (1, "attache curl open /../x", &["path_escapes_base"]),
        (
            1,
            "ATTACHE_CALLER_KEY=wrong-and-long-enough attache curl open /",
            &["caller_unauthenticated"],
        ),
        (1, "attache curl open / --proxy http://127.0.0.1:1", &["http://127.0.0.1:1"]),
        (
            2,
            "env -u ATTACHE_CALLER_KEY attache curl open /",
            &["ATTACHE_CALLER_KEY", "--caller-key-file"],
        ),
        (2, "attache curl @acme /", &["connection's key"]),
        (2, "attache curl open / -H nothing", &["name: value"]),
        (2, "attache curl open / -X 'GE T'", &["not a method"]),
        (2, "attache curl open 'a b'", &["a b"]),
        (2, "attache curl open / -d @nowhere", &["nowhere"]),
    ] {
        shell.run(line).await.is(code).says(words);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_a_failure() {
    let broken = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
    let upstream = RawUpstream::start([Script::new().read_request().write(broken)]).await;
    let (_database, _process, shell) = in_front_of(&upstream).await;
    let ran = shell.run("attache curl open /").await.is(1);
    assert_eq!(ran.out, "half");
    ran.says(&["broke off"]);
}
