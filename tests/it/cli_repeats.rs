//! What a command does when its link breaks before it is answered.
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::Shell;

/// Reads a request and closes; then answers all of them.
async fn broken_once() -> RawUpstream {
    RawUpstream::start([Script::new().read_request(), Script::ok("{}")]).await
}

#[tokio::test]
async fn what_is_done_once_under_a_key_is_sent_again_under_it() {
    let server = broken_once().await;
    let shell = Shell::at(&server.url(), &server.url());
    shell.run("attache token create ci --role viewer").await.is(0);
    let (first, again) = (server.request().await, server.request().await);
    assert!(first.field("idempotency-key").is_some());
    assert_eq!(first.field("idempotency-key"), again.field("idempotency-key"));
    assert_eq!(first.body, again.body);
    // Another command is another question.
    shell.run("attache token create ci --role viewer").await.is(0);
    assert_ne!(server.request().await.field("idempotency-key"), first.field("idempotency-key"));
}

#[tokio::test]
async fn what_is_only_looked_at_is_asked_for_again() {
    for command in
        ["connector get k", "connector delete k --dry-run", "connection repin k --dry-run"]
    {
        let server = broken_once().await;
        let shell = Shell::at(&server.url(), &server.url());
        shell.run(&format!("attache {command}")).await.is(0);
        server.request().await;
        assert!(server.request().await.field("idempotency-key").is_none(), "{command}");
    }
}

#[tokio::test]
async fn what_may_be_done_already_is_left_to_whoever_asked() {
    for command in ["connector apply k", "connector edit k", "connector delete k"] {
        let server = broken_once().await;
        let shell = Shell::at(&server.url(), &server.url());
        let ran = shell.run(&format!("attache {command}")).await.is(1);
        ran.says(&["broke", "may be done or not"]);
        assert_eq!(server.links(), 1, "{command}");
    }
}

#[tokio::test]
async fn what_is_under_way_since_it_was_sent_before_is_waited_for() {
    let under_way = "HTTP/1.1 409 Conflict\r\nAttache-Error: idempotency_in_progress\r\nRetry-After: 0\r\n\
        Content-Length: 2\r\n\r\n{}";
    let done = "HTTP/1.1 201 Created\r\nContent-Length: 11\r\n\r\n{\"key\":\"k\"}";
    let then = Script::new().read_request().write(under_way).read_request().write(done);
    let server = RawUpstream::start([Script::new().read_request(), then]).await;
    let shell = Shell::at(&server.url(), &server.url());
    let ran = shell.run("attache token create k --role viewer").await.is(0);
    assert_eq!(ran.out, "key: k\n");
    let sent = [server.request().await, server.request().await, server.request().await];
    assert!(sent.iter().all(|it| it.field("idempotency-key") == sent[0].field("idempotency-key")));
}

#[tokio::test]
async fn it_is_not_sent_a_third_time() {
    let twice = Script::new().read_request();
    let server = RawUpstream::start([twice.clone(), twice, Script::ok("{}")]).await;
    let shell = Shell::at(&server.url(), &server.url());
    shell.run("attache connector list").await.is(1).says(&["broke"]);
    assert_eq!(server.links(), 2);
}

const UNSAID: &str = "HTTP/1.1 503 Unavailable\r\nAttache-Error: store_unavailable\r\nRetry-After: 0\r\n\
                      Content-Length: 28\r\n\r\n{\"code\":\"store_unavailable\"}";

#[tokio::test]
async fn where_nobody_can_say_what_became_of_it_it_is_asked_for_again_under_the_same_key() {
    let done = "HTTP/1.1 201 Created\r\nContent-Length: 11\r\n\r\n{\"key\":\"k\"}";
    let then = Script::new().read_request().write(UNSAID).read_request().write(done);
    let server = RawUpstream::start([Script::new().read_request(), then]).await;
    let shell = Shell::at(&server.url(), &server.url());
    let ran = shell.run("attache token create k --role viewer").await.is(0);
    assert_eq!(ran.out, "key: k\n");
    let sent = [server.request().await, server.request().await, server.request().await];
    assert!(sent.iter().all(|it| it.field("idempotency-key") == sent[0].field("idempotency-key")));
}

#[tokio::test]
async fn and_who_is_away_or_busy_then_is_asked_again_as_well() {
    let busy = "HTTP/1.1 429 Too Many Requests\r\nAttache-Error: rate_limited\r\nRetry-After: 0\r\n\
                Content-Length: 23\r\n\r\n{\"code\":\"rate_limited\"}";
    let broken = Script::new().read_request();
    let then = Script::new().read_request().write(busy).read_request();
    let done = Script::ok("{\"key\":\"k\"}");
    let server = RawUpstream::start([broken.clone(), broken, then, done]).await;
    let shell = Shell::at(&server.url(), &server.url());
    let ran = shell.run("attache token create k --role viewer").await.is(0);
    assert_eq!(ran.out, "key: k\n");
    assert_eq!(server.links(), 4);
}

#[tokio::test]
async fn an_answer_that_is_one_is_not_asked_for_again() {
    let too_much = "HTTP/1.1 503 Unavailable\r\nAttache-Error: too_much_at_once\r\nContent-Length: 27\r\n\r\n\
                    {\"code\":\"too_much_at_once\"}";
    let once = Script::new().read_request();
    let server = RawUpstream::start([once.clone(), once.write(too_much), Script::ok("{}")]).await;
    let shell = Shell::at(&server.url(), &server.url());
    shell.run("attache token create k --role viewer").await.is(1).says(&["too_much_at_once"]);
    assert_eq!(server.links(), 2);
}

#[tokio::test]
async fn and_not_for_ever() {
    let unsaid = (0..10_000).fold(Script::new(), |script, _| script.read_request().write(UNSAID));
    let server = RawUpstream::start([Script::new().read_request(), unsaid]).await;
    let shell = Shell::at(&server.url(), &server.url());
    let ran = shell.run("attache token create k --role viewer --timeout 1s").await.is(1);
    ran.says(&["broke", "did not answer in time", "may be done or not"]);
}

#[tokio::test]
async fn what_was_answered_the_first_time_is_not_asked_for_again() {
    let server = RawUpstream::start([Script::new().read_request().write(UNSAID)]).await;
    let shell = Shell::at(&server.url(), &server.url());
    shell.run("attache token create k --role viewer").await.is(1).says(&["store_unavailable"]);
    assert_eq!(server.links(), 1);
}
