//! What customers are compared by.

use ndarray::{Array2, ArrayView2, Axis};
use shared::exploration::{Space, principal};
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
        let (pca, pca_explained) = principal(scaled.view(), COMPONENTS);
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
