//! What a description expects of a request, in words: for people who look for what is missing.
use super::clock::ClockAt;
use super::delivery::Delivery;
use super::note::Note;
use super::raw::Algorithm;
use super::raw::Encoding;
use super::raw::TimeFormat;
use super::rules::Rules;
use super::signature::At;
use super::signature::Place;
use super::signature::Shape;
use super::verify::Verifier;
use crate::model::UnixTime;

/// Where the parts of a signature are looked for in requests of one shape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectations {
    /// Each place of a signature, with its shape and encoding.
    pub signatures: Vec<String>,
    /// The clock's place and format, where there is one.
    pub timestamp: Option<String>,
}

impl Verifier {
    /// What is expected of a request of this shape; of one that no alternative is for, of the first.
    pub fn expectations(&self, delivery: &Delivery<'_>) -> Expectations {
        let rules = &self.description().0.ways[self.way(delivery).unwrap_or_default()];
        Expectations {
            signatures: rules.places.iter().map(|it| place(rules, it)).collect(),
            timestamp: rules.clock.as_ref().map(|clock| {
                let at = match &clock.at {
                    ClockAt::Spot(spot) => spot.to_string(),
                    ClockAt::Label(label) => format!("entry `{label}…` of the signature's list"),
                    ClockAt::Claim(name) => format!("claim `{name}`"),
                };
                let format = match clock.format {
                    TimeFormat::UnixS => "seconds since 1970",
                    TimeFormat::UnixMs => "milliseconds since 1970",
                    TimeFormat::Rfc3339 => "RFC 3339",
                };
                format!("{at}, {format}")
            }),
        }
    }

    /// The time that the delivery's clock says, where it is come to before the delivery is refused.
    pub fn sent_at(&self, delivery: &Delivery<'_>, now: UnixTime) -> Option<UnixTime> {
        let mut sent = None;
        let mut look = |note: Note<'_>| {
            if let Note::Timestamp { text, clock } = note {
                sent = clock.age_s(text, now).and_then(|age| {
                    u64::try_from(i64::try_from(now.as_s()).ok()?.checked_sub(age)?).ok()
                });
            }
        };
        drop(self.verify_noting(delivery, now, None, &mut look));
        sent.map(UnixTime::from_s)
    }
}

fn place(rules: &Rules, place: &Place) -> String {
    let at = match &place.at {
        At::Spot(spot) => spot.to_string(),
        At::Body => "the whole body".to_owned(),
    };
    let shape = match &place.shape {
        Shape::Whole { prefix } if prefix.is_empty() => String::new(),
        Shape::Whole { prefix } => format!(", behind `{prefix}`"),
        Shape::List(list) if list.label.is_empty() => format!(", a list at `{}`", list.separator),
        Shape::List(list) => {
            format!(", a list at `{}`, its entries `{}…`", list.separator, list.label)
        }
    };
    let len = rules.algorithm.digest_len();
    let (bytes, hex, base64) = match rules.algorithm {
        Algorithm::Token => return format!("{at}{shape}, the secret itself"),
        Algorithm::Jwt => return format!("{at}{shape}, a JSON Web Token"),
        Algorithm::HmacSha256 | Algorithm::HmacSha1 | Algorithm::HmacSha512 | Algorithm::Sha256 => {
            let letters = |it: usize| format!(", {it} letters");
            (format!(" of {len} bytes"), letters(2 * len), letters(len.div_ceil(3) * 4))
        }
        Algorithm::Ed25519 | Algorithm::EcdsaP256 | Algorithm::RsaSha256 | Algorithm::RsaSha1 => {
            (String::new(), String::new(), String::new())
        }
    };
    match place.encoding.unwrap_or_default() {
        Encoding::Hex => format!("{at}{shape}, lower-case hex{bytes}{hex}"),
        Encoding::Base64 => format!("{at}{shape}, base64{bytes}{base64}"),
        Encoding::Base64url => format!("{at}{shape}, base64url{bytes}"),
    }
}
