//! How the settings have the forest cut.

use ndarray::{Array2, ArrayView1, ArrayView2};
use shared::Result;
use shared::models::{MinMaxScaler, Splitter, leading_breaks};
use shared::settings::{Settings, Splits};

/// Share of the cuts of the leading feature that are at round numbers.
const BREAK_SHARE: f64 = 0.9;
/// By how many the cells between round numbers are fewer than the segments.
const CELLS_LESS: usize = 2;

/// The splitter for features `matrix`, shape `(n_customers, n_features)` and not scaled yet,
/// and a target of shape `(n_customers,)`. Round numbers part fewer cells than there are
/// segments: the other features part some of them again.
pub(crate) fn splitter(
    settings: &Settings,
    matrix: ArrayView2<f64>,
    target: ArrayView1<f64>,
    scaler: &MinMaxScaler,
) -> Result<Splitter> {
    let mut breaks = vec![Vec::new(); matrix.ncols()];
    match settings.embedding.splits {
        Splits::Best => return Ok(Splitter::Best),
        Splits::Random => {}
        Splits::Round => {
            let cells = settings.clustering.k.saturating_sub(CELLS_LESS);
            let leading = leading_breaks(matrix, target, cells);
            if let Some((feature, raw)) = leading
                && let Some(scaled) = breaks.get_mut(feature)
            {
                *scaled = in_units_of(scaler, feature, matrix.ncols(), &raw)?;
            }
        }
    }
    Ok(Splitter::Random {
        breaks,
        break_share: BREAK_SHARE,
    })
}

/// Values of one feature as the scaler scales them: by the same arithmetic as the
/// customers', so that who has exactly the round number is on its upper side.
fn in_units_of(
    scaler: &MinMaxScaler,
    feature: usize,
    n_features: usize,
    values: &[f64],
) -> Result<Vec<f64>> {
    let mut rows = Array2::zeros((values.len(), n_features));
    rows.column_mut(feature).assign(&ndarray::aview1(values));
    Ok(scaler.transform(rows.view())?.column(feature).to_vec())
}
