//! One random cut for each feature of a node, and the best of them (extremely randomised
//! trees: Geurts, Ernst, Wehenkel 2006).

use super::super::random::Key;
use super::split::{FEATURE_THRESHOLD, Sample, Split, Weight, midpoint};

/// Breaks of each feature, in single precision like the features.
pub(super) struct RandomCuts {
    breaks: Vec<Vec<f32>>,
    share: f64,
}

/// The numbers that one feature of a node draws.
const PER_FEATURE: u64 = 3;

impl RandomCuts {
    pub(super) fn new(breaks: &[Vec<f64>], share: f64) -> Self {
        let single = |breaks: &Vec<f64>| breaks.iter().map(|&b| b as f32).collect();
        Self {
            breaks: breaks.iter().map(single).collect(),
            share,
        }
    }

    /// The best of the node's random cuts, or none if no feature could be cut. `orders`
    /// holds the node's rows sorted by each feature, `total` is their sum, `key` the node's.
    pub(super) fn best<'a>(
        &self,
        sample: &Sample,
        orders: impl Iterator<Item = &'a [u32]>,
        total: Weight,
        key: Key,
    ) -> Option<Split> {
        let mut best_gain = f64::NEG_INFINITY;
        let mut best = None;
        for (feature, rows) in orders.enumerate() {
            let column = sample.columns[feature].as_slice();
            let counter = feature as u64 * PER_FEATURE;
            let Some((left, threshold)) = self.cut(feature, column, rows, key, counter) else {
                continue;
            };
            if left < sample.min_leaf || rows.len() - left < sample.min_leaf {
                continue;
            }
            let mut sum = Weight::default();
            for &row in &rows[..left] {
                sum.add(sample.weights[row as usize]);
            }
            let gain = sum.gain(total);
            if gain > best_gain {
                best_gain = gain;
                best = Some(Split {
                    feature,
                    left,
                    threshold,
                });
            }
        }
        best
    }

    /// How many of `rows` go left, and the threshold.
    fn cut(
        &self,
        feature: usize,
        column: &[f32],
        rows: &[u32],
        key: Key,
        counter: u64,
    ) -> Option<(usize, f64)> {
        let value = |i: usize| column[rows[i] as usize];
        let (lowest, highest) = (value(0), value(rows.len() - 1));
        if highest <= lowest + FEATURE_THRESHOLD {
            return None;
        }
        if key.unit(counter) < self.share
            && let Some(at) = self.break_between(feature, lowest, highest, key, counter + 1)
        {
            let left = rows.partition_point(|&row| column[row as usize] < at);
            return Some((left, f64::from(at).next_down()));
        }
        let drawn = key.below(counter + 2, rows.len() - 1);
        let parts = |i: usize| value(i) > value(i - 1) + FEATURE_THRESHOLD;
        let after = (drawn + 1..rows.len()).find(|&i| parts(i));
        let left = after.or_else(|| (1..=drawn).rev().find(|&i| parts(i)))?;
        Some((left, midpoint(value(left - 1), value(left))))
    }

    /// A break that has rows on both sides, all of them equally likely.
    fn break_between(
        &self,
        feature: usize,
        lowest: f32,
        highest: f32,
        key: Key,
        counter: u64,
    ) -> Option<f32> {
        let breaks = self.breaks.get(feature)?;
        let first = breaks.partition_point(|&b| b <= lowest);
        let last = breaks.partition_point(|&b| b <= highest);
        (first < last).then(|| breaks[first + key.below(counter, last - first)])
    }
}
