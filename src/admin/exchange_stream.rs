//! `GET /v1/exchanges/stream`: exchanges as they end, as server-sent events (HTML Standard §9.2).
use super::Api;
use super::answer::Answer;
use super::call::Call;
use super::error::ApiError;
use super::exchanges;
use super::exchanges::ShownExchange;
use super::operator;
use super::operator::Operator;
use crate::journal::Seen;
use crate::journal::Watching;
use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use serde_json::json;
use std::convert::Infallible;
use std::fmt::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;
use std::time::Instant;

/// How often it is looked whether there is something to say beside exchanges, such as the end.
const ROUND: Duration = Duration::from_secs(1);

/// How long nothing is said at most: less than what most proxies wait for something.
const SILENCE_MAX: Duration = Duration::from_secs(15);

/// How often it is looked whether the operator may still see this.
const LOOK: Duration = Duration::from_secs(5);

/// Events that are sent together where several wait.
const TOGETHER_MAX: usize = 64;

/// What is said at once, so that whoever asked knows that it works; and when to come again after a break, in ms.
const BEGIN: &str = "retry: 2000\n: exchanges follow as they end\n\n";

/// `GET /v1/exchanges/stream`
pub(super) async fn stream(call: Call) -> Result<Answer, ApiError> {
    let filter = exchanges::filter(&call)?;
    let watching = call.api.journal.watch(filter);
    let watching = watching.ok_or(ApiError::Crowded("streams of exchanges"))?;
    let now = Instant::now();
    let stream = Stream {
        api: call.api,
        operator: call.operator,
        headers: call.headers,
        watching,
        begins: true,
        said: now,
        looked: now,
        round: now,
    };
    Ok(Answer::events(Body::new(Events(Some(next(stream))))))
}

/// Who is told, and since when they were told nothing.
struct Stream {
    api: Arc<Api>,
    operator: Operator,
    /// That it was asked with: they prove who the operator is.
    headers: HeaderMap,
    watching: Watching,
    begins: bool,
    said: Instant,
    looked: Instant,
    round: Instant,
}

/// What is said next, and what goes on after it; nothing where it is over.
type Next = Pin<Box<dyn Future<Output = Option<(Bytes, Stream)>> + Send>>;

struct Events(Option<Next>);

impl http_body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(coming) = &mut self.0 else { return Poll::Ready(None) };
        let said = ready!(coming.as_mut().poll(context));
        let (text, stream) = said.unzip();
        self.0 = stream.map(next);
        Poll::Ready(text.map(|it| Ok(Frame::data(it))))
    }
}

fn next(mut stream: Stream) -> Next {
    Box::pin(async move {
        let text = stream.text().await?;
        stream.said = Instant::now();
        Some((text.into(), stream))
    })
}

impl Stream {
    /// None at the end.
    async fn text(&mut self) -> Option<String> {
        if std::mem::take(&mut self.begins) {
            return Some(BEGIN.to_owned());
        }
        loop {
            let left = ROUND.saturating_sub(self.round.elapsed());
            // However much there is to tell, there is a round each second.
            if !left.is_zero() {
                match tokio::time::timeout(left, self.watching.next()).await {
                    Ok(Some(seen)) => return Some(self.told(&seen)),
                    Ok(None) => return None,
                    Err(_) => {}
                }
            }
            self.round = Instant::now();
            if self.api.draining.load(Ordering::Relaxed) || !self.is_allowed().await {
                return None;
            }
            match self.watching.skipped() {
                0 if self.said.elapsed() < SILENCE_MAX => {}
                0 => return Some(": nothing yet\n\n".to_owned()),
                count => {
                    return Some(format!(
                        "event: skipped\ndata: {}\n\n",
                        json!({ "count": count })
                    ));
                }
            }
        }
    }

    /// Whether the operator still is one.
    async fn is_allowed(&mut self) -> bool {
        if self.looked.elapsed() < LOOK {
            return true;
        }
        self.looked = Instant::now();
        let (api, headers) = (Arc::clone(&self.api), self.headers.clone());
        let again = async move { operator::again(&api, &headers).await };
        let found = self.api.to_the_end(Box::pin(again)).await;
        // Where it can't be told, the stream ends as well: whoever asks again is told why.
        found.is_ok_and(|it| it.as_ref() == Some(&self.operator))
    }

    /// It and what waits behind it.
    fn told(&mut self, first: &Seen) -> String {
        let mut text = String::new();
        tell(&mut text, first);
        for _ in 1..TOGETHER_MAX {
            let Some(seen) = self.watching.at_once() else { break };
            tell(&mut text, &seen);
        }
        text
    }
}

fn tell(text: &mut String, seen: &Seen) {
    // On one line: in JSON a line end is escaped.
    let shown = serde_json::to_string(&ShownExchange::from(seen)).expect("an exchange is JSON");
    write!(text, "id: {}\nevent: exchange\ndata: {shown}\n\n", seen.seq)
        .expect("a text takes everything");
}
