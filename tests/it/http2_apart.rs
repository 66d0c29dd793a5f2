//! Which connections share an HTTP/2 link, and which never do (PL-01 to PL-03).
use crate::support::Authority;
use crate::support::Gateway;
use crate::support::Http2Link;
use crate::support::Http2Upstream;
use crate::support::http2::answer;
use crate::support::http2::settings;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;

/// Which bodies came by which link.
type Seen = Arc<Mutex<BTreeMap<usize, BTreeSet<String>>>>;

async fn upstream(authority: &Authority, seen: &Seen) -> Http2Upstream {
    let seen = Arc::clone(seen);
    let script = move |mut link: Http2Link| {
        let seen = Arc::clone(&seen);
        async move {
            link.send(settings(&[])).await;
            while let Some((stream, body)) = link.whole_request().await {
                let body = String::from_utf8_lossy(&body).into_owned();
                note(&seen, link.number, body);
                link.send(answer(stream, "ok")).await;
            }
        }
    };
    Http2Upstream::tls(script, authority.good(&["h2"])).await
}

fn note(seen: &Seen, link: usize, body: String) {
    seen.lock().expect("no holder panics").entry(link).or_default().insert(body);
}

fn pem(text: &str) -> String {
    text.replace('\n', "\\n")
}

fn port(upstream: &Http2Upstream) -> String {
    upstream.url().rsplit(':').next().expect("a port").to_owned()
}

async fn post(gateway: &Gateway, connection: &str) -> (u16, Option<String>) {
    let tag = format!("Attache-Connection: {connection}\r\n");
    let answer = gateway.send("POST", "/", &tag, connection).await;
    (answer.status, answer.code())
}

#[tokio::test]
async fn pl_01_connections_with_tls_settings_of_their_own_never_share_a_link() {
    let (authority, other, seen) = (Authority::new(), Authority::new(), Seen::default());
    let upstream = upstream(&authority, &seen).await;
    let url = upstream.url();
    let (one, both) = (pem(authority.pem()), pem(&format!("{}{}", authority.pem(), other.pem())));
    let gateway = Gateway::start(&format!(
        "egress: {{ allow: [127.0.0.0/8, \"::1/128\"] }}\nconnectors:\n\
         \x20 c: {{ base_url: \"{url}\", auth: {{ m: {{ none: {{}} }} }} }}\nconnections:\n\
         \x20 x: {{ connector: c, auth: m, upstream: {{ ca: \"{one}\" }} }}\n\
         \x20 y: {{ connector: c, auth: m, upstream: {{ ca: \"{both}\" }} }}\n\
         \x20 z: {{ connector: c, auth: m, upstream: {{ ca: \"{one}\" }} }}\n"
    ));

    for n in 0..200 {
        let connection = ["x", "y", "z"][n % 3];
        assert_eq!(post(&gateway, connection).await.0, 200, "request {n}");
    }

    let seen = seen.lock().expect("no holder panics").clone();
    let by_link: BTreeSet<_> = seen.into_values().collect();
    let set = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(by_link, [set(&["x", "z"]), set(&["y"])].into());
    assert_eq!(upstream.links(), 2);
}

#[tokio::test]
async fn pl_02_a_link_trusted_by_a_private_authority_serves_nobody_who_does_not_trust_it() {
    let (authority, seen) = (Authority::new(), Seen::default());
    let upstream = upstream(&authority, &seen).await;
    let (url, ca) = (upstream.url(), pem(authority.pem()));
    let gateway = Gateway::start(&format!(
        "egress: {{ allow: [127.0.0.0/8, \"::1/128\"] }}\nconnectors:\n\
         \x20 c: {{ base_url: \"{url}\", auth: {{ m: {{ none: {{}} }} }} }}\nconnections:\n\
         \x20 private: {{ connector: c, auth: m, upstream: {{ ca: \"{ca}\" }} }}\n\
         \x20 public: {{ connector: c, auth: m }}\n"
    ));

    for _ in 0..3 {
        assert_eq!(post(&gateway, "private").await.0, 200);
        assert_eq!(post(&gateway, "public").await, (502, Some("upstream_tls".to_owned())));
    }
    let seen = seen.lock().expect("no holder panics").clone();
    assert!(seen.values().flatten().all(|it| it == "private"), "{seen:?}");
}

#[tokio::test]
async fn pl_03_a_certificate_that_names_two_hosts_makes_no_link_serve_both() {
    let (authority, seen) = (Authority::new(), Seen::default());
    let upstream = upstream(&authority, &seen).await;
    let (port, ca) = (port(&upstream), pem(authority.pem()));
    let gateway = Gateway::start(&format!(
        "egress: {{ allow: [127.0.0.0/8, \"::1/128\"] }}\nupstream: {{ ca: \"{ca}\" }}\nconnectors:\n\
         \x20 name: {{ base_url: \"https://localhost:{port}\", auth: {{ m: {{ none: {{}} }} }} }}\n\
         \x20 address: {{ base_url: \"https://127.0.0.1:{port}\", auth: {{ m: {{ none: {{}} }} }} }}\n\
         connections:\n\
         \x20 name: {{ connector: name, auth: m }}\n\x20 address: {{ connector: address, auth: m }}\n"
    ));

    for _ in 0..5 {
        assert_eq!(post(&gateway, "name").await.0, 200);
        assert_eq!(post(&gateway, "address").await.0, 200);
    }
    let seen = seen.lock().expect("no holder panics").clone();
    assert!(seen.values().all(|it| it.len() == 1), "{seen:?}");
    assert_eq!(upstream.links(), 2);
}
