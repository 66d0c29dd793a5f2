//! Probes of what nobody has kept yet: a form that was just filled in, tokens that just came.
use crate::support::Provider;
use crate::support::Says;
use attache::catalog::Connection;
use attache::catalog::Kind;
use attache::catalog::RawCatalog;
use attache::catalog::Snapshot;
use attache::grant::DpopKey;
use attache::grant::TokenSet;
use attache::model::Credential;
use attache::model::Secret;
use attache::model::UnixTime;
use attache::renewal::ErrandError;
use attache::renewal::Probed;
use attache::renewal::Renewing;
use attache::renewal::Tried;
use attache::telemetry::Metrics;
use attache::upstream::Resolver;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is past 1970");
    UnixTime::from_s(since.as_secs())
}

/// A connection that nothing serves: this method, these fields, and an account that a probe tells.
fn connection(api: &Provider, base: &str, mut method: Value, fields: Value) -> Arc<Connection> {
    method["probe"] = json!({ "path": "/me", "account": { "id": "/id" } });
    let raw: RawCatalog = serde_json::from_value(json!({
        "connectors": { "api": {
            "base_url": format!("{}{base}", api.url()), "auth": { "m": method },
            "egress": { "allow": ["127.0.0.0/8"] },
        } },
        "connections": { "crm": { "connector": "api", "auth": "m", "credentials": fields } },
    }))
    .expect("it is a catalogue");
    let snapshot = Snapshot::build(raw, &mut Vec::new());
    let snapshot = snapshot.unwrap_or_else(|problems| panic!("{problems:?}"));
    Arc::clone(snapshot.connection("crm").expect("it is there"))
}

/// What comes of a probe.
async fn probed(connection: &Arc<Connection>, token: Option<Tried>) -> Result<Probed, ErrandError> {
    let metrics = Metrics::new(UnixTime::default());
    let renewing = Renewing::start(Resolver::System, None, metrics, now).expect("a thread starts");
    let Kind::Standard(holder) = &connection.kind else { panic!("it is a standard connection") };
    let told = renewing.errands().probe(Arc::clone(connection), holder, token).await;
    tokio::task::spawn_blocking(|| renewing.stop()).await.expect("it stops");
    told
}

fn me() -> Says {
    Says::json(json!({ "id": 7 }))
}

fn oauth2(api: &Provider, more: Value) -> Value {
    let url = api.url();
    let mut oauth2 = json!({
        "grant": "authorization_code", "authorize_url": format!("{url}/authorize"), "token_url": format!("{url}/token"),
    });
    oauth2.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "oauth2": oauth2 })
}

fn app(more: Value) -> Value {
    let mut fields = json!({ "client_id": "app", "client_secret": "hush" });
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    fields
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_form_holds_is_tried_and_nothing_of_it_is_used_up() {
    let session = |api: &Provider| {
        json!({ "session_login": {
            "steps": [{ "url": format!("{}/login", api.url()), "form": { "user": "{username}" },
                        "refused": [401], "take": { "sid": { "json": "/sid" } } }],
            "inject": [{ "in": "header", "name": "X-Sid", "value": "{sid}" }],
        } })
    };
    let token = || Says::token("a-1");
    let anew = |api: &Provider| json!({ "oauth2": { "grant": "client_credentials", "token_url": format!("{}/token", api.url()) } });
    let code = |api: &Provider| oauth2(api, json!({}));
    let stays = |api: &Provider| oauth2(api, json!({ "refresh": { "rotates": false } }));
    type Method<'m> = &'m dyn Fn(&Provider) -> Value;
    let ann = || json!({ "username": "ann" });
    for (name, method, fields, says, works, lines) in [
        (
            "a login",
            &session as Method<'_>,
            ann(),
            vec![Says::json(json!({ "sid": "s" })), me()],
            Ok(()),
            2,
        ),
        (
            "a login that is refused",
            &session,
            ann(),
            vec![Says::status(401, "")],
            Err("NotTaken"),
            1,
        ),
        ("a login that is away", &session, ann(), vec![Says::status(503, "")], Err("Provider"), 1),
        ("a token that costs nothing", &anew, app(json!({})), vec![token(), me()], Ok(()), 2),
        (
            "a client that is unknown",
            &anew,
            app(json!({})),
            vec![Says::error(401, "invalid_client")],
            Err("Operator"),
            1,
        ),
        (
            "a token that was brought",
            &code,
            app(json!({ "access_token": "a-1", "refresh_token": "r-1" })),
            vec![me()],
            Ok(()),
            1,
        ),
        (
            "one that rotates",
            &code,
            app(json!({ "refresh_token": "r-1" })),
            vec![me()],
            Err("Unfit"),
            0,
        ),
        (
            "one that stays",
            &stays,
            app(json!({ "refresh_token": "r-1" })),
            vec![token(), me()],
            Ok(()),
            2,
        ),
        ("nobody's", &code, app(json!({})), vec![me()], Err("NotTaken"), 0),
    ] {
        let api = Provider::start(says).await;
        let connection = connection(&api, "/v1", method(&api), fields);
        let told = probed(&connection, None).await;
        match works {
            Ok(()) => {
                let probed = told.unwrap_or_else(|error| panic!("{name}: {error}"));
                assert_eq!(probed.account.map(|it| it.id).as_deref(), Some("7"), "{name}");
                assert_eq!(api.asked().last().unwrap().line(), "GET /v1/me", "{name}");
            }
            Err(kind) => {
                let error = told.expect_err(name);
                assert!(format!("{error:?}").starts_with(kind), "{name}: {error:?}");
            }
        }
        assert_eq!(api.asked().len(), lines, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_just_came_are_tried_where_they_lead() {
    let api = Provider::start([me()]).await;
    let method = oauth2(&api, json!({ "reply": { "keep": { "company": "/company" } } }));
    let connection = connection(&api, "/{company}", method, app(json!({})));
    let came = [("access_token", "a-1"), ("kept.company", "c-7"), ("kept.else", "x")];
    let tokens = TokenSet::from_credential(&came.into_iter().collect()).unwrap();
    probed(&connection, Some(Tried::New(tokens))).await.expect("it works");
    let asked = api.asked_once();
    assert_eq!(
        (asked.line().as_str(), asked.head.field("authorization")),
        ("GET /c-7/me", Some("Bearer a-1"))
    );

    // Without what came with them nobody can say where.
    let tokens = TokenSet::from_credential(&came[..1].iter().copied().collect()).unwrap();
    let lost = probed(&connection, Some(Tried::New(tokens))).await.expect_err("it leads nowhere");
    assert!(
        matches!(&lost, ErrandError::Operator(words) if words.contains("`company`")),
        "{lost:?}"
    );
    assert_eq!(api.asked().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_bound_to_a_key_is_proven_with_the_apis_nonce() {
    let wants = Says::status(401, "")
        .with("WWW-Authenticate: DPoP error=\"use_dpop_nonce\"\r\nDPoP-Nonce: n-1\r\n");
    let api = Provider::start([wants, me()]).await;
    let connection = connection(&api, "", oauth2(&api, json!({ "dpop": true })), app(json!({})));
    let mut came = Credential::default();
    came.insert("access_token", vec![Secret::new("a-1")]);
    came.insert("dpop_key", vec![DpopKey::generate()]);
    let tokens = TokenSet::from_credential(&came).unwrap();
    probed(&connection, Some(Tried::New(tokens))).await.expect("it works");
    let asked = api.asked();
    assert_eq!(asked.len(), 2, "{asked:?}");
    let nonces = asked.iter().map(|it| {
        assert_eq!(it.head.field("authorization"), Some("DPoP a-1"));
        let claims = it.head.field("dpop").unwrap().split('.').nth(1).unwrap();
        let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap();
        serde_json::from_slice::<Value>(&claims).unwrap()["nonce"].clone()
    });
    assert_eq!(nonces.collect::<Vec<_>>(), [json!(null), json!("n-1")]);
}
