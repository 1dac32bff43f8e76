//! From lines to customers: each kept line is added to its customer, and at the end every
//! customer with a purchase has one row of features.
//!
//! Sums are exact (integers and decimals), so that neither the order nor the splitting of
//! the lines changes a digit.

mod accumulate;
mod describe;
mod finish;
mod guests;
mod interner;
mod quality;

pub use accumulate::{Customers, Kept};
pub use describe::Describe;
pub use finish::{Features, pick};
pub use guests::Guests;
pub use interner::Interner;
pub use quality::{Dropped, QualityReport, Tally, UploadRows};
