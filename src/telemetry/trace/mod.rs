//! Request ids and trace context: how one exchange is found again elsewhere.
mod context;
mod ids;

pub use context::SpanId;
pub use context::TRACEPARENT;
pub use context::TRACESTATE;
pub use context::TraceContext;
pub use ids::Ids;
pub use ids::REQUEST_ID_LEN_MAX;
pub use ids::RequestId;
