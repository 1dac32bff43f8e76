//! Where the layout of the embedding starts.
//!
//! A spectral start has no opinion on how far apart two groups of customers are that share
//! no leaf, and k-means takes the distance at its word. Started in the order of the
//! revenue that the forest predicts, groups of similar worth stay near each other, in every
//! fit (on informative starts: Kobak and Linderman 2021).

use ndarray::{Array2, ArrayView1};
use shared::models::random::{Key, Stream};

/// From the least to the greatest predicted revenue.
const LENGTH: f64 = 150.0;
/// From those who came once to those who come most often.
const WIDTH: f64 = 3.0;
/// Parts points that start at the same place.
const NOISE: f64 = 1e-4;

/// Points, shape `(n_customers, 2)`: along the predicted target, shape `(n_customers,)`,
/// and across it by the rank of the purchase frequency.
pub(crate) fn points(predicted: ArrayView1<f64>, frequency: &[f64], seed: u64) -> Array2<f64> {
    let lowest = predicted.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = predicted.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = if highest > lowest {
        highest - lowest
    } else {
        1.0
    };
    let ranks = ranks(frequency);
    let key = Key::new(seed, Stream::Noise);
    Array2::from_shape_fn((predicted.len(), 2), |(row, axis)| {
        let at = if axis == 0 {
            LENGTH * (predicted[row] - lowest) / range
        } else {
            WIDTH * ranks.get(row).copied().unwrap_or_default()
        };
        at + NOISE * key.child(row as u64).normal(axis as u64)
    })
}

/// The rank of each value from 0 to 1; equal values share their mean rank.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for equals in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let mean = (2 * first + equals.len()) as f64 / (2 * values.len()) as f64;
        for &row in equals {
            ranks[row] = mean;
        }
        first += equals.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_share_their_rank() {
        assert_eq!(ranks(&[0.0, 5.0, 0.0, 2.0]), [0.25, 0.875, 0.25, 0.625]);
        assert!(ranks(&[]).is_empty());
    }

    #[test]
    fn points_follow_the_prediction() {
        let points = points(ndarray::aview1(&[3.0, 1.0, 2.0]), &[0.0, 0.0, 1.0], 42);
        for (row, (x, y)) in [(150.0, 1.0), (0.0, 1.0), (75.0, 2.5)]
            .into_iter()
            .enumerate()
        {
            assert!((points[[row, 0]] - x).abs() < 1e-3 && (points[[row, 1]] - y).abs() < 1e-3);
        }
        let flat = super::points(ndarray::aview1(&[4.0, 4.0]), &[0.0, 0.0], 42);
        assert!(flat.iter().all(|v| v.is_finite()) && flat.row(0) != flat.row(1));
    }
}
