//! What the segments are: who is in them, what they are worth, what they are called.

mod names;
mod profile;

pub use names::names;
pub use profile::{Profile, SegmentProfile};
