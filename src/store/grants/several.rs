//! Several grants at once: those of a page, and those that fail soon.
use super::Grants;
use super::row::GrantKey;
use super::row::GrantName;
use super::row::GrantRow;
use super::row::read;
use super::select;
use crate::model::Scope;
use crate::seal::Slot;
use crate::store;
use crate::store::PAGE_MAX;
use crate::store::StoreError;
use crate::store::engine::Row;
use crate::store::engine::Unreadable;
use crate::store::engine::Value;
use crate::store::several;
use std::collections::HashMap;

/// From when on requests fail, as the index has it.
pub(in crate::store) const FAILS_AT: &str = "(CASE state WHEN 'failing' THEN COALESCE(expires_at, since) \
                        WHEN 'reauthorization_required' THEN since WHEN 'active' THEN ends_at END)";

/// A grant that is going to fail, or does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// From when on its requests fail, in Unix milliseconds: in the past where they do.
    pub at_ms: i64,
    pub name: GrantName,
    /// None where it does not read.
    pub row: Option<GrantRow>,
}

impl Grants<'_> {
    /// Those of these that there are, in no order. One that does not read is left out.
    pub async fn these(
        self,
        scope: &Scope,
        all: &[GrantKey<'_>],
    ) -> Result<HashMap<GrantName, GrantRow>, StoreError> {
        let mut found = HashMap::new();
        if !scope.sees_everything() {
            return Ok(found);
        }
        let keys: Vec<_> = all.iter().map(|it| it.values().to_vec()).collect();
        for part in several::parts(&keys, 3) {
            let sql = format!(
                "{} WHERE (g.owner, g.tenant, g.slot) IN (VALUES {})",
                select(self.0.is_shared(), ("", "grants g")),
                part.places
            );
            let rows = self.0.engine.rows(&sql, &part.values).await?;
            found.extend(rows.iter().filter_map(|it| Some((name(it, 0).ok()?, read(it).ok()?))));
        }
        Ok(found)
    }

    /// Those that fail within so many milliseconds, or do already, at most `limit`: the earliest first, behind `after`.
    pub async fn failing(
        self,
        scope: &Scope,
        within_ms: i64,
        after: Option<(i64, GrantKey<'_>)>,
        limit: u32,
    ) -> Result<Vec<Failing>, StoreError> {
        store::only_whoever_sees_everything(scope)?;
        let now = super::clock_once(self.0.is_shared());
        let lot = format!(
            "(SELECT *, {FAILS_AT} AS fails_at FROM grants WHERE {FAILS_AT} IS NOT NULL \
             AND {FAILS_AT} <= {now} + $1 AND {FAILS_AT} >= $2 AND ({FAILS_AT}, owner, tenant, slot) > ($2, $3, $4, $5) \
             ORDER BY {FAILS_AT}, owner, tenant, slot LIMIT $6) g"
        );
        let sql = format!(
            "{} ORDER BY g.fails_at, g.owner, g.tenant, g.slot",
            select(self.0.is_shared(), (", g.fails_at", &lot))
        );
        let (at, [owner, tenant, slot]) = match &after {
            Some((at, key)) => (*at, key.values()),
            None => (i64::MIN, [Value::Text(""), Value::Text(""), Value::Text("")]),
        };
        let limit = Value::Integer(i64::from(limit.clamp(1, PAGE_MAX)));
        let values = [Value::Integer(within_ms), Value::Integer(at), owner, tenant, slot, limit];
        let rows = self.0.engine.rows(&sql, &values).await?;
        let failing = |row: &Row| {
            let at_ms = row.integer(super::SELECTED)?;
            Ok::<_, Unreadable>(Failing { at_ms, name: name(row, 0)?, row: read(row).ok() })
        };
        // What has no name is nobody's.
        Ok(rows.iter().filter_map(|it| failing(it).ok()).collect())
    }
}

fn name(row: &Row, first: usize) -> Result<GrantName, Unreadable> {
    let slot = Slot::parse(&row.text(first + 2)?).ok_or(Unreadable)?;
    Ok(GrantName { owner: row.text(first)?, tenant: row.text(first + 1)?, slot })
}
