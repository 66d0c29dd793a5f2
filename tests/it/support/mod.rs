//! What the tests are built from: so that a test reads in six lines.
#![allow(dead_code, unused_imports, reason = "a tool box: each test takes what it needs")]
/// One test for each row: its name, and what `check` is given.
macro_rules! each {
    ($check:ident: $($name:ident = $given:expr;)*) => {
        $(#[tokio::test] async fn $name() { $check($given).await; })*
    };
}
pub(crate) use each;

pub mod age;
mod api;
pub mod aws;
mod certificate;
mod client;
mod database;
mod frail;
mod gateway;
pub mod http2;
mod nango;
mod oauth1;
pub mod postgres;
mod process;
mod provider;
mod receiver;
pub mod renewals;
mod replica;
mod rotating;
mod shell;
mod single;
mod small_disk;
mod stored;
mod upstream;
mod wire;

pub use api::Operator;
pub use api::Reply;
pub use certificate::Authority;
pub use certificate::ClientPair;
pub use client::RawClient;
pub use client::Response;
pub use client::raw_request;
pub use database::Database;
pub(crate) use database::each_engine;
pub use frail::Frail;
pub use frail::Wrong;
pub use gateway::ADMIN_TOKEN;
pub use gateway::CALLER_KEY;
pub use gateway::Gateway;
pub use http2::Http2Link;
pub use http2::Http2Upstream;
pub use nango::NangoServer;
pub use oauth1::Signed;
pub use process::Process;
pub use process::attache;
pub use provider::Asked;
pub use provider::Provider;
pub use provider::Says;
pub use receiver::Delivered;
pub use receiver::Receiver;
pub use replica::asked;
pub use replica::replica;
pub use rotating::Known;
pub use rotating::Rotating;
pub use rotating::part_of;
pub use shell::Ran;
pub use shell::Shell;
pub use single::tagged;
pub use small_disk::SmallDisk;
pub use stored::SYSTEM;
pub use stored::Writer;
pub use stored::entered_for;
pub use upstream::ClosedPort;
pub use upstream::RawUpstream;
pub use upstream::Received;
pub use upstream::Script;
pub use wire::Head;

use std::future::Future;
use std::time::Duration;

/// Longest that anything in a test may take: far more than it needs, so that only a hang meets it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for `what`, and fails the test with its name rather than hang.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(done) => done,
        Err(_) => panic!("waited {PATIENCE:?} for {what}"),
    }
}
