//! Whose credentials several writes that are one would send elsewhere: judged by what they were entered for before and
//! what they are bound to in the end, not on the way there.
use super::Entered;
use super::Moved;
use super::StoreError;
use super::Together;
use super::audit::Act;
use super::credentials::SealedCredential;
use crate::catalog::Reach;
use crate::model::Scope;
use crate::seal::Slot;
use std::collections::HashMap;

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

    /// Says that these may: somebody has been shown them, and has said so.
    pub async fn confirm(&self, scope: &Scope, moves: &[Moved]) -> Result<(), StoreError> {
        if moves.is_empty() {
            return Ok(());
        }
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.inner.write(scope).await?;
        for Moved { connection, from, to, .. } in moves {
            write.told_reach(connection, Act::Confirmed, Some(from), to).await?;
        }
        write.commit().await.map(drop)
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
        let news = sealed.of_owner_since(scope, owner, self.began_at()).await?;
        let places: Vec<_> = news.iter().map(|it| (&*it.tenant, it.slot)).collect();
        let before = self.outer.credentials().at(scope, owner, &places).await?;
        let before: HashMap<_, _> =
            before.iter().map(|it| ((&*it.tenant, it.slot), &it.credential)).collect();
        for entry in &news {
            // What does not read may be the same.
            let shares = |it: &Option<SealedCredential>| {
                it.as_ref().is_none_or(|it| shares_a_field(it, &entry.credential))
            };
            if before.get(&(&*entry.tenant, entry.slot)).is_some_and(|it| shares(it)) {
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
            Slot::Reply | Slot::Subscription | Slot::Deployment | Slot::Authorization => {}
            // Had with one of the others, which is counted.
            Slot::Grant | Slot::GrantAnswer | Slot::TestGrant | Slot::TestGrantAnswer => {}
            // Part of one of the others.
            Slot::Learned => {}
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
