//! The models: scalers, forest, UMAP, k-means and the silhouette.
//!
//! Everything here is a pure function of its arguments. The same input gives the same
//! bytes on any machine and on any number of threads: randomness is counter-based
//! ([`random`]), transcendental functions are the `libm` crate's or our own, and parallel
//! work is split in ways that the number of threads cannot change.

mod breaks;
pub(crate) mod codec;
pub mod error;
pub mod forest;
pub mod kmeans;
pub mod random;
pub mod scaler;
pub mod silhouette;
pub mod umap;

pub use breaks::leading_breaks;
pub use error::ModelError;
pub use forest::{Forest, ForestParams, Splitter};
pub use kmeans::{Init, KMeans, KMeansParams};
pub use scaler::MinMaxScaler;
pub use silhouette::{Silhouette, silhouette};
pub use umap::{Metric, Umap, UmapParams};

#[cfg(test)]
mod same_bytes;
