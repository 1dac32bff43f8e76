//! What a bundle is and came from.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::contracts::{Artifact, Quality, Source, format};
use crate::evaluation::Gate;
use crate::segments::rules::Rule;
use crate::segments::{Lineage, Segment};
use crate::settings::{ClusteringSettings, EmbeddingSettings};
use crate::{Error, Result};

/// The features that the models take, in their order.
pub const FEATURES: [&str; 4] = [
    "recency_days",
    "quantity_of_products",
    "frequency",
    "returns",
];
/// What the forest was fitted to.
pub const TARGET: &str = "gross_revenue";

/// How many of how many customers models were fitted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Those chosen.
    pub customers: u64,
    /// All.
    pub of: u64,
}

/// `models/{version}/manifest.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BundleManifest {
    /// Version of the format.
    pub schema_version: u32,
    /// The bundle's own version.
    pub version: String,
    /// Names of the features, in the models' order.
    pub features: Vec<String>,
    /// What the forest was fitted to.
    pub target: String,
    /// Parameters of forest and UMAP.
    pub embedding: EmbeddingSettings,
    /// Parameters of k-means.
    pub clustering: ClusteringSettings,
    /// Where the training data came from.
    pub source: Source,
    /// SHA-256 of the table of features that the models were fitted to, or of the list of its
    /// shards.
    pub training_sha256: String,
    /// Customers that the models were fitted to.
    pub training_customers: u64,
    /// Where those are a sample: of how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
    /// The segments, in the order of the centroids.
    pub segments: Vec<Segment>,
    /// What one must do to be in each of them, in the same order; none of imported models
    /// and of fits before there were rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// What became of the segments of the champion of that time, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lineage: Option<Lineage>,
    /// The fit against the thresholds of that time; empty if there was no champion.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// Figures of the fit.
    pub quality: Quality,
    /// Each file with its digest.
    pub files: BTreeMap<String, Artifact>,
}

impl BundleManifest {
    /// The format's version that this program writes and reads.
    pub const SCHEMA_VERSION: u32 = 2;

    pub(super) fn to_json(&self) -> Result<Bytes> {
        serde_json::to_vec_pretty(self)
            .map(Bytes::from)
            .map_err(|e| Error::Internal(e.to_string()))
    }

    pub(super) fn from_json(bytes: &[u8], object: &str) -> Result<Self> {
        let corrupt = |reason: String| Error::Corrupt {
            object: object.to_owned(),
            reason,
        };
        let found = format(bytes).map_err(corrupt)?;
        if found != Self::SCHEMA_VERSION {
            return Err(corrupt(format!(
                "its schema version is {found}, this program reads {}: fit again; if it is the champion, remove models/champion.json first",
                Self::SCHEMA_VERSION
            )));
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(|e| corrupt(e.to_string()))?;
        if manifest.features != FEATURES || manifest.target != TARGET {
            return Err(corrupt("it is of other features".to_owned()));
        }
        Ok(manifest)
    }
}
