//! The requests of the demo: five that work, and one that is refused.
use super::attempt::Attempt;
use super::attempt::Expected;
use super::credentials::ACME_KEY;
use super::credentials::CALLER_KEY;
use super::credentials::SHOP_KEY;
use super::credentials::WAREHOUSE_PASSWORD;
use super::credentials::WAREHOUSE_USER;
use super::credentials::WEATHER_KEY;
use super::credentials::WEBHOOK_SECRET;
use super::places::Places;
use aws_lc_rs::hmac;

/// The event that the sample shop sends.
const EVENT: &str = r#"{"event":"order.paid","order":17}"#;

pub fn attempts(places: &Places) -> [Attempt; 6] {
    let (proxy, public) = (places.proxy, places.public);
    [
        Attempt {
            title: "An API key in a header",
            story: &[
                "The request says which connection it is for. Path and query are the API's own.",
            ],
            method: "GET",
            url: format!("http://{proxy}/orders?open=true"),
            headers: vec![key(), ("Attache-Connection", "shop-ours".into())],
            user: None,
            body: None,
            expected: Expected::Credential {
                shown: format!("X-Api-Key: {SHOP_KEY}"),
                target: "/shop/orders?open=true",
            },
        },
        Attempt {
            title: "A user name and password, from a client that can set little else",
            story: &[
                "The connection stands in the path, and the caller key where the password goes.",
                "So official SDKs work unchanged.",
            ],
            method: "GET",
            url: format!("http://{proxy}/c/warehouse/stock/17"),
            headers: vec![],
            user: Some(format!("me:{CALLER_KEY}")),
            body: None,
            expected: Expected::Credential {
                shown: format!("Authorization: Basic {WAREHOUSE_USER}:{WAREHOUSE_PASSWORD}"),
                target: "/warehouse/stock/17",
            },
        },
        Attempt {
            title: "A key in the query",
            story: &[
                "The caller's own `key` is replaced; the rest of the query stays byte for byte.",
            ],
            method: "GET",
            url: format!("http://{proxy}/today?key=mine&city=S%C3%A3o+Paulo"),
            headers: vec![key(), ("Attache-Connection", "weather".into())],
            user: None,
            body: None,
            expected: Expected::Credential {
                shown: format!("key={WEATHER_KEY} in the query"),
                target: "/weather/today?city=S%C3%A3o+Paulo&key=demo-weather-key",
            },
        },
        Attempt {
            title: "A customer's own account",
            story: &["One embedded connection, many tenants, each with a credential of its own."],
            method: "GET",
            url: format!("http://{proxy}/orders"),
            headers: vec![
                key(),
                ("Attache-Connection", "shop-customers".into()),
                ("Attache-Tenant", "acme".into()),
            ],
            user: None,
            body: None,
            expected: Expected::Credential {
                shown: format!("X-Api-Key: {ACME_KEY}"),
                target: "/shop/orders",
            },
        },
        Attempt {
            title: "A signed webhook coming in",
            story: &["Checked against the shop's secret, then passed on byte for byte."],
            method: "POST",
            url: format!("http://{public}/hooks/shop-events"),
            headers: vec![
                ("Content-Type", "application/json".into()),
                ("X-Hub-Signature-256", format!("sha256={}", signature(EVENT))),
            ],
            user: None,
            body: Some(EVENT),
            expected: Expected::Delivery,
        },
        Attempt {
            title: "Refused: the same key, to somebody else",
            story: &[
                "A caller asks for the shop's key to be sent to a server of its own choosing.",
            ],
            method: "GET",
            url: format!("http://{proxy}/orders"),
            headers: vec![
                key(),
                ("Attache-Connection", "shop-ours".into()),
                ("Attache-Base-Url", "https://collector.example".into()),
            ],
            user: None,
            body: None,
            expected: Expected::Refusal { status: 403, code: "base_url_forbidden" },
        },
    ]
}

fn key() -> (&'static str, String) {
    ("Attache-Key", CALLER_KEY.into())
}

/// What the sample shop signs its webhooks with, in GitHub's way: hex(HMAC-SHA256(secret, body)).
fn signature(body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, WEBHOOK_SECRET.as_bytes());
    hex::encode(hmac::sign(&key, body.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From `printf '%s' '{"event":"order.paid","order":17}' | openssl dgst -sha256 -hmac demo-webhook-secret`.
    #[test]
    fn the_event_is_signed_as_openssl_signs_it() {
        assert_eq!(
            signature(EVENT),
            "40ecd4930d2be94c590a93081fb396a46944ed9beee8c35fcbfd197352863f17"
        );
    }
}
