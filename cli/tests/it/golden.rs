//! The real data against what the notebook computed from them.

use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use serde_json::Value;
use shared::tables::{read_batches, read_features};

use crate::parts::{artifact, reference, run};

/// Every count of the notebook, and every feature: whole numbers exactly, others to 1e-9.
#[test]
fn the_real_data_give_the_notebooks_counts_and_features() {
    let (Some(sales), Some(counts), Some(features)) = (
        reference("data/online-retail.csv.gz"),
        reference("golden/cleaning.json"),
        reference("golden/features.parquet"),
    ) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("insiders.toml");
    std::fs::write(&config, "[cleaning]\nguests = 'sequential'\n").unwrap();
    let manifest = run(
        &sales,
        dir.path(),
        &["--no-publish", "--config", config.to_str().unwrap()],
    );

    let expected: Value = serde_json::from_slice(&std::fs::read(counts).unwrap()).unwrap();
    let found: Value =
        serde_json::from_slice(&artifact(dir.path(), &manifest, "quality.json")).unwrap();
    let compared = compare("", &expected, &found);
    assert_eq!(manifest["customers"], 5695);

    let ours = read_features(
        artifact(dir.path(), &manifest, "features.parquet").into(),
        "ours",
    );
    let ours = ours.unwrap();
    let row: HashMap<&str, usize> = ours
        .customer_id
        .iter()
        .enumerate()
        .map(|(row, id)| (id.as_str(), row))
        .collect();
    let golden = std::fs::read(features).unwrap();
    let mut customers = 0;
    for batch in read_batches(bytes::Bytes::from(golden), "golden").unwrap() {
        let batch = batch.unwrap();
        for i in 0..batch.num_rows() {
            let row = row[(number(&batch, "customer_id", i) as i64)
                .to_string()
                .as_str()];
            let close = |name, ours: f64| {
                let theirs = number(&batch, name, i);
                assert!(
                    (ours - theirs).abs() <= 1e-9 * theirs.abs(),
                    "{name}: {ours} {theirs}"
                );
            };
            let same = |name, ours: i64| assert_eq!(ours as f64, number(&batch, name, i), "{name}");
            close("gross_revenue", ours.gross_revenue[row]);
            close("frequency", ours.frequency[row]);
            same("recency_days", ours.recency_days[row]);
            same("quantity_of_products", ours.quantity_of_products[row]);
            same("returns", ours.returns[row]);
            customers += 1;
        }
    }
    assert_eq!(customers, ours.len());
    eprintln!("golden: {compared} counts and {customers} customers x 5 features are equal");
}

/// Every value of `expected` stands in `found` under the same names; returns their number.
fn compare(path: &str, expected: &Value, found: &Value) -> usize {
    match expected {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| compare(&format!("{path}/{name}"), value, &found[name]))
            .sum(),
        Value::Number(number) => {
            let (a, b) = (number.as_f64().unwrap(), found.as_f64().unwrap_or(f64::NAN));
            assert!(
                (a - b).abs() <= 1e-9 * a.abs(),
                "{path}: {a} expected, {b} found"
            );
            1
        }
        other => {
            assert_eq!(other, found, "{path}");
            1
        }
    }
}

fn number(batch: &RecordBatch, name: &str, row: usize) -> f64 {
    let column = batch.column_by_name(name).unwrap();
    if let Some(whole) = column.as_primitive_opt::<Int64Type>() {
        return whole.value(row) as f64;
    }
    assert!(!column.is_null(row));
    column.as_primitive::<Float64Type>().value(row)
}
