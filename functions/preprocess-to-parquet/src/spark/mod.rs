//! Exports that are too large for one function: Spark reads and sums them up (`infra/spark`), by the
//! same rules to the last digit.
//!
//! [`job`] says what Spark is to do and lays its program where it finds it; [`gather`] takes in what
//! it left, and from there the run goes on as any other.

mod gather;
mod job;
mod program;
mod quality;
mod rejected;

use shared::contracts::Layout;

pub use gather::gather;
pub(crate) use job::job;

/// The folder of a run that Spark writes into, without the trailing slash.
fn folder(run_id: &str) -> String {
    format!("{}/spark", Layout::run(run_id))
}
