//! No secret leaves: everything is driven, then everything that was said is searched for each of them.
use crate::support::Authority;
use crate::support::Process;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::raw_request;
use crate::support::soon;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use std::fs;
use std::time::Duration;

/// Each is found by its first 12 bytes, which stand nowhere else.
const CANARIES: [(&str, &str); 12] = [
    ("caller", "cnry-caller-5d1f0c8e77"),
    ("other", "cnry-others-0a9d3be164"),
    ("admin", "cnry-admin1-91f7ab30cc"),
    ("header", "cnry-header-2f6c44d0e1"),
    ("query", "cnry-query1-+/=& \u{e9}%&7b8e"),
    ("cookie", "cnry-cookie-c03de98a15"),
    ("user", "cnry-userid-e7a1b2c3d4"),
    ("password", "cnry-passwd-\"\\<>:\u{e9}-66f0"),
    ("bearer", "cnry-bearer-4b19d07c2a"),
    ("custom", "cnry-custom-8f8f1d2e3b"),
    ("tenant", "cnry-tenant-d9e8f7a6b5"),
    ("webhook", "cnry-wbhook-17c5a90b3e"),
];

const CONNECTIONS: [&str; 7] = ["header", "query", "cookie", "basic", "bearer", "custom", "many"];

fn secret(name: &str) -> &'static str {
    CANARIES.iter().find(|it| it.0 == name).map(|it| it.1).expect("a canary of this name")
}

fn configuration(url: &str, tls_url: &str) -> String {
    let methods = "
      header: { api_key: { in: header, name: X-Key } }
      query: { api_key: { in: query, name: key } }
      cookie: { api_key: { in: cookie, name: session } }
      basic: { basic: {} }
      bearer: { bearer: {} }
      custom: { custom: { inject: [{ in: header, name: X-Id, value: \"{it}/{it}\" }, { in: query, name: sig, value: \"{it}\" }] } }
      hook: { hmac: { preset: stripe } }";
    format!(
        "
server:
  proxy: {{ listen: 127.0.0.1:0, workers: 1 }}
  admin: {{ listen: 127.0.0.1:0, token: \"${{file:admin}}\" }}
  public: {{ listen: 127.0.0.1:0 }}
  shutdown: {{ ready_delay: 0s, drain: 1s }}
log: {{ level: trace, format: text, access: stdout }}
egress: {{ allow: [127.0.0.0/8] }}
upstream: {{ timeouts: {{ connect: 1s, tls: 1s, first_byte: 200ms, idle: 200ms }} }}
callers:
  main: {{ key: \"${{file:caller}}\" }}
  narrow: {{ key: \"${{file:other}}\", methods: [PUT] }}
connectors:
  api:
    base_url: {url}
    auth:{methods}
  tls:
    base_url: {tls_url}
    auth:{methods}
connections:
  header: {{ connector: api, auth: header, credentials: {{ key: \"${{file:header}}\" }} }}
  query: {{ connector: api, auth: query, credentials: {{ key: \"${{file:query}}\" }} }}
  cookie: {{ connector: api, auth: cookie, credentials: {{ key: \"${{file:cookie}}\" }} }}
  basic: {{ connector: api, auth: basic, credentials: {{ username: \"${{file:user}}\", password: \"${{file:password}}\" }} }}
  bearer: {{ connector: api, auth: bearer, credentials: {{ token: \"${{file:bearer}}\" }} }}
  custom: {{ connector: api, auth: custom, credentials: {{ it: \"${{file:custom}}\" }} }}
  many: {{ connector: api, auth: bearer, embedded: true }}
  tls: {{ connector: tls, auth: query, credentials: {{ key: \"${{file:query}}\" }} }}
  hooks: {{ connector: api, auth: hook, base_url: {url}, credentials: {{ secret: \"${{file:webhook}}\" }} }}
activations:
  - {{ connection: many, tenant: acme, credentials: {{ token: \"${{file:tenant}}\" }} }}
"
    )
}

/// Every spelling in which a secret might leak.
fn spellings(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let encoded = |from: usize| {
        // Without the ends, so that it is found wherever it stands in a longer text.
        let text = BASE64_STANDARD.encode(&bytes[from..from + 12]);
        text[..12].to_owned()
    };
    let percent = percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC);
    vec![
        secret.to_owned(),
        secret[..12].to_owned(),
        percent.to_string()[..16].to_owned(),
        hex::encode(&bytes[..12]),
        hex::encode_upper(&bytes[..12]),
        BASE64_URL_SAFE_NO_PAD.encode(bytes)[..12].to_owned(),
        encoded(0),
        encoded(1),
        encoded(2),
    ]
}

#[tokio::test]
async fn nothing_that_is_said_holds_a_secret() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, secret) in CANARIES {
        fs::write(folder.path().join(name), format!("{secret}\n")).expect("a fresh folder");
    }
    let answers = [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut",
        "HTTP/1.1 abc\r\n\r\n",
        "garbage\r\n\r\n",
    ];
    let mut scripts: Vec<Script> =
        answers.iter().map(|it| Script::new().read_request().write(it)).collect();
    scripts.push(Script::new().read_request().reset());
    scripts.push(Script::new().read_request().read_to_end());
    let kinds = scripts.len();
    let upstream = RawUpstream::start(scripts.into_iter().cycle().take(kinds * 100)).await;
    let tls = RawUpstream::tls([Script::ok("ok")], Authority::new().good(&[])).await;
    let mut process = Process::serve(folder, &configuration(&upstream.url(), &tls.url())).await;

    let mut said = String::new();
    let mut keep = async |request: String| {
        let answer = raw_request(process.proxy, request).await;
        said.push_str(&format!("{answer:?}\n{}\n", answer.text()));
    };
    let key = secret("caller");
    for connection in CONNECTIONS {
        let tags = format!("Attache-Connection: {connection}\r\nAttache-Tenant: acme\r\n");
        let tags =
            if connection == "many" { tags } else { tags.replace("Attache-Tenant: acme\r\n", "") };
        for _ in 0..kinds {
            for method in ["GET", "POST"] {
                keep(format!(
                    "{method} /a HTTP/1.1\r\nHost: g\r\nAttache-Key: {key}\r\n{tags}\r\n"
                ))
                .await;
            }
        }
        for (path, fields) in [
            ("/../a", format!("Attache-Key: {key}\r\n")),
            ("/a", format!("Attache-Key: {key}x\r\n")),
            ("/a", format!("Attache-Key: {}\r\n", secret("other"))),
            ("/a", format!("Attache-Key: {key}\r\nAttache-Base-Url: https://{key}.test\r\n")),
            ("/a", format!("Attache-Key: {key}\r\nAttache-Variables: x={key}\r\n")),
            ("/a", format!("Attache-Key: {key}\r\nAttache-{}: {key}\r\n", "Unknown")),
        ] {
            keep(format!("GET {path} HTTP/1.1\r\nHost: g\r\n{tags}{fields}\r\n")).await;
        }
    }
    keep(format!("GET /c/query/a?key={key} HTTP/1.1\r\nHost: g\r\n\r\n")).await;
    keep(format!("GET /c/bearer/a HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {key}\r\n\r\n"))
        .await;
    keep(format!(
        "GET /a HTTP/1.1\r\nHost: g\r\nAttache-Key: {key}\r\nAttache-Connection: tls\r\n\r\n"
    ))
    .await;
    for signature in ["t=1,v1=00", "t=99999999999,v1=zz", ""] {
        let hook = format!(
            "POST /hooks/hooks HTTP/1.1\r\nHost: g\r\nStripe-Signature: {signature}\r\nContent-Length: 2\r\n\r\n{{}}"
        );
        said.push_str(&format!("{:?}\n", raw_request(process.public, hook).await));
    }

    // A reload that fails beside a secret says where, and never what stood there.
    let good = fs::read_to_string(process.config()).expect("the configuration is there");
    for (from, to) in [
        (
            "{ token: \"${file:bearer}\" }",
            "{ token: \"${file:bearer}\", tokken: \"${file:bearer}\" }",
        ),
        ("{ key: \"${file:header}\" }", "{ key: [\"${file:header}\", { a: \"${file:header}\" }] }"),
        ("workers: 1", "workers: \"${file:admin}\""),
    ] {
        assert!(good.contains(from), "{from}");
        fs::write(process.config(), good.replace(from, to)).expect("it can be written");
        process.signal(rustix::process::Signal::HUP);
        let failed = async {
            loop {
                let ready = admin(&process, "/readyz").await;
                if ready.contains(": ") && ready.contains("attache.yaml") {
                    return ready;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        said.push_str(&soon("the reload to fail", failed).await);
        fs::write(process.config(), &good).expect("it can be written");
        process.signal(rustix::process::Signal::HUP);
        let mended = async {
            while admin(&process, "/readyz").await.contains("attache.yaml") {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        soon("the reload to succeed", mended).await;
    }
    said.push_str(&admin(&process, "/metrics").await);
    said.push_str(&admin(&process, "/v1/connections").await);
    for file in ["cmdline", "environ"] {
        let path = format!("/proc/{}/{file}", process.id());
        said.push_str(&String::from_utf8_lossy(&fs::read(path).unwrap_or_default()));
    }
    process.signal(rustix::process::Signal::TERM);
    assert!(process.ended().await.success());
    let log = process.output();
    assert!(log.lines().count() > 100, "the log was read: {log}");
    said.push_str(&log);

    for (name, secret) in CANARIES {
        for spelling in spellings(secret) {
            if let Some(at) = said.find(&spelling) {
                let from = said[..at].rfind('\n').map_or(0, |it| it + 1);
                panic!(
                    "{name} leaked as {spelling:?}: {}",
                    &said[from..].lines().next().unwrap_or("")
                );
            }
        }
    }
}

async fn admin(process: &Process, path: &str) -> String {
    let token = secret("admin");
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
    raw_request(process.admin, request).await.text()
}

#[test]
fn the_search_finds_each_spelling() {
    let secret = secret("password");
    let shown = format!("x{secret}y");
    for text in [
        shown.clone(),
        BASE64_STANDARD.encode(format!("{shown}--")),
        BASE64_STANDARD.encode(secret),
        hex::encode(&shown),
        percent_encoding::utf8_percent_encode(&shown, percent_encoding::NON_ALPHANUMERIC)
            .to_string(),
    ] {
        assert!(spellings(secret).iter().any(|it| text.contains(it)), "{text}");
    }
}
