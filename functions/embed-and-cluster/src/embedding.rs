//! What customers are compared by, for who explores other ways to group them.

use ndarray::Array2;
use shared::bundle::Bundle;
use shared::features::Features;
use shared::measure::Stage;
use shared::models::MinMaxScaler;
use shared::progress::Progress;
use shared::settings::Settings;
use shared::{Error, Result};

use crate::apply::apply;
use crate::fit::fit;
use crate::matrix;
use crate::resample::enough;

/// The customers in the embedding of a stored model, or else of a fit with `settings`, shape
/// `(n_customers, 2)`.
pub fn embedding(
    features: &Features,
    settings: &Settings,
    stored: Option<&Bundle>,
    progress: &dyn Progress,
) -> Result<Array2<f64>> {
    let mut stage = Stage::start("explore");
    if let Some(bundle) = stored {
        return Ok(apply(bundle.into(), features, progress, &mut stage)?.points);
    }
    enough(features, settings)?;
    Ok(fit(features, settings, progress, &mut stage)?.points)
}

/// The features that the models take, each brought to `0..1`, shape `(n_customers, 4)`.
pub fn scaled(features: &Features) -> Result<Array2<f64>> {
    let matrix = matrix::features(features)?;
    let scaler = MinMaxScaler::fit(matrix.view())?;
    scaler.transform(matrix.view()).map_err(Error::from)
}
