//! What of a list is asked for: words, and what the kind of resource is narrowed down by.
//!
//! Whatever there is of it is found in a page's time, or said to go on: a page may have few items, or none, and a
//! `next`.
use super::call::Call;
use super::definition::Definition;
use super::error::ApiError;
use crate::store::Listed;
use crate::store::PAGE_MAX;
use crate::store::Search;
use crate::store::Store;
use crate::store::Stored;
use serde_json::Value;
use std::time::Duration;
use std::time::Instant;

/// The query parameter that a list is searched by.
pub(super) const SEARCH: &str = "q";

/// Longest search, in characters.
pub(super) const SEARCH_LEN_MAX: usize = 200;

/// Most words of a search: each is looked for in each row.
const WORDS_MAX: usize = 8;

/// How long a page is searched for; what it has by then is answered. With what else an answer takes it stays well below
/// a third of a second.
pub(super) const SEARCH_TIME: Duration = Duration::from_millis(150);

/// In small letters, so that they can be compared; none where nothing is searched for.
pub(super) fn words(call: &Call) -> Result<Vec<String>, ApiError> {
    Ok(written(call)?.iter().map(|it| it.to_lowercase()).collect())
}

/// The same for what the database makes small letters of: A to Z alone.
pub(super) fn words_of_ids(call: &Call) -> Result<Search, ApiError> {
    let words = written(call)?.iter().map(|it| it.to_ascii_lowercase()).collect();
    Ok(Search { words, ..Search::default() })
}

fn written(call: &Call) -> Result<Vec<&str>, ApiError> {
    let search = call.query.value(SEARCH).unwrap_or_default();
    if search.chars().nth(SEARCH_LEN_MAX).is_some() {
        let problem = format!("`{SEARCH}` is longer than {SEARCH_LEN_MAX} characters.");
        return Err(ApiError::BadRequest(problem));
    }
    let words: Vec<&str> = search.split_whitespace().collect();
    if words.len() > WORDS_MAX {
        return Err(ApiError::BadRequest(format!("`{SEARCH}` has more than {WORDS_MAX} words.")));
    }
    Ok(words)
}

/// What a list of this kind is searched for.
pub(super) fn of<D: Definition>(call: &Call) -> Result<Search, ApiError> {
    Ok(Search { words: words(call)?, only: D::only(call)?, ..Search::default() })
}

/// Whether what a file declares has the words; `definition` is as written.
pub(super) fn is_in(search: &Search, key: &str, definition: &Value) -> bool {
    search.is_in(key, definition["name"].as_str().unwrap_or_default())
}

/// The stored rows of a page: `next` is where it goes on, with what may be none.
pub(super) async fn stored<D: Definition>(
    (store, call): (&Store, &Call),
    search: &Search,
    after: Option<&str>,
    limit: u32,
) -> Result<Listed<Stored<D::Row>>, ApiError> {
    let until = Instant::now() + SEARCH_TIME;
    let of_store = |it| ApiError::of_store(it, D::NOUN, "");
    let is_sifted = D::is_sifted(call)?;
    if search.is_all() && !is_sifted {
        return D::list(store, call, search, after, limit).await.map_err(of_store);
    }
    let mut page = Listed { rows: Vec::new(), unreadable: Vec::new(), next: None };
    let mut at = after.map(str::to_owned);
    let limit = limit as usize;
    loop {
        let left = u32::try_from(limit - page.rows.len()).unwrap_or(PAGE_MAX);
        let lot = if is_sifted { PAGE_MAX } else { left };
        let listed = D::list(store, call, search, at.as_deref(), lot).await.map_err(of_store)?;
        page.unreadable.extend(listed.unreadable);
        page.rows.extend(D::sifted(call, listed.rows).await?);
        at = listed.next;
        if page.rows.len() > limit {
            page.rows.truncate(limit);
            page.next = page.rows.last().map(|it| it.key.clone());
            return Ok(page);
        }
        if page.rows.len() == limit || at.is_none() || Instant::now() >= until {
            page.next = at;
            return Ok(page);
        }
    }
}
