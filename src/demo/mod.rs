//! `attache demo`: a sample API, a webhook receiver and attache in front, with requests to try.
//!
//! The newcomer's first minute: what is printed here is read before any documentation.
mod api;
mod attempt;
mod attempts;
mod credentials;
mod curl;
mod gateway;
mod paint;
mod places;
mod report;
mod run;
mod send;
mod witness;

pub use paint::Paint;
pub use run::DemoError;
pub use run::run;
