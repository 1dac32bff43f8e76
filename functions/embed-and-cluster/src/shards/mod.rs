//! Customers in shards, each scored by a function of its own.
//!
//! [`prepare`] finds what every shard is scored by: models, rules, the features' ranges. [`score`]
//! scores one, by nothing but that. [`merge`] tells of them all, by the same code on the same rows
//! in the same order as for a run that one function scores, so that any partition of the customers
//! gives the same figures.

mod merge;
mod prepare;
mod rows;
mod score;

use serde::{Deserialize, Serialize};
use shared::contracts::{Shard, StageReport};
use shared::segments::next_step::Scales;
use shared::segments::rules::Rule;

pub(crate) use merge::merge;
pub(crate) use prepare::prepare;
pub(crate) use rows::rows;
pub(crate) use score::score;

/// `prepared.json`: what every shard is scored by besides the models.
#[derive(Debug, Serialize, Deserialize)]
struct Prepared {
    /// What gaps to the first segment are counted in.
    scales: Scales,
    /// The rules, by position of the segment.
    rules: Vec<Rule>,
}

/// `segments/{number}.json`: a shard that is scored. Written after its table, which nobody reads
/// without it.
#[derive(Debug, Serialize, Deserialize)]
struct ScoredShard {
    /// Its table of segments.
    #[serde(flatten)]
    shard: Shard,
    /// What it took.
    stage: StageReport,
}
