//! The Parquet tables of a run: schemas, builders, readers.

mod features;
mod parquet;
mod quarantine;
mod segments;
mod sums;
mod transactions;
mod value;

pub use self::parquet::{TableWriter, read_batches};
pub use ::parquet::file::reader::ChunkReader;
pub use features::{features_batches, read_features};
pub use quarantine::QuarantineBuilder;
pub use segments::{SegmentRows, read_segments, segments_batches, segments_schema};
pub use sums::read_sums;
pub use transactions::TransactionsBuilder;
