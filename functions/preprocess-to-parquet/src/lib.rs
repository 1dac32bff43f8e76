//! `preprocess-to-parquet`: the first stage. It decides what the run is, then reads the
//! export, or all that there were, once: decode, parse, quarantine, clean, accumulate. It leaves transactions,
//! quarantine, features and quality counts in the run's folder.
//!
//! [`handle`] is the whole stage; [`handle_event`] finds out what an event asks of it;
//! [`plan`] decides the run; [`pass`] is the one pass over the bytes of its [`uploads`]. Those that
//! are too large for that are read by [`spark`].

mod checks;
mod event;
mod features;
mod figures;
mod handler;
mod pass;
mod plan;
mod sink;
mod spark;
mod uploads;

pub use event::handle_event;
pub use figures::figures;
pub use handler::{Context, handle, settings_of};
pub use spark::gather;
