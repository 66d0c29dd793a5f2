//! What the gateway allows at most, and the state that it takes to know when that is reached.
//!
//! The leaves know nothing of HTTP, but for bodies that are read whole: a plane asks, and answers.
mod attempts;
mod budget;
mod circuit;
mod concurrency;
mod gates;
mod rate;
mod rates;
mod refusals;
mod refused;
mod slots;
mod strangers;
mod whole;

pub use attempts::Attempts;
pub use budget::Budget;
pub use budget::Held;
pub use circuit::Circuits;
pub use circuit::FAILING_MAX;
pub use circuit::Pass;
pub use concurrency::Place;
pub use gates::Entered;
pub use gates::Gates;
pub use gates::Turn;
pub use rate::BUCKETS_MAX;
pub use rates::Rates;
pub use refusals::Credential as RefusedCredential;
pub use refusals::Refusals;
pub use refusals::Verdict;
pub use refused::Refused;
pub use strangers::Strangers;
pub use strangers::network;
pub use whole::BodyRefused;
pub use whole::WholeBody;
pub use whole::whole;
