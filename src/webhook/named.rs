//! What a good delivery is called, and what it is remembered by.
use super::delivery::Facts;
use super::description::Description;
use super::key::Tag;
use super::key::sha256;
use super::refusal::Refusal;
use super::rules::ById;
use super::rules::ReplayBy;
use super::rules::Rules;

/// How long a delivery without a clock is remembered: a day, in which senders' own retries of what
/// they believe lost arrive.
const REMEMBER_UNCLOCKED_S: u64 = 86_400;

/// Longest id that is passed on in a header.
const ID_LEN_MAX: usize = 256;

/// What a good delivery is called, and what it is remembered by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The sender's id for it: 1 to 256 visible ASCII characters.
    pub id: Option<String>,
    /// The tenant that it names, where the description says where.
    pub tenant: Option<String>,
    /// None where a repeat cannot be told, or is not to be.
    pub replay_key: Option<ReplayKey>,
    /// How long it has to be remembered, in seconds.
    pub remember_s: u64,
}

/// A digest of what makes a delivery the same as another to the same connection and tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReplayKey([u8; 32]);

pub(super) fn verified(
    description: &Description,
    rules: &Rules,
    facts: &Facts<'_>,
    fingerprint: &Tag,
) -> Result<Verified, Refusal> {
    let facts = &Facts { fingerprint: Some(fingerprint), ..*facts };
    let text = |template: Option<&_>| {
        let template: &super::template::Template = template?;
        template.text(facts).transpose()
    };
    let id = text(rules.id.as_ref()).transpose()?;
    let replay_key = match &rules.replay {
        ReplayBy::Off => None,
        ReplayBy::Key { configured, id: by_id } => {
            let configured = text(configured.as_ref()).transpose()?;
            let named = id.as_ref().and_then(|it| match by_id {
                ById::Alone => Some(ReplayKey::of(b'I', it)),
                ById::WithSignature => Some(ReplayKey::of(b'B', &[fingerprint, &**it].concat())),
                ById::Never => None,
            });
            let signed = || rules.clock.is_some().then(|| ReplayKey::of(b'S', fingerprint));
            configured.map(|it| ReplayKey::of(b'K', &it)).or(named).or_else(signed)
        }
    };
    let tenant = match &description.0.tenant {
        Some(spot) => spot.text(facts)?.map(std::borrow::Cow::into_owned),
        None => None,
    };
    let remember_s = rules.clock.as_ref().map_or(REMEMBER_UNCLOCKED_S, |it| it.window_s());
    Ok(Verified { id: id.and_then(printable), tenant, replay_key, remember_s })
}

/// The id as a header can carry it; None where it cannot.
fn printable(id: Vec<u8>) -> Option<String> {
    let plain = id.len() <= ID_LEN_MAX && id.iter().all(u8::is_ascii_graphic);
    plain.then(|| String::from_utf8(id).ok())?
}

impl ReplayKey {
    /// Keys of different kinds differ even if what they are made of does not.
    fn of(kind: u8, name: &[u8]) -> Self {
        Self(sha256(&[&[kind], name].concat()))
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}
