//! Whose credentials several writes that are one would send elsewhere: judged by what they were entered for before and
//! what they are bound to in the end, not on the way there.
use super::Entered;
use super::Moved;
use super::StoreError;
use super::Together;
use super::credentials::SealedCredential;
use crate::catalog::Reach;
use crate::model::Scope;
use crate::seal::Slot;

impl Together {
    /// Of these connections, by their keys. What is entered anew came with where it goes; what is the same in any
    /// field is not entered anew.
    pub async fn moved(
        &self,
        scope: &Scope,
        connections: &[&str],
    ) -> Result<Vec<Moved>, StoreError> {
        let mut moves = Vec::new();
        for connection in connections {
            let (before, _) = self.outer.origins().of_connection(scope, connection, "").await?;
            let (after, _) = self.inner.origins().of_connection(scope, connection, "").await?;
            for Entered { owner, connection, reach } in after {
                // What does not read covers nothing.
                let from = before.iter().find(|it| it.owner == owner);
                let from = from.map_or_else(Reach::default, |it| it.reach.clone());
                if from.covers(&reach) {
                    continue;
                }
                let none =
                    Moved { connection, from, to: reach, own: false, test: false, activations: 0 };
                let moved = self.the_same(scope, &owner, none).await?;
                moves.extend(Some(moved).filter(|it| it.own || it.test || it.activations > 0));
            }
        }
        Ok(moves)
    }

    /// Adds what is sealed under an owner and was before.
    async fn the_same(
        &self,
        scope: &Scope,
        owner: &str,
        mut moved: Moved,
    ) -> Result<Moved, StoreError> {
        let sealed = self.inner.credentials();
        for (slot, count) in sealed.of_owner_up_to(scope, owner, self.began_at()).await? {
            moved.add(slot, count);
        }
        for entry in sealed.of_owner_since(scope, owner, self.began_at()).await? {
            let before = self.outer.credentials();
            let before = before.get(scope, owner, &entry.tenant, entry.slot).await?;
            if before.is_some_and(|it| shares_a_field(&it, &entry.credential)) {
                moved.add(entry.slot, 1);
            }
        }
        Ok(moved)
    }
}

impl Moved {
    fn add(&mut self, slot: Slot, count: i64) {
        match slot {
            Slot::Own => self.own |= count > 0,
            Slot::Test => self.test |= count > 0,
            Slot::Activation => self.activations += count,
            Slot::Reply | Slot::Subscription | Slot::Deployment => {}
        }
    }
}

fn shares_a_field(a: &SealedCredential, b: &SealedCredential) -> bool {
    let fields = &b.sealed.fields;
    a.sealed
        .fields
        .iter()
        .any(|(name, it)| fields.get(name).is_some_and(|other| other.fingerprint == it.fingerprint))
}
