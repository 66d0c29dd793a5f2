//! An answer that takes the database a while, kept for ten times as long as that: whoever asks how often, a tenth of
//! its time goes into it at most.
use std::future::Future;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::Mutex;

/// How much longer than it took to find out an answer is good for.
const TIMES: u32 = 10;

/// And at most: nobody looks at older ones without being told.
const GOOD_FOR_MAX: Duration = Duration::from_secs(60);

/// The answer, and until when it is good. One asks at a time; the others wait for what comes of it.
#[derive(Debug)]
pub(super) struct Kept<T>(Mutex<Option<(T, Instant)>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Kept<T> {
    pub(super) async fn or_ask<E>(&self, ask: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let mut kept = self.0.lock().await;
        let began = Instant::now();
        if let Some((answer, _)) = kept.as_ref().filter(|it| began < it.1) {
            return Ok(answer.clone());
        }
        let answer = ask.await?;
        let took = began.elapsed();
        *kept = Some((answer.clone(), began + took + (took * TIMES).min(GOOD_FOR_MAX)));
        Ok(answer)
    }

    /// What is known is not so any more.
    pub(super) async fn forget(&self) {
        *self.0.lock().await = None;
    }
}
