//! What is to be published.

use std::collections::HashMap;

use serde_json::Value;
use shared::contracts::{AsOf, Manifest, Part, Run};
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
    /// SHA-256 of the table that the rows are from.
    pub segments_sha256: String,
    /// Name of that table in errors.
    pub segments_key: String,
    /// Its size in bytes, for progress.
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
        let name = Part::Segments.file_name();
        let segments = manifest.artifacts.get(name).ok_or_else(|| Error::Corrupt {
            object: format!("the manifest of run {}", run.run_id),
            reason: format!("it has no {name}"),
        })?;
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
}

/// Counts the customers of each segment and holds them against the profile: the two files
/// of a run must tell the same.
pub(crate) struct Tally<'a> {
    run: &'a PublishRun,
    left: HashMap<i32, (u64, &'a str)>,
}

impl<'a> Tally<'a> {
    pub(crate) fn new(run: &'a PublishRun) -> Result<Self> {
        let mut left = HashMap::new();
        for segment in &run.profile.segments {
            let label = i32::try_from(segment.label)
                .map_err(|_| damaged(run, &format!("label {} is too large", segment.label)))?;
            if left
                .insert(label, (segment.customers, segment.segment.as_str()))
                .is_some()
            {
                return Err(damaged(run, &format!("segment {label} is there twice")));
            }
        }
        Ok(Self { run, left })
    }

    /// Counts one customer.
    pub(crate) fn count(&mut self, label: i32, segment: &str) -> Result<()> {
        let reason = match self.left.get_mut(&label) {
            Some((left, name)) if *left > 0 && *name == segment => {
                *left -= 1;
                return Ok(());
            }
            Some((0, _)) => "has too few customers",
            Some(_) => "has another name",
            None => "is missing",
        };
        Err(damaged(self.run, &format!("segment {label} {reason}")))
    }

    /// No more customers.
    pub(crate) fn finish(self, rows: u64) -> Result<()> {
        if rows != self.run.customers {
            return Err(Error::Corrupt {
                object: self.run.segments_key.clone(),
                reason: format!(
                    "it has {rows} rows, the manifest says {}",
                    self.run.customers
                ),
            });
        }
        match self.left.iter().find(|(_, (left, _))| *left > 0) {
            Some((label, _)) => Err(damaged(
                self.run,
                &format!("segment {label} has too many customers"),
            )),
            None => Ok(()),
        }
    }
}

fn damaged(run: &PublishRun, reason: &str) -> Error {
    Error::Corrupt {
        object: format!("the profile of run {}", run.run_id),
        reason: format!("held against {}, {reason}", run.segments_key),
    }
}
