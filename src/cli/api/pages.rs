//! A list, page by page to its end.
use super::Ask;
use super::Client;
use super::tally::Tally;
use crate::cli::stopped::Stopped;
use crate::cli::text::plain;
use http::Method;
use serde_json::Value;
use std::time::Duration;
use std::time::Instant;

/// So many on one page: of the largest definitions less than is read of an answer.
const PAGE: usize = 200;

/// How long a feed is to wait for something to tell.
const WAIT: Duration = Duration::from_secs(30);

/// Before a feed that does not wait is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// Where a page has what is listed.
const MEMBERS: &[&str] = &["items", "uses"];

/// A list, in its order.
#[derive(Default)]
pub(in crate::cli) struct Listed {
    pub items: Vec<Value>,
    /// What is stored and does not read: its key and what is wrong with it.
    pub unreadable: Vec<String>,
}

/// Every page. How far it is stands on a terminal meanwhile.
pub(in crate::cli) async fn all(client: &mut Client, path: &str) -> Result<Listed, Stopped> {
    newest(client, path, usize::MAX).await
}

/// The first of a list, `limit` at most.
pub(in crate::cli) async fn newest(
    client: &mut Client,
    path: &str,
    limit: usize,
) -> Result<Listed, Stopped> {
    let (mut listed, mut tally) = (Listed::default(), Tally::default());
    let mut cursor = None::<String>;
    loop {
        let page = PAGE.min(limit - listed.items.len());
        let mut ask = Ask::new(Method::GET, path).query("limit", &page.to_string());
        if let Some(cursor) = &cursor {
            ask = ask.query("cursor", cursor);
        }
        let next = listed.take(client.ask(ask).await?.body);
        match next {
            Value::String(next) if listed.items.len() < limit => cursor = Some(next),
            _ => return Ok(listed),
        }
        tally.says(listed.items.len());
    }
}

/// Of a feed what is behind this number, or all that is kept, `limit` at most.
pub(in crate::cli) async fn behind(
    client: &mut Client,
    path: &str,
    mut after: Option<u64>,
    limit: usize,
) -> Result<Listed, Stopped> {
    let (mut listed, mut tally) = (Listed::default(), Tally::default());
    loop {
        let before = listed.items.len();
        let page = PAGE.min(limit - before);
        let mut ask = Ask::new(Method::GET, path).query("limit", &page.to_string());
        if let Some(after) = after {
            ask = ask.query("after", &after.to_string());
        }
        let next = listed.take(client.ask(ask).await?.body).as_u64();
        match next {
            Some(next) if listed.items.len() == before + page && listed.items.len() < limit => {
                after = Some(next);
            }
            _ => return Ok(listed),
        }
        tally.says(listed.items.len());
    }
}

/// Of a feed what comes behind this number, or from now on, until `each` wants no more.
pub(in crate::cli) async fn follow(
    client: &mut Client,
    path: &str,
    after: Option<u64>,
    mut each: impl FnMut(Listed) -> Result<bool, Stopped>,
) -> Result<(), Stopped> {
    let mut after = match after {
        Some(after) => after,
        None => {
            let ask = Ask::new(Method::GET, path).query("limit", "1");
            client.ask(ask).await?.body["last"].as_u64().unwrap_or_default()
        }
    };
    // An answer that waits has to come in time.
    let wait = WAIT.min(client.patience() / 2);
    loop {
        let begun = Instant::now();
        let ask = Ask::new(Method::GET, path)
            .query("after", &after.to_string())
            .query("wait", &format!("{}ms", wait.as_millis()));
        let mut listed = Listed::default();
        after = listed.take(client.ask(ask).await?.body).as_u64().unwrap_or(after);
        let is_empty = listed.items.is_empty() && listed.unreadable.is_empty();
        if is_empty && begun.elapsed() < wait / 2 {
            // Too many wait there already, or it is about to stop.
            tokio::time::sleep(PAUSE).await;
        } else if !is_empty && !each(listed)? {
            return Ok(());
        }
    }
}

impl Listed {
    /// Adds a page; gives what the next one is asked for with.
    fn take(&mut self, mut page: Value) -> Value {
        let named = MEMBERS.iter().find(|it| page.get(**it).is_some()).copied().unwrap_or_default();
        if let Value::Array(more) = page.get_mut(named).map_or(Value::Null, Value::take) {
            self.items.extend(more);
        }
        let broken = page["unreadable"].as_array().into_iter().flatten();
        self.unreadable.extend(broken.map(|it| plain(&it.to_string())));
        page.get_mut("next").map_or(Value::Null, Value::take)
    }
}
