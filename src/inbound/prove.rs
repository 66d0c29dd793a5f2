//! What is computed of a delivery before it is believed, off the worker where the body is large: what else the worker
//! has to do does not wait for a hash.
use crate::webhook::Delivery;
use crate::webhook::Verifier;
use bytes::Bytes;
use http::HeaderMap;
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

/// A delivery that something is to be computed of.
pub(super) enum Begun<'d> {
    Here(&'d Arc<Verifier>, &'d Delivery<'d>),
    There { taken: Arc<Taken>, turns: Rc<Semaphore> },
}

/// A delivery as another thread has it.
pub(super) struct Taken {
    verifier: Arc<Verifier>,
    method: String,
    url: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Default for Turns {
    fn default() -> Self {
        Self(Rc::new(Semaphore::new(1)))
    }
}

impl Turns {
    /// `body` is the delivery's own.
    pub(super) fn begin<'d>(
        &self,
        verifier: &'d Arc<Verifier>,
        delivery: &'d Delivery<'d>,
        body: &Bytes,
    ) -> Begun<'d> {
        if body.len() <= ON_WORKER_MAX {
            return Begun::Here(verifier, delivery);
        }
        let taken = Taken {
            verifier: Arc::clone(verifier),
            method: delivery.method.to_owned(),
            url: delivery.url.to_owned(),
            query: delivery.query.to_owned(),
            headers: delivery.headers.clone(),
            body: body.clone(),
        };
        Begun::There { taken: Arc::new(taken), turns: Rc::clone(&self.0) }
    }
}

impl Begun<'_> {
    /// In its turn, where the body is large. None where the thread that it ran on ended early.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Verifier, &Delivery<'_>) -> T + Send + 'static,
    ) -> Option<T> {
        match self {
            Self::Here(verifier, delivery) => Some(work(verifier, delivery)),
            Self::There { taken, turns } => {
                let _turn = turns.acquire().await.ok()?;
                let taken = Arc::clone(taken);
                let working = tokio::task::spawn_blocking(move || {
                    let delivery = Delivery {
                        method: &taken.method,
                        url: &taken.url,
                        query: &taken.query,
                        headers: &taken.headers,
                        body: &taken.body,
                    };
                    work(&taken.verifier, &delivery)
                });
                working.await.ok()
            }
        }
    }
}
