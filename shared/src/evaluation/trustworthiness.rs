//! Whether neighbours in the embedding are neighbours in the forest.

use ndarray::{ArrayView1, ArrayView2};
use rayon::prelude::*;

use crate::models::random::{Key, Stream};
use crate::models::{Metric, ModelError};

/// The trustworthiness (Venna and Kaski 2001) of `points`, shape `(n_customers,
/// n_components)`, as a picture of `leaves`, shape `(n_customers, n_trees)`, for `k`
/// neighbours: 1 if each customer's `k` nearest points are its `k` nearest by leaves, less
/// the further away the strangers among them are. Equal distances are ranked by row.
///
/// Looks at `most` customers, drawn by `seed`, where there are more.
pub fn trustworthiness(
    leaves: ArrayView2<u32>,
    metric: Metric,
    points: ArrayView2<f64>,
    k: usize,
    most: usize,
    seed: u64,
) -> Result<f64, ModelError> {
    let n = leaves.nrows();
    if points.nrows() != n {
        return Err(ModelError::Shape {
            what: "points",
            expected: format!("{n} rows"),
            found: format!("{} rows", points.nrows()),
        });
    }
    if k == 0 || 2 * n <= 3 * k + 1 {
        return Err(ModelError::TooFewCustomers {
            have: n,
            need: 3 * k / 2 + 2,
        });
    }
    let rows = if n > most {
        Key::new(seed, Stream::Silhouette).distinct(most, n)
    } else {
        (0..n as u32).collect()
    };
    let penalties: Vec<u64> = rows
        .par_iter()
        .map(|&row| penalty(leaves, metric, points, row as usize, k))
        .collect();
    let penalty = penalties.iter().sum::<u64>() as f64;
    let worst = rows.len() as f64 * k as f64 * (2 * n - 3 * k - 1) as f64 / 2.0;
    Ok(1.0 - penalty / worst)
}

/// By how many ranks the strangers among a row's `k` nearest points are too far by leaves.
fn penalty(
    leaves: ArrayView2<u32>,
    metric: Metric,
    points: ArrayView2<f64>,
    row: usize,
    k: usize,
) -> u64 {
    let n = leaves.nrows();
    let own = points.row(row);
    let mut near: Vec<(f64, usize)> = (0..n)
        .filter(|&other| other != row)
        .map(|other| (square(own, points.row(other)), other))
        .collect();
    let by_distance = |a: &(f64, usize), b: &(f64, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    near.select_nth_unstable_by(k - 1, by_distance);
    let leaf = leaves.row(row);
    let distances: Vec<u64> = (0..n)
        .map(|other| distance(metric, leaf, leaves.row(other)))
        .collect();
    near.iter()
        .take(k)
        .map(|&(_, other)| {
            let limit = (distances[other], other);
            let nearer = (0..n).filter(|&i| i != row && (distances[i], i) < limit);
            (nearer.count() as u64 + 1).saturating_sub(k as u64)
        })
        .sum()
}

fn square(a: ArrayView1<f64>, b: ArrayView1<f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Something that orders rows as their distance does.
fn distance(metric: Metric, a: ArrayView1<u32>, b: ArrayView1<u32>) -> u64 {
    let pairs = a.iter().zip(b);
    match metric {
        Metric::Hamming => pairs.filter(|(a, b)| a != b).count() as u64,
        Metric::Euclidean => pairs
            .map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2))
            .fold(0, u64::saturating_add),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    fn of(leaves: &Array2<u32>, points: &Array2<f64>, k: usize) -> f64 {
        trustworthiness(leaves.view(), Metric::Euclidean, points.view(), k, 100, 1).unwrap()
    }

    #[test]
    fn a_faithful_picture_is_trusted_wholly() {
        let leaves = array![[0], [1], [3], [6], [10], [15], [21]];
        assert_eq!(of(&leaves, &leaves.mapv(f64::from), 2), 1.0);
    }

    /// Leaves 0, 1, 3, 6, 10 drawn at 0, 1, 3, 6, -1: with k = 1 only 0 (whose nearest point
    /// is 10 or 1, equally far, the lower row first) keeps its neighbour; 1 takes 0 (rank 1),
    /// 3 takes 1 (rank 1), 6 takes 3 (rank 1), 10 takes 0 (rank 4): 3 too many of 5·1·(10-4)/2.
    #[test]
    fn strangers_cost_their_rank() {
        let leaves = array![[0], [1], [3], [6], [10]];
        let points = array![[0.0], [1.0], [3.0], [6.0], [-1.0]];
        assert_eq!(of(&leaves, &points, 1), 1.0 - 3.0 / 15.0);
    }

    #[test]
    fn too_few_customers_are_refused() {
        let leaves = array![[0], [1]];
        let points = leaves.mapv(f64::from);
        assert!(trustworthiness(leaves.view(), Metric::Hamming, points.view(), 2, 9, 1).is_err());
    }
}
