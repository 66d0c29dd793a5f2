//! `deliveries`, and `event_feeds`: which events are sent to whom, how far that is, and which replica does it.
//!
//! At least once: a delivery is done when its answer is written down, and whoever dies between the two has it sent
//! again, under the same id. One replica at a time holds a subscription, for as long as [`HOLD_MS`] and no longer
//! than it says so again.
use super::PAGE_MAX;
use super::Store;
use super::StoreError;
use super::engine::Row;
use super::engine::Tx;
use super::engine::Unreadable;
use super::engine::Value;
use super::events;
use super::events::Event;
use super::migrate::clock_of;
use super::migrate::now_ms;
use crate::model::EventType;
use crate::model::Scope;

/// How long a replica holds a subscription, unless it says so again with each attempt: as long as one may take, and
/// what the database takes before and after it.
pub const HOLD_MS: i64 = 30_000;

/// What is left of it at least where an attempt is begun: as long as one may take, and a moment.
const LEFT_MS: i64 = 20_000;

/// Most deliveries of a subscription that wait for their turn: further events stay where they are until some are done.
/// Those that the receiver took amiss wait beside them, so that they hold up no other.
const WAITING_MAX: i64 = 1000;

/// Most that are looked at, each time that is looked for work, for one that waits longer than it may.
const LATE_MAX: i64 = 100;

/// Most that wait in all, those that were taken amiss included: a receiver that takes none is not sent ever more.
const ALL_MAX: i64 = 10_000;

/// How long a receiver is left in peace where so many wait: then one of them is tried before its time, for it may have
/// been mended.
const PROBED_MS: i64 = 10 * 60 * 1000;

/// The longest pause of a receiver. What is stored of a later time was written before the clock was set back.
pub const PAUSE_MAX_MS: i64 = 72 * 60 * 1000;

/// The longest that a delivery waits to be tried again, as above. One that its receiver never took amiss waits for no
/// longer than a pause.
pub const AGAIN_MAX_MS: i64 = 29 * 60 * 60 * 1000;

/// How long after the end of a pause the next attempt still belongs to those before it. Where nobody looked for
/// longer, nobody knows that the receiver was away all the time: attache was stopped, nothing was due, or the clock
/// was set forward.
pub const APART_MS: i64 = 60 * 60 * 1000;

/// Columns of a new delivery.
pub(super) const INSERT: &str = "INSERT INTO deliveries (subscription, event, state, attempts, refused, next_at, \
                                 last_at, last_status, last_problem, created_at)";

/// The deliveries.
#[derive(Clone, Copy, Debug)]
pub struct Deliveries<'s>(pub(super) &'s Store);

/// A subscription that there is something to do for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    pub key: String,
    pub id: String,
    pub version: i64,
    /// Whether a delivery is due, or it is only that events are to become some.
    pub is_due: bool,
}

/// What came of making deliveries of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// So many events were looked at: again, where it were any.
    Looked(u64),
    /// None: too many wait already.
    Full,
    /// The subscription is at another version, or another replica has it.
    Elsewhere,
}

/// A delivery that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The number of its event.
    pub seq: i64,
    /// None where it is forgotten.
    pub event: Option<Event>,
    /// How often it was tried.
    pub attempts: i64,
    /// How often its receiver took it amiss, rather than being away.
    pub refused: i64,
    /// Unix milliseconds, by the database's clock.
    pub now_ms: i64,
    /// What the subscription's version is: what is known of another one is no good.
    pub version: i64,
    /// How often in a row its receiver was away, at least 1 where it took the last one amiss, and since when nothing
    /// was delivered there; 0 where the last one was.
    pub failures: i64,
    pub failing_since_ms: i64,
    /// When its receiver's last pause was over.
    pub paused_until_ms: i64,
}

impl Due {
    /// How often in a row nothing was delivered before this one, and for how long: 0 where the last was, or the last
    /// attempt was too long ago to say anything.
    pub fn failing(&self) -> (i64, i64) {
        let for_ms = self.now_ms - self.failing_since_ms;
        if self.failures == 0 || for_ms < 0 || self.now_ms - self.paused_until_ms > APART_MS {
            return (0, 0);
        }
        (self.failures, for_ms)
    }
}

/// How an attempt went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// 0 where no answer came.
    pub status: i64,
    /// Empty where it was delivered.
    pub problem: String,
    /// Whether the receiver took it amiss, rather than being away.
    pub is_refused: bool,
    /// In how many milliseconds it is tried again; none where it is not: it was delivered, or given up.
    pub again_in_ms: Option<i64>,
    /// For how long nothing else is sent there either; 0 where it was delivered.
    pub pause_ms: i64,
}

/// What became of the word of how an attempt went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    Written,
    /// Nothing was written: the subscription was changed meanwhile, and what its receiver of before made of the
    /// delivery says nothing. It is still due.
    Changed,
    /// Nothing was written: another replica holds the subscription meanwhile, and says what becomes of it.
    Elsewhere,
}

/// How many wait, of all subscriptions that are on, how many of these are not reached, and for which there are
/// events that are no deliveries yet: its id, and its definition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    pub deliveries: i64,
    pub failing: i64,
    pub behind: Vec<(String, String)>,
}

impl Deliveries<'_> {
    /// The subscriptions that there is something to do for, now, by this replica: events that are to become
    /// deliveries, whether their receiver has a pause or not, and deliveries that are due. Whether there is room for
    /// further ones is not counted: [`Deliveries::take`] says so.
    pub async fn work(self, scope: &Scope, holder: &str) -> Result<Vec<Work>, StoreError> {
        if !scope.sees_everything() {
            return Ok(Vec::new());
        }
        let (now, free) = (clock_of(self.0.is_shared()), self.free());
        let pending = "FROM deliveries d WHERE d.subscription = s.id AND d.state = 'pending'";
        // Of those that were never refused the first alone: whatever is done at all sees to the others.
        let late = format!(
            "EXISTS (SELECT 1 {pending} AND d.next_at > {now} + {AGAIN_MAX_MS}) OR EXISTS (SELECT 1 FROM (SELECT d.refused \
             {pending} AND d.next_at > {now} + {PAUSE_MAX_MS} ORDER BY d.next_at LIMIT {LATE_MAX}) AS those \
             WHERE refused = 0)"
        );
        let due = format!(
            "((f.paused_until <= {now} OR f.paused_until > {now} + {PAUSE_MAX_MS}) \
             AND (EXISTS (SELECT 1 {pending} AND d.next_at <= {now}) OR {late}))"
        );
        let sql = format!(
            "SELECT s.key, s.id, s.version, CAST(CASE WHEN {due} THEN 1 ELSE 0 END AS BIGINT) \
             FROM event_subscriptions s JOIN event_feeds f ON f.subscription = s.id \
             WHERE s.enabled = 1 AND (f.holder = $1 OR {free}) AND (\
             f.taken < (SELECT events_seq FROM deployment WHERE id = 1) OR {due}) ORDER BY s.key"
        );
        let rows = self.0.engine.rows(&sql, &[Value::Text(holder)]).await?;
        let read = |row: &Row| {
            let (key, id, version) = (row.text(0)?, row.text(1)?, row.integer(2)?);
            Ok(Work { key, id, version, is_due: row.flag(3)? })
        };
        let all: Result<_, Unreadable> = rows.iter().map(read).collect();
        all.map_err(|Unreadable| corrupt(""))
    }

    /// What says that nobody else has a subscription. A database that is not shared has one holder: whoever asks.
    fn free(self) -> String {
        let now = clock_of(self.0.is_shared());
        match self.0.is_shared() {
            // Nobody holds it for longer than that: the clock was set back.
            true => format!("(f.held_until <= {now} OR f.held_until > {now} + 2 * {HOLD_MS})"),
            false => "1 = 1".to_owned(),
        }
    }

    /// Takes or keeps hold of a subscription, for [`HOLD_MS`]. False where another replica has it. What of it waits
    /// for longer than anything does is due: the clock was set back.
    pub async fn hold(self, scope: &Scope, id: &str, holder: &str) -> Result<bool, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let now = now_ms(&mut tx).await?;
        let free = self.free();
        let sql = format!(
            "UPDATE event_feeds AS f SET holder = $2, held_until = $3, \
             paused_until = CASE WHEN paused_until > $4 THEN $5 ELSE paused_until END \
             WHERE subscription = $1 AND (f.holder = $2 OR {free})"
        );
        let values = [
            Value::Text(id),
            Value::Text(holder),
            Value::Integer(now + HOLD_MS),
            Value::Integer(now + PAUSE_MAX_MS),
            Value::Integer(now),
        ];
        let held = tx.run(&sql, &values).await? > 0;
        if held {
            let late = late("$2");
            let sql = format!(
                "UPDATE deliveries AS d SET next_at = $2 WHERE subscription = $1 AND state = 'pending' AND {late}"
            );
            tx.run(&sql, &[Value::Text(id), Value::Integer(now)]).await?;
        }
        tx.commit().await?;
        Ok(held)
    }

    /// Lets go of all that this replica holds: another one need not wait.
    pub async fn release(self, scope: &Scope, holder: &str) -> Result<(), StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let sql = "UPDATE event_feeds SET holder = '', held_until = 0 WHERE holder = $1";
        tx.run(sql, &[Value::Text(holder)]).await?;
        tx.commit().await
    }

    /// Makes deliveries of the events that came since, at most `limit` of them, where not too many wait. `types`: what
    /// it is told of, none for everything, known of the subscription at this version.
    pub async fn take(
        self,
        scope: &Scope,
        (id, holder): (&str, &str),
        (version, types): (i64, Option<&[EventType]>),
        limit: u32,
    ) -> Result<Taken, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let limit = i64::from(limit.clamp(1, PAGE_MAX));
        let mut tx = self.0.engine.begin().await?;
        let now = now_ms(&mut tx).await?;
        let pending = "FROM deliveries d WHERE d.subscription = $1 AND d.state = 'pending'";
        let (waiting, all) = (
            is_beyond(&format!("{pending} AND d.refused = 0"), WAITING_MAX),
            is_beyond(pending, ALL_MAX),
        );
        let sql = format!(
            "SELECT taken, (SELECT events_seq FROM deployment WHERE id = 1), {waiting}, {all} \
             FROM event_feeds WHERE subscription = $1 AND holder = $2 \
             AND EXISTS (SELECT 1 FROM event_subscriptions WHERE id = $1 AND version = $3 AND enabled = 1)"
        );
        let held = [Value::Text(id), Value::Text(holder), Value::Integer(version)];
        let rows = tx.rows(&sql, &held).await?;
        let Some(row) = rows.first() else { return Ok(Taken::Elsewhere) };
        let read = || Ok((row.integer(0)?, row.integer(1)?, row.flag(2)?, row.flag(3)?));
        let (taken, newest, waits, all_wait) = read().map_err(|Unreadable| corrupt(id))?;
        if all_wait {
            probe(&mut tx, id, now).await?;
        }
        if waits || all_wait {
            tx.commit().await?;
            return Ok(Taken::Full);
        }
        let sql = "SELECT seq, type FROM events WHERE seq > $1 ORDER BY seq LIMIT $2";
        let rows = tx.rows(sql, &[Value::Integer(taken), Value::Integer(limit)]).await?;
        let mut last = taken;
        for row in &rows {
            last = row.integer(0).map_err(|Unreadable| corrupt(id))?;
            let event = row.text(1).ok().and_then(|it| EventType::named(&it));
            let is_asked_for =
                types.is_none_or(|types| event.is_some_and(|it| types.contains(&it)));
            // Whoever is meant has it already.
            if !is_asked_for || event == Some(EventType::SubscriptionTested) {
                continue;
            }
            let sql = format!(
                "{INSERT} VALUES ($1, $2, 'pending', 0, 0, $3, 0, 0, '', $3) \
                 ON CONFLICT (subscription, event) DO NOTHING"
            );
            let values = [Value::Text(id), Value::Integer(last), Value::Integer(now)];
            tx.run(&sql, &values).await?;
        }
        if i64::try_from(rows.len()).is_ok_and(|it| it < limit) {
            // All that there are: those up to the newest that are not among them are forgotten.
            last = last.max(newest);
        }
        if last > taken {
            let sql = "UPDATE event_feeds SET taken = $3 WHERE subscription = $1 AND holder = $2 AND taken < $3";
            tx.run(sql, &[Value::Text(id), Value::Text(holder), Value::Integer(last)]).await?;
        }
        tx.commit().await?;
        Ok(Taken::Looked(rows.len() as u64))
    }

    /// The delivery that is due first, where the subscription is on and is held here for longer than an attempt
    /// takes.
    pub async fn next(
        self,
        scope: &Scope,
        (id, holder): (&str, &str),
    ) -> Result<Option<Due>, StoreError> {
        if !scope.sees_everything() {
            return Ok(None);
        }
        let now = clock_of(self.0.is_shared());
        let event = events::COLUMNS.split(", ").map(|it| match it {
            "seq" | "at" => format!("COALESCE(e.{it}, 0)"),
            it => format!("COALESCE(e.{it}, '')"),
        });
        let event = event.collect::<Vec<_>>().join(", ");
        let sql = format!(
            "SELECT d.event, d.attempts, d.refused, {now}, s.version, f.failures, f.failing_since, \
             f.paused_until, {event} FROM deliveries d JOIN event_subscriptions s ON s.id = d.subscription \
             JOIN event_feeds f ON f.subscription = d.subscription LEFT JOIN events e ON e.seq = d.event \
             WHERE d.subscription = $1 AND d.state = 'pending' AND d.next_at <= {now} AND s.enabled = 1 \
             AND f.holder = $2 AND f.held_until > {now} + {LEFT_MS} AND f.paused_until <= {now} \
             ORDER BY d.next_at, d.event LIMIT 1"
        );
        let rows = self.0.engine.rows(&sql, &[Value::Text(id), Value::Text(holder)]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let due = || {
            Ok(Due {
                seq: row.integer(0)?,
                attempts: row.integer(1)?,
                refused: row.integer(2)?,
                now_ms: row.integer(3)?,
                version: row.integer(4)?,
                failures: row.integer(5)?,
                failing_since_ms: row.integer(6)?,
                paused_until_ms: row.integer(7)?,
                event: Some(events::read(row, 8)?).filter(|it| it.seq > 0),
            })
        };
        due().map(Some).map_err(|Unreadable| corrupt(id))
    }

    /// Writes down how an attempt went that was made with the subscription as it is at this version.
    pub async fn tried(
        self,
        scope: &Scope,
        (id, holder, version): (&str, &str, i64),
        event: i64,
        attempt: &Attempt,
    ) -> Result<Tried, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let now = now_ms(&mut tx).await?;
        let tried = write_tried(&mut tx, now, (id, holder, version), event, attempt).await?;
        if tried == Tried::Written {
            tx.commit().await?;
        }
        Ok(tried)
    }

    /// Gives a delivery up that there is nothing to send of: the receiver has no part in it. False where another
    /// replica holds the subscription meanwhile.
    pub async fn give_up(
        self,
        scope: &Scope,
        (id, holder): (&str, &str),
        event: i64,
        problem: &str,
    ) -> Result<bool, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let now = now_ms(&mut tx).await?;
        // The feed's row first, as whoever else writes both has it.
        let sql = "UPDATE event_feeds SET held_until = $3 WHERE subscription = $1 AND holder = $2";
        let held = [Value::Text(id), Value::Text(holder), Value::Integer(now + HOLD_MS)];
        if tx.run(sql, &held).await? == 0 {
            return Ok(false);
        }
        let sql = "UPDATE deliveries SET state = 'failed', last_at = $3, last_problem = $4 \
                   WHERE subscription = $1 AND event = $2 AND state = 'pending'";
        let values =
            [Value::Text(id), Value::Integer(event), Value::Integer(now), Value::Text(problem)];
        tx.run(sql, &values).await?;
        at_rest(&mut tx, id).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// How many wait.
    pub async fn waiting(self, scope: &Scope) -> Result<Waiting, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let sql = "SELECT (SELECT COUNT(*) FROM deliveries d JOIN event_subscriptions s ON s.id = d.subscription \
                   WHERE d.state = 'pending' AND s.enabled = 1), (SELECT COUNT(*) FROM event_feeds f \
                   JOIN event_subscriptions s ON s.id = f.subscription WHERE f.failures > 0 AND s.enabled = 1)";
        let rows = self.0.engine.rows(sql, &[]).await?;
        let read = |it: &Row| Some((it.integer(0).ok()?, it.integer(1).ok()?));
        let (deliveries, failing) = rows.first().and_then(read).ok_or_else(|| corrupt(""))?;
        let sql = "SELECT s.id, s.definition FROM event_subscriptions s JOIN event_feeds f ON f.subscription = s.id \
                   WHERE s.enabled = 1 AND f.taken < (SELECT events_seq FROM deployment WHERE id = 1)";
        let rows = self.0.engine.rows(sql, &[]).await?;
        let read = |it: &Row| Ok((it.text(0)?, it.text(1)?));
        let behind: Result<_, Unreadable> = rows.iter().map(read).collect();
        Ok(Waiting { deliveries, failing, behind: behind.map_err(|Unreadable| corrupt(""))? })
    }
}

/// Writes down how an attempt went, where it is still this replica's to say: to be committed where it is written.
pub(super) async fn write_tried(
    tx: &mut Tx,
    now: i64,
    (id, holder, version): (&str, &str, i64),
    event: i64,
    attempt: &Attempt,
) -> Result<Tried, StoreError> {
    let is_delivered = attempt.problem.is_empty();
    let paused = now + attempt.pause_ms.clamp(0, PAUSE_MAX_MS);
    let sql = "UPDATE event_feeds SET held_until = $3, paused_until = $4, \
               failing_since = CASE WHEN $5 = 0 THEN 0 WHEN failing_since = 0 OR failing_since > $7 \
               OR paused_until < $8 THEN $7 ELSE failing_since END, \
               failures = CASE WHEN $5 = 0 THEN 0 WHEN $6 = 1 OR paused_until < $8 THEN 1 \
               ELSE failures + 1 END WHERE subscription = $1 AND holder = $2";
    let values = [
        Value::Text(id),
        Value::Text(holder),
        Value::Integer(now + HOLD_MS),
        Value::Integer(paused),
        Value::flag(!is_delivered),
        Value::flag(attempt.is_refused),
        Value::Integer(now),
        Value::Integer(now - APART_MS),
    ];
    if tx.run(sql, &values).await? == 0 {
        return Ok(Tried::Elsewhere);
    }
    // Behind the feed's row, which whoever has it be sent elsewhere writes first. A rotation at the same
    // moment may be overlooked: it is the same receiver.
    let sql = "SELECT 1 FROM event_subscriptions WHERE id = $1 AND version = $2";
    let known = [Value::Text(id), Value::Integer(version)];
    if !is_delivered && tx.rows(sql, &known).await?.is_empty() {
        return Ok(Tried::Changed);
    }
    let state = match (is_delivered, attempt.again_in_ms) {
        (true, _) => "delivered",
        (false, Some(_)) => "pending",
        (false, None) => "failed",
    };
    let again = attempt.again_in_ms.unwrap_or_default().clamp(0, AGAIN_MAX_MS);
    let sql = "UPDATE deliveries SET state = $3, attempts = attempts + 1, next_at = $4, \
               last_at = $5, last_status = $6, last_problem = $7, refused = refused + $8 \
               WHERE subscription = $1 AND event = $2 AND state = 'pending'";
    let values = [
        Value::Text(id),
        Value::Integer(event),
        Value::Text(state),
        Value::Integer(now + again),
        Value::Integer(now),
        Value::Integer(attempt.status),
        Value::Text(&attempt.problem),
        Value::flag(attempt.is_refused),
    ];
    tx.run(sql, &values).await?;
    match state {
        // Nothing new is taken while so many wait, this one among them.
        "delivered" => try_amiss(tx, id, now, ALL_MAX - 1, false).await?,
        "failed" => at_rest(tx, id).await?,
        _ => {}
    }
    Ok(Tried::Written)
}

/// What says that a delivery `d` waits for longer than any does.
fn late(now: &str) -> String {
    format!(
        "d.next_at > {now} + CAST(CASE WHEN d.refused = 0 THEN {PAUSE_MAX_MS} ELSE {AGAIN_MAX_MS} END AS BIGINT)"
    )
}

/// Whether there are so many of these, or more; no more are counted.
fn is_beyond(these: &str, most: i64) -> String {
    format!(
        "CAST(CASE WHEN (SELECT COUNT(*) FROM (SELECT 1 {these} LIMIT {most}) AS those) < {most} \
         THEN 0 ELSE 1 END AS BIGINT)"
    )
}

/// Has the delivery that is next be tried at once, where none was for [`PROBED_MS`].
async fn probe(tx: &mut Tx, id: &str, now: i64) -> Result<(), StoreError> {
    let sql = "UPDATE deliveries SET next_at = $2 WHERE subscription = $1 AND next_at > $2 \
               AND event = (SELECT event FROM deliveries WHERE subscription = $1 AND state = 'pending' \
               ORDER BY next_at, event LIMIT 1) \
               AND EXISTS (SELECT 1 FROM event_feeds WHERE subscription = $1 AND paused_until < $3)";
    let values = [Value::Text(id), Value::Integer(now), Value::Integer(now - PROBED_MS)];
    tx.run(sql, &values).await.map(drop)
}

/// Has what its receiver took amiss be tried again at once, where at least so many wait: it is another receiver now,
/// or one that was mended. `is_another`: what the one before refused does not count.
pub(super) async fn try_amiss(
    tx: &mut Tx,
    id: &str,
    now: i64,
    least: i64,
    is_another: bool,
) -> Result<(), StoreError> {
    let sql = "UPDATE deliveries SET next_at = $2, \
               refused = CASE WHEN $4 = 1 THEN 1 ELSE refused END WHERE subscription = $1 AND state = 'pending' \
               AND refused > 0 AND next_at > $2 AND (SELECT COUNT(*) FROM (SELECT 1 FROM deliveries \
               WHERE subscription = $1 AND state = 'pending' AND next_at > $2 LIMIT $3) AS those) >= $3";
    let is_another = Value::Integer(i64::from(is_another));
    let values = [Value::Text(id), Value::Integer(now), Value::Integer(least), is_another];
    tx.run(sql, &values).await.map(drop)
}

/// Where nothing waits any more its receiver is not failing: what comes next says how it does.
async fn at_rest(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    let sql = "UPDATE event_feeds SET failures = 0, failing_since = 0 WHERE subscription = $1 AND NOT EXISTS \
               (SELECT 1 FROM deliveries WHERE subscription = $1 AND state = 'pending')";
    tx.run(sql, &[Value::Text(id)]).await.map(drop)
}

pub(super) fn corrupt(id: &str) -> StoreError {
    StoreError::Corrupt {
        table: "deliveries",
        key: Some(id.to_owned()).filter(|it| !it.is_empty()),
    }
}
