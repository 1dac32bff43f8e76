//! Forest, UMAP, k-means and silhouette on the peers' matrices, with the peers' parameters.

use std::path::Path;

use ndarray::ArrayView1;
use serde_json::{Value, json};
use shared::models::umap::UmapParts;
use shared::models::{ForestParams, KMeansParams, Metric, Umap, UmapParams, silhouette};

use crate::Result;
use crate::clock::Clock;
use crate::raw::{f32s, f64s, matrix, u32s, write};

const FEATURES: usize = 4;
const COMPONENTS: usize = 2;
/// As many as the peer's.
const SEEDS: usize = 8;

/// A forest of best cuts on all customers, and their leaves; another on four fifths of them,
/// for how well it predicts the rest.
pub(crate) fn forest(folder: &str, repeat: usize) -> Result<Value> {
    let folder = Path::new(folder);
    let load = |part: &str| -> Result<_> {
        let x = matrix(f64s(folder.join(format!("x{part}.f64")))?, FEATURES)?;
        Ok((x, f64s(folder.join(format!("y{part}.f64")))?))
    };
    let params = ForestParams::default();
    let mut clock = Clock::default();
    let (x, y) = load("")?;
    let forest = clock.repeat("fit", repeat, || Ok(params.fit(x.view(), y.view())?))?;
    clock.repeat("leaves", repeat, || Ok(forest.leaf_indices(x.view())?))?;
    let nodes: usize = forest.trees().iter().map(|tree| tree.n_nodes()).sum();

    let ((old, old_y), (new, new_y)) = (load("_old")?, load("_new")?);
    let predicted = params.fit(old.view(), old_y.view())?.predict(new.view())?;
    let r2 = r_squared(predicted.view(), new_y.view());
    let nodes = nodes as f64 / forest.trees().len() as f64;
    Ok(clock.report(&json!({ "nodes": nodes, "r2": r2 })))
}

fn r_squared(predicted: ArrayView1<f64>, truth: ArrayView1<f64>) -> f64 {
    let mean = truth.sum() / truth.len() as f64;
    let total: f64 = truth.iter().map(|v| (v - mean) * (v - mean)).sum();
    let pairs = predicted.iter().zip(truth);
    let rest: f64 = pairs.map(|(p, v)| (v - p) * (v - p)).sum();
    1.0 - rest / total
}

fn metric(name: &str) -> Result<Metric> {
    match name {
        "euclidean" => Ok(Metric::Euclidean),
        "hamming" => Ok(Metric::Hamming),
        other => Err(format!("no metric {other}").into()),
    }
}

/// The old customers' embedding.
pub(crate) fn umap_fit(folder: &str, name: &str, repeat: usize, out: &str) -> Result<Value> {
    let trees = ForestParams::default().trees;
    let leaves = matrix(u32s(Path::new(folder).join("leaves_old.u32"))?, trees)?;
    let params = UmapParams {
        metric: metric(name)?,
        ..UmapParams::default()
    };
    let mut clock = Clock::default();
    let umap = clock.repeat("fit", repeat, || Ok(params.fit(leaves.view())?))?;
    write(out, umap.embedding().iter().map(|v| v.to_le_bytes()))?;
    Ok(clock.report(&json!({})))
}

/// The new customers' points in umap-learn's own embedding of the old ones, of several seeds;
/// the first is timed.
pub(crate) fn umap_transform(
    folder: &str,
    name: &str,
    repeat: usize,
    out: &str,
    (a, b): (f64, f64),
) -> Result<Value> {
    let (folder, trees) = (Path::new(folder), ForestParams::default().trees);
    let defaults = UmapParams::default();
    let model = |seed: u64| -> Result<Umap> {
        Ok(Umap::from_parts(UmapParts {
            metric: metric(name)?,
            n_neighbors: defaults.n_neighbors,
            min_dist: defaults.min_dist,
            a,
            b,
            seed,
            snap_exact: false,
            replay: None,
            leaves: matrix(u32s(folder.join("leaves_old.u32"))?, trees)?,
            embedding: matrix(f32s(folder.join(format!("umap-{name}.f32")))?, COMPONENTS)?,
        })?)
    };
    let new = matrix(u32s(folder.join("leaves_new.u32"))?, trees)?;
    let mut clock = Clock::default();
    let umap = model(defaults.seed)?;
    let mut points: Vec<f32> = Vec::new();
    points.extend(clock.repeat("transform", repeat, || Ok(umap.transform(new.view())?))?);
    for seed in (defaults.seed..).take(SEEDS).skip(1) {
        points.extend(model(seed)?.transform(new.view())?);
    }
    write(out, points.iter().map(|v| v.to_le_bytes()))?;
    Ok(clock.report(&json!({})))
}

/// Each time another seed, as the peer.
pub(crate) fn kmeans(points: &str, n_init: usize, repeat: usize, out: &str) -> Result<Value> {
    let points = matrix(f64s(points)?, COMPONENTS)?;
    let mut params = KMeansParams {
        n_init,
        ..KMeansParams::default()
    };
    let mut inertias = Vec::new();
    let mut clock = Clock::default();
    let kmeans = clock.repeat("fit", repeat, || {
        let kmeans = params.fit(points.view())?;
        params.seed += 1;
        inertias.push(kmeans.inertia());
        Ok(kmeans)
    })?;
    write(out, kmeans.labels().iter().map(|label| label.to_le_bytes()))?;
    Ok(clock.report(&json!({ "inertias": inertias })))
}

pub(crate) fn silhouette_of(points: &str, labels: &str, repeat: usize) -> Result<Value> {
    let (points, labels) = (matrix(f64s(points)?, COMPONENTS)?, u32s(labels)?);
    let mut clock = Clock::default();
    let found = clock.repeat("score", repeat, || {
        Ok(silhouette(points.view(), labels.view(), usize::MAX, 0, 0)?)
    })?;
    Ok(clock.report(&json!({ "score": found.score })))
}
