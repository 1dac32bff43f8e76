//! Where a run leaves one function for many.

use serde::{Deserialize, Serialize};

/// What becomes of runs that are too large for one function. None of it changes a row: the same
/// input is the same run on every path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScaleSettings {
    /// What reads and sums up the export.
    pub engine: Engine,
    /// With `auto`, uploads of more than so many gibibytes in all go to Spark; a packed one counts
    /// for eight times its size.
    pub spark_from_gib: u64,
    /// Runs of more customers than this are scored in shards.
    pub shards_from: u64,
    /// Customers of a shard.
    pub customers_per_shard: u64,
}

/// What reads and sums up the export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// By size.
    #[default]
    Auto,
    /// One function.
    Lambda,
    /// The job in `infra/spark`.
    Spark,
}

impl Default for ScaleSettings {
    /// What one function does within its memory and its time: docs/SCALE.md.
    fn default() -> Self {
        Self {
            engine: Engine::Auto,
            spark_from_gib: 10,
            shards_from: 1_000_000,
            customers_per_shard: 500_000,
        }
    }
}

impl ScaleSettings {
    /// Shards that a run has at most: a list of more would not fit into one document that a
    /// state machine reads, nor would as many executions be started in time.
    pub const MOST_SHARDS: u32 = 1_000;

    /// Why these settings can't be, if they can't.
    pub(super) fn wrong(&self) -> Option<&'static str> {
        (self.customers_per_shard == 0).then_some("scale.customers_per_shard must be at least 1")
    }

    /// Whether uploads of so many bytes are read by Spark.
    pub fn is_for_spark(&self, bytes: u64) -> bool {
        match self.engine {
            Engine::Lambda => false,
            Engine::Spark => true,
            Engine::Auto => bytes > self.spark_from_gib.saturating_mul(1 << 30),
        }
    }

    /// Shards of a run of so many customers; `None` where one function scores them all.
    pub fn shards(&self, customers: u64) -> Option<u32> {
        if customers <= self.shards_from {
            return None;
        }
        let shards = customers.div_ceil(self.customers_per_shard.max(1));
        Some(u32::try_from(shards).map_or(Self::MOST_SHARDS, |n| n.min(Self::MOST_SHARDS)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_decides_unless_it_is_said() {
        let by = |engine| ScaleSettings {
            engine,
            spark_from_gib: 2,
            ..ScaleSettings::default()
        };
        let (at, above) = (2 << 30, (2 << 30) + 1);
        assert!(!by(Engine::Auto).is_for_spark(at) && by(Engine::Auto).is_for_spark(above));
        assert!(!by(Engine::Lambda).is_for_spark(u64::MAX) && by(Engine::Spark).is_for_spark(0));
    }

    #[test]
    fn shards_hold_what_they_may_and_are_not_too_many() {
        let settings = ScaleSettings {
            shards_from: 10,
            customers_per_shard: 4,
            ..ScaleSettings::default()
        };
        assert_eq!(settings.shards(10), None);
        assert_eq!(settings.shards(11), Some(3));
        assert_eq!(settings.shards(12), Some(3));
        assert_eq!(settings.shards(u64::MAX), Some(1_000));
    }
}
