//! Verification, off the worker where the body is large: what else the worker has to do does not wait for a hash.
use crate::model::UnixTime;
use crate::webhook::Delivery;
use crate::webhook::PublicKeys;
use crate::webhook::Refusal;
use crate::webhook::Verified;
use crate::webhook::Verifier;
use bytes::Bytes;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Longest body that is verified on the worker itself, in bytes: a fifth of a millisecond of SHA-256, less than
/// handing it over and back may take on a busy machine.
const ON_WORKER_MAX: usize = 256 << 10;

/// One worker's turns off it: one large body at a time, so that verifying never takes more of the machine than
/// serving does.
#[derive(Clone)]
pub struct Turns(Rc<Semaphore>);

impl Default for Turns {
    fn default() -> Self {
        Self(Rc::new(Semaphore::new(1)))
    }
}

impl Turns {
    /// `body` is the delivery's own. None where the thread that verified it ended early.
    pub(super) async fn verify(
        &self,
        verifier: &Arc<Verifier>,
        delivery: &Delivery<'_>,
        body: &Bytes,
        keys: Option<Arc<PublicKeys>>,
        now: UnixTime,
    ) -> Option<Result<Verified, Refusal>> {
        if body.len() <= ON_WORKER_MAX {
            return Some(verifier.verify(delivery, now, keys.as_deref()));
        }
        let _turn = self.0.acquire().await.ok()?;
        let (verifier, body) = (Arc::clone(verifier), body.clone());
        let (method, url) = (delivery.method.to_owned(), delivery.url.to_owned());
        let (query, headers) = (delivery.query.to_owned(), delivery.headers.clone());
        let verifying = tokio::task::spawn_blocking(move || {
            let delivery = Delivery {
                method: &method,
                url: &url,
                query: &query,
                headers: &headers,
                body: &body,
            };
            verifier.verify(&delivery, now, keys.as_deref())
        });
        verifying.await.ok()
    }
}
