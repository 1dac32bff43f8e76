//! Keys of the artifacts in the bucket.

/// Keys of everything that belongs to one run: `runs/{run_id}/…`.
#[derive(Debug, Clone)]
pub struct Layout<'a> {
    run_id: &'a str,
}

/// An artifact of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Cleaned invoice lines.
    Transactions,
    /// Rows that could not be read, each with its reason.
    Quarantine,
    /// Counts by rule and profile of the input.
    Quality,
    /// One row of features per customer.
    Features,
    /// Features, embedding, label and segment per customer.
    Segments,
    /// One entry per segment.
    Profile,
    /// Inertia, silhouette and what else measures the run.
    Metrics,
    /// All of it on one page for people.
    Report,
    /// Inputs, digests and figures; written last.
    Manifest,
    /// Where customers are scored in shards: the shards' features.
    Shards,
    /// What every shard is scored by besides the models.
    Prepared,
    /// The shards once they are scored: their segments.
    ScoredShards,
}

/// What a shard of customers has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShardTable {
    /// Their features.
    Features,
    /// Their segments.
    Segments,
    /// What is said of the segments: written after them.
    Scored,
}

impl Part {
    /// File name under the run's prefix.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Transactions => "transactions.parquet",
            Self::Quarantine => "quarantine.parquet",
            Self::Quality => "quality.json",
            Self::Features => "features.parquet",
            Self::Segments => "segments.parquet",
            Self::Profile => "profile.json",
            Self::Metrics => "metrics.json",
            Self::Report => "report.html",
            Self::Manifest => "manifest.json",
            Self::Shards => "shards.json",
            Self::Prepared => "prepared.json",
            Self::ScoredShards => "segments.json",
        }
    }
}

impl<'a> Layout<'a> {
    /// The keys of run `run_id`.
    pub fn new(run_id: &'a str) -> Self {
        Self { run_id }
    }

    /// The key of one artifact.
    pub fn key(&self, part: Part) -> String {
        format!("runs/{}/{}", self.run_id, part.file_name())
    }

    /// The key of one shard's table of features or segments, or of what is said of it.
    pub fn shard(&self, table: ShardTable, number: u32) -> String {
        let (folder, kind) = match table {
            ShardTable::Features => ("features", "parquet"),
            ShardTable::Segments => ("segments", "parquet"),
            ShardTable::Scored => ("segments", "json"),
        };
        format!("runs/{}/{folder}/{number:05}.{kind}", self.run_id)
    }

    /// Whether `text` can name a run or a model: as part of a key it stays in its own folder.
    pub fn is_name(text: &str) -> bool {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        (1..=128).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(plain)
    }

    /// The folder of a run, without the trailing slash.
    pub fn run(run_id: &str) -> String {
        format!("runs/{run_id}")
    }

    /// The bundle's folder of a model version, without the trailing slash.
    pub fn model(version: &str) -> String {
        format!("models/{version}")
    }

    /// The pointer to the model version that `apply` uses.
    pub const CHAMPION: &'static str = "models/champion.json";

    /// The runs by moment.
    pub const INDEX: &'static str = "runs/index.json";

    /// The shop's settings.
    pub const SETTINGS: &'static str = "config/insiders.toml";
}
