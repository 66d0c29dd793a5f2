//! What attache says of itself: metrics, the exchange record, request ids and trace context, its log.
pub mod exchange;
pub mod log;
pub mod metrics;
pub mod trace;
pub mod trial;

pub use exchange::ErrorSource;
pub use exchange::Exchange;
pub use exchange::Times;
pub use metrics::Metrics;
pub use metrics::WorkerMetrics;
pub use trace::Ids;
pub use trace::RequestId;
pub use trace::TraceContext;
pub use trial::SentField;
pub use trial::SentHead;
pub use trial::Trial;
pub use trial::Tried;
