//! UMAP: customers as points such that those who share leaves are near.
//!
//! Written after the published algorithm (`McInnes`, `Healy`, `Melville` 2018) with the
//! behaviour of umap-learn (BSD-3-Clause, `Leland McInnes`) as the reference.
//!
//! Deliberate differences: neighbours are exact but for very many customers, randomness is
//! counter-based, the layout is parallel with the same bits on any number of threads, and a
//! new customer's point does not depend on who else is in the batch.

mod check;
mod components;
mod curve;
mod descent;
mod forces;
mod fuzzy;
mod known;
mod lanczos;
mod layout;
mod math;
mod metric;
mod neighbors;
mod replay;
mod spectral;
mod store;
mod team;
mod transform;
mod tridiagonal;

use std::sync::OnceLock;

use ndarray::{Array2, ArrayView2};

use super::error::ModelError;
use curve::Curve;
use known::Known;
pub use metric::Metric;
pub use neighbors::approximate_recall;
use neighbors::{Index, Neighbors};
pub use store::UmapParts;

/// Most coordinates of a point.
const MOST_COMPONENTS: usize = 3;
/// Customers up to which a fit compares all with all.
const EXACT_UP_TO: usize = 100_000;

/// How customers are embedded.
#[derive(Debug, Clone, PartialEq)]
pub struct UmapParams {
    /// How leaves are compared.
    pub metric: Metric,
    /// Neighbours that are looked at, the customer itself included; fewer if there are
    /// fewer customers.
    pub n_neighbors: usize,
    /// How near points may come to each other, from 0 to 1.
    pub min_dist: f64,
    /// Seed of the noise and the negative samples.
    pub seed: u64,
    /// Coordinates of a point, 1 to 3.
    pub n_components: usize,
    /// Passes over the graph; by default 500, or 200 for more than 10,000 customers.
    pub epochs: Option<usize>,
    /// Customers up to which a fit's neighbours by leaf numbers are exact; of more they are
    /// found by way of each other, all but some hundredths of them. By shared leaves they are
    /// exact at any size.
    pub exact_up_to: usize,
}

impl Default for UmapParams {
    fn default() -> Self {
        Self {
            metric: Metric::Hamming,
            n_neighbors: 15,
            min_dist: 0.1,
            seed: 42,
            n_components: 2,
            epochs: None,
            exact_up_to: EXACT_UP_TO,
        }
    }
}

impl UmapParams {
    /// Embeds customers by their `leaves`, shape `(n_customers, n_trees)`.
    ///
    /// Fails on fewer than two customers.
    pub fn fit(&self, leaves: ArrayView2<u32>) -> Result<Umap, ModelError> {
        self.check(leaves)?;
        self.fit_checked(leaves, None)
    }

    fn fit_checked(
        &self,
        leaves: ArrayView2<u32>,
        initial: Option<ArrayView2<f64>>,
    ) -> Result<Umap, ModelError> {
        match self.n_components {
            1 => self.fit_dimensions::<1>(leaves, initial),
            2 => self.fit_dimensions::<2>(leaves, initial),
            _ => self.fit_dimensions::<3>(leaves, initial),
        }
    }

    /// As [`fit`](Self::fit), from a first layout that is given, shape
    /// `(n_customers, n_components)`, in place of the spectral one.
    pub fn fit_from(
        &self,
        leaves: ArrayView2<u32>,
        initial: ArrayView2<f64>,
    ) -> Result<Umap, ModelError> {
        self.check(leaves)?;
        let expected = [leaves.nrows(), self.n_components];
        if initial.shape() != expected {
            return Err(ModelError::shape(
                "first layout",
                &expected,
                initial.shape(),
            ));
        }
        if initial.iter().any(|v| !v.is_finite()) {
            return Err(ModelError::NotFinite {
                what: "the first layout",
            });
        }
        self.fit_checked(leaves, Some(initial))
    }

    fn fit_dimensions<const D: usize>(
        &self,
        leaves: ArrayView2<u32>,
        initial: Option<ArrayView2<f64>>,
    ) -> Result<Umap, ModelError> {
        let n = leaves.nrows();
        let index = Index::new(self.metric, leaves);
        let n_neighbors = self.n_neighbors.min(n - 1).max(2);
        let k = n_neighbors.min(n - 1);
        let others = if n > self.exact_up_to {
            index.about_nearest_others(leaves, k, self.seed)
        } else {
            index.nearest_others(leaves, k)
        };
        let graph = fuzzy::union(&others.truncated(n_neighbors - 1), n);
        let epochs = self.epochs.unwrap_or(if n <= 10_000 { 500 } else { 200 });
        let least = f64::from(graph.heaviest()) / epochs.max(1) as f64;
        let graph = if epochs > 10 {
            graph.without_below(least)
        } else {
            graph
        };
        let curve = Curve::fit(self.min_dist);
        let points = match initial {
            None => spectral::initial::<D>(&graph, leaves, self.seed),
            Some(initial) => {
                let rows = initial.rows().into_iter();
                rows.map(|row| std::array::from_fn(|d| row[d])).collect()
            }
        };
        let points = layout::optimise(&graph, &points, curve, epochs, self.seed);
        let coordinates = points.iter().flatten().map(|&v| v as f32).collect();
        let embedding = Array2::from_shape_vec((n, D), coordinates).map_err(linfa::Error::from)?;
        let (mean_distance, heaviest) = frozen(&others, n);
        Ok(Umap {
            n_neighbors,
            seed: self.seed,
            min_dist: self.min_dist,
            curve,
            snap_exact: true,
            replay: None,
            mean_distance,
            heaviest,
            leaves: leaves.to_owned(),
            embedding,
            metric: self.metric,
            index,
            known: OnceLock::new(),
        })
    }
}

/// What umap-learn takes from the batch in transform, taken from the training rows instead,
/// each scored without itself: the mean distance to neighbours and the heaviest membership.
fn frozen(others: &Neighbors, n: usize) -> (f64, f32) {
    let total: f64 = others.distances.iter().copied().map(f64::from).sum();
    let mean_distance = total / others.distances.len().max(1) as f64;
    let heaviest = (0..n)
        .flat_map(|row| fuzzy::memberships_of_new(others.row(row).1, mean_distance))
        .fold(0.0, f32::max);
    (mean_distance, heaviest)
}

/// A fitted embedding.
#[derive(Debug, Clone)]
pub struct Umap {
    metric: Metric,
    n_neighbors: usize,
    min_dist: f64,
    seed: u64,
    curve: Curve,
    snap_exact: bool,
    replay: Option<[i64; 3]>,
    mean_distance: f64,
    heaviest: f32,
    leaves: Array2<u32>,
    embedding: Array2<f32>,
    index: Index,
    known: OnceLock<Known>,
}

impl Umap {
    /// Points of the training customers, shape `(n_customers, n_components)`.
    pub fn embedding(&self) -> ArrayView2<'_, f32> {
        self.embedding.view()
    }

    /// Leaves of the training customers, shape `(n_customers, n_trees)`.
    pub fn leaves(&self) -> ArrayView2<'_, u32> {
        self.leaves.view()
    }

    /// How leaves are compared.
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// Points of customers with `leaves`, shape `(n_customers, n_trees)`.
    ///
    /// A point depends on the customer's own leaves and the model alone. A customer with
    /// the very leaves of a training customer gets that one's point, unless the model
    /// came from elsewhere without asking for it.
    pub fn transform(&self, leaves: ArrayView2<u32>) -> Result<Array2<f32>, ModelError> {
        if leaves.ncols() != self.leaves.ncols() {
            let expected = [leaves.nrows(), self.leaves.ncols()];
            return Err(ModelError::shape("leaves", &expected, leaves.shape()));
        }
        let points = match self.embedding.ncols() {
            1 => transform::transform::<1>(self, leaves),
            2 => transform::transform::<2>(self, leaves),
            _ => transform::transform::<3>(self, leaves),
        };
        let shape = (leaves.nrows(), self.embedding.ncols());
        Ok(Array2::from_shape_vec(shape, points).map_err(linfa::Error::from)?)
    }

    fn n(&self) -> usize {
        self.embedding.nrows()
    }

    /// The table of training rows, if it is of use to a batch of `asked` rows.
    fn known(&self, asked: usize) -> Option<&Known> {
        if !self.snap_exact {
            return None;
        }
        if known::is_worth(asked, self.n()) {
            return Some(self.known.get_or_init(|| Known::new(self.leaves())));
        }
        self.known.get()
    }

    /// The model as safetensors.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        store::to_bytes(self)
    }

    /// A model from [`to_bytes`](Self::to_bytes); anything else is refused as corrupt.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        store::from_bytes(bytes)
    }

    /// A model fitted elsewhere.
    pub fn from_parts(parts: UmapParts) -> Result<Self, ModelError> {
        store::from_parts(parts)
    }
}

impl<'a, T> linfa::traits::Fit<ArrayView2<'a, u32>, T, ModelError> for UmapParams {
    type Object = Umap;

    fn fit(
        &self,
        dataset: &linfa::DatasetBase<ArrayView2<'a, u32>, T>,
    ) -> Result<Umap, ModelError> {
        Self::fit(self, dataset.records().view())
    }
}

impl<'a> linfa::traits::Transformer<ArrayView2<'a, u32>, Result<Array2<f32>, ModelError>> for Umap {
    fn transform(&self, leaves: ArrayView2<'a, u32>) -> Result<Array2<f32>, ModelError> {
        Self::transform(self, leaves)
    }
}

#[cfg(test)]
mod tests;
