//! Insiders on a laptop: the handlers that run in Lambda, in one process, on embedded
//! services.

// The SDK nests its futures deeply.
#![recursion_limit = "256"]

pub mod args;
pub mod commands;
pub mod exit;
pub mod generate;
pub mod local;
mod output;
pub mod pipeline;
mod watch;

pub use exit::Failure;
