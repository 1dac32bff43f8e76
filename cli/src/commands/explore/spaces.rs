//! What customers are compared by.

use linfa_linalg::eigh::Eigh;
use ndarray::{Array1, Array2, ArrayView2, Axis};
use shared::exploration::Space;
use shared::features::Features;
use shared::models::random::{Key, Stream};
use shared::{Error, Result};

/// Principal components that are kept: as many as the embedding has dimensions.
const COMPONENTS: usize = 2;

/// The customers that are looked at, in each space.
pub(super) struct Spaces {
    points: [Array2<f64>; 3],
    /// Natural logarithm of their revenue.
    pub(super) log_revenue: Vec<f64>,
    /// Share of the features' variance in the principal components.
    pub(super) pca_explained: f64,
}

impl Spaces {
    /// At most `most` of the customers, drawn by `seed`; `embedding` has shape
    /// `(n_customers, 2)`.
    pub(super) fn of(
        features: &Features,
        embedding: ArrayView2<f64>,
        most: usize,
        seed: u64,
    ) -> Result<Self> {
        let scaled = embed_and_cluster::scaled(features)?;
        let n = features.len();
        if embedding.nrows() != n {
            let found = embedding.nrows();
            return Err(Error::Internal(format!("{n} customers, {found} points")));
        }
        let mut rows = Key::new(seed, Stream::Silhouette).distinct(most, n);
        rows.sort_unstable();
        let rows: Vec<usize> = rows.into_iter().map(|row| row as usize).collect();
        let features = features.select(&rows);
        let scaled = scaled.select(Axis(0), &rows);
        let (pca, pca_explained) = principal(scaled.view())?;
        Ok(Self {
            points: [embedding.select(Axis(0), &rows), scaled, pca],
            log_revenue: features.log_revenue(),
            pca_explained,
        })
    }

    /// Shape `(looked_at, n_components)`.
    pub(super) fn points(&self, space: Space) -> ArrayView2<'_, f64> {
        let [embedding, features, pca] = &self.points;
        match space {
            Space::Embedding => embedding.view(),
            Space::Features => features.view(),
            Space::Pca => pca.view(),
        }
    }

    /// Customers that are looked at.
    pub(super) fn len(&self) -> usize {
        self.log_revenue.len()
    }
}

/// The first principal components of `x`, shape `(n_customers, n_features)`, and the share of
/// the variance that they hold. By the covariance's eigenvectors, each with its largest
/// coefficient positive: exact for four features, where linfa-reduction iterates from random
/// vectors.
fn principal(x: ArrayView2<f64>) -> Result<(Array2<f64>, f64)> {
    let n = x.nrows().max(1) as f64;
    let mean = x.sum_axis(Axis(0)) / n;
    let centred = &x - &mean;
    let covariance = centred.t().dot(&centred) / n;
    let (values, vectors) = covariance
        .eigh()
        .map_err(|e| Error::Internal(format!("the principal components: {e}")))?;
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    order.truncate(COMPONENTS);
    let mut axes = vectors.select(Axis(1), &order);
    for mut axis in axes.columns_mut() {
        let largest = axis
            .iter()
            .copied()
            .reduce(|a, b| if b.abs() > a.abs() { b } else { a });
        if largest.is_some_and(|v| v < 0.0) {
            axis.mapv_inplace(|v| -v);
        }
    }
    let kept: f64 = order.iter().map(|&i| values[i]).sum();
    let all: f64 = Array1::sum(&values);
    let explained = if all > 0.0 { kept / all } else { 0.0 };
    Ok((centred.dot(&axes), explained))
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    /// numpy 2's `linalg.svd` of the centred table.
    #[test]
    fn principal_components_as_numpy_says() {
        let x = array![
            [2.0, 0.0, 1.0],
            [4.0, 1.0, 0.0],
            [6.0, 1.0, 3.0],
            [9.0, 4.0, 2.0],
            [1.0, 2.0, 5.0]
        ];
        let (found, explained) = principal(x.view()).unwrap();
        let expected = array![
            [-2.606_658_022_415_319, -1.719_547_739_056_428_2],
            [-0.283_363_728_204_082_73, -2.247_835_718_543_085],
            [1.214_891_018_131_493_4, 0.464_730_951_463_793_45],
            [5.106_511_487_855_641, 0.741_999_166_129_980_3],
            [-3.431_380_755_367_734_5, 2.760_653_340_005_738_3],
        ];
        for (found, expected) in found.iter().zip(expected.iter()) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        assert!((explained - 0.960_109_034_141_919_2).abs() < 1e-12);
    }

    #[test]
    fn features_that_do_not_vary_have_components_of_nothing() {
        let (found, explained) = principal(Array2::ones((4, 4)).view()).unwrap();
        assert_eq!((found, explained), (Array2::zeros((4, 2)), 0.0));
    }
}
