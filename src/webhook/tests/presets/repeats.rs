//! What a delivery is remembered by: another event is another delivery, and one that is the same in all that is signed is the same.
use super::breakages::altered;
use super::row::Row;
use super::row::Sent;
use super::rows;
use crate::model::UnixTime;
use crate::webhook::CannotSign;
use crate::webhook::ReplayKey;
use crate::webhook::Unsigned;

impl Sent {
    fn key(&self) -> Option<ReplayKey> {
        let verified = self.verify().unwrap_or_else(|it| panic!("{}: {it}", self.preset));
        verified.replay_key
    }

    /// The same, signed anew.
    fn signed(&self) -> Result<Self, CannotSign> {
        self.asked(|given, delivery| {
            let unsigned = Unsigned {
                method: delivery.method,
                url: delivery.url,
                headers: delivery.headers,
                body: delivery.body,
            };
            let verifier = self.description().verifier(given).unwrap();
            let signed = verifier.sign(unsigned, UnixTime::from_ms(self.now_ms))?;
            let headers = signed.headers.iter().map(|(name, value)| {
                (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
            });
            Ok(Self {
                headers: headers.collect(),
                url: signed.url,
                body: String::from_utf8(signed.body).unwrap(),
                ..self.clone()
            })
        })
    }
}

impl Row {
    /// Another event, not signed yet. Where the preset says what deliveries are remembered by, its id in a header is
    /// the same: senders give one to several.
    fn another_event(&self) -> Sent {
        let mut sent = self.sent();
        let is_named = self.raw().replay_key.is_some();
        for event in self.event.iter().chain(&self.id) {
            sent.body = sent.body.replace(event, &altered(event));
            for (_, value) in &mut sent.headers {
                if !is_named || self.event.contains(event) {
                    *value = value.replace(event, &altered(event));
                }
            }
        }
        if let Some(rest) = sent.body.strip_prefix('{') {
            sent.body = format!("{{\"another\":1,{rest}").replace(",}", "}");
        } else if sent.body == self.body {
            sent.body = altered(&self.body);
        }
        // A digest of the former body goes with it: the new one is put in with the signature.
        sent.url = sent.url.split("?bodySHA256").next().unwrap_or_default().to_owned();
        let signature = self.signature.header.as_ref();
        sent.headers.retain(|it| signature.is_none_or(|name| !it.0.eq_ignore_ascii_case(name)));
        sent
    }
}

#[test]
fn another_event_is_another_delivery() {
    let (mut same, mut unsignable, mut others) = (Vec::new(), Vec::new(), 0);
    for row in rows().into_iter().filter(|it| it.told_apart) {
        match row.another_event().signed() {
            Ok(another) if another.key() == row.sent().key() => same.push(row.name()),
            Ok(_) => others += 1,
            // Signed by who has the private key, or within the body.
            Err(
                CannotSign::PrivateKey | CannotSign::Token | CannotSign::InBody | CannotSign::InUrl,
            ) => {}
            Err(_) => unsignable.push(row.preset),
        }
    }
    assert_eq!(same, [""; 0]);
    // What is signed is made by the sender alone; Twilio's JSON is by a digest in the URL, which is put there first.
    assert_eq!(unsignable, ["hygraph", "twilio", "twilio-sharedkey"]);
    assert!(others > 70, "{others} were compared");
}

#[test]
fn what_is_not_signed_makes_no_other_delivery() {
    for row in rows().iter().filter(|it| it.told_apart) {
        let good = row.sent().key();
        assert!(good.is_some(), "{}", row.name());
        let mut sent = row.sent();
        sent.headers.push(("X-Not-Signed".to_owned(), "1".to_owned()));
        assert!(sent.key() == good, "{}: a header more", row.name());
        for text in &row.unsigned {
            let other = row.replaced(text, &altered(text));
            assert!(other.key() == good, "{}: {text}", row.name());
        }
    }
}

/// The dot in front of the nonce may be a field's as well: moved, it is still the same that is signed.
#[test]
fn plivos_nonce_ends_where_the_content_does_wherever_it_begins() {
    let row = rows().into_iter().find(|it| it.preset == "plivo-v2").unwrap();
    let good = row.sent();
    let mut moved = good.clone();
    moved.url = moved.url.replace("/in", "/in1");
    for (name, value) in &mut moved.headers {
        if name.ends_with("Nonce") {
            *value = value[1..].to_owned();
        }
    }
    assert_ne!(good.url, moved.url);
    assert!(moved.key() == good.key());
}
