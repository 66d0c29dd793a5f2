//! Who came before in the same input, wherever its batches end: what comes twice is refused.
use super::row::Fault;
use super::row::Row;
use crate::cli::stopped::Stopped;
use sha2::Digest;
use sha2::Sha256;
use std::collections::HashSet;

/// Most rows of one input: 16 bytes of each stay in memory.
const ROWS_MAX: usize = 8_000_000;

/// By connection and tenant, each as a digest.
#[derive(Default)]
pub(super) struct Seen(HashSet<[u8; 16]>);

impl Seen {
    /// Refuses those of these rows that are of the same tenant as one before.
    pub(super) fn refuse_twice(&mut self, rows: &mut [Row]) -> Result<(), Stopped> {
        for row in rows.iter_mut().filter(|it| it.entry.is_ok() && !it.tenant.is_empty()) {
            if self.0.len() >= ROWS_MAX {
                let said = format!("there are more than {ROWS_MAX} rows: import them in parts");
                return Err(Stopped::Invalid(said));
            }
            if !self.0.insert(digest(row)) {
                let why = "an entry before this one is of the same tenant";
                row.entry = Err(Fault::new("tenant", why));
            }
        }
        Ok(())
    }
}

fn digest(row: &Row) -> [u8; 16] {
    let digest = Sha256::new()
        .chain_update((row.connection.len() as u64).to_be_bytes())
        .chain_update(&row.connection)
        .chain_update(&row.tenant)
        .finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_comes_twice_is_refused_in_whatever_batch() {
        let row = |connection: &str, tenant: &str| {
            let entry = json!({ "connection": connection, "tenant": tenant });
            Row::of_entry((1, 1, 1), Ok(entry), None)
        };
        let mut seen = Seen::default();
        let mut first = [row("crm", "a"), row("crm", "b"), row("cr", "ma")];
        seen.refuse_twice(&mut first).unwrap();
        assert!(first.iter().all(|it| it.entry.is_ok()));
        let mut second = [row("keys", "a"), row("crm", "a"), row("crm", "")];
        seen.refuse_twice(&mut second).unwrap();
        assert_eq!(second.map(|it| it.entry.is_ok()), [true, false, true]);
    }
}
