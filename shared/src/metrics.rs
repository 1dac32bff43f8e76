//! Figures for CloudWatch in its embedded metric format: one JSON line on standard output.
//! Names and numbers only, so that no customer can be in it.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use crate::contracts::RunState;

/// What the namespace is called in CloudWatch.
const NAMESPACE: &str = "Insiders";

/// Writes `figures` of a run; `deployment` is the template's stage (`dev`, `prod`).
pub fn emit(deployment: &str, run_id: &str, figures: &[(&str, f64)]) {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    let line = embedded(deployment, run_id, now, figures);
    // A lost figure is no reason to fail a run.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// What the first stage counted.
pub fn of_rows(state: &RunState) -> Vec<(&'static str, f64)> {
    let counts = &state.counts;
    let rows = counts.rows_read.max(1) as f64;
    vec![
        ("RowsRead", counts.rows_read as f64),
        ("RowsDropped", counts.rows_dropped as f64),
        ("RowsQuarantined", counts.rows_quarantined as f64),
        ("QuarantinedShare", counts.rows_quarantined as f64 / rows),
        ("Customers", counts.customers as f64),
        ("Guests", counts.guests as f64),
        ("SourceBytes", state.run.source.size as f64),
    ]
}

/// What the second stage found, and what it and the first one took.
pub fn of_segments(state: &RunState) -> Vec<(&'static str, f64)> {
    let mut figures = Vec::new();
    if let Some(quality) = &state.quality {
        figures.push(("Silhouette", quality.silhouette));
        figures.push(("Inertia", quality.inertia));
    }
    let cost = state.stages.iter().map(|s| s.estimated_cost_usd).sum();
    let peak = state.stages.iter().filter_map(|s| s.peak_memory_bytes);
    figures.push(("EstimatedCostUsd", cost));
    figures.push(("PeakMemoryBytes", peak.max().unwrap_or(0) as f64));
    figures
}

fn embedded(deployment: &str, run_id: &str, millis: u128, figures: &[(&str, f64)]) -> Value {
    let names: Vec<Value> = figures.iter().map(|(n, _)| json!({ "Name": n })).collect();
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": u64::try_from(millis).unwrap_or(u64::MAX),
            "CloudWatchMetrics": [
                { "Namespace": NAMESPACE, "Dimensions": [["Stage"]], "Metrics": names }
            ]
        }),
    );
    line.insert("Stage".to_owned(), deployment.into());
    line.insert("run_id".to_owned(), run_id.into());
    for (name, value) in figures {
        line.insert((*name).to_owned(), json!(value));
    }
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_is_declared_and_given() {
        let line = embedded("dev", "r1", 7, &[("RowsRead", 3.0), ("Guests", 1.0)]);
        let declared = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(declared["Metrics"][1]["Name"], "Guests");
        assert_eq!(declared["Dimensions"][0][0], "Stage");
        assert_eq!(
            (&line["RowsRead"], &line["Stage"]),
            (&json!(3.0), &json!("dev"))
        );
        assert_eq!(line["_aws"]["Timestamp"], 7);
    }
}
