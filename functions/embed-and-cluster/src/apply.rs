//! Uses stored models.

use ndarray::{Array1, Array2};
use shared::Result;
use shared::bundle::Bundle;
use shared::features::Features;
use shared::measure::Stage;
use shared::models::{Forest, KMeans, MinMaxScaler, Umap};
use shared::progress::Progress;

use crate::fit::Fitted;
use crate::matrix;

/// The models of one fit, wherever they are kept.
#[derive(Clone, Copy)]
pub(crate) struct Models<'a> {
    scaler: &'a MinMaxScaler,
    forest: &'a Forest,
    pub(crate) umap: &'a Umap,
    pub(crate) kmeans: &'a KMeans,
}

impl<'a> From<&'a Bundle> for Models<'a> {
    fn from(bundle: &'a Bundle) -> Self {
        Self {
            scaler: &bundle.scaler,
            forest: &bundle.forest,
            umap: &bundle.umap,
            kmeans: &bundle.kmeans,
        }
    }
}

impl<'a> From<&'a Fitted> for Models<'a> {
    fn from(fitted: &'a Fitted) -> Self {
        Self {
            scaler: &fitted.scaler,
            forest: &fitted.forest,
            umap: &fitted.umap,
            kmeans: &fitted.kmeans,
        }
    }
}

/// What the models say of some customers.
pub(crate) struct Applied {
    /// Shape `(n_customers, n_trees)`.
    pub(crate) leaves: Array2<u32>,
    /// Shape `(n_customers, 2)`.
    pub(crate) points: Array2<f64>,
    /// Shape `(n_customers,)`.
    pub(crate) labels: Array1<u32>,
}

/// Leaves, points and segments of customers. Each depends on the customer's own features
/// and the models alone.
pub(crate) fn apply(
    models: Models,
    features: &Features,
    progress: &dyn Progress,
    stage: &mut Stage,
) -> Result<Applied> {
    progress.step("apply the models");
    let matrix = matrix::features(features)?;
    let scaled = models.scaler.transform(matrix.view())?;
    let leaves = models.forest.leaf_indices(scaled.view())?;
    stage.lap("leaves");
    let points = matrix::points(models.umap.transform(leaves.view())?.view());
    stage.lap("transform");
    let labels = models.kmeans.predict(points.view())?;
    stage.lap("assign");
    Ok(Applied {
        leaves,
        points,
        labels,
    })
}
