//! What is kept of a grant, as a credential's fields: only so is it ever sealed.
use super::had::Kept;
use crate::grant::Answer;
use crate::grant::Expiry;
use crate::grant::TokenSet;
use crate::model::Credential;
use crate::model::Secret;
use crate::model::UnixTime;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

/// In front of the name of a value that a session login yields.
const PUT: &str = "put.";

/// When a session ends.
const EXPIRES_AT: &str = "expires_at";

/// An answer that nobody has acted upon, and when it was asked for.
#[derive(Clone, Debug)]
pub(super) struct KeptAnswer {
    pub answer: Answer,
    pub asked_at: UnixTime,
}

impl Kept {
    pub(super) fn to_credential(&self) -> Credential {
        match self {
            Self::Tokens(tokens) => tokens.to_credential(),
            Self::Session { values, expiry } => {
                let mut credential = Credential::default();
                for name in values.fields() {
                    credential.insert([PUT, name].concat(), values.values(name).to_vec());
                }
                if let Expiry::At(time) = expiry {
                    let text = Secret::new(time.as_s().to_string());
                    credential.insert(EXPIRES_AT, vec![text]);
                }
                credential
            }
        }
    }

    /// `None` where it is neither.
    pub(super) fn from_credential(credential: &Credential) -> Option<Self> {
        if let Some(tokens) = TokenSet::from_credential(credential) {
            return Some(Self::Tokens(tokens));
        }
        let mut values = Credential::default();
        for name in credential.fields() {
            if let Some(own) = name.strip_prefix(PUT) {
                values.insert(own, credential.values(name).to_vec());
            }
        }
        let ends = credential.field(EXPIRES_AT).and_then(|it| it.expose().parse().ok());
        let expiry = ends.map_or(Expiry::Unknown, |it| Expiry::At(UnixTime::from_s(it)));
        (!values.is_empty()).then_some(Self::Session { values, expiry })
    }
}

impl KeptAnswer {
    pub(super) fn to_credential(&self) -> Credential {
        let Answer { status, content_type, retry_after, dpop_nonce, body } = &self.answer;
        let mut credential = Credential::default();
        let mut put = |name: &str, value: &str| credential.insert(name, vec![Secret::new(value)]);
        put("status", &status.to_string());
        put("asked_at", &self.asked_at.as_ms().to_string());
        // Bytes, whatever they are.
        put("body", &Zeroizing::new(BASE64_STANDARD.encode(body)));
        let others = [
            ("content_type", content_type),
            ("retry_after", retry_after),
            ("dpop_nonce", dpop_nonce),
        ];
        for (name, value) in others {
            if let Some(value) = value {
                put(name, value);
            }
        }
        credential
    }

    pub(super) fn from_credential(credential: &Credential) -> Option<Self> {
        let field = |name: &str| credential.field(name).map(Secret::expose);
        let text = |name: &str| field(name).map(str::to_owned);
        let answer = Answer {
            status: field("status")?.parse().ok()?,
            content_type: text("content_type"),
            retry_after: text("retry_after"),
            dpop_nonce: text("dpop_nonce"),
            body: Zeroizing::new(BASE64_STANDARD.decode(field("body")?).ok()?),
        };
        Some(Self { answer, asked_at: UnixTime::from_ms(field("asked_at")?.parse().ok()?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_comes_out_as_it_went_in() {
        let answer = KeptAnswer {
            answer: Answer {
                status: 200,
                content_type: Some("application/json".to_owned()),
                retry_after: None,
                dpop_nonce: Some("n".to_owned()),
                body: Zeroizing::new(vec![0, 1, 255, b'{']),
            },
            asked_at: UnixTime::from_ms(1_800_000_000_123),
        };
        let again = KeptAnswer::from_credential(&answer.to_credential()).unwrap();
        assert!(again.answer == answer.answer && again.asked_at == answer.asked_at);
        assert!(KeptAnswer::from_credential(&Credential::default()).is_none());

        let values: Credential = [("sid", "a"), ("csrf", "b")].into_iter().collect();
        for expiry in [Expiry::Unknown, Expiry::At(UnixTime::from_s(1_800_000_000))] {
            let session = Kept::Session { values: values.clone(), expiry };
            let again = Kept::from_credential(&session.to_credential()).unwrap();
            let Kept::Session { values: same, expiry: end } = again else { panic!("a session") };
            assert!(same == values && end == expiry);
        }
        assert!(Kept::from_credential(&Credential::default()).is_none());
    }
}
