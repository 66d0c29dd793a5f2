//! The place that a credential is sealed for, as associated data.

/// What a sealed credential belongs to. It opens there and nowhere else: not in another row, for
/// another tenant, in another slot, or beside a later generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding<'a> {
    /// The id of a stored connection, or `file:<key>` for one that a file declares.
    pub owner: &'a str,
    /// The tenant's id; empty where the credential is nobody's in particular.
    pub tenant: &'a str,
    pub slot: Slot,
    /// Counts how often the credential of this place was set, from 1.
    pub generation: u64,
}

/// Which of the credentials that an owner and a tenant have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// A connection's own.
    Own,
    /// The one that an embedded connection is tried out with.
    Test,
    /// A tenant's.
    Activation,
    /// The answer to a request that may be sent again (`Idempotency-Key`).
    Reply,
    /// What is sent to an event subscription is signed with: the owner is its id.
    Subscription,
    /// The deployment's own: the key of its fingerprints.
    Deployment,
    /// What was had with a connection's own or a tenant's credential, and the answer that it may yet be
    /// had of.
    Grant,
    GrantAnswer,
    /// The same of test credentials.
    TestGrant,
    TestGrantAnswer,
    /// What a consent is waited for with: the owner is its own.
    Authorization,
    /// A secret that a sender of webhooks handed over, until it was shown once.
    Learned,
}

impl Slot {
    pub const ALL: &[Self] = &[
        Self::Own,
        Self::Test,
        Self::Activation,
        Self::Reply,
        Self::Subscription,
        Self::Deployment,
        Self::Grant,
        Self::GrantAnswer,
        Self::TestGrant,
        Self::TestGrantAnswer,
        Self::Authorization,
        Self::Learned,
    ];

    /// As it is stored, and bound.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Test => "test",
            Self::Activation => "activation",
            Self::Reply => "reply",
            Self::Subscription => "subscription",
            Self::Deployment => "deployment",
            Self::Grant => "grant",
            Self::GrantAnswer => "grant_answer",
            Self::TestGrant => "test_grant",
            Self::TestGrantAnswer => "test_grant_answer",
            Self::Authorization => "authorization",
            Self::Learned => "learned",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.as_str() == text)
    }
}

impl Binding<'_> {
    /// What a field's ciphertext is bound to.
    pub(super) fn field(&self, name: &str) -> Vec<u8> {
        let mut bytes = self.place("attache field 1");
        push(&mut bytes, name.as_bytes());
        bytes
    }

    /// What a wrapped data key is bound to: also the names of all the fields under it, so that none
    /// can be taken away or added.
    pub(super) fn wrap<'n>(
        &self,
        key_id: &str,
        fields: impl IntoIterator<Item = &'n str>,
    ) -> Vec<u8> {
        let mut bytes = self.place("attache wrap 1");
        push(&mut bytes, key_id.as_bytes());
        fields.into_iter().for_each(|it| push(&mut bytes, it.as_bytes()));
        bytes
    }

    /// Each part behind its length, so that no two lists of parts make the same bytes.
    fn place(&self, purpose: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(192);
        for part in [purpose, self.owner, self.tenant, self.slot.as_str()] {
            push(&mut bytes, part.as_bytes());
        }
        push(&mut bytes, &self.generation.to_be_bytes());
        bytes
    }
}

/// Appends a part behind its length, 8 bytes.
pub(super) fn push(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
    bytes.extend_from_slice(part);
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINDING: Binding<'_> =
        Binding { owner: "ab", tenant: "c", slot: Slot::Activation, generation: 1 };

    #[test]
    fn parts_that_join_to_the_same_text_are_bound_apart() {
        let shifted = Binding { owner: "a", tenant: "bc", ..BINDING };
        assert_ne!(BINDING.field("x"), shifted.field("x"));
        assert_ne!(BINDING.wrap("v1-00", ["a", "b"]), BINDING.wrap("v1-00", ["ab"]));
        assert_ne!(BINDING.wrap("x", []), BINDING.field("x"));
    }

    #[test]
    fn every_slot_is_read_as_it_is_written() {
        for slot in Slot::ALL {
            assert_eq!(Slot::parse(slot.as_str()), Some(*slot));
        }
        assert_eq!(Slot::parse("Own"), None);
    }
}
