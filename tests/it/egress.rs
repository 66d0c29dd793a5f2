//! Addresses that are not public are never dialled, however they are spelled.
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Script;

#[tokio::test]
async fn an_address_that_is_not_public_is_refused_at_the_dial() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let port = upstream.address().port();
    let hosts = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.0.0.1.",
        "localhost",
        "LOCALHOST.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::]",
        "[fe80::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[ff02::1]",
        "192.0.2.1",
        "198.18.0.1",
    ];
    for host in hosts {
        let gateway = Gateway::guarded(&format!("http://{host}:{port}"), "enabled: true");
        let answer = gateway.ask("/").await;
        assert_eq!(answer.code().as_deref(), Some("destination_forbidden"), "{host}: {answer:?}");
        assert_eq!(answer.status, 403, "{host}");
        assert_eq!(gateway.metric("attache_egress_refused_total", &[]).await, 1.0, "{host}");
    }
    assert_eq!(upstream.links(), 0);
}

#[tokio::test]
async fn what_a_connection_allows_is_allowed_for_it_alone() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let url = upstream.url();
    let gateway = Gateway::start(&format!(
        "connectors:
  api: {{ base_url: \"{url}\", auth: {{ m: {{ none: {{}} }} }} }}
connections:
  api: {{ connector: api, auth: m, egress: {{ allow: [127.0.0.1] }} }}
  other: {{ connector: api, auth: m, egress: {{ allow: [10.0.0.0/8] }} }}
"
    ));
    // Warm first: a pooled link of one must not serve the other.
    assert_eq!(gateway.ask("/").await.status, 200);
    let other =
        crate::support::tagged("GET", "/", "", "").replace("Connection: api", "Connection: other");
    assert_eq!(gateway.raw(other).await.code().as_deref(), Some("destination_forbidden"));
    assert_eq!(upstream.links(), 1);
}
