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

/// Whose turn it is.
#[derive(Clone, Debug)]
pub(super) struct Turns(Arc<Semaphore>);

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
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
        let turn = Arc::clone(&self.0).try_acquire_owned().map_err(|_| ApiError::Busy)?;
        let len = headers.get(header::CONTENT_LENGTH);
        let len = len.and_then(|it| it.to_str().ok()?.parse().ok()).unwrap_or(0_usize);
        let mut bytes = Vec::with_capacity(len.min(media.len_max()));
        let gathered = media.gather(body, |data| bytes.extend_from_slice(data));
        let slow = |_| ApiError::BadRequest(format!("The body took longer than {PATIENCE:?}."));
        tokio::time::timeout(PATIENCE, gathered).await.map_err(slow)??;
        Ok(Document { bytes, _turn: turn })
    }
}
