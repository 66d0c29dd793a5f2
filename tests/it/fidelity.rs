//! What arrives is what was sent: any target, any fields, in their order, byte for byte.
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Script;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// Pieces of a path that no guard has to say anything of.
const PATH: &str = r"(/([A-Za-z0-9_~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2}a|\.[a-z]|é){1,6}){1,4}/?";
const QUERY: &str = r#"([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2}|é|%){0,24}"#;
const VALUE: &str = "[!-~]([ -~\t]{0,12}[!-~])?|";

/// Names that mean nothing to an intermediary.
const NAMES: [&str; 4] = ["X-A", "x-b", "Accept", "If-None-Match"];

#[derive(Clone, Debug)]
struct Sent {
    target: String,
    fields: Vec<(&'static str, String)>,
    body: Vec<u8>,
    is_chunked: bool,
}

fn sent() -> impl Strategy<Value = Sent> {
    let target = (PATH, prop::option::of(QUERY)).prop_map(|(path, query)| match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    });
    let fields = prop::collection::vec((prop::sample::select(&NAMES[..]), VALUE), 0..8);
    let body = prop::collection::vec(any::<u8>(), 0..64);
    (target, fields, body, any::<bool>()).prop_map(|(target, fields, body, is_chunked)| Sent {
        target,
        fields,
        body,
        is_chunked,
    })
}

impl Sent {
    fn bytes(&self) -> Vec<u8> {
        let mut head = format!(
            "PUT {} HTTP/1.1\r\nHost: gateway\r\nAttache-Key: {CALLER_KEY}\r\nAttache-Connection: api\r\n",
            self.target
        );
        for (name, value) in &self.fields {
            head += &format!("{name}: {value}\r\n");
        }
        let mut bytes = head.into_bytes();
        if self.is_chunked {
            bytes.extend(b"Transfer-Encoding: chunked\r\n\r\n");
            for piece in self.body.chunks(7) {
                bytes.extend(format!("{:x}\r\n", piece.len()).into_bytes());
                bytes.extend(piece);
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\n\r\n");
        } else {
            bytes.extend(format!("Content-Length: {}\r\n\r\n", self.body.len()).into_bytes());
            bytes.extend(&self.body);
        }
        bytes
    }
}

#[tokio::test]
async fn whatever_a_target_and_its_fields_hold_arrives_as_it_was_sent() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let gateway = Gateway::plain(&format!("{}/base", upstream.url()), "enabled: true");
    let mut client: RawClient = gateway.client().await;
    let mut runner = TestRunner::default();
    for _ in 0..runner.config().cases {
        let sent = sent().new_tree(&mut runner).expect("a strategy makes values").current();
        client.send(sent.bytes()).await;
        let answer = client.response().await.expect("an answer");
        assert_eq!(answer.status, 200, "{sent:?}: {}", answer.text());
        let arrived = upstream.request().await;
        let target: String = sent.target.bytes().map(char::from).collect();
        assert_eq!(arrived.line(), format!("PUT /base{target} HTTP/1.1"), "{sent:?}");
        for name in NAMES {
            let values: Vec<&str> =
                sent.fields.iter().filter(|it| it.0 == name).map(|it| it.1.as_str()).collect();
            assert_eq!(arrived.head.all(name), values, "{name} of {sent:?}");
        }
        assert_eq!((arrived.body, arrived.complete), (sent.body.clone(), true), "{sent:?}");
    }
}
