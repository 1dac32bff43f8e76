//! The figures of a clustering.

use ndarray::{ArrayView1, ArrayView2};

use crate::contracts::Quality;
use crate::models::{KMeans, silhouette};
use crate::{Error, Result};

/// Customers up to which the silhouette is exact; it takes time in their square.
const EXACT_SILHOUETTE: usize = 20_000;
/// Customers that it is computed on above that.
const SILHOUETTE_SAMPLE: usize = 10_000;

/// Inertia and silhouette of `points`, shape `(n_customers, n_components)`, under `labels`,
/// shape `(n_customers,)`.
pub fn quality(
    kmeans: &KMeans,
    points: ArrayView2<f64>,
    labels: ArrayView1<u32>,
    seed: u64,
) -> Result<Quality> {
    let mut present = labels.to_vec();
    present.sort_unstable();
    present.dedup();
    // Undefined for a single segment, or one a customer: nothing lies better or worse then.
    let defined = present.len() >= 2 && present.len() < labels.len();
    let (exact, sample) = (EXACT_SILHOUETTE, SILHOUETTE_SAMPLE);
    let found = defined
        .then(|| silhouette(points, labels, exact, sample, seed))
        .transpose()?;
    Ok(Quality {
        segments: u32::try_from(present.len()).map_err(|e| Error::Internal(e.to_string()))?,
        inertia: kmeans.inertia_of(points, labels)?,
        silhouette: found.as_ref().map_or(0.0, |found| found.score),
        silhouette_sample: found.and_then(|found| found.sampled).map(|n| n as u64),
        rules_f1: None,
        next_step_verified_share: None,
        next_step_sample: None,
    })
}
