//! What a run reads, pinned before it begins.

use super::{Artifact, Source};

/// Everything outside of the settings that decides a run's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inputs {
    /// The upload, or the last of them.
    pub source: Source,
    /// The list of all uploads, where they add up.
    pub history: Option<Artifact>,
    /// SHA-256 of the tombstones, where there are any.
    pub erased: Option<String>,
}

impl From<Source> for Inputs {
    fn from(source: Source) -> Self {
        Self {
            source,
            history: None,
            erased: None,
        }
    }
}
