//! The admin API, as the commands ask it: where it is, with which token, and what it answers.
mod answer;
mod client;
mod link;
mod pages;
mod path;
mod problem;
mod secret;
mod server_url;
mod tally;

pub(super) use answer::Answer;
pub(super) use client::Ask;
pub(super) use client::Client;
pub(super) use client::Remote;
pub(super) use client::run;
pub(super) use link::Link;
pub(super) use link::Trust;
pub(super) use pages::Listed;
pub(super) use pages::all;
pub(super) use pages::behind;
pub(super) use pages::follow;
pub(super) use pages::newest;
pub(super) use path::path;
pub(super) use problem::Fault;
pub(super) use problem::Problem;
pub(super) use secret::secret;
pub(super) use secret::secret_of_file;
pub(super) use server_url::ServerUrl;
