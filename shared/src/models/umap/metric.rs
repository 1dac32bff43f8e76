//! How the leaves of two customers are compared.

use serde::{Deserialize, Serialize};

/// Distance between two rows of leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// Leaf numbers taken as coordinates.
    Euclidean,
    /// The share of trees in which two customers fall in different leaves.
    Hamming,
}
