//! What sealed things are called, for whoever has to look after them.
use crate::model::Scope;
use crate::seal::Slot;
use crate::store::Entry;
use crate::store::Store;
use crate::vault::UNOPENED_MAX;
use crate::vault::Unopened;
use std::collections::HashMap;

/// Tells each, by kind and key, on standard output.
pub(super) async fn tell(store: &Store, unopened: &[Unopened], all: u64) {
    let names = connections(store).await;
    for Unopened { entry, problem } in unopened.iter().take(UNOPENED_MAX) {
        match entry {
            Some(entry) => println!("{}: {problem}", name(entry, &names)),
            None => println!("{problem}"),
        }
    }
    let more = all.saturating_sub(unopened.len().min(UNOPENED_MAX) as u64);
    if more > 0 {
        println!("and {} more", super::grouped(more));
    }
}

/// Keys of connections and of event subscriptions by their ids. Where they can't be read the ids have to do.
async fn connections(store: &Store) -> HashMap<String, String> {
    let listed = store.connections().all(&Scope::System).await;
    let rows = listed.map(|it| it.rows).unwrap_or_default();
    let subscriptions = store.subscriptions().all(&Scope::System).await;
    let subscriptions = subscriptions.map(|it| it.rows).unwrap_or_default();
    let connections = rows.into_iter().map(|it| (it.value.id, it.key));
    connections.chain(subscriptions.into_iter().map(|it| (it.value.id, it.key))).collect()
}

fn name(entry: &Entry, names: &HashMap<String, String>) -> String {
    let Entry { owner, tenant, slot, .. } = entry;
    let connection = match (owner.strip_prefix("file:"), names.get(owner)) {
        (Some(key), _) => format!("connection {key}"),
        (None, Some(key)) => format!("connection {key}"),
        (None, None) => format!("connection with the id {owner}"),
    };
    match slot {
        Slot::Own => format!("{connection}, its own credential"),
        Slot::Test => format!("{connection}, its test credential"),
        Slot::Activation => format!("{connection}, activation of tenant {tenant:?}"),
        Slot::Reply => format!("answer kept for {owner}, Idempotency-Key {tenant:?}"),
        Slot::Subscription => match names.get(owner) {
            Some(key) => format!("event subscription {key}, its secret"),
            None => format!("event subscription with the id {owner}, its secret"),
        },
        Slot::Grant if tenant.is_empty() => format!("{connection}, the token that it has"),
        Slot::Grant => format!("{connection}, the token that tenant {tenant:?} has"),
        Slot::GrantAnswer if tenant.is_empty() => {
            format!("{connection}, a token server's last answer")
        }
        Slot::GrantAnswer => format!("{connection}, a token server's last answer for {tenant:?}"),
        Slot::TestGrant => format!("{connection}, the token of its test credential"),
        Slot::TestGrantAnswer => format!("{connection}, a token server's last answer for a test"),
        Slot::Authorization => "a consent that is waited for".to_owned(),
        Slot::Learned if tenant.is_empty() => {
            format!("{connection}, a webhook secret that was not shown yet")
        }
        Slot::Learned => {
            format!("{connection}, a webhook secret of tenant {tenant:?} that was not shown yet")
        }
        Slot::Deployment => "deployment, the key of its fingerprints".to_owned(),
    }
}
