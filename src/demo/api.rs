//! The sample API, which asks for three kinds of credentials, and the webhook receiver.
use super::credentials::ACME_KEY;
use super::credentials::GLOBEX_KEY;
use super::credentials::SHOP_KEY;
use super::credentials::WAREHOUSE_PASSWORD;
use super::credentials::WAREHOUSE_USER;
use super::credentials::WEATHER_KEY;
use super::witness::Place;
use super::witness::Sighting;
use super::witness::Witness;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http::Response;
use http::StatusCode;
use http::header::AUTHORIZATION;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde_json::Value;
use serde_json::json;
use std::future::Future;
use tokio::net::TcpListener;

/// Longest body that the samples take. They are read whole, to be shown.
const BODY_MAX: usize = 1024 * 1024;

/// Whom a credential belongs to, and how it stood on the request.
struct Account {
    name: &'static str,
    credential: String,
}

/// Serves the sample API until `done`.
pub async fn serve(
    listener: TcpListener,
    witness: Witness,
    done: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = Router::new().fallback(api).with_state(witness);
    axum::serve(listener, router).with_graceful_shutdown(done).await
}

/// Serves the webhook receiver until `done`.
pub async fn receive(
    listener: TcpListener,
    witness: Witness,
    done: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = Router::new().fallback(receiver).with_state(witness);
    axum::serve(listener, router).with_graceful_shutdown(done).await
}

async fn api(State(witness): State<Witness>, request: axum::extract::Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_MAX).await else {
        return answer(StatusCode::PAYLOAD_TOO_LARGE, &json!({ "error": "more than 1 MiB" }));
    };
    let account = account(&head);
    let (status, said) = match &account {
        Ok(account) => (
            StatusCode::OK,
            json!({ "account": account.name, "credential": account.credential, "received": received(&head, &body) }),
        ),
        Err(problem) => (StatusCode::UNAUTHORIZED, json!({ "error": problem })),
    };
    let credential = account.map(|it| it.credential);
    witness.tell(sighting(Place::Api, head, body, credential));
    answer(status, &said)
}

async fn receiver(
    State(witness): State<Witness>,
    request: axum::extract::Request,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_MAX).await else {
        return answer(StatusCode::PAYLOAD_TOO_LARGE, &json!({ "error": "more than 1 MiB" }));
    };
    let verified = head.headers.get("attache-webhook-verified").is_some_and(|it| it == "true");
    let (status, said, credential) = if verified {
        let said = json!({ "taken": true, "received": received(&head, &body) });
        (StatusCode::OK, said, Ok("Attache-Webhook-Verified: true".to_owned()))
    } else {
        let problem = "not verified by attache".to_owned();
        (StatusCode::FORBIDDEN, json!({ "error": problem }), Err(problem))
    };
    witness.tell(sighting(Place::Receiver, head, body, credential));
    answer(status, &said)
}

/// The three kinds: a key in a header, a user name and password, a key in the query.
fn account(head: &Parts) -> Result<Account, String> {
    match head.uri.path().split('/').nth(1) {
        Some("shop") => shop(&head.headers),
        Some("warehouse") => warehouse(&head.headers),
        Some("weather") => weather(head.uri.query().unwrap_or_default()),
        _ => Err("there is /shop, /warehouse and /weather here".to_owned()),
    }
}

fn shop(headers: &HeaderMap) -> Result<Account, String> {
    let key = headers.get("x-api-key").ok_or("the header X-Api-Key is missing")?;
    let name = match key.as_bytes() {
        it if it == SHOP_KEY.as_bytes() => "ours",
        it if it == ACME_KEY.as_bytes() => "acme",
        it if it == GLOBEX_KEY.as_bytes() => "globex",
        _ => return Err("the header X-Api-Key has a key that this shop does not know".to_owned()),
    };
    let key = String::from_utf8_lossy(key.as_bytes());
    Ok(Account { name, credential: format!("X-Api-Key: {key}") })
}

fn warehouse(headers: &HeaderMap) -> Result<Account, String> {
    let value = headers.get(AUTHORIZATION).ok_or("the header Authorization is missing")?;
    let pair = value
        .to_str()
        .ok()
        .and_then(|it| it.strip_prefix("Basic "))
        .and_then(|it| BASE64_STANDARD.decode(it).ok())
        .and_then(|it| String::from_utf8(it).ok())
        .ok_or("the header Authorization is not Basic with a user name and a password")?;
    if pair != format!("{WAREHOUSE_USER}:{WAREHOUSE_PASSWORD}") {
        return Err("this warehouse does not know that user name and password".to_owned());
    }
    Ok(Account { name: WAREHOUSE_USER, credential: format!("Authorization: Basic {pair}") })
}

fn weather(query: &str) -> Result<Account, String> {
    let keys: Vec<&str> = query.split('&').filter_map(|it| it.strip_prefix("key=")).collect();
    match keys[..] {
        [] => Err("the query parameter `key` is missing".to_owned()),
        [WEATHER_KEY] => {
            Ok(Account { name: "ours", credential: format!("key={WEATHER_KEY} in the query") })
        }
        [_] => Err("the query parameter `key` has a key that is not known here".to_owned()),
        _ => Err("the query parameter `key` stands more than once".to_owned()),
    }
}

fn received(head: &Parts, body: &Bytes) -> Value {
    let headers: serde_json::Map<String, Value> = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect();
    let mut received = json!({ "method": head.method.as_str(), "target": head.uri.to_string(), "headers": headers });
    if !body.is_empty() {
        received["body"] = String::from_utf8_lossy(body).into();
    }
    received
}

fn sighting(
    place: Place,
    head: Parts,
    body: Bytes,
    credential: Result<String, String>,
) -> Sighting {
    Sighting {
        place,
        method: head.method,
        target: head.uri,
        headers: head.headers,
        body,
        credential,
    }
}

fn answer(status: StatusCode, said: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{said:#}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(target: &str, headers: &[(&str, &str)]) -> Result<(&'static str, String), String> {
        let mut request = http::Request::get(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        account(&head).map(|it| (it.name, it.credential))
    }

    #[test]
    fn each_sample_says_what_is_wrong_with_a_credential() {
        const BASIC: &str = "Basic cm9ib3Q6ZGVtby13YXJlaG91c2UtcGFzc3dvcmQ=";
        let shown = "Authorization: Basic robot:demo-warehouse-password";
        type Row = (&'static str, &'static [(&'static str, &'static str)]);
        let good: [(Row, (&str, &str)); 4] = [
            (("/shop/a", &[("x-api-key", SHOP_KEY)]), ("ours", "X-Api-Key: demo-shop-key")),
            (("/shop/a", &[("x-api-key", ACME_KEY)]), ("acme", "X-Api-Key: demo-acme-key")),
            (("/warehouse", &[("authorization", BASIC)]), ("robot", shown)),
            (
                ("/weather?a=1&key=demo-weather-key", &[]),
                ("ours", "key=demo-weather-key in the query"),
            ),
        ];
        for ((target, headers), (name, credential)) in good {
            assert_eq!(seen(target, headers), Ok((name, credential.to_owned())), "{target}");
        }
        let bad: [(Row, &str); 9] = [
            (("/shop/a", &[]), "X-Api-Key is missing"),
            (("/shop/a", &[("x-api-key", "other")]), "does not know"),
            (("/warehouse", &[]), "Authorization is missing"),
            (("/warehouse", &[("authorization", "Bearer x")]), "not Basic"),
            (("/warehouse", &[("authorization", "Basic YTpi")]), "does not know"),
            (("/weather", &[]), "`key` is missing"),
            (("/weather?key=other", &[]), "not known"),
            (("/weather?key=mine&key=demo-weather-key", &[]), "more than once"),
            (("/", &[]), "there is /shop"),
        ];
        for ((target, headers), problem) in bad {
            let said = seen(target, headers).unwrap_err();
            assert!(said.contains(problem), "{target}: {said}");
        }
    }
}
