//! The whole product through its own doors: the real S3 protocol, a real Postgres, the
//! command line's binary.
#![recursion_limit = "256"]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::format_collect,
    clippy::print_stderr,
    clippy::print_stdout
)]

use std::alloc::System;

use cap::Cap;

/// Counts what is allocated: the long run tells by it that nothing is kept.
#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

mod backfill;
mod bad_input;
mod bi;
mod catalogue;
mod checks;
mod cleaning;
mod erasure;
mod evaluate;
mod explore;
mod faults;
mod golden;
mod history;
mod hostile;
mod identity;
mod import;
mod kills;
mod lifecycle;
mod longrun;
mod parts;
mod publish;
mod report;
mod rules;
mod shards;
mod value;
mod whole;
