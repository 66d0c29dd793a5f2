//! The secrets of a webhook that attache sends: the one that signs, and those before it whose time is not up.
use super::outgoing::OutgoingKey;
use crate::model::Credential;
use crate::model::Secret;

/// Most secrets before the present one: each is another signature on every event.
pub const FORMER_MAX: usize = 4;

/// The fields of the sealed credential: the secret; those before it, the last one first; until when each of these
/// signs as well, in Unix milliseconds.
const SECRET_FIELD: &str = "secret";
const PREVIOUS_FIELD: &str = "previous";
const UNTIL_FIELD: &str = "previous_until";

/// As they are sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingSecrets {
    current: Secret,
    former: Vec<Former>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Former {
    secret: Secret,
    until_ms: i64,
}

/// So many sign still that there is no room for one more: the first of them until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManySecrets {
    pub until_ms: i64,
}

impl OutgoingSecrets {
    pub fn new(current: Secret) -> Self {
        Self { current, former: Vec::new() }
    }

    /// None where there is no secret. `until_ms`: of a former one that does not have its time beside it.
    pub fn read(credential: &Credential, until_ms: i64) -> Option<Self> {
        let current = credential.field(SECRET_FIELD)?.clone();
        let untils = credential.values(UNTIL_FIELD);
        let until = |index: usize| untils.get(index)?.expose().parse().ok();
        let former = credential.values(PREVIOUS_FIELD).iter().enumerate().map(|(index, secret)| {
            let until_ms = until(index).unwrap_or(until_ms);
            Former { secret: secret.clone(), until_ms }
        });
        Some(Self { current, former: former.collect() })
    }

    pub fn credential(&self) -> Credential {
        let mut credential = Credential::default();
        credential.insert(SECRET_FIELD, vec![self.current.clone()]);
        if !self.former.is_empty() {
            let secrets = self.former.iter().map(|it| it.secret.clone());
            credential.insert(PREVIOUS_FIELD, secrets.collect());
            let untils = self.former.iter().map(|it| Secret::new(it.until_ms.to_string()));
            credential.insert(UNTIL_FIELD, untils.collect());
        }
        credential
    }

    /// With a fresh secret. For `overlap_ms` from now on the present one signs as well, and those before it as long
    /// as they do anyway; with none all of them end at once.
    pub fn rotated(
        self,
        fresh: Secret,
        now_ms: i64,
        overlap_ms: i64,
    ) -> Result<Self, TooManySecrets> {
        if overlap_ms <= 0 {
            return Ok(Self::new(fresh));
        }
        let until_ms = now_ms.saturating_add(overlap_ms);
        let mut former = vec![Former { secret: self.current, until_ms }];
        former.extend(self.former.into_iter().filter(|it| it.until_ms > now_ms));
        if former.len() > FORMER_MAX {
            let first = former.iter().map(|it| it.until_ms).min();
            return Err(TooManySecrets { until_ms: first.unwrap_or(until_ms) });
        }
        Ok(Self { current: fresh, former })
    }

    /// What signs, the present one first; each former one with until when. None where the present one is none.
    pub fn keys(&self) -> Option<(OutgoingKey, Vec<(OutgoingKey, i64)>)> {
        let former = self.former.iter();
        let former = former.filter_map(|it| Some((OutgoingKey::new(&it.secret)?, it.until_ms)));
        Some((OutgoingKey::new(&self.current)?, former.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(number: i64) -> Secret {
        Secret::new(format!("whsec_{number}"))
    }

    #[test]
    fn whoever_rotates_twice_ends_no_overlap_before_its_time() {
        let twice = OutgoingSecrets::new(secret(0))
            .rotated(secret(1), 1000, 500)
            .and_then(|it| it.rotated(secret(2), 1100, 50))
            .unwrap();
        assert_eq!(OutgoingSecrets::read(&twice.credential(), 7), Some(twice.clone()));
        let untils: Vec<_> = twice.former.iter().map(|it| (&it.secret, it.until_ms)).collect();
        assert_eq!(untils, [(&secret(1), 1150), (&secret(0), 1500)]);
        // Those whose time is up are not kept.
        let later = twice.clone().rotated(secret(3), 1200, 10).unwrap();
        assert_eq!(later.former.len(), 2);
        assert_eq!(twice.rotated(secret(3), 1200, 0), Ok(OutgoingSecrets::new(secret(3))));
    }

    #[test]
    fn there_are_no_more_than_a_few_and_it_is_said_when_the_first_is_gone() {
        let mut all = OutgoingSecrets::new(secret(0));
        for number in 1..=4 {
            all = all.rotated(secret(number), number, 1000 - 10 * number).unwrap();
        }
        let refused = all.clone().rotated(secret(5), 5, 1000);
        assert_eq!(refused, Err(TooManySecrets { until_ms: 4 + 960 }));
        assert!(all.rotated(secret(5), 964, 1000).is_ok());
    }

    #[test]
    fn one_that_was_sealed_without_its_time_has_that_of_its_row() {
        let mut credential = OutgoingSecrets::new(secret(1)).credential();
        credential.insert(PREVIOUS_FIELD, vec![secret(0)]);
        let read = OutgoingSecrets::read(&credential, 77).unwrap();
        assert_eq!(read.former, [Former { secret: secret(0), until_ms: 77 }]);
    }
}
