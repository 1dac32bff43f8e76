//! The `insiders` command line.

// The SDK nests its futures deeply.
#![recursion_limit = "256"]

mod heap;

use std::process::ExitCode;

use clap::Parser;
use insiders::args::Args;
use insiders::{commands, exit};

fn main() -> ExitCode {
    heap::share();
    run()
}

#[tokio::main]
async fn run() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env();
    if let Ok(filter) = filter {
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .init();
    }
    exit::code(commands::execute(Args::parse()).await)
}
