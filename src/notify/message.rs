//! An event as it is sent: body, id, timestamp and signatures.
//!
//! Source: the Standard Webhooks specification 1.0.0, "Payload structure" and "Webhook headers".
use crate::model::UnixTime;
use crate::store::Event;
use crate::webhook::OutgoingKey;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::header;
use jiff::Timestamp;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// What receivers know us by.
const USER_AGENT: &str = concat!("attache/", env!("CARGO_PKG_VERSION"));

/// A request's fields and body.
pub(super) struct Message {
    pub(super) fields: HeaderMap,
    pub(super) body: Bytes,
}

impl Message {
    /// `at`: when it is sent. `keys`: each signs.
    pub(super) fn new(event: &Event, at: UnixTime, keys: &[&OutgoingKey]) -> Self {
        let body = body(event);
        let signed: Vec<String> = keys.iter().map(|it| it.sign(&event.id, at, &body)).collect();
        let mut fields = HeaderMap::with_capacity(8);
        fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        fields.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        fields.insert("webhook-timestamp", HeaderValue::from(at.as_s()));
        // Ids and base64 are visible ASCII; an id that is not, in a row of somebody else's, is not sent.
        for (name, text) in [("webhook-id", &event.id), ("webhook-signature", &signed.join(" "))] {
            if let Ok(value) = HeaderValue::try_from(text) {
                fields.insert(name, value);
            }
        }
        Self { fields, body }
    }
}

fn body(event: &Event) -> Bytes {
    let mut data = match serde_json::from_str(&event.data) {
        Ok(Value::Object(data)) => data,
        _ => Map::new(),
    };
    for (name, text) in [
        ("connection", &event.connection),
        ("tenant", &event.tenant),
        ("environment", &event.environment),
    ] {
        if !text.is_empty() {
            data.insert(name.to_owned(), text.clone().into());
        }
    }
    let at = Timestamp::from_millisecond(event.at_ms).unwrap_or(Timestamp::MAX).to_string();
    let body = json!({
        "type": event.name, "timestamp": at, "id": event.id, "seq": event.seq, "data": data,
    });
    body.to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    #[test]
    fn an_event_is_sent_as_standard_webhooks_has_it_with_a_signature_of_each_key() {
        let event = Event {
            seq: 7,
            id: "evt_0197".to_owned(),
            at_ms: 1_700_000_000_007,
            name: "activation.created".to_owned(),
            connection: "many".to_owned(),
            tenant: "acme".to_owned(),
            environment: String::new(),
            data: r#"{"by":"operator ci"}"#.to_owned(),
        };
        let key = || OutgoingKey::new(&OutgoingKey::fresh_secret()).unwrap();
        let (new, old) = (key(), key());
        let at = UnixTime::from_ms(1_700_000_100_900);
        let Message { fields, body } = Message::new(&event, at, &[&new, &old]);
        let read: Value = serde_json::from_slice(&body).unwrap();
        let data = json!({ "by": "operator ci", "connection": "many", "tenant": "acme" });
        assert_eq!(
            read,
            json!({
                "type": "activation.created", "timestamp": "2023-11-14T22:13:20.007Z",
                "id": "evt_0197", "seq": 7, "data": data,
            })
        );
        assert_eq!(
            (&fields["webhook-id"], &fields["webhook-timestamp"]),
            (&HeaderValue::from_static("evt_0197"), &HeaderValue::from_static("1700000100"),)
        );
        let signed = [&new, &old].map(|it| it.sign("evt_0197", at, &body)).join(" ");
        assert_eq!(fields["webhook-signature"], signed);
        assert!(Secret::new(signed).expose().starts_with("v1,"));
    }
}
