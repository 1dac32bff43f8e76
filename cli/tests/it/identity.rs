//! Segments keep their numbers: on the real data, refits with other seeds.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::evaluation::adjusted_rand_index;
use shared::segments::Matching;
use shared::tables::read_segments;

use crate::parts::{artifact, reference, run};

const SEEDS: u64 = 20;

/// By customer, in the order of their ids.
fn numbers(dir: &std::path::Path, run: &Value) -> Vec<u32> {
    let bytes = artifact(dir, run, "segments.parquet");
    let rows = read_segments(bytes.into(), "segments.parquet").unwrap();
    rows.label
        .iter()
        .map(|label| label.cast_unsigned())
        .collect()
}

/// Positions in place of numbers.
fn dense(numbers: &[u32]) -> (Vec<u32>, usize) {
    let mut known: Vec<u32> = numbers.to_vec();
    known.sort_unstable();
    known.dedup();
    let place: BTreeMap<u32, u32> = known.iter().copied().zip(0..).collect();
    (numbers.iter().map(|n| place[n]).collect(), known.len())
}

#[test]
fn refits_with_other_seeds_agree_where_their_partitions_do() {
    let Some(sales) = reference("data/online-retail.csv.gz") else {
        return;
    };
    let temporary = tempfile::tempdir().unwrap();
    let (dir, data) = (temporary.path(), temporary.path().join("data"));
    // No refit passes, so that all are matched with the first.
    let settings = |seed: u64| {
        let text = format!(
            "[clustering]\nn_init = 20\nseed = {seed}\n[gates]\nmin_silhouette = 1.0\nresamples = 0\n"
        );
        let path = dir.join(format!("{seed}.toml"));
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let fit = |seed: u64| {
        let config = settings(seed);
        run(
            &sales,
            &data,
            &["--no-publish", "--mode", "fit", "--config", &config],
        )
    };
    let before = numbers(&data, &fit(1_000));
    eprintln!("seed  adjusted Rand  partitions agree  numbers agree  kept merged split new gone");
    for seed in 1..=SEEDS {
        let refit = fit(seed);
        let now = numbers(&data, &refit);
        let same = before.iter().zip(&now).filter(|(a, b)| a == b).count();
        let same = same as f64 / before.len() as f64;
        let ((old, k_old), (new, k_new)) = (dense(&before), dense(&now));
        let matching = Matching::of(&old, &new, k_old, k_new).unwrap();
        let version = refit["model_version"].as_str().unwrap();
        let manifest = std::fs::read(data.join("models").join(version).join("manifest.json"));
        let manifest: Value = serde_json::from_slice(&manifest.unwrap()).unwrap();
        let lineage = &manifest["lineage"];
        let of = |origin: &str| {
            let segments = lineage["segments"].as_array().unwrap();
            segments.iter().filter(|s| s["origin"] == origin).count()
        };
        eprintln!(
            "{seed:>4}{:>15.3}{:>18.4}{same:>15.4}{:>6}{:>7}{:>6}{:>4}{:>5}",
            adjusted_rand_index(&before, &now),
            matching.best_agreement(),
            of("kept"),
            of("merged"),
            of("split"),
            of("new"),
            lineage["gone"].as_array().unwrap().len()
        );
        assert!((lineage["agreement"].as_f64().unwrap() - same).abs() < 1e-12);
        // What the best one-to-one matching shares, less pairs that share too little to
        // carry a meaning: each of those is named as split or new.
        let told = of("split") + of("new");
        assert!(same <= matching.best_agreement() + 1e-12);
        assert!(
            told > 0 || (same - matching.best_agreement()).abs() < 1e-12,
            "seed {seed}: {same} without a word"
        );
        assert!(same > 0.6, "seed {seed}: {same}");
    }
}
