//! From a canonical request to its signature: what is signed, for which place, with which key.
//!
//! Source: AWS IAM User Guide, "Create a signed AWS API request", steps 3 to 5.
use super::chunks::hex_of;
use super::day_key;
use super::day_key::DayKey;
use super::day_key::DayKeys;
use super::keys::AccessKey;
use super::region_key;
use super::stamp::Stamp;
use crate::crypto::Digested;
use crate::crypto::ScalarKey;
use std::sync::Arc;

/// Where a request is signed for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// With keys of one day and region.
    pub region: &'a str,
    pub service: &'a str,
}

/// What signs.
#[derive(Debug)]
pub(super) enum Keys {
    /// Of one day and region: SigV4.
    Day(DayKeys),
    /// Of several regions, comma-separated: SigV4A.
    Regions { key: ScalarKey, regions: Box<str> },
}

/// A signature in hex.
pub(super) struct Signature {
    pub hex: String,
    /// Which one made it, where one of a day and region did.
    pub key: Option<Arc<DayKey>>,
}

impl Keys {
    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Day(_) => day_key::ALGORITHM,
            Self::Regions { .. } => region_key::ALGORITHM,
        }
    }

    /// The regions, where a signature says them apart.
    pub fn regions(&self) -> Option<&str> {
        match self {
            Self::Day(_) => None,
            Self::Regions { regions, .. } => Some(regions),
        }
    }

    /// `20150830/us-east-1/iam/aws4_request`.
    pub fn scope(&self, place: Place<'_>, stamp: &Stamp) -> String {
        let Place { region, service } = place;
        match self {
            Self::Day(_) => [stamp.day(), "/", region, "/", service, "/aws4_request"].concat(),
            Self::Regions { .. } => [stamp.day(), "/", service, "/aws4_request"].concat(),
        }
    }

    /// `request`: the hash of its canonical form.
    pub fn sign(
        &self,
        access: &AccessKey,
        place: Place<'_>,
        (stamp, scope): (&Stamp, &str),
        request: &Digested,
    ) -> Signature {
        let hash = hex_of(request.bytes());
        let hash = std::str::from_utf8(&hash).expect("hex is ASCII");
        let text = [self.algorithm(), "\n", stamp.as_str(), "\n", scope, "\n", hash].concat();
        match self {
            Self::Day(keys) => {
                let Place { region, service } = place;
                let key = keys.get(access.secret.expose(), stamp.day(), region, service);
                Signature { hex: key.key.of(text.as_bytes()).hex(), key: Some(key) }
            }
            Self::Regions { key, .. } => {
                Signature { hex: hex::encode(key.sign(text.as_bytes())), key: None }
            }
        }
    }
}
