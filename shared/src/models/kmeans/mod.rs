//! k-means by Lloyd's algorithm (Lloyd 1982), with scikit-learn's rules for convergence,
//! empty clusters and the choice among restarts.

mod check;
mod init;
mod linfa_traits;
mod lloyd;
mod points;
mod store;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    error::ModelError,
    random::{Key, Stream},
};
use check::check_finite;
use lloyd::Restart;
use points::Points;

/// Points up to which restarts run on all of them.
const SEARCHED_UP_TO: usize = 250_000;
/// Points that restarts run on where there are more.
const SEARCHED: usize = 100_000;

/// How a restart's first centroids are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Init {
    /// Distinct rows, all equally likely.
    #[serde(rename = "random")]
    Random,
    /// Rows far from each other (Arthur and Vassilvitskii 2007), greedy as scikit-learn:
    /// the best of `2 + ln k` candidates at each step.
    #[serde(rename = "k-means++")]
    KMeansPlusPlus,
}

/// How points are clustered.
#[derive(Debug, Clone, PartialEq)]
pub struct KMeansParams {
    /// Number of clusters.
    pub k: usize,
    /// Choice of the first centroids.
    pub init: Init,
    /// Restarts, of which the one with the lowest inertia is kept.
    pub n_init: usize,
    /// Most iterations of a restart.
    pub max_iter: usize,
    /// A restart has converged when its centroids move, squared and summed, by at most this
    /// share of the mean variance of the columns.
    pub tol: f64,
    /// Seed of the first centroids.
    pub seed: u64,
}

impl Default for KMeansParams {
    fn default() -> Self {
        Self {
            k: 11,
            init: Init::Random,
            n_init: 300,
            max_iter: 300,
            tol: 1e-4,
            seed: 42,
        }
    }
}

impl KMeansParams {
    /// Clusters `points`, shape `(n_customers, n_components)`.
    ///
    /// Restarts run in parallel, each on its own random numbers; among equal inertias the
    /// first restart wins. Of more than 250,000 points restarts see 100,000, and the
    /// one that wins goes on from there on all of them.
    pub fn fit(&self, points: ArrayView2<f64>) -> Result<KMeans, ModelError> {
        self.fit_searched_up_to(SEARCHED_UP_TO, SEARCHED, points)
    }

    fn fit_searched_up_to(
        &self,
        limit: usize,
        searched: usize,
        points: ArrayView2<f64>,
    ) -> Result<KMeans, ModelError> {
        self.check(points)?;
        let data = Points::new(points);
        let tol = self.tol * data.mean_variance();
        let best = if data.n > limit.max(searched) {
            let key = Key::new(self.seed, Stream::Restarts);
            let mut rows = key.distinct(searched.max(self.k), data.n);
            rows.sort_unstable();
            let some = self.best(&data.select(&rows), tol);
            some.map(|some| lloyd::run(&data, some.centroids, self.max_iter, tol))
        } else {
            self.best(&data, tol)
        };
        let Some(best) = best else {
            return Err(ModelError::parameter("n_init", 0, "must be at least 1"));
        };
        let centroids = Array2::from_shape_vec((self.k, points.ncols()), best.centroids)
            .map_err(linfa::Error::from)?;
        Ok(KMeans {
            centroids,
            inertia: best.inertia,
            n_iter: best.n_iter,
            labels: best.labels.into(),
        })
    }

    /// The restart with the lowest inertia.
    fn best(&self, data: &Points, tol: f64) -> Option<Restart> {
        let key = Key::new(self.seed, Stream::Centroids);
        let restarts = (0..self.n_init).into_par_iter().map(|restart| {
            let centroids = init::centroids(self.init, data, self.k, key.child(restart as u64));
            (restart, lloyd::run(data, centroids, self.max_iter, tol))
        });
        let best = restarts.reduce_with(|a, b| {
            let by_inertia = a.1.inertia.total_cmp(&b.1.inertia);
            if by_inertia.then(a.0.cmp(&b.0)).is_le() {
                a
            } else {
                b
            }
        });
        best.map(|(_, best)| best)
    }
}

/// Fitted clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct KMeans {
    centroids: Array2<f64>,
    inertia: f64,
    n_iter: usize,
    labels: Array1<u32>,
}

impl KMeans {
    /// The centroids, shape `(k, n_components)`.
    pub fn centroids(&self) -> ArrayView2<'_, f64> {
        self.centroids.view()
    }

    /// Sum over the points of the fit of the squared distance to their centroid.
    pub fn inertia(&self) -> f64 {
        self.inertia
    }

    /// Iterations of the restart that won.
    pub fn n_iter(&self) -> usize {
        self.n_iter
    }

    /// The clusters of the points of the fit, shape `(n_customers,)`; empty in a model that
    /// was read from bytes.
    pub fn labels(&self) -> ArrayView1<'_, u32> {
        self.labels.view()
    }

    /// The nearest centroid of each point, the lowest of equally near ones, shape
    /// `(n_customers,)`.
    pub fn predict(&self, points: ArrayView2<f64>) -> Result<Array1<u32>, ModelError> {
        self.check_points(points)?;
        let centroids: Vec<f64> = self.centroids.iter().copied().collect();
        Ok(lloyd::assign(&Points::new(points), &centroids).into())
    }

    /// Sum of the squared distances from `points` to the centroids that `labels` name.
    pub fn inertia_of(
        &self,
        points: ArrayView2<f64>,
        labels: ArrayView1<u32>,
    ) -> Result<f64, ModelError> {
        self.check_points(points)?;
        if labels.len() != points.nrows() {
            return Err(ModelError::shape(
                "labels",
                &[points.nrows()],
                labels.shape(),
            ));
        }
        if let Some(label) = labels
            .iter()
            .find(|&&l| l as usize >= self.centroids.nrows())
        {
            return Err(ModelError::parameter(
                "label",
                label,
                "must name a centroid",
            ));
        }
        let centroids: Vec<f64> = self.centroids.iter().copied().collect();
        let labels: Vec<u32> = labels.to_vec();
        Ok(lloyd::inertia(&Points::new(points), &centroids, &labels))
    }

    /// The same clusters under other numbers: cluster `order[i]` becomes cluster `i`.
    ///
    /// Fails unless `order` is a permutation of `0..k`.
    pub fn reordered(&self, order: &[usize]) -> Result<Self, ModelError> {
        let k = self.centroids.nrows();
        if order.len() != k {
            return Err(ModelError::shape(
                "order of the clusters",
                &[k],
                &[order.len()],
            ));
        }
        let mut new_of_old = vec![None; k];
        for (new, &old) in order.iter().enumerate() {
            match new_of_old.get_mut(old) {
                Some(slot @ None) => *slot = Some(new as u32),
                _ => {
                    return Err(ModelError::parameter(
                        "order",
                        old,
                        "must name each cluster once",
                    ));
                }
            }
        }
        let labels = self
            .labels
            .mapv(|old| new_of_old[old as usize].unwrap_or(old));
        Ok(Self {
            centroids: self.centroids.select(ndarray::Axis(0), order),
            inertia: self.inertia,
            n_iter: self.n_iter,
            labels,
        })
    }

    fn check_points(&self, points: ArrayView2<f64>) -> Result<(), ModelError> {
        if points.ncols() != self.centroids.ncols() {
            let expected = [points.nrows(), self.centroids.ncols()];
            return Err(ModelError::shape("points", &expected, points.shape()));
        }
        check_finite(points)
    }

    /// Clusters found elsewhere: centroids of shape `(k, n_components)`.
    pub fn from_parts(
        centroids: Array2<f64>,
        inertia: f64,
        n_iter: usize,
    ) -> Result<Self, ModelError> {
        if centroids.is_empty() {
            return Err(ModelError::shape("centroids", &[1, 2], centroids.shape()));
        }
        if centroids.iter().any(|v| !v.is_finite()) || !inertia.is_finite() {
            return Err(ModelError::NotFinite {
                what: "the centroids or their inertia",
            });
        }
        Ok(Self {
            centroids,
            inertia,
            n_iter,
            labels: Array1::zeros(0),
        })
    }
}

#[cfg(test)]
mod tests;
