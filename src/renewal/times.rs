//! When what was had ends, and when it is to be renewed.
use super::ahead::renewed_in;
use super::attempt;
use super::had::Kept;
use crate::catalog::TokenHolder;
use crate::grant::Expiry;
use crate::grant::TokenSet;
use crate::model::UnixTime;
use crate::store::GrantTimes;
use std::time::Duration;

/// What had ended when it came is not asked for again and again.
const DUE_MIN: Duration = Duration::from_secs(10);

/// Of what was had, after `before`. What is renewed by a token of its own is kept alive though nobody asks.
pub(super) fn of(
    holder: &TokenHolder,
    (kept, before): (&Kept, Option<&TokenSet>),
    now: UnixTime,
) -> GrantTimes {
    let end = kept.tokens().and_then(|it| holder.method.end(it, before));
    let ends_ms = end.and_then(|it| i64::try_from(it.at().as_ms()).ok());
    let expires_ms = match kept.expiry() {
        Expiry::At(expires) => i64::try_from(expires.as_ms()).ok(),
        Expiry::Never | Expiry::Unknown => None,
    };
    let due = renewed_in(kept.expiry(), holder.renews_itself(), now, attempt::chance());
    let due = due.filter(|_| holder.renews_by_token()).map(|it| it.max(DUE_MIN));
    let due_in_ms = due.and_then(|it| i64::try_from(it.as_millis()).ok());
    GrantTimes { expires_ms, due_in_ms, ends_ms }
}
