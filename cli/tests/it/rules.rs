//! Rules and next steps through a shop's life: found in a fit, kept in what follows.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use serde_json::Value;
use shared::segments::rules::{Measured, Rule};
use shared::tables::read_segments;

use crate::parts::{artifact, insiders, reference, run, shop};

fn json(dir: &Path, manifest: &Value, name: &str) -> Value {
    serde_json::from_slice(&artifact(dir, manifest, name)).unwrap()
}

/// Rule by number of the segment.
fn rules(profile: &Value) -> BTreeMap<u64, String> {
    let segments = profile["segments"].as_array().unwrap().iter();
    let rule = |s: &Value| {
        let label = s["label"].as_u64().unwrap();
        (label, s["rule"].as_str().unwrap().to_owned())
    };
    segments.map(rule).collect()
}

/// What profile.json says of the rules is what its conditions give on segments.parquet.
fn check(dir: &Path, manifest: &Value) {
    let profile = json(dir, manifest, "profile.json");
    let bytes = artifact(dir, manifest, "segments.parquet");
    let rows = read_segments(Bytes::from(bytes), "segments.parquet").unwrap();
    let segments = profile["segments"].as_array().unwrap();
    let rule = |s: &Value| serde_json::from_value(s["rule_conditions"].clone()).unwrap();
    let stored: Vec<Rule> = segments.iter().map(rule).collect();
    let number = |s: &Value| s["label"].as_i64().unwrap();
    let place = |label: &i32| segments.iter().position(|s| number(s) == i64::from(*label));
    let labels: Vec<u32> = rows
        .label
        .iter()
        .map(|l| place(l).unwrap() as u32)
        .collect();
    let measured = Measured::of(&stored, &rows.features, &labels);
    for (told, found) in segments.iter().zip(&measured.rules) {
        assert_eq!(told["rule"], found.rule);
        // a reader of JSON may miss the last bit
        let is_told = |key: &str, found: f64| (told[key].as_f64().unwrap() - found).abs() < 1e-12;
        assert!(is_told("rule_precision", found.rule_precision), "{told}");
        assert!(is_told("rule_recall", found.rule_recall), "{told}");
        assert!(is_told("rule_coverage", found.rule_coverage), "{told}");
    }
    let metrics = json(dir, manifest, "metrics.json");
    assert!((metrics["rules_f1"].as_f64().unwrap() - measured.mean_f1).abs() < 1e-12);
    let first = number(&segments[0]);
    assert_eq!(segments[0]["segment"], "Insiders");
    for (label, step) in rows.label.iter().zip(&rows.next_step) {
        let is_member = i64::from(*label) == first;
        assert!(!is_member || step.text.is_none());
        assert!(is_member || step.keep.is_none());
        assert_eq!(step.text.is_some(), step.purchase.is_some());
    }
    let steps = rows.next_step.iter().filter(|step| step.text.is_some());
    assert!(steps.count() > rows.label.len() / 2);
}

#[test]
fn the_rules_of_a_fit_are_kept_when_it_is_applied() {
    let temporary = tempfile::tempdir().unwrap();
    let (dir, data) = (temporary.path(), temporary.path().join("data"));
    let sales = dir.join("shop.csv");
    std::fs::write(&sales, shop(20_000, 0.0)).unwrap();
    let fitted = run(&sales, &data, &["--no-publish"]);
    check(&data, &fitted);
    let before = json(&data, &fitted, "profile.json");

    let applied = run(&sales, &data, &["--no-publish", "--as-of", "2025-07-31"]);
    assert_eq!(applied["action"], "apply");
    check(&data, &applied);
    let after = json(&data, &applied, "profile.json");
    let (known, now) = (rules(&before), rules(&after));
    assert!(now.iter().all(|(label, rule)| known[label] == *rule));
    assert_ne!(
        before["segments"][0]["rule_coverage"],
        after["segments"][0]["rule_coverage"]
    );

    let version = fitted["model_version"].as_str().unwrap();
    let folder = data.to_str().unwrap();
    let shown = insiders(&["models", "show", version, "--dir", folder]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(known.values().all(|rule| shown.contains(rule)), "{shown}");

    // Models of before there were rules: they are found on the run's own customers.
    let stored = data.join("models").join(version).join("manifest.json");
    let mut bundle: Value = serde_json::from_slice(&std::fs::read(&stored).unwrap()).unwrap();
    assert_eq!(bundle["rules"].as_array().unwrap().len(), 11);
    bundle.as_object_mut().unwrap().remove("rules");
    std::fs::write(&stored, bundle.to_string()).unwrap();
    let derived = run(&sales, &data, &["--no-publish", "--as-of", "2025-08-31"]);
    assert_eq!(derived["action"], "apply");
    check(&data, &derived);

    // A rule for a segment that is not there.
    bundle["rules"] = serde_json::json!([[[]]]);
    std::fs::write(&stored, bundle.to_string()).unwrap();
    let shown = insiders(&["models", "show", version, "--dir", folder]);
    let said = String::from_utf8_lossy(&shown.stderr).into_owned();
    assert!(
        !shown.status.success() && said.contains("1 rules"),
        "{said}"
    );
}

/// The bar of docs/RULES.md.
#[test]
fn rules_are_true_of_the_real_data() {
    let Some(sales) = reference("data/online-retail.csv.gz") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let manifest = run(&sales, dir.path(), &["--no-publish"]);
    check(dir.path(), &manifest);
    let metrics = json(dir.path(), &manifest, "metrics.json");
    let figure = |key: &str| metrics[key].as_f64().unwrap();
    assert!(figure("rules_f1") > 0.95, "{metrics}");
    assert!(figure("next_step_verified_share") > 0.9, "{metrics}");
    assert_eq!(figure("next_step_sample"), 500.0);
}
