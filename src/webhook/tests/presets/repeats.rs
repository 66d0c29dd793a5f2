//! What a delivery is remembered by: one that is the same in all that is signed is the same.
use super::breakages::altered;
use super::row::Sent;
use super::rows;
use crate::webhook::ReplayKey;

impl Sent {
    fn key(&self) -> Option<ReplayKey> {
        let verified = self.verify().unwrap_or_else(|it| panic!("{}: {it}", self.preset));
        verified.replay_key
    }
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
