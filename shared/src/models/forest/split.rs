//! The best split of one node (CART, squared error), by scikit-learn 1.9's rules.

/// Values closer than this count as equal.
pub(super) const FEATURE_THRESHOLD: f32 = 1e-7;

/// A bootstrap sample of the training rows.
pub(super) struct Sample<'a> {
    /// Features by column, single precision.
    pub(super) columns: &'a [Vec<f32>],
    /// How often each row was drawn, and that times its target.
    pub(super) weights: &'a [Weight],
    /// Least number of distinct rows in a leaf.
    pub(super) min_leaf: usize,
}

/// A row's weight and weighted target.
#[derive(Clone, Copy, Default)]
pub(super) struct Weight {
    pub(super) count: f64,
    pub(super) target: f64,
}

impl Weight {
    pub(super) fn add(&mut self, other: Self) {
        self.count += other.count;
        self.target += other.target;
    }

    /// What parting `self` from the rest of `total` explains of the squared error, but for
    /// a constant of the node.
    pub(super) fn gain(self, total: Self) -> f64 {
        let right = total.target - self.target;
        self.target * self.target / self.count + right * right / (total.count - self.count)
    }
}

/// Where a node is cut: its first `left` rows in the order of `feature` go left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Split {
    pub(super) feature: usize,
    pub(super) left: usize,
    pub(super) threshold: f64,
}

/// The split with the highest gain, or none if all features are constant in the node. Ties
/// go to the lowest feature and, in it, to the lowest threshold.
///
/// `orders` holds the node's rows sorted by each feature; `total` is their sum.
pub(super) fn best<'a>(
    sample: &Sample,
    orders: impl Iterator<Item = &'a [u32]>,
    total: Weight,
) -> Option<Split> {
    let mut best_gain = f64::NEG_INFINITY;
    let mut best = None;
    for (feature, rows) in orders.enumerate() {
        let column = sample.columns[feature].as_slice();
        if let Some((gain, left)) = best_of_feature(sample, column, rows, total, best_gain) {
            let (below, above) = (column[rows[left - 1] as usize], column[rows[left] as usize]);
            best_gain = gain;
            best = Some(Split {
                feature,
                left,
                threshold: midpoint(below, above),
            });
        }
    }
    best
}

fn best_of_feature(
    sample: &Sample,
    column: &[f32],
    rows: &[u32],
    total: Weight,
    mut best_gain: f64,
) -> Option<(f64, usize)> {
    let (first, last) = (*rows.first()?, *rows.last()?);
    let mut value = column[first as usize];
    if column[last as usize] <= value + FEATURE_THRESHOLD {
        return None;
    }
    let mut best = None;
    let mut left = Weight::default();
    let mut previous = first;
    for (i, &row) in rows.iter().enumerate().skip(1) {
        left.add(sample.weights[previous as usize]);
        let next = column[row as usize];
        let boundary = next > value + FEATURE_THRESHOLD;
        value = next;
        previous = row;
        if !boundary || i < sample.min_leaf || rows.len() - i < sample.min_leaf {
            continue;
        }
        let gain = left.gain(total);
        if gain > best_gain {
            best_gain = gain;
            best = Some((gain, i));
        }
    }
    best
}

/// Halfway between two neighbouring values, in double precision.
pub(super) fn midpoint(below: f32, above: f32) -> f64 {
    let (below, above) = (f64::from(below), f64::from(above));
    let middle = below / 2.0 + above / 2.0;
    if middle == above || middle.is_infinite() {
        below
    } else {
        middle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(x: &[f32], y: &[f64], min_leaf: usize, expected: Option<(usize, f64)>) {
        let weights: Vec<Weight> = y
            .iter()
            .map(|&target| Weight { count: 1.0, target })
            .collect();
        let total = Weight {
            count: y.len() as f64,
            target: y.iter().sum(),
        };
        let rows: Vec<u32> = (0..x.len() as u32).collect();
        let columns = [x.to_vec()];
        let sample = Sample {
            columns: &columns,
            weights: &weights,
            min_leaf,
        };
        let found = best(&sample, [&rows[..]].into_iter(), total).map(|s| (s.left, s.threshold));
        assert_eq!(found, expected);
    }

    #[test]
    fn cuts_where_the_error_falls_most() {
        check(
            &[1.0, 2.0, 3.0, 4.0],
            &[0.0, 0.0, 9.0, 9.0],
            1,
            Some((2, 2.5)),
        );
        check(
            &[1.0, 2.0, 3.0, 4.0],
            &[0.0, 0.0, 0.0, 9.0],
            1,
            Some((3, 3.5)),
        );
        check(
            &[1.0, 2.0, 3.0, 4.0],
            &[0.0, 0.0, 0.0, 9.0],
            2,
            Some((2, 2.5)),
        );
    }

    #[test]
    fn the_first_of_equal_cuts_wins() {
        check(&[1.0, 2.0, 3.0], &[0.0, 1.0, 0.0], 1, Some((1, 1.5)));
        check(&[1.0, 2.0], &[5.0, 5.0], 1, Some((1, 1.5)));
    }

    #[test]
    fn values_that_are_nearly_equal_are_not_parted() {
        check(&[0.5, 0.5, 0.5], &[0.0, 1.0, 2.0], 1, None);
        check(
            &[0.0, 5e-8, 1.0],
            &[0.0, 9.0, 9.0],
            1,
            Some((2, f64::midpoint(f64::from(5e-8_f32), 1.0))),
        );
    }

    #[test]
    fn a_midpoint_that_cannot_lie_between_takes_the_lower_value() {
        let next = f32::from_bits(1.0_f32.to_bits() + 1);
        assert_eq!(midpoint(1.0, next), f64::midpoint(1.0, f64::from(next)));
        assert_eq!(midpoint(3.0, 3.0), 3.0);
        assert_eq!(midpoint(f32::MAX, f32::MAX), f64::from(f32::MAX));
    }
}
