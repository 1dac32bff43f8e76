//! Figures for CloudWatch in its embedded metric format: JSON lines among those of the log.
//! Names and numbers only, so that no customer can be in it.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::contracts::{RunState, StageReport};
use crate::segments::Profile;

/// What the namespace is called in CloudWatch.
const NAMESPACE: &str = "Insiders";
/// The dimension of every figure: the template's stage (`dev`, `prod`).
const DEPLOYMENT: &str = "Stage";

/// Figures of one kind of thing: of the deployment, or of one function, rule, reason or segment.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// The second dimension and its value.
    of: Option<(&'static str, String)>,
    values: Vec<(&'static str, f64)>,
}

impl Figures {
    /// Figures of the deployment as a whole.
    pub fn new(values: Vec<(&'static str, f64)>) -> Self {
        Self { of: None, values }
    }

    /// Figures of one of several.
    pub fn of(dimension: &'static str, one: &str, values: Vec<(&'static str, f64)>) -> Self {
        Self {
            of: Some((dimension, one.to_owned())),
            values,
        }
    }
}

/// What is read of `quality.json`.
#[derive(Debug, Default, Deserialize)]
pub struct Rows {
    dropped: BTreeMap<String, u64>,
    quarantined_by_reason: BTreeMap<String, u64>,
}

/// What the first stage counted. A reason for which no row was quarantined has no figure.
pub fn of_rows(state: &RunState, rows: &Rows) -> Vec<Figures> {
    let counts = &state.counts;
    let read = counts.rows_read.max(1) as f64;
    let mut figures = vec![Figures::new(vec![
        ("RowsRead", counts.rows_read as f64),
        ("RowsKept", counts.rows_kept as f64),
        ("RowsDropped", counts.rows_dropped as f64),
        ("RowsQuarantined", counts.rows_quarantined as f64),
        ("QuarantinedShare", counts.rows_quarantined as f64 / read),
        ("Customers", counts.customers as f64),
        ("Guests", counts.guests as f64),
        ("SourceBytes", state.run.source.size as f64),
        ("ChecksFailed", state.checks.len() as f64),
    ])];
    for (rule, &count) in &rows.dropped {
        figures.push(Figures::of(
            "Rule",
            rule,
            vec![("RowsDropped", count as f64)],
        ));
    }
    for (reason, &count) in &rows.quarantined_by_reason {
        let value = vec![("RowsQuarantined", count as f64)];
        figures.push(Figures::of("Reason", reason, value));
    }
    figures
}

/// What the second stage found: the segments, and how far their shares are from `fitted`,
/// those of the run that fitted the model.
pub fn of_segments(state: &RunState, now: &Profile, fitted: Option<&Profile>) -> Vec<Figures> {
    let bytes: u64 = state.artifacts.values().map(|a| a.bytes).sum();
    let mut all = vec![("ArtifactBytes", bytes as f64)];
    if let Some(quality) = &state.quality {
        all.push(("Silhouette", quality.silhouette));
        all.push(("Inertia", quality.inertia));
    }
    if let Some(fitted) = fitted {
        all.push(("SegmentShareShift", total_variation(now, fitted)));
    }
    let mut figures = vec![Figures::new(all)];
    for segment in &now.segments {
        let value = vec![("SegmentShare", segment.share)];
        figures.push(Figures::of("Segment", &segment.segment, value));
    }
    figures
}

/// The part of the customers that would have to change segments to get from one profile's
/// shares to the other's: half the sum of the differences, from 0 to 1.
pub fn total_variation(now: &Profile, then: &Profile) -> f64 {
    let mut shares: BTreeMap<u32, f64> = BTreeMap::new();
    for segment in &now.segments {
        *shares.entry(segment.label).or_default() += segment.share;
    }
    for segment in &then.segments {
        *shares.entry(segment.label).or_default() -= segment.share;
    }
    shares
        .values()
        .map(|difference| difference.abs())
        .sum::<f64>()
        / 2.0
}

/// What one invocation took; `start` says whether it was the process's first.
pub fn of_invocation(report: &StageReport, start: Vec<(&'static str, f64)>) -> Figures {
    let mut values = start;
    values.push(("StageSeconds", report.seconds));
    values.push(("EstimatedCostUsd", report.estimated_cost_usd));
    if let Some(peak) = report.peak_memory_bytes {
        values.push(("PeakMemoryBytes", peak as f64));
    }
    Figures::of("Function", &report.stage, values)
}

/// The lines of `figures`; `fields` is what every line says, the deployment among it.
pub fn embedded(figures: &[Figures], fields: &Map<String, Value>) -> Vec<Value> {
    #[expect(clippy::disallowed_methods, reason = "when the figures were taken")]
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    let now = u64::try_from(now).unwrap_or(u64::MAX);
    figures.iter().map(|one| line(one, fields, now)).collect()
}

fn line(figures: &Figures, fields: &Map<String, Value>, millis: u64) -> Value {
    let mut line = fields.clone();
    let mut dimensions = vec![DEPLOYMENT];
    if let Some((dimension, one)) = &figures.of {
        dimensions.push(dimension);
        line.insert((*dimension).to_owned(), one.clone().into());
    }
    let declared: Vec<Value> = figures
        .values
        .iter()
        .map(|(name, _)| json!({ "Name": name, "Unit": unit(name) }))
        .collect();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": millis,
            "CloudWatchMetrics": [
                { "Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": declared }
            ]
        }),
    );
    for (name, value) in &figures.values {
        line.insert((*name).to_owned(), json!(value));
    }
    Value::Object(line)
}

fn unit(name: &str) -> &'static str {
    match name {
        _ if name.ends_with("Bytes") => "Bytes",
        _ if name.ends_with("Seconds") => "Seconds",
        _ if name.starts_with("Rows") => "Count",
        "Customers" | "Guests" | "ChecksFailed" | "ColdStart" | "CustomersPublished" => "Count",
        _ => "None",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segments::SegmentProfile;

    fn profile(shares: &[(u32, f64)]) -> Profile {
        let segment = |&(label, share)| SegmentProfile {
            label,
            segment: format!("s{label}"),
            customers: 1,
            share,
            gross_revenue: 0.0,
            frequency: 0.0,
            returns: 0.0,
            recency_days: 0.0,
            revenue_share: 0.0,
            rule: None,
        };
        Profile {
            segments: shares.iter().map(segment).collect(),
        }
    }

    #[test]
    fn every_figure_is_declared_and_given_under_its_dimensions() {
        let mut fields = Map::new();
        fields.insert("Stage".to_owned(), "dev".into());
        fields.insert("run_id".to_owned(), "r1".into());
        let figures = Figures::of("Rule", "country", vec![("RowsDropped", 3.0)]);
        let line = line(&figures, &fields, 7);
        let declared = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(declared["Namespace"], "Insiders");
        assert_eq!(declared["Dimensions"], json!([["Stage", "Rule"]]));
        assert_eq!(
            declared["Metrics"],
            json!([{ "Name": "RowsDropped", "Unit": "Count" }])
        );
        assert_eq!(line["_aws"]["Timestamp"], 7);
        let said = json!([
            line["Stage"],
            line["Rule"],
            line["RowsDropped"],
            line["run_id"]
        ]);
        assert_eq!(said, json!(["dev", "country", 3.0, "r1"]));
    }

    /// A tenth of the customers left segment 0, half of them for one that was empty.
    #[test]
    fn the_shift_is_the_share_of_customers_that_moved() {
        let then = profile(&[(0, 0.6), (1, 0.4)]);
        let now = profile(&[(0, 0.5), (1, 0.45), (2, 0.05)]);
        assert!((total_variation(&now, &then) - 0.1).abs() < 1e-12);
        assert!((total_variation(&then, &now) - 0.1).abs() < 1e-12);
        assert_eq!(total_variation(&now, &now), 0.0);
    }

    #[test]
    fn rows_are_counted_by_rule_and_by_reason() {
        let quality = r#"{"dropped":{"country":2,"customer":0},
            "quarantined_by_reason":{"date":1},"rows":9}"#;
        let rows: Rows = serde_json::from_str(quality).unwrap();
        assert_eq!(rows.dropped["country"], 2);
        assert_eq!(rows.quarantined_by_reason["date"], 1);
    }
}
