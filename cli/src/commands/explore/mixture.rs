//! Gaussian mixtures by linfa.

use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_clustering::{GaussianMixtureModel, GmmError};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use rand_xoshiro::Xoshiro256Plus;
use rand_xoshiro::rand_core::SeedableRng;

/// scikit-learn's.
const TOLERANCE: f64 = 1e-3;
const MOST_ITERATIONS: u64 = 300;
/// Added to the variances, as a share of the mean variance of the columns: what scikit-learn
/// and linfa add, but whatever the unit.
const REGULARISATION: f64 = 1e-6;
/// Fits from other starts where one fails.
const ATTEMPTS: u64 = 3;
const TOO_FAR: &str = "a customer is too far from every component";

/// The component of highest probability of each point, or why there is none.
///
/// linfa's `n_runs` goes on from where the run before stopped, so that one run is asked for,
/// and another start is another seed. Its densities are sums of exponentials that can come
/// to 0 for a customer far from every component; a fit fails on that, and so does this.
pub(super) fn mixture(points: ArrayView2<f64>, k: usize, seed: u64) -> Result<Array1<u32>, String> {
    let mut failure = String::new();
    for attempt in 0..ATTEMPTS {
        match fit(points, k, seed.wrapping_add(attempt)) {
            Ok(labels) => return Ok(labels),
            Err(reason) => failure = reason,
        }
    }
    Err(failure)
}

fn fit(points: ArrayView2<f64>, k: usize, seed: u64) -> Result<Array1<u32>, String> {
    let variance = points.var_axis(Axis(0), 0.0).mean().unwrap_or_default();
    let params = GaussianMixtureModel::params_with_rng(k, Xoshiro256Plus::seed_from_u64(seed))
        .n_runs(1)
        .max_n_iterations(MOST_ITERATIONS)
        .tolerance(TOLERANCE)
        .reg_covariance(REGULARISATION * variance);
    let fitted: GaussianMixtureModel<f64> =
        params
            .fit(&DatasetBase::from(points))
            .map_err(|error| match error {
                // sums of probabilities that are no numbers can't be ordered
                GmmError::MinMaxError(_) => TOO_FAR.to_owned(),
                error => error.to_string(),
            })?;
    most_likely(&fitted.predict_proba(&points))
}

/// linfa's own `predict` panics where a probability is no number.
fn most_likely(probabilities: &Array2<f64>) -> Result<Array1<u32>, String> {
    let label = |row: ArrayView1<f64>| {
        let mut best = (0, f64::NEG_INFINITY);
        for (component, &probability) in row.iter().enumerate() {
            if !probability.is_finite() {
                return Err(TOO_FAR.to_owned());
            }
            if probability > best.1 {
                best = (component as u32, probability);
            }
        }
        Ok(best.0)
    };
    probabilities.rows().into_iter().map(label).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use shared::evaluation::adjusted_rand_index;
    use shared::models::random::{Key, Stream};

    use super::*;

    /// Two long parallel streaks, of which k-means mixes up the ends.
    fn streaks() -> (Array2<f64>, Vec<u32>) {
        let key = Key::new(1, Stream::Noise);
        let points = Array2::from_shape_fn((400, 2), |(i, j)| {
            let noise = key.normal((2 * i + j) as u64);
            if j == 0 {
                3.5 * noise
            } else {
                0.5 * noise + 6.0 * (i % 2) as f64
            }
        });
        (points, (0..400).map(|i| i % 2).collect())
    }

    #[test]
    fn finds_components_of_other_shapes_than_balls_and_the_same_on_any_number_of_threads() {
        let (points, expected) = streaks();
        let found = [1, 3].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().unwrap();
            pool.install(|| mixture(points.view(), 2, 42).unwrap().to_vec())
        });
        assert!(adjusted_rand_index(&found[0], &expected) > 0.99);
        assert_eq!(found[0], found[1]);
    }

    #[test]
    fn what_cannot_be_fitted_is_a_reason_and_no_panic() {
        let same = Array2::from_elem((30, 2), 1.5);
        assert!(mixture(same.view(), 3, 42).is_err());
        // a crowd, and one customer at more than 38 of its standard deviations
        let key = Key::new(2, Stream::Noise);
        let crowd =
            Array2::from_shape_fn(
                (6_000, 1),
                |(i, _)| {
                    if i == 0 { 1e6 } else { key.normal(i as u64) }
                },
            );
        let found = mixture(crowd.view(), 1, 42);
        assert_eq!(found.unwrap_err(), TOO_FAR);
        assert!(most_likely(&array![[0.5, f64::NAN]]).is_err());
        assert_eq!(
            most_likely(&array![[0.5, 0.5], [0.1, 0.9]]),
            Ok(array![0, 1])
        );
    }
}
