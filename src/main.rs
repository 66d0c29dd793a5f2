//! The program. Everything is in the library.
use std::process::ExitCode;

/// Faster than the system's for the many small pieces of a request.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    attache::cli::run()
}
