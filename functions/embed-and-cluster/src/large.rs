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
    let (rows, leaves) = leaves(forest, scaled)?;
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

/// Customers with different leaves, and those, shape `(n_distinct, n_trees)`.
pub(crate) fn leaves(
    forest: &Forest,
    scaled: ArrayView2<f64>,
) -> Result<(Vec<usize>, Array2<u32>)> {
    let rows = distinct(forest, scaled)?;
    let leaves = forest.leaf_indices(scaled.select(Axis(0), &rows).view())?;
    Ok((rows, leaves))
}

/// The first of the customers with the same leaves, ascending. Leaves are told apart by a hash
/// of 64 bits: should two ever collide, the later one is placed as if new.
fn distinct(forest: &Forest, scaled: ArrayView2<f64>) -> Result<Vec<usize>> {
    let mut seen: Vec<(u64, usize)> = Vec::with_capacity(scaled.nrows());
    for rows in scaled.axis_chunks_iter(Axis(0), BLOCK) {
        let leaves = forest.leaf_indices(rows)?;
        let hash =
            |row: ndarray::ArrayView1<u32>| row.iter().fold(0, |h, &leaf| mix(h ^ u64::from(leaf)));
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

#[cfg(test)]
mod tests {
    use shared::features::Features;
    use shared::models::random::{Key, Stream};
    use shared::progress::Silent;
    use shared::value::Value;

    use crate::apply::apply;
    use crate::fit::{Fitted, fit, fit_exact_up_to};

    use super::*;

    /// Many who bought once, and the same few pieces; every third the same as another.
    fn customers(n: usize) -> Features {
        let key = Key::new(8, Stream::Noise);
        let unit = |i: usize, what: u64| {
            key.child((i / 3 * 2 + usize::from(i % 3 == 2)) as u64)
                .unit(what)
        };
        let pieces = |i: usize| 1 + (400.0 * unit(i, 0) * unit(i, 1) * unit(i, 2)) as i64;
        Features {
            customer_id: (0..n).map(|i| format!("c{i:04}")).collect(),
            is_guest: vec![false; n],
            gross_revenue: (0..n)
                .map(|i| pieces(i) as f64 * (1.0 + unit(i, 3)))
                .collect(),
            recency_days: (0..n).map(|i| (370.0 * unit(i, 4)) as i64).collect(),
            quantity_of_products: (0..n).map(pieces).collect(),
            returns: vec![0; n],
            frequency: (0..n).map(|i| (4.0 * unit(i, 5)).floor() / 8.0).collect(),
            value: Value::default(),
        }
    }

    fn settings() -> Settings {
        let mut settings = Settings::default();
        settings.embedding.trees = 20;
        settings.clustering.n_init = 5;
        settings
    }

    fn fitted(features: &Features, limit: usize, threads: usize) -> Fitted {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        pool.install(|| {
            let mut stage = Stage::start("test");
            fit_exact_up_to(limit, features, &settings(), &Silent, &mut stage).unwrap()
        })
    }

    fn bytes(fitted: &Fitted) -> [Vec<u8>; 3] {
        [
            fitted.forest.to_bytes().unwrap(),
            fitted.umap.to_bytes().unwrap(),
            fitted.kmeans.to_bytes().unwrap(),
        ]
    }

    #[test]
    fn up_to_the_limit_nothing_changes() {
        let features = customers(300);
        let mut stage = Stage::start("test");
        let usual = fit(&features, &settings(), &Silent, &mut stage).unwrap();
        let limited = fitted(&features, 300, 2);
        assert_eq!(bytes(&usual), bytes(&limited));
        assert_eq!(usual.points, limited.points);
        assert_eq!(usual.umap.leaves().nrows(), 300);
    }

    #[test]
    fn equals_are_embedded_once_and_all_are_placed_as_an_apply_would() {
        let features = customers(300);
        let large = fitted(&features, 299, 2);
        let embedded = large.umap.leaves().nrows();
        assert!((100..=200).contains(&embedded), "{embedded}");
        let mut stage = Stage::start("test");
        let again = apply((&large).into(), &features, &Silent, &mut stage).unwrap();
        assert_eq!(large.points, again.points);
        assert_eq!(large.labels, again.labels);
        for row in (0..300).step_by(3) {
            assert_eq!(large.points.row(row), large.points.row(row + 1));
        }
    }

    #[test]
    fn threads_do_not_change_a_large_fit() {
        let features = customers(300);
        let (one, two) = (fitted(&features, 10, 1), fitted(&features, 10, 2));
        assert_eq!(bytes(&one), bytes(&two));
        assert_eq!(one.points, two.points);
        assert_eq!(one.labels, two.labels);
    }
}
