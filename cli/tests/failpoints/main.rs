//! Every point between two steps of a run is made to end it once: by an error, a panic and a
//! kill. Whatever was left, the next attempt has the result of a run that nothing happened to.
//!
//! `cargo test --release -p insiders --features failpoints --test failpoints`
#![recursion_limit = "256"]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout
)]

mod ends;
mod machine;
#[allow(dead_code)] // what the other tests share
#[path = "../it/parts.rs"]
mod parts;
mod scenario;
mod snapshot;
mod world;
