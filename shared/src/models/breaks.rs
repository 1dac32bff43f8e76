//! Round numbers at which customers are told apart.
//!
//! A forest of best cuts puts its cuts where this month's customers happen to differ, and
//! the next sample of customers moves them. Round numbers stay where they are: segments
//! keep their borders from fit to fit, and can be told in a sentence.

use ndarray::{ArrayView1, ArrayView2, Axis};

use crate::evaluation::eta_squared;

/// How far into the tails the outermost breaks lie, in standard deviations.
const REACH: f64 = 1.5;

/// The feature whose breaks explain the most of the target's variance, and those breaks;
/// the first of equals. None if no feature has a break.
///
/// `x` has shape `(n_customers, n_features)`, `y` shape `(n_customers,)`; the breaks part the
/// feature into at most `cells` cells.
pub fn leading_breaks(
    x: ArrayView2<f64>,
    y: ArrayView1<f64>,
    cells: usize,
) -> Option<(usize, Vec<f64>)> {
    let mut leading: Option<(f64, usize, Vec<f64>)> = None;
    for (feature, column) in x.axis_iter(Axis(1)).enumerate() {
        let breaks = round_breaks(column, cells);
        if breaks.is_empty() {
            continue;
        }
        let cell = |v: &f64| breaks.partition_point(|b| b <= v) as u32;
        let labels: Vec<u32> = column.iter().map(cell).collect();
        let explained = eta_squared(&labels, &y.to_vec());
        if leading.as_ref().is_none_or(|(best, ..)| explained > *best) {
            leading = Some((explained, feature, breaks));
        }
    }
    leading.map(|(_, feature, breaks)| (feature, breaks))
}

/// At most `cells - 1` round numbers that part `values`, ascending: quantiles that would be
/// equally wide apart if the values (or their logarithms) were normal, to one significant
/// digit.
fn round_breaks(values: ArrayView1<f64>, cells: usize) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (Some(&lowest), true) = (sorted.first(), cells > 1) else {
        return Vec::new();
    };
    let steps = cells - 1;
    let mut breaks: Vec<f64> = (0..steps)
        .filter_map(|i| {
            let width = 2.0 * REACH / (steps.max(2) - 1) as f64;
            let z = if steps == 1 {
                0.0
            } else {
                i as f64 * width - REACH
            };
            let share = 0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2);
            let at = (share * sorted.len() as f64) as usize;
            sorted.get(at.min(sorted.len() - 1)).copied().map(round)
        })
        .filter(|&b| b > lowest)
        .collect();
    breaks.sort_unstable_by(f64::total_cmp);
    breaks.dedup();
    breaks
}

/// A number to one significant digit, by way of its decimal text: the text is the same on
/// every machine, a power of ten need not be.
fn round(value: f64) -> f64 {
    format!("{value:.0e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2};

    #[test]
    fn numbers_are_rounded_to_one_digit() {
        for (value, expected) in [
            (0.0, 0.0),
            (237.0, 200.0),
            (951.0, 1000.0),
            (0.0347, 0.03),
            (4.0, 4.0),
        ] {
            assert_eq!(round(value), expected);
        }
    }

    /// 1, 2, … 1000: three cells have their borders at the quantiles of ±1.5 standard
    /// deviations, 6.7% and 93.3%: 67 and 934, rounded 70 and 900.
    #[test]
    fn breaks_lie_at_round_quantiles() {
        let values = Array1::from_iter((1..=1000).map(f64::from));
        assert_eq!(round_breaks(values.view(), 3), [70.0, 900.0]);
        assert_eq!(round_breaks(values.view(), 2), [500.0]);
        assert!(round_breaks(values.view(), 1).is_empty());
        assert!(round_breaks(values.view(), 0).is_empty());
        assert!(round_breaks(Array1::from_elem(9, 3.0).view(), 5).is_empty());
        assert!(round_breaks(Array1::zeros(0).view(), 5).is_empty());
    }

    /// Over four decades: quantiles 10^0.27, 10^2 and 10^3.73, none of them near a number
    /// that rounds either way.
    #[test]
    fn a_few_customers_more_or_less_do_not_move_them() {
        let value = |v: u32| libm::pow(10.0, f64::from(v) / 250.0);
        let all = Array1::from_iter((1..=1000).map(value));
        let fewer = Array1::from_iter((1..=1000).filter(|v| v % 5 != 0).map(value));
        assert_eq!(round_breaks(all.view(), 4), [2.0, 100.0, 5000.0]);
        assert_eq!(round_breaks(fewer.view(), 4), [2.0, 100.0, 5000.0]);
    }

    #[test]
    fn the_feature_that_explains_most_leads() {
        let x = Array2::from_shape_fn((100, 3), |(i, j)| match j {
            0 => 7.0,
            1 => f64::from(i as u32 * 37 % 100),
            _ => i as f64,
        });
        let y = Array1::from_iter((0..100).map(f64::from));
        let (feature, breaks) = leading_breaks(x.view(), y.view(), 4).unwrap();
        assert_eq!((feature, breaks.len()), (2, 3));
        assert!(leading_breaks(x.slice(ndarray::s![.., ..1]), y.view(), 4).is_none());
    }
}
