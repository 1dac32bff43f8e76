//! What a state machine has Spark do.

use serde::{Deserialize, Serialize};

/// The job of a run whose export is too large for one function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SparkJob {
    /// URI of its program.
    pub entry_point: String,
    /// The program's arguments.
    pub arguments: Vec<String>,
    /// Options of spark-submit.
    pub parameters: String,
    /// In how many shards the customers are to be scored, where somebody asked for a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shards: Option<u32>,
    /// Why the service says that it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// An error as a state machine catches it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Failure {
    /// Its name.
    pub error: String,
    /// Its words.
    #[serde(default)]
    pub cause: String,
}
