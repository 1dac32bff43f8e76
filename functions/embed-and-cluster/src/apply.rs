//! Uses stored models.

use ndarray::{Array1, Array2};
use shared::Result;
use shared::bundle::Bundle;
use shared::features::Features;
use shared::measure::Stage;
use shared::progress::Progress;

use crate::matrix;

/// Points, shape `(n_customers, 2)`, and segments of customers. Each depends on the
/// customer's own features and the models alone.
pub(crate) fn apply(
    bundle: &Bundle,
    features: &Features,
    progress: &dyn Progress,
    stage: &mut Stage,
) -> Result<(Array2<f64>, Array1<u32>)> {
    progress.step("apply the models");
    let matrix = matrix::features(features)?;
    let scaled = bundle.scaler.transform(matrix.view())?;
    let leaves = bundle.forest.leaf_indices(scaled.view())?;
    stage.lap("leaves");
    let points = matrix::points(bundle.umap.transform(leaves.view())?.view());
    stage.lap("transform");
    let labels = bundle.kmeans.predict(points.view())?;
    stage.lap("assign");
    Ok((points, labels))
}
