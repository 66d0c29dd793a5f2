//! A panic costs the exchange that it happens in, and no other.
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::pin::Pin;
use std::task::Poll;

/// A future panicked. What it said has been counted and logged by the panic hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fault in attache")]
pub struct Panicked;

/// Runs `future`; a panic in it ends it with an error instead of its task.
///
/// What it was working on is dropped with it and never looked at again.
pub async fn contained<F: Future>(mut future: Pin<&mut F>) -> Result<F::Output, Panicked> {
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(_) => Poll::Ready(Err(Panicked)),
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;

    #[tokio::test]
    async fn a_panic_becomes_an_error_and_an_answer_stays_one() {
        let word = std::hint::black_box(7);
        assert_eq!(contained(pin!(async { word })).await, Ok(7));
        let broken = async {
            tokio::task::yield_now().await;
            assert_eq!(word, 8, "as it must");
        };
        assert_eq!(contained(pin!(broken)).await, Err(Panicked));
    }
}
