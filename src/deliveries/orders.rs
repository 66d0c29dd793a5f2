//! Deliveries that are to be sent again: ordered by operators, sent by a worker, whose links to targets they take.
use super::Told;
use super::Whole;
use crate::store::WebhookDelivery;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::sync::oneshot;

/// Deliveries that are sent again at the same time: a person looks at each.
pub(super) const AT_ONCE: usize = 16;

/// Something that is to be sent again.
#[derive(Debug)]
pub struct Order {
    /// As it came first.
    pub delivery: WebhookDelivery,
    pub whole: Whole,
    /// Takes the delivery that this made.
    pub answer: oneshot::Sender<Told>,
}

/// What a worker takes orders from.
pub type Orders = mpsc::Receiver<Order>;

/// Where orders wait for the worker.
pub(super) struct Waiting {
    orders: mpsc::Sender<Order>,
    /// Until a worker takes it.
    taken: Mutex<Option<Orders>>,
    rooms: Arc<Semaphore>,
}

/// Room for one order.
pub(super) struct Room {
    orders: mpsc::Sender<Order>,
    _room: OwnedSemaphorePermit,
}

impl Default for Waiting {
    fn default() -> Self {
        let (orders, taken) = mpsc::channel(AT_ONCE);
        Self { orders, taken: Mutex::new(Some(taken)), rooms: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Waiting {
    pub(super) fn orders(&self) -> Option<Orders> {
        // Nothing between two changes of it can panic.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// None where as many as may be are being sent.
    pub(super) fn room(&self) -> Option<Room> {
        let room = Arc::clone(&self.rooms).try_acquire_owned().ok()?;
        Some(Room { orders: self.orders.clone(), _room: room })
    }
}

impl Room {
    /// What came of it; none where no worker sends any more.
    pub(super) async fn order(self, delivery: WebhookDelivery, whole: Whole) -> Option<Told> {
        let (answer, told) = oneshot::channel();
        self.orders.send(Order { delivery, whole, answer }).await.ok()?;
        told.await.ok()
    }
}
