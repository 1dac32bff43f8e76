//! Features as the models take them.

use ndarray::{Array1, Array2, ArrayView2};
use shared::features::Features;
use shared::models::{MinMaxScaler, ModelError};
use shared::settings::Target;

/// Shape `(n_customers, 4)`, the columns of `shared::bundle::FEATURES` in their order.
pub(crate) fn features(features: &Features) -> Result<Array2<f64>, ModelError> {
    let columns = [
        &features
            .recency_days
            .iter()
            .map(|&days| days as f64)
            .collect::<Vec<_>>(),
        &features
            .quantity_of_products
            .iter()
            .map(|&pieces| pieces as f64)
            .collect(),
        &features.frequency,
        &features
            .returns
            .iter()
            .map(|&returns| returns as f64)
            .collect(),
    ];
    let n = features.len();
    let mut matrix = Array2::zeros((n, columns.len()));
    for (mut to, from) in matrix.columns_mut().into_iter().zip(columns) {
        if from.len() != n {
            return Err(ModelError::NotFinite {
                what: "a feature column of another length",
            });
        }
        to.assign(&ndarray::aview1(from));
    }
    Ok(matrix)
}

/// What the forest is fitted to, shape `(n_customers,)`: revenue min-max scaled, as the
/// notebook does, or its logarithm.
pub(crate) fn target(features: &Features, target: Target) -> Result<Array1<f64>, ModelError> {
    if target == Target::LogRevenue {
        return Ok(features.log_revenue().into());
    }
    let revenue = ndarray::aview1(&features.gross_revenue);
    let column = revenue.insert_axis(ndarray::Axis(1));
    Ok(MinMaxScaler::fit(column)?
        .transform(column)?
        .column(0)
        .to_owned())
}

/// Points of the embedding as k-means takes them.
pub(crate) fn points(embedding: ArrayView2<'_, f32>) -> Array2<f64> {
    embedding.mapv(f64::from)
}
