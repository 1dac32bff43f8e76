//! Nearest training rows, in the order of (distance, row): exactly, but for
//! [`approximate`].

mod approximate;
mod euclidean;
mod hamming;

use ndarray::ArrayView2;

use super::metric::Metric;
use euclidean::EuclideanIndex;
use hamming::HammingIndex;

/// Rows that are looked up together.
const BLOCK: usize = 64;

/// The `k` nearest training rows of each row, nearest first.
#[derive(Debug, PartialEq)]
pub(super) struct Neighbors {
    pub(super) k: usize,
    pub(super) indices: Vec<u32>,
    pub(super) distances: Vec<f32>,
}

impl Neighbors {
    /// Rows and distances of one row's neighbours.
    pub(super) fn row(&self, row: usize) -> (&[u32], &[f32]) {
        let range = row * self.k..(row + 1) * self.k;
        (&self.indices[range.clone()], &self.distances[range])
    }

    /// The first `k` of each row's neighbours.
    pub(super) fn truncated(&self, k: usize) -> Self {
        let k = k.min(self.k);
        let rows = 0..self.indices.len().checked_div(self.k).unwrap_or(0);
        let first = |row: usize| row * self.k..row * self.k + k;
        Self {
            k,
            indices: rows
                .clone()
                .flat_map(|r| self.indices[first(r)].iter().copied())
                .collect(),
            distances: rows
                .flat_map(|r| self.distances[first(r)].iter().copied())
                .collect(),
        }
    }

    fn from_pairs(k: usize, pairs: &[(f32, u32)]) -> Self {
        Self {
            k,
            indices: pairs.iter().map(|p| p.1).collect(),
            distances: pairs.iter().map(|p| p.0).collect(),
        }
    }
}

/// The share of the neighbours of `found` that are no further than the furthest of `exact`,
/// of the same row: equally near ones are as good as each other.
fn recall(found: &Neighbors, exact: &Neighbors) -> f64 {
    let rows = exact
        .distances
        .chunks(exact.k)
        .zip(found.distances.chunks(found.k));
    let near = rows.map(|(exact, found)| {
        let furthest = exact.last().copied().unwrap_or(f32::INFINITY);
        found
            .iter()
            .filter(|&&distance| distance <= furthest)
            .count()
    });
    near.sum::<usize>() as f64 / found.distances.len().max(1) as f64
}

/// The share of the `k` nearest others of `rows` that [`Index::about_nearest_others`] finds for
/// customers with `leaves`, shape `(n_customers, n_trees)`: what is lost by not comparing all.
pub fn approximate_recall(
    metric: Metric,
    leaves: ArrayView2<u32>,
    k: usize,
    rows: &[usize],
    seed: u64,
) -> f64 {
    let index = Index::new(metric, leaves);
    let about = index.about_nearest_others(leaves, k, seed);
    // the row itself is one of them, at no distance
    let exact = index.nearest(leaves.select(ndarray::Axis(0), rows).view(), k + 1);
    let pairs = rows.iter().flat_map(|&row| {
        let (indices, distances) = about.row(row);
        distances.iter().copied().zip(indices.iter().copied())
    });
    recall(
        &Neighbors::from_pairs(k, &pairs.collect::<Vec<_>>()),
        &exact,
    )
}

/// Training rows prepared for looking up.
#[derive(Debug, Clone)]
pub(super) enum Index {
    Euclidean(EuclideanIndex),
    Hamming(HammingIndex),
}

impl Index {
    /// Prepares `leaves`, shape `(n_training, n_trees)`.
    pub(super) fn new(metric: Metric, leaves: ArrayView2<u32>) -> Self {
        match metric {
            Metric::Euclidean => Self::Euclidean(EuclideanIndex::new(leaves)),
            Metric::Hamming => Self::Hamming(HammingIndex::new(leaves)),
        }
    }

    /// The `k` nearest training rows of each of `rows`, shape `(n, n_trees)`; `k` is at
    /// most the number of training rows.
    pub(super) fn nearest(&self, rows: ArrayView2<u32>, k: usize) -> Neighbors {
        self.query(rows, k, false)
    }

    /// The `k` nearest other training rows of each training row; `rows` are all of them
    /// in order, and `k` is below their number.
    pub(super) fn nearest_others(&self, rows: ArrayView2<u32>, k: usize) -> Neighbors {
        self.query(rows, k, true)
    }

    /// The same for very many rows. By leaf numbers all would be compared with all: most of
    /// them are found ([`approximate`]). By shared leaves they are exact at any size.
    pub(super) fn about_nearest_others(
        &self,
        rows: ArrayView2<u32>,
        k: usize,
        seed: u64,
    ) -> Neighbors {
        match self {
            Self::Euclidean(_) if rows.is_standard_layout() => {
                Neighbors::from_pairs(k, &approximate::nearest_others(rows, k, seed))
            }
            _ => self.nearest_others(rows, k),
        }
    }

    fn query(&self, rows: ArrayView2<u32>, k: usize, others: bool) -> Neighbors {
        let pairs = match self {
            Self::Euclidean(index) => index.query(rows, k, others),
            Self::Hamming(index) => index.query(rows, k, others),
        };
        Neighbors::from_pairs(k, &pairs)
    }
}

#[cfg(test)]
mod tests;
