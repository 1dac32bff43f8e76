//! `manifest.json`: what a run read, wrote and took.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{AsOf, Layout, Part, Promotion, Run, RunState};
use crate::columns::Check;
use crate::evaluation::Drift;
use crate::segments::Migrations;
use crate::{Error, Result};

/// One object that a run wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Key in the run's bucket.
    pub key: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Rows, for a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
}

impl Artifact {
    /// Says what is wrong if this is not the file `name` in the folder of run `run_id`.
    fn must_be(&self, run_id: &str, name: &str) -> Result<(), String> {
        if self.key == format!("runs/{run_id}/{name}") && Layout::is_name(name) {
            return Ok(());
        }
        Err(format!(
            "{name} of run {run_id} can't be the object {:?}",
            self.key
        ))
    }
}

/// The version that a document says its format has, before anything else of it is read.
pub(crate) fn format(bytes: &[u8]) -> Result<u32, String> {
    #[derive(Deserialize)]
    struct Head {
        schema_version: u32,
    }
    let head: Head = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    Ok(head.schema_version)
}

/// Rows and customers of a run. `rows_read` is the sum of `rows_kept`, `rows_dropped`,
/// `rows_quarantined`, `rows_after_as_of` and `rows_before_window`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Data rows in the source.
    pub rows_read: u64,
    /// Rows that stayed after every rule.
    pub rows_kept: u64,
    /// Rows removed by a rule.
    pub rows_dropped: u64,
    /// Rows that could not be read.
    pub rows_quarantined: u64,
    /// Rows later than the as-of moment.
    pub rows_after_as_of: u64,
    /// Rows before the window.
    #[serde(default)]
    pub rows_before_window: u64,
    /// Customers with features.
    pub customers: u64,
    /// Those of them that are guests.
    pub guests: u64,
}

/// Figures of one run's segments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Segments.
    pub segments: u32,
    /// Sum of squared distances to the centroids (WSS) in the embedding.
    pub inertia: f64,
    /// Mean silhouette in the embedding.
    pub silhouette: f64,
    /// Customers that the silhouette was computed on, where it was sampled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silhouette_sample: Option<u64>,
    /// F1 of the segments' rules, the mean weighted by their customers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules_f1: Option<f64>,
    /// Share of some customers whom the models place in the first segment once they have
    /// taken their next step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_step_verified_share: Option<f64>,
    /// How many customers that was tried on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_step_sample: Option<u64>,
}

/// What one stage took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageReport {
    /// The function's name.
    pub stage: String,
    /// Wall time in seconds.
    pub seconds: f64,
    /// Peak resident memory of the process during the stage, where the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
    /// Rows in.
    pub rows_in: u64,
    /// Rows out.
    pub rows_out: u64,
    /// Seconds by step within the stage.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub steps: BTreeMap<String, f64>,
    /// Estimated price of the invocation in USD, at list prices.
    pub estimated_cost_usd: f64,
}

/// Where and what Postgres readers see of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// Rows of the run's partition.
    pub customers: u64,
    /// Digest of the rows as Postgres holds them, independent of their order.
    pub row_digest: String,
    /// Whether this run is the one that the views show.
    pub current: bool,
}

/// The record of one complete run, written last: without it the run does not exist.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this format.
    pub schema_version: u32,
    /// What was computed, with its settings.
    #[serde(flatten)]
    pub run: Run,
    /// The run's moment as it turned out: as asked for, or the last kept purchase.
    pub effective_as_of: AsOf,
    /// Version of the programs.
    pub program_version: String,
    /// Customers with features: the rows of segments.parquet.
    pub customers: u64,
    /// Rows and customers.
    pub counts: Counts,
    /// Figures of the segments.
    pub quality: Quality,
    /// What was written, by file name.
    pub artifacts: BTreeMap<String, Artifact>,
    /// What each stage took.
    pub stages: Vec<StageReport>,
    /// What became of the models, if the run fitted some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion: Option<Promotion>,
    /// How far the customers are from those that the model was fitted to, by feature.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Drift>,
    /// What differs from the run before in the export.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// What changed since the run before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrations: Option<Migrations>,
    /// Set once the run was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publication: Option<Publication>,
}

impl Manifest {
    /// The format's version that this program writes and reads.
    pub const SCHEMA_VERSION: u32 = 1;

    /// Reads the manifest of run `run_id`. Refused unless it is in this program's format, is
    /// of that run, and lists nothing that lies outside of the run's folder.
    pub fn read(bytes: &[u8], run_id: &str) -> Result<Self> {
        let object = Layout::new(run_id).key(Part::Manifest);
        let corrupt = |reason: String| Error::Corrupt {
            object: object.clone(),
            reason,
        };
        let found = format(bytes).map_err(&corrupt)?;
        if found != Self::SCHEMA_VERSION {
            let reads = Self::SCHEMA_VERSION;
            return Err(corrupt(format!(
                "its schema version is {found}, this program reads {reads}: use the version that wrote it, or start the run again"
            )));
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(|e| corrupt(e.to_string()))?;
        if manifest.run.run_id != run_id {
            let reason = format!("it is the manifest of run {:?}", manifest.run.run_id);
            return Err(corrupt(reason));
        }
        for (name, artifact) in &manifest.artifacts {
            artifact.must_be(run_id, name).map_err(&corrupt)?;
        }
        Ok(manifest)
    }

    /// The manifest of a run whose segments have been written.
    pub fn of(state: &RunState, quality: Quality, as_of: AsOf) -> Self {
        Self {
            schema_version: Self::SCHEMA_VERSION,
            run: state.run.clone(),
            effective_as_of: as_of,
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            customers: state.counts.customers,
            counts: state.counts.clone(),
            quality,
            artifacts: state.artifacts.clone(),
            stages: state.stages.clone(),
            promotion: state.promotion.clone(),
            drift: Vec::new(),
            checks: state.checks.clone(),
            migrations: None,
            publication: None,
        }
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
