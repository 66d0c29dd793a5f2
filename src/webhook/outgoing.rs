//! Webhooks that attache sends, signed as Standard Webhooks has it.
//!
//! Source: the Standard Webhooks specification 1.0.0, "Symmetric signatures":
//! `v1,base64(HMAC-SHA256(key, "{id}.{timestamp_s}.{body}"))`; a secret is `whsec_` and the base64 of 24 to 64 bytes.
use crate::model::Secret;
use crate::model::UnixTime;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use zeroize::Zeroizing;

/// What a secret begins with.
const PREFIX: &str = "whsec_";

/// Length of a fresh key, in bytes.
const KEY_LEN: usize = 32;

/// Signs what is sent to one receiver.
#[derive(Clone)]
pub struct OutgoingKey {
    key: hmac::Key,
}

impl OutgoingKey {
    /// A fresh secret, as its receiver is told it: once.
    pub fn fresh_secret() -> Secret {
        let mut bytes = Zeroizing::new([0; KEY_LEN]);
        aws_lc_rs::rand::fill(&mut *bytes).expect("the operating system has randomness");
        Secret::new(format!("{PREFIX}{}", STANDARD.encode(*bytes)))
    }

    /// `None` where it is no such secret.
    pub fn new(secret: &Secret) -> Option<Self> {
        let bytes = Zeroizing::new(STANDARD.decode(secret.expose().strip_prefix(PREFIX)?).ok()?);
        (24..=64)
            .contains(&bytes.len())
            .then(|| Self { key: hmac::Key::new(hmac::HMAC_SHA256, &bytes) })
    }

    /// The value of `webhook-signature`. `at`: that of `webhook-timestamp`, in whole seconds.
    pub fn sign(&self, id: &str, at: UnixTime, body: &[u8]) -> String {
        let mut mac = hmac::Context::with_key(&self.key);
        mac.update(format!("{id}.{}.", at.as_s()).as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.sign().as_ref()))
    }
}

impl fmt::Debug for OutgoingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By Python's `hmac`, over the secret and the message that the specification's libraries are tested with.
    #[test]
    fn what_is_sent_is_signed_as_standard_webhooks_has_it() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let key = OutgoingKey::new(&secret).unwrap();
        let at = UnixTime::from_s(1_614_265_330);
        let signed = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_fresh_secret_is_one_and_others_are_not() {
        assert!(OutgoingKey::new(&OutgoingKey::fresh_secret()).is_some());
        assert_ne!(OutgoingKey::fresh_secret(), OutgoingKey::fresh_secret());
        for bad in ["", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_%"] {
            assert!(OutgoingKey::new(&Secret::new(bad)).is_none(), "{bad}");
        }
    }
}
