//! What is looked at when an export is held against that of the run before.

use serde::{Deserialize, Serialize};

/// What follows from a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing: it is not looked at.
    Off,
    /// The run goes on and says so.
    Warn,
    /// The run ends, and nothing is written.
    Stop,
}

/// Levels and thresholds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckSettings {
    /// Columns that are new, gone or renamed.
    pub columns: Level,
    /// Values that were whole numbers and are not, or the other way round.
    pub types: Level,
    /// Quantities or prices of another magnitude.
    pub units: Level,
    /// Values that are missing more often.
    pub nulls: Level,
    /// Far fewer rows; where uploads add up it is not looked at.
    pub rows: Level,
    /// No later line than in the run before, or an upload that is old: `max_age_days`.
    pub freshness: Level,
    /// Factor between medians from which it is another unit.
    pub unit_factor: f64,
    /// Rise of the share of missing values.
    pub null_rise: f64,
    /// Fall of the number of rows, as a share of the run before's.
    pub rows_fall: f64,
    /// Days from the last line to the upload from which the upload is old.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age_days: Option<u32>,
}

impl Default for CheckSettings {
    fn default() -> Self {
        Self {
            columns: Level::Warn,
            types: Level::Warn,
            units: Level::Warn,
            nulls: Level::Warn,
            rows: Level::Warn,
            freshness: Level::Warn,
            unit_factor: 5.0,
            null_rise: 0.1,
            rows_fall: 0.5,
            max_age_days: None,
        }
    }
}

impl CheckSettings {
    /// What is wrong with them, if anything.
    pub(super) fn wrong(&self) -> Option<&'static str> {
        if !(self.unit_factor > 1.0 && self.unit_factor.is_finite()) {
            return Some("checks.unit_factor must be greater than 1");
        }
        if !((0.0..=1.0).contains(&self.null_rise) && (0.0..=1.0).contains(&self.rows_fall)) {
            return Some("checks.null_rise and rows_fall must be between 0 and 1");
        }
        None
    }
}
