//! `attache webhook`: captured requests looked into, and signed ones made. Nothing runs beside it.
use crate::support::Ran;
use crate::support::Shell;
use std::fs;

/// Of every request here. In no output, whatever is asked.
const SECRET: &str = "whsec_canary0123456789";

const BODY: &str = r#"{"id":"evt_1","type":"charge.succeeded"}"#;

/// From `printf '%s' "1700000000.$BODY" | openssl dgst -sha256 -hmac whsec_canary0123456789`.
const STRIPE: &str = "9d51b510739929d8a82f34803514804e4df64c6437adb1c591ee247362dcdd41";

/// From `printf '%s' '{"event":"endpoint.url_validation","payload":{"plainToken":"plain-text-1"}}' | openssl dgst
/// -sha256 -hmac whsec_canary0123456789`.
const HANDSHAKE: &str = "837a48f85b0853de3a5534047ee51ea495f7a368c313f696a555457f2e2c73a3";

/// From `printf plain-text-1 | openssl dgst -sha256 -hmac whsec_canary0123456789`.
const ANSWER: &str = "9fe749a6eec4fb3bd2bcd25ff7d5c535bcc69f75c96a90b549f0bb2a977c249a";

/// From `printf '%s' '1700000000.{"parcel":7}' | openssl dgst -sha256 -hmac canary-parcel-key`, the key being what
/// `Y2FuYXJ5LXBhcmNlbC1rZXk=` is in base64.
const PARCEL: &str = "26bfbd619dc0bbeb4c65d01e2433207fb2e9eec460a7dea76d0d20aa324c7b90";

const VERIFY: &str = "attache webhook verify request.http --preset stripe --secret-file secret";

fn request(signature: &str, body: &str) -> String {
    format!(
        "POST /hooks/stripe HTTP/1.1\r\nHost: hooks.example.com\r\nContent-Length: {}\r\n\
         Stripe-Signature: t=1700000000,v1={signature}\r\n\r\n{body}",
        body.len()
    )
}

/// A folder with the secret and a request.
fn shell(request: &str) -> Shell {
    let shell = Shell::bare();
    write(&shell, "secret", &format!("{SECRET}\n"));
    write(&shell, "request.http", request);
    shell
}

fn write(shell: &Shell, name: &str, text: &str) {
    fs::write(shell.folder.path().join(name), text).expect("a folder takes files");
}

/// What was asked shows no secret, and no line is wider than a terminal.
#[track_caller]
fn seemly(ran: Ran) -> Ran {
    for text in [&ran.out, &ran.err] {
        assert!(!text.contains("canary"), "{text}");
    }
    assert!(
        ran.out.starts_with('{') || ran.out.lines().all(|it| it.chars().count() <= 80),
        "{}",
        ran.out
    );
    ran
}

#[tokio::test]
async fn a_good_request_is_shown_step_by_step() {
    let shell = shell(&request(STRIPE, BODY));
    let ran = seemly(shell.run(&format!("{VERIFY} --at 1700000005")).await.is(0));
    for words in [
        "✓ timestamp",
        "is 5 s old",
        "    1700000000.{\"id\":\"evt_1\",\"type\":\"charge.succeeded\"}\n",
        "✓ comparison",
        "`evt_1`",
        "It verifies.",
    ] {
        assert!(ran.out.contains(words), "`{words}` is missing\n{}", ran.out);
    }
    assert!(!ran.out.contains('\x1b') && !ran.out.contains('✗'), "{}", ran.out);
}

#[tokio::test]
async fn what_is_likely_wrong_is_said() {
    let other = STRIPE.replace('9', "8");
    for (name, sent, flags, says) in [
        (
            "stale",
            request(STRIPE, BODY),
            "",
            &["webhook_stale", "it verifies with", "1700000000"][..],
        ),
        (
            "an editor's line feed",
            request(STRIPE, BODY) + "\n",
            "--at 1700000005",
            &["webhook_bad_signature", "the body less its final line break", "an editor"],
        ),
        (
            "both",
            request(STRIPE, BODY) + "\n",
            "",
            &["webhook_stale", "besides its clock", "the body less its final line break"],
        ),
        ("another signature", request(&other, BODY), "--at 1700000005", &["none matches"]),
        (
            "upper case",
            request(&STRIPE.to_uppercase(), BODY),
            "--at 1700000005",
            &["lower-case hex", "the signature's hex in lower case"],
        ),
        (
            "another header",
            request(STRIPE, BODY).replace("Stripe-Signature", "X-Signature"),
            "--at 1700000005",
            &["webhook_unsigned", "stripe-signature"],
        ),
    ] {
        let shell = shell(&sent);
        let ran = seemly(shell.run(&format!("{VERIFY} {flags}")).await.is(1));
        let out = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in says {
            assert!(out.contains(words), "{name}: `{words}` is missing\n{}", ran.out);
        }
        // What would have been right could be signed with.
        assert!(!out.contains(STRIPE), "{name}: {}", ran.out);
    }
}

#[tokio::test]
async fn the_secret_is_looked_at_too() {
    let shell = shell(&request(STRIPE, BODY));
    for (secret, says) in [
        ("STRIPE_SECRET=whsec_canary0123456789", "what stands behind the `=` for the secret"),
        ("'whsec_canary0123456789'", "the secret less the quotes around it"),
        ("canary0123456789", "`whsec_` before the secret"),
    ] {
        write(&shell, "secret", secret);
        let ran = seemly(shell.run(&format!("{VERIFY} --at 1700000005")).await.is(1));
        assert!(ran.out.contains(says), "{secret}: {}", ran.out);
    }
    let line = "attache webhook verify request.http --preset stripe --at 1700000005";
    for set in [
        format!("ATTACHE_WEBHOOK_SECRET={SECRET} {line}"),
        format!("MINE={SECRET} {line} --secret-env MINE"),
        format!("printf {SECRET} > right; {line} --secret-file secret --secret-file right"),
        format!("ATTACHE_WEBHOOK_SECRET_FILE=right {line}"),
    ] {
        shell.run(&set).await.is(0);
    }
}

#[tokio::test]
async fn a_request_may_come_in_pieces_or_through_a_pipe() {
    let shell = shell(&request(STRIPE, BODY));
    write(&shell, "body", BODY);
    let flags = "--preset stripe --secret-file secret --at 1700000005";
    let pieces = format!("-H 'Stripe-Signature: t=1700000000,v1={STRIPE}'");
    for line in [
        format!("attache webhook verify {flags} < request.http"),
        format!("attache webhook verify - {flags} < request.http"),
        format!("attache webhook verify {flags} {pieces} --body body"),
        format!("attache webhook verify {flags} {pieces} --body - --url https://x.example/ < body"),
    ] {
        seemly(shell.run(&line).await.is(0));
    }
}

#[tokio::test]
async fn programs_get_one_object() {
    let shell = shell(&(request(STRIPE, BODY) + "\n"));
    let told = seemly(shell.run(&format!("{VERIFY} --json --at 1700000005")).await.is(1)).json();
    assert_eq!(told["verified"], false);
    assert_eq!(told["refusal"]["code"], "webhook_bad_signature");
    assert_eq!(told["refusal"]["status"], 401);
    assert_eq!(told["would_verify_with"][0], "the body less its final line break");
    let content =
        told["steps"].as_array().and_then(|it| it.iter().find(|it| it["part"] == "content"));
    let content = content.map(|it| it["content"].clone()).unwrap_or_default();
    assert_eq!(content, format!("1700000000.{BODY}\n"));
    write(&shell, "request.http", &request(STRIPE, BODY));
    let told = shell.run(&format!("{VERIFY} --json --at 1700000005")).await.is(0).json();
    assert_eq!((&told["verified"], &told["id"]), (&true.into(), &"evt_1".into()));
}

const CONFIG: &str = r#"
server: { public: { url: "https://hooks.example.com" } }
connectors:
  stripe: { auth: { hooks: { hmac: { preset: stripe } }, token: { bearer: {} } }, base_url: "https://api.example.com" }
connections:
  one: { connector: stripe, auth: hooks, base_url: "https://in.example.com", credentials: { secret: "${file:secret}" } }
  each: { connector: stripe, auth: hooks, base_url: "https://in.example.com", embedded: true }
  out: { connector: stripe, auth: token, credentials: { token: canary-of-a-token } }
activations:
  - { connection: each, tenant: acme, credentials: { secret: ["canary-of-acme", "${file:secret}"] } }
  - { connection: each, tenant: idle, credentials: { secret: canary-of-idle } }
"#;

#[tokio::test]
async fn a_connection_of_a_configuration_brings_its_secret() {
    let shell = shell(&request(STRIPE, BODY));
    write(&shell, "attache.yaml", &CONFIG.replace("${file:secret}", "${STRIPE_SECRET}"));
    let shell = shell.with("STRIPE_SECRET", SECRET);
    let line =
        "attache webhook verify request.http --config attache.yaml --at 1700000005 --connection";
    for (connection, code, says) in [
        ("one", 0, ""),
        ("each --tenant acme", 0, ""),
        ("each --tenant idle", 1, ""),
        ("each --tenant nobody", 2, "secret"),
        ("one --tenant acme", 2, "leave --tenant out"),
        ("out", 2, "takes no webhooks"),
        ("nothing", 2, "is in none of these files"),
    ] {
        let ran = seemly(shell.run(&format!("{line} {connection}")).await.is(code));
        assert!(ran.err.contains(says), "{connection}: {}", ran.err);
    }
}

#[tokio::test]
async fn a_handshake_is_answered_once_its_signature_is_right() {
    let body = r#"{"event":"endpoint.url_validation","payload":{"plainToken":"plain-text-1"}}"#;
    let shell =
        shell(&format!("POST /hooks/zoom HTTP/1.1\nHost: x.example\nX-Sig: {HANDSHAKE}\n\n{body}"));
    write(
        &shell,
        "zoom.yaml",
        r#"
signature: { header: X-Sig }
content: "{body}"
handshakes:
  - when: { json: /event, equals: endpoint.url_validation }
    respond: { json: { plainToken: "{json./payload/plainToken}", encryptedToken: "{json./payload/plainToken|hmac(hex)}" } }
"#,
    );
    let line = "attache webhook verify request.http --description zoom.yaml --secret-file secret";
    let ran = seemly(shell.run(line).await.is(0));
    let out = ran.out.split_whitespace().collect::<String>();
    assert!(out.contains(ANSWER) && ran.out.contains("handshake"), "{}", ran.out);
    let text = fs::read_to_string(shell.folder.path().join("request.http")).expect("it is there");
    write(&shell, "request.http", &text.replace("plain-text-1", "plain-text-2"));
    let ran = seemly(shell.run(line).await.is(1));
    assert!(
        ran.out.contains("webhook_bad_signature") && !ran.out.contains("answer  "),
        "{}",
        ran.out
    );
}

#[tokio::test]
async fn a_secret_that_is_handed_over_is_not_shown() {
    let shell =
        shell("POST / HTTP/1.1\nHost: x.example\nX-Hook-Secret: canary-handed-over-0123\n\n");
    write(
        &shell,
        "asana.yaml",
        r#"
signature: { header: X-Hook-Signature }
content: "{body}"
handshakes:
  - when: { header: X-Hook-Secret }
    check: none
    respond: { headers: { X-Hook-Secret: "{header.X-Hook-Secret}" } }
    store_secret_once: { header: X-Hook-Secret }
"#,
    );
    let ran = seemly(
        shell.run("attache webhook verify request.http --description asana.yaml").await.is(0),
    );
    assert!(ran.out.contains("hands a secret over") && ran.out.contains("[secret]"), "{}", ran.out);
}

#[tokio::test]
async fn the_description_that_the_documentation_works_out_verifies() {
    let page = include_str!("../../docs/webhooks.md");
    let block = page.split_once("```yaml parcel\n").and_then(|it| it.1.split_once("```"));
    let shell = shell(&format!(
        "POST /hooks/parcel HTTP/1.1\nX-Parcel-Signature: t=1700000000,s={PARCEL}\nX-Parcel-Event: 7\n\n{{\"parcel\":7}}"
    ));
    write(&shell, "parcel.yaml", block.expect("the page has it").0);
    write(&shell, "secret", "pk_Y2FuYXJ5LXBhcmNlbC1rZXk=");
    let line = "attache webhook verify request.http --description parcel.yaml --secret-file secret";
    seemly(shell.run(&format!("{line} --at 1700000060")).await.is(0));
    seemly(shell.run(&format!("{line} --at 1700000301")).await.is(1));
}

#[tokio::test]
async fn what_is_signed_here_verifies_here() {
    let shell = shell("");
    write(&shell, "event.json", BODY);
    let sign = "attache webhook sign --secret-file secret --url https://hooks.example.com/hooks/x?y=1 --body event.json --at 1700000000";
    for preset in [
        "stripe",
        "github",
        "slack",
        "shopify",
        "square",
        "svix",
        "typeform",
        "zendesk",
        "hubspot-v3",
    ] {
        // What a Standard Webhooks secret has to be.
        let secret =
            if preset == "svix" { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" } else { SECRET };
        write(&shell, "secret", secret);
        seemly(shell.done(&format!("{sign} --preset {preset} --raw > request.http")).await);
        let verify = "attache webhook verify request.http --secret-file secret --public-url https://hooks.example.com";
        seemly(shell.run(&format!("{verify} --preset {preset} --at 1700000005")).await.is(0));
    }
    write(&shell, "secret", SECRET);
    // What is pasted into a shell is as long as it is.
    let ran = shell.done(&format!("{sign} --preset stripe")).await;
    assert!(!ran.out.contains("canary"), "{}", ran.out);
    assert_eq!(
        ran.out,
        format!(
            "curl -X POST 'https://hooks.example.com/hooks/x?y=1' \\\n  -H 'content-type: application/json' \\\n  \
             -H 'stripe-signature: t=1700000000,v1={STRIPE}' \\\n  --data-binary '@event.json'\n"
        )
    );
    let to = shell.done(&format!("{sign} --preset stripe --to http://127.0.0.1:8082")).await;
    assert!(to.out.starts_with("curl -X POST 'http://127.0.0.1:8082/hooks/x?y=1'"), "{}", to.out);
}

#[tokio::test]
async fn a_wrong_usage_says_what_to_write() {
    let shell = shell(&request(STRIPE, BODY));
    for (line, words) in [
        ("verify request.http", &["--preset", "--description", "--connection"][..]),
        ("verify request.http --preset stripe", &["--secret-file", "ATTACHE_WEBHOOK_SECRET"]),
        (
            "verify request.http --preset nope --secret-file secret",
            &["no preset is called `nope`", "docs/webhook-presets.md"],
        ),
        ("verify nowhere --preset stripe --secret-file secret", &["nowhere"]),
        ("verify secret --preset stripe --secret-file secret", &["line 1", "request line"]),
        ("verify request.http --preset stripe --secret-file nowhere", &["nowhere"]),
        ("verify request.http --preset stripe --secret-env NOWHERE", &["NOWHERE is not set"]),
        ("verify request.http --preset stripe --secret-file secret --at soon", &["2027-01-31"]),
        ("verify request.http --connection x --secret-file secret", &["--config"]),
        (
            "verify request.http --description '{content: x}' --secret-file secret",
            &["signature: is missing"],
        ),
        ("verify request.http --description '{contents: x}' --secret-file secret", &["contents"]),
        ("verify request.http --preset stripe --url https://x.example", &["--url"]),
        ("sign --preset stripe --secret-file secret --url hooks", &["https://"]),
    ] {
        seemly(shell.run(&format!("attache webhook {line}")).await.is(2).says(words));
    }
}
