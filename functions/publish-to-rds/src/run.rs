//! What is to be published.

use serde_json::Value;
use shared::contracts::{Artifact, AsOf, Manifest, Part, Run};
use shared::progress::Progress;
use shared::segments::Profile;
use shared::{Error, Result};

use crate::names::RunId;

/// One run as it shall be in the database; its rows come as a stream beside it.
#[derive(Debug, Clone)]
pub struct PublishRun {
    /// The run.
    pub run_id: RunId,
    /// Its moment.
    pub as_of: AsOf,
    /// The object that it read.
    pub source: String,
    /// The model that placed its customers.
    pub model_version: String,
    /// Rows that must come.
    pub customers: u64,
    /// SHA-256 of the table that the rows are from, or of the list of its shards.
    pub segments_sha256: String,
    /// Name of that table or list in errors.
    pub segments_key: String,
    /// Bytes of the table, or of all shards, for progress.
    pub segments_bytes: u64,
    /// The run's manifest as it is now.
    pub manifest: Value,
    /// What each segment is like.
    pub profile: Profile,
    /// Make this run the current one even if a later one is.
    pub force: bool,
    /// Where a later run is current, make this one history beneath it.
    pub fill_history: bool,
    /// Runs to keep, the current one included.
    pub keep_runs: usize,
}

impl PublishRun {
    /// The run that a manifest tells of, to be published as `asked` says.
    pub fn of(manifest: &Manifest, profile: Profile, asked: &Run) -> Result<Self> {
        let run = &manifest.run;
        let segments = Segments::of(manifest)?.artifact();
        let source = match &run.source.version {
            Some(version) => {
                format!(
                    "s3://{}/{}?versionId={version}",
                    run.source.bucket, run.source.key
                )
            }
            None => format!("s3://{}/{}", run.source.bucket, run.source.key),
        };
        Ok(Self {
            run_id: RunId::parse(&run.run_id)?,
            as_of: manifest.effective_as_of,
            source,
            model_version: run.model_version.clone(),
            customers: manifest.customers,
            segments_sha256: segments.sha256.clone(),
            segments_key: segments.key.clone(),
            segments_bytes: segments.bytes,
            manifest: serde_json::to_value(manifest).map_err(|e| Error::Internal(e.to_string()))?,
            profile,
            force: asked.force_publish,
            fill_history: asked.fill_history,
            keep_runs: asked.settings.publish.keep_runs,
        })
    }

    /// Tells whoever watches that so many rows came.
    pub(crate) fn tell(&self, progress: &dyn Progress, rows: u64) {
        let share = rows as f64 / self.customers.max(1) as f64;
        let bytes = (share * self.segments_bytes as f64) as u64;
        progress.bytes(bytes, self.segments_bytes);
    }
}

/// Where a manifest says that the customers are: in the one or the other.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Segments<'a> {
    /// One table.
    Whole(&'a Artifact),
    /// A list of shards.
    Shards(&'a Artifact),
}

impl<'a> Segments<'a> {
    pub(crate) fn of(manifest: &'a Manifest) -> Result<Self> {
        let [whole, shards] = [Part::Segments, Part::ScoredShards].map(Part::file_name);
        let found = [whole, shards].map(|name| manifest.artifacts.get(name));
        let reason = match found {
            [Some(table), None] => return Ok(Self::Whole(table)),
            [None, Some(list)] => return Ok(Self::Shards(list)),
            [None, None] => format!("it has neither {whole} nor {shards}"),
            [Some(_), Some(_)] => format!("it has both {whole} and {shards}"),
        };
        Err(Error::Corrupt {
            object: format!("the manifest of run {}", manifest.run.run_id),
            reason,
        })
    }

    /// The table, or the list.
    pub(crate) fn artifact(self) -> &'a Artifact {
        match self {
            Self::Whole(artifact) | Self::Shards(artifact) => artifact,
        }
    }
}
