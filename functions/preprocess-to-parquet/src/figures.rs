//! The run's figures for CloudWatch.

use shared::contracts::{Part, RunState};
use shared::metrics::{Figures, Rows, of_rows};
use shared::store::Store;

/// What the stage counted; nothing of a run that was there already. Figures that can't be
/// had are no reason to fail a run: the log says why.
pub async fn figures(store: &Store, state: &RunState) -> Vec<Figures> {
    // What Spark is to read, nobody has counted yet.
    if state.already_complete || state.spark.is_some() {
        return Vec::new();
    }
    let mut rows = Rows::default();
    if let Some(artifact) = state.artifacts.get(Part::Quality.file_name()) {
        match store
            .get_verified(artifact)
            .await
            .map(|body| serde_json::from_slice(&body))
        {
            Ok(Ok(read)) => rows = read,
            Ok(Err(error)) => tracing::warn!(%error, "no figures by rule and reason"),
            Err(error) => tracing::warn!(%error, "no figures by rule and reason"),
        }
    }
    of_rows(state, &rows)
}
