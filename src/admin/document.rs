//! A body that is a document of its own kind, and longer than any other.
use super::body::Media;
use super::error::ApiError;
use axum::body::Body;
use http::HeaderMap;
use http::header;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

/// Documents that are in memory at the same time. Each may have 32 MiB, and take a processor for a second.
const AT_ONCE: usize = 1;

/// How long one may take to arrive: whoever sends it keeps others from sending theirs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A document as it was sent. Its turn ends when it is dropped.
pub(super) struct Document {
    pub bytes: Vec<u8>,
    _turn: OwnedSemaphorePermit,
}

impl Document {
    /// Reads it where nobody else is held up. Its turn lasts as long as that does, whether or not somebody still waits
    /// for it. `None` where `read` panicked.
    pub(super) async fn read<T: Send + 'static>(
        self,
        read: impl FnOnce(&[u8]) -> T + Send + 'static,
    ) -> Option<T> {
        let task = move || {
            // All of it, not its bytes alone.
            let document = self;
            read(&document.bytes)
        };
        tokio::task::spawn_blocking(task).await.ok()
    }
}

/// Whose turn it is.
#[derive(Clone, Debug)]
pub(super) struct Turns {
    free: Arc<Semaphore>,
    patience: Duration,
}

impl Default for Turns {
    fn default() -> Self {
        Self { free: Arc::new(Semaphore::new(AT_ONCE)), patience: PATIENCE }
    }
}

impl Turns {
    /// Reads a document, unless another is being read: then it is for whoever sent it to come back.
    pub(super) async fn read(
        &self,
        media: Media,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Document, ApiError> {
        media.check(headers)?;
        let turn = Arc::clone(&self.free).try_acquire_owned().map_err(|_| ApiError::Busy)?;
        let len = headers.get(header::CONTENT_LENGTH);
        let len = len.and_then(|it| it.to_str().ok()?.parse().ok()).unwrap_or(0_usize);
        let mut bytes = Vec::with_capacity(len.min(media.len_max()));
        let gathered = media.gather(body, |data| bytes.extend_from_slice(data));
        let slow =
            |_| ApiError::BadRequest(format!("The body took longer than {:?}.", self.patience));
        tokio::time::timeout(self.patience, gathered).await.map_err(slow)??;
        Ok(Document { bytes, _turn: turn })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Code;
    use bytes::Bytes;
    use http::HeaderValue;
    use http_body::Frame;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::Context;
    use std::task::Poll;

    /// A body whose first byte does not come.
    struct Never;

    impl http_body::Body for Never {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    async fn code(turns: &Turns, kind: &'static str, body: Body) -> Option<Code> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        turns.read(Media::Document, &headers, body).await.err().map(|it| it.code())
    }

    #[tokio::test]
    async fn whoever_sends_too_slowly_loses_the_turn_to_the_next() {
        let turns = Turns { patience: Duration::ZERO, ..Turns::default() };
        let json = "application/json";
        assert_eq!(code(&turns, json, Body::new(Never)).await, Some(Code::BadRequest));
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(json));
        let held = turns.read(Media::Document, &headers, Body::from("{}")).await.ok();
        assert_eq!(held.as_ref().map(|it| &*it.bytes), Some(&b"{}"[..]));
        assert_eq!(code(&turns, json, Body::empty()).await, Some(Code::RateLimited));
        drop(held);
        assert_eq!(code(&turns, json, Body::empty()).await, None);
    }

    #[tokio::test]
    async fn a_document_is_read_to_its_end_before_the_next_whoever_hangs_up() {
        let turns = Turns::default();
        let json = "application/json";
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(json));
        let document = turns.read(Media::Document, &headers, Body::from("{}")).await.ok().unwrap();
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
        let reading = tokio::spawn(document.read(move |_| {
            begun.send(()).unwrap();
            may_go_on.recv().unwrap();
        }));
        has_begun.await.unwrap();
        reading.abort();
        assert!(reading.await.unwrap_err().is_cancelled());
        assert_eq!(code(&turns, json, Body::empty()).await, Some(Code::RateLimited));
        go_on.send(()).unwrap();
        assert!(turns.free.acquire().await.is_ok());
    }

    #[tokio::test]
    async fn a_document_comes_under_any_of_its_names_and_no_longer_than_it_may_be() {
        let turns = Turns::default();
        for kind in ["application/yaml", "Text/YAML; charset=utf-8", "application/openapi+json"] {
            assert_eq!(code(&turns, kind, Body::empty()).await, None, "{kind}");
        }
        for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
            let found = code(&turns, kind, Body::empty()).await;
            assert_eq!(found, Some(Code::UnsupportedMediaType), "{kind}");
        }
        let long = Body::from(vec![b' '; Media::Document.len_max() + 1]);
        let found = code(&turns, "application/yaml", long).await;
        assert_eq!(found, Some(Code::BodyTooLarge));
    }
}
