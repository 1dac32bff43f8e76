//! What the segments are: who is in them, what they are worth, what they are called.

mod names;
mod profile;
mod quality;

pub use names::names;
pub use profile::{Profile, SegmentProfile};
pub use quality::quality;
