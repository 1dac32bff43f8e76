//! Removing a person: who was erased, and which rows, records and lines are theirs.
//!
//! [`Tombstones`] keep later uploads from bringing a person back, without holding an id.
//! [`Ids`] are the ids of those who are being erased; [`Found::in_text`] and [`without`] find
//! what is theirs in an upload and in a table.

mod ids;
mod mention;
mod records;
mod rewrite;
mod tables;
mod tombstones;

pub use ids::Ids;
pub use records::{Found, Span, mentioned_in_spans};
pub use rewrite::rewrite;
pub use tables::{Kept, without};
pub use tombstones::{TOMBSTONES, Tombstones, bury, tombstones};
