//! Tenants that are activated while gateways run: at once where it is written, soon on every other
//! replica, and gone as soon as they are deactivated.
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::Process;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::raw_request;
use crate::support::soon;
use std::net::SocketAddr;
use std::time::Duration;

const OWNER: &str = "file:crm";

/// An embedded connection in a file, without any activation there.
fn crm(upstream: &RawUpstream) -> String {
    format!(
        "egress: {{ allow: [127.0.0.0/8] }}
connectors: {{ api: {{ base_url: \"{}\", auth: {{ m: {{ bearer: {{}} }}, hook: {{ hmac: {{ preset: github }} }} }} }} }}
connections:
  crm: {{ connector: api, auth: m, embedded: true }}
  hooks: {{ connector: api, auth: hook, embedded: true, base_url: \"{}\" }}
",
        upstream.url(),
        upstream.url()
    )
}

async fn ask(proxy: SocketAddr, tenant: &str) -> Response {
    let request =
        format!("GET /c/crm@{tenant}/a HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n\r\n");
    raw_request(proxy, request).await
}

/// Asks until this status is answered, as another replica comes to know.
async fn answers(proxy: SocketAddr, tenant: &str, status: u16) {
    let told = async {
        while ask(proxy, tenant).await.status != status {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon(&format!("the other replica to answer {status}"), told).await;
}

async fn last_token(upstream: &RawUpstream) -> String {
    let mut last = upstream.request().await;
    while let Some(next) = upstream.request_so_far().await {
        last = next;
    }
    last.field("authorization").unwrap_or_default().to_owned()
}

each_engine! {
    /// Security case TN-01.
    async fn the_next_request_after_a_write_has_it_and_after_a_deletion_has_it_not(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside(&database, &crm(&upstream));
        let writer = gateway.writer();
        assert_eq!(ask(gateway.proxy, "acme").await.error(), "embedded_not_activated");
        for round in 0..3 {
            let token = format!("of-acme-{round}");
            writer.activate(OWNER, "crm", "acme", &[("token", &token)]).await;
            assert_eq!(ask(gateway.proxy, "acme").await.status, 200);
            assert_eq!(last_token(&upstream).await, format!("Bearer {token}"));
            assert_eq!(ask(gateway.proxy, "other").await.error(), "activation_not_found");
            writer.put_activation(OWNER, "crm", "acme", false, &[("token", &token)]).await;
            assert_eq!(ask(gateway.proxy, "acme").await.error(), "activation_not_found");
            writer.put_activation(OWNER, "crm", "acme", true, &[("token", &token)]).await;
            assert_eq!(ask(gateway.proxy, "acme").await.status, 200);
            writer.deactivate(OWNER, "acme").await;
            assert_eq!(ask(gateway.proxy, "acme").await.error(), "embedded_not_activated");
        }
    }

    async fn another_process_comes_to_know_of_an_activation_and_of_its_end(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside(&database, &crm(&upstream));
        let other = Process::beside(&database, &crm(&upstream)).await;
        let writer = gateway.writer();
        for token in ["first", "second"] {
            answers(other.proxy, "acme", 409).await;
            writer.activate(OWNER, "crm", "acme", &[("token", token)]).await;
            answers(other.proxy, "acme", 200).await;
            assert_eq!(last_token(&upstream).await, format!("Bearer {token}"));
            writer.deactivate(OWNER, "acme").await;
        }
        answers(other.proxy, "acme", 409).await;
    }

    async fn fifty_cold_requests_make_one_look_up(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside(&database, &crm(&upstream));
        gateway.writer().activate(OWNER, "crm", "acme", &[("token", "t")]).await;
        let mut asking = tokio::task::JoinSet::new();
        for _ in 0..50 {
            asking.spawn(ask(gateway.proxy, "acme"));
        }
        while let Some(answer) = asking.join_next().await {
            assert_eq!(answer.expect("it is answered").status, 200);
        }
        let found = gateway.metric("attache_store_lookups_total", &["outcome=\"found\""]).await;
        assert_eq!(found, 1.0);
        for _ in 0..3 {
            assert_eq!(ask(gateway.proxy, "nobody").await.status, 404);
        }
        let missing = gateway.metric("attache_store_lookups_total", &["outcome=\"missing\""]).await;
        assert_eq!(missing, 1.0, "that there is none is remembered");
    }

    /// Security case TN-02.
    async fn tenants_whose_ids_look_alike_have_activations_of_their_own(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside(&database, &crm(&upstream));
        let writer = gateway.writer();
        let tenants = ["a", "A", "a%20", "%20a", "a%3Ab", "caf%C3%A9", "cafe%CC%81"];
        for (number, tenant) in tenants.iter().enumerate() {
            let id = percent_encoding::percent_decode_str(tenant).decode_utf8_lossy();
            let token = format!("of-{number}");
            writer.activate(OWNER, "crm", &id, &[("token", &token)]).await;
        }
        for (number, tenant) in tenants.iter().enumerate() {
            assert_eq!(ask(gateway.proxy, tenant).await.status, 200, "{tenant}");
            assert_eq!(last_token(&upstream).await, format!("Bearer of-{number}"), "{tenant}");
        }
    }

    /// Security case TN-03.
    async fn a_connection_made_again_has_none_of_the_former_one_s_activations(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside(&database, "egress: { allow: [127.0.0.0/8] }\n");
        let writer = gateway.writer();
        let api = format!("{{\"base_url\":\"{}\"}}", upstream.url());
        writer.connector("api", &api, &[("m", r#"{"bearer":{}}"#)]).await;
        let make = || writer.connection("crm", ("api", "m", 1), true, "{}", &[]);
        let former = make().await;
        writer.activate(&former, "crm", "acme", &[("token", "former")]).await;
        assert_eq!(ask(gateway.proxy, "acme").await.status, 200);
        writer.delete_connection("crm").await;
        assert_eq!(ask(gateway.proxy, "acme").await.error(), "connection_not_found");
        let next = make().await;
        assert_ne!(next, former);
        assert_eq!(ask(gateway.proxy, "acme").await.error(), "embedded_not_activated");
        writer.activate(&next, "crm", "acme", &[("token", "next")]).await;
        assert_eq!(ask(gateway.proxy, "acme").await.status, 200);
        assert_eq!(last_token(&upstream).await, "Bearer next");
    }

    /// The store's revision goes back: nothing of before counts any more.
    async fn a_backup_that_is_restored_under_a_running_gateway_is_noticed(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside(&database, &crm(&upstream));
        let writer = gateway.writer();
        for token in ["first", "second", "third"] {
            writer.activate(OWNER, "crm", "acme", &[("token", token)]).await;
        }
        assert_eq!(ask(gateway.proxy, "acme").await.status, 200);
        let empty = "DELETE FROM activations; DELETE FROM credentials WHERE slot = 'activation'; \
                     DELETE FROM changes; UPDATE deployment SET revision = 0";
        database.run(empty).await;
        answers(gateway.proxy, "acme", 409).await;
        writer.activate(OWNER, "crm", "acme", &[("token", "again")]).await;
        assert_eq!(ask(gateway.proxy, "acme").await.status, 200);
        assert_eq!(last_token(&upstream).await, "Bearer again");
        writer.deactivate(OWNER, "acme").await;
        assert_eq!(ask(gateway.proxy, "acme").await.error(), "embedded_not_activated");
    }

    async fn a_credential_that_was_moved_to_another_tenant_does_not_open(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside(&database, &crm(&upstream));
        let writer = gateway.writer();
        for tenant in ["acme", "evil", "other"] {
            writer.activate(OWNER, "crm", tenant, &[("token", tenant)]).await;
        }
        let moved = "DELETE FROM credentials WHERE tenant = 'evil'; \
                     UPDATE credentials SET tenant = 'evil' WHERE tenant = 'acme'";
        database.run(moved).await;
        let answer = ask(gateway.proxy, "evil").await;
        assert_eq!((answer.status, answer.error()), (503, "credential_unavailable"));
        assert_eq!(answer.head.field("retry-after"), Some("5"));
        assert_eq!(ask(gateway.proxy, "other").await.status, 200, "the others go on");
        assert_eq!(last_token(&upstream).await, "Bearer other");
        let damaged = gateway.metric("attache_store_lookups_total", &["outcome=\"damaged\""]).await;
        assert_eq!(damaged, 1.0);
    }

    async fn a_request_counts_before_anything_is_looked_up_for_it(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let crm = crm(&upstream).replace(
            "auth: m, embedded: true",
            "auth: m, embedded: true, rate: { requests: 3, per: 1h }",
        );
        let gateway = Gateway::beside(&database, &crm);
        gateway.writer().activate(OWNER, "crm", "acme", &[("token", "t")]).await;
        for tenant in ["acme", "nobody-1"] {
            ask(gateway.proxy, tenant).await;
        }
        assert_eq!(ask(gateway.proxy, "acme").await.status, 200, "each counts once");
        for tenant in ["nobody-2", "nobody-3", "acme"] {
            assert_eq!(ask(gateway.proxy, tenant).await.error(), "rate_limited");
        }
        let lookups = gateway.metric("attache_store_lookups_total", &[]).await;
        assert_eq!(lookups, 2.0, "those over the rate had none");
        let log = gateway.stop();
        let refused = log.last().expect("it was logged");
        assert_eq!((&refused["connection"], &refused["status"]), (&"crm".into(), &429.into()));
    }

    async fn a_stranger_has_only_so_much_looked_up_that_is_not_there(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let crm = crm(&upstream);
        let line = crm.lines().find(|it| it.trim_start().starts_with("hooks:")).expect("it has one");
        let more = format!("{line}\n{}", line.replace("hooks:", "more:"));
        let gateway = Gateway::beside(&database, &crm.replace(line, &more));
        let writer = gateway.writer();
        for (connection, tenant) in [("hooks", "acme"), ("hooks", "seen"), ("more", "other")] {
            let owner = format!("file:{connection}");
            writer.activate(&owner, connection, tenant, &[("secret", "s")]).await;
        }
        let deliver_to = |connection: &str, tenant: String| {
            let request = format!(
                "POST /hooks/{connection}@{tenant} HTTP/1.1\r\nHost: g\r\nContent-Length: 0\r\n\r\n"
            );
            raw_request(gateway.public, request)
        };
        let deliver = |tenant: String| deliver_to("hooks", tenant);
        for tenant in ["acme", "seen"] {
            assert_eq!(deliver(tenant.to_owned()).await.error(), "webhook_unsigned");
        }
        // Not in memory any more when the guesses are over.
        writer.activate("file:hooks", "hooks", "seen", &[("secret", "another")]).await;
        let limited = async {
            for batch in 0.. {
                let guesses = (0..100).map(|it| deliver(format!("{batch}-{it}")));
                let answers = guesses.collect::<tokio::task::JoinSet<_>>().join_all().await;
                if answers.iter().any(|it| it.error() == "rate_limited") {
                    break;
                }
            }
        };
        soon("a guess too many", limited).await;
        assert!(gateway.metric("attache_limited_total", &["limit=\"look_ups\""]).await > 0.0);
        let known = deliver("acme".to_owned()).await;
        assert_eq!(known.error(), "webhook_unsigned", "what is in memory goes on");
        let seen = deliver("seen".to_owned()).await;
        assert_eq!(seen.error(), "webhook_unsigned", "what was there before is no guess");
        let other = deliver_to("more", "other".to_owned()).await;
        assert_eq!(other.error(), "webhook_unsigned", "others' connections go on");
    }

    async fn a_webhook_is_verified_with_its_tenant_s_stored_secret(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside(&database, &crm(&upstream));
        let secret = ("secret", "It's a Secret to Everybody");
        gateway.writer().activate("file:hooks", "hooks", "acme", &[secret]).await;
        // GitHub's own example: its page "Validating webhook deliveries".
        let good = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let deliver = |tenant: &str| {
            let request = format!(
                "POST /hooks/hooks@{tenant} HTTP/1.1\r\nHost: g\r\nX-GitHub-Delivery: {tenant}-1\r\n\
                 X-Hub-Signature-256: sha256={good}\r\nContent-Length: 13\r\n\r\nHello, World!"
            );
            raw_request(gateway.public, request)
        };
        assert_eq!(deliver("acme").await.status, 200);
        assert_eq!(upstream.request().await.field("attache-webhook-tenant"), Some("acme"));
        assert_eq!(deliver("other").await.error(), "activation_not_found");
        gateway.writer().deactivate("file:hooks", "acme").await;
        assert_eq!(deliver("acme").await.error(), "embedded_not_activated");
    }
}
