//! `attache openapi`: what the admin API takes and gives, for those who generate clients.
use crate::admin;
use clap::Args;
use std::io;
use std::io::Write;
use std::process::ExitCode;

/// Prints the OpenAPI document.
#[derive(Args, Clone, Debug)]
pub(super) struct Openapi {}

impl Openapi {
    pub(super) fn run(self) -> ExitCode {
        match io::stdout().write_all(admin::openapi().as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMITTED: &str = include_str!("../../docs/openapi.json");

    #[test]
    fn the_committed_document_is_the_one_that_is_printed() {
        let hint = "run: attache openapi > docs/openapi.json";
        assert!(admin::openapi() == COMMITTED, "docs/openapi.json is not current; {hint}");
    }
}
