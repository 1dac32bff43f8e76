//! The embedding of very many customers.
//!
//! What grows faster than they do, or holds too much of them at once, is bounded: a tree is
//! grown on [`TREE_ROWS`] of them, so that a forest and a leaf's number stay small; who has
//! all leaves of another is that other one to the embedding, and is embedded once; and leaves
//! of all customers are never in memory together.

use ndarray::{Array2, ArrayView2, Axis};
use shared::Result;
use shared::features::pick;
use shared::measure::Stage;
use shared::models::random::mix;
use shared::models::{Forest, Umap};
use shared::progress::Progress;
use shared::settings::Settings;

use crate::fit;

/// Customers that a tree is grown on. So many leaves have numbers of 16 bits, which is what
/// the stored embedding keeps of each customer and tree.
pub(crate) const TREE_ROWS: usize = 1 << 15;
/// Customers whose leaves are in memory at a time.
const BLOCK: usize = 1 << 16;

/// The embedding, and the points of all customers in it, shape `(n_customers, 2)`: what a
/// later apply will say of them. `scaled` has shape `(n_customers, n_features)`, `frequency`
/// an entry for each of them.
pub(crate) fn embed(
    forest: &Forest,
    scaled: ArrayView2<f64>,
    frequency: &[f64],
    settings: &Settings,
    progress: &dyn Progress,
    stage: &mut Stage,
) -> Result<(Umap, Array2<f64>)> {
    progress.step("leaves");
    let rows = distinct(forest, scaled)?;
    let leaves = forest.leaf_indices(scaled.select(Axis(0), &rows).view())?;
    stage.lap("leaves");
    progress.step("fit UMAP");
    let umap = fit::embed(forest, leaves.view(), &pick(frequency, &rows), settings)?;
    drop(leaves);
    stage.lap("fit umap");
    progress.step("place everyone");
    let mut points = Array2::zeros((scaled.nrows(), 2));
    let blocks = scaled.axis_chunks_iter(Axis(0), BLOCK);
    for (rows, mut points) in blocks.zip(points.axis_chunks_iter_mut(Axis(0), BLOCK)) {
        let leaves = forest.leaf_indices(rows)?;
        points.assign(&umap.transform(leaves.view())?.mapv(f64::from));
    }
    stage.lap("transform");
    Ok((umap, points))
}

/// The first of the customers with the same leaves, ascending. Leaves are told apart by a hash
/// of 64 bits: should two ever collide, the later one is placed as if new.
fn distinct(forest: &Forest, scaled: ArrayView2<f64>) -> Result<Vec<usize>> {
    let mut seen: Vec<(u64, usize)> = Vec::with_capacity(scaled.nrows());
    for rows in scaled.axis_chunks_iter(Axis(0), BLOCK) {
        let leaves = forest.leaf_indices(rows)?;
        let hash = |row: ndarray::ArrayView1<u32>| {
            row.iter().fold(0, |h, &leaf| mix(h ^ u64::from(leaf)))
        };
        let first = seen.len();
        let hashes = leaves.outer_iter().map(hash).enumerate();
        seen.extend(hashes.map(|(i, hash)| (hash, first + i)));
    }
    seen.sort_unstable();
    seen.dedup_by_key(|row| row.0);
    let mut rows: Vec<usize> = seen.into_iter().map(|row| row.1).collect();
    rows.sort_unstable();
    Ok(rows)
}
