//! Scores by recency, frequency and monetary value (Hughes, "Strategic Database Marketing",
//! 1994).
//!
//! A score depends on the customer's value and the cuts alone: of two customers with the
//! same value none is ahead. So a cut may have more or fewer than its share of the
//! customers where many have the same value.

use serde::Serialize;

use crate::features::Features;
use crate::settings::RfmSettings;

/// The cuts in force: a score's upper ends, ascending.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Cuts {
    /// Scores go from 1 to this.
    pub cuts: u8,
    /// Of the days since the last purchase; the first is the best score's.
    pub recency_days: Vec<f64>,
    /// Of the purchase invoices; the first is the worst score's.
    pub purchases: Vec<f64>,
    /// Of the gross revenue; the first is the worst score's.
    pub gross_revenue: Vec<f64>,
}

impl Cuts {
    /// As set, else the quantiles of the customers.
    pub fn of(features: &Features, purchases: &[i64], settings: &RfmSettings) -> Self {
        let cuts = settings.cuts;
        let whole = |column: &[i64]| column.iter().map(|&n| n as f64).collect();
        let points = |given: &Vec<f64>, values: Vec<f64>| {
            if given.is_empty() {
                quantiles(values, cuts)
            } else {
                given.clone()
            }
        };
        Self {
            cuts,
            recency_days: points(&settings.recency_days, whole(&features.recency_days)),
            purchases: points(&settings.purchases, whole(purchases)),
            gross_revenue: points(&settings.gross_revenue, features.gross_revenue.clone()),
        }
    }

    /// Score by days since the last purchase, the fewer the better.
    pub fn recency(&self, days: i64) -> i32 {
        i32::from(self.cuts) - passed(&self.recency_days, days as f64)
    }

    /// Score by purchase invoices.
    pub fn frequency(&self, purchases: i64) -> i32 {
        1 + passed(&self.purchases, purchases as f64)
    }

    /// Score by gross revenue.
    pub fn monetary(&self, gross_revenue: f64) -> i32 {
        1 + passed(&self.gross_revenue, gross_revenue)
    }
}

/// Points below `value`.
fn passed(points: &[f64], value: f64) -> i32 {
    points.partition_point(|&point| point < value) as i32
}

/// The values below or at which a first, second, … of `cuts` equal shares lies.
fn quantiles(mut values: Vec<f64>, cuts: u8) -> Vec<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let (n, cuts) = (values.len(), usize::from(cuts));
    (1..cuts)
        .filter_map(|cut| {
            values
                .get((cut * n).div_ceil(cuts).saturating_sub(1))
                .copied()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(recency_days: Vec<i64>, purchases: &[i64], gross_revenue: Vec<f64>) -> Cuts {
        let features = Features {
            gross_revenue,
            recency_days,
            ..Features::default()
        };
        Cuts::of(&features, purchases, &RfmSettings::default())
    }

    #[test]
    fn ten_different_values_are_two_a_score() {
        // The second, fourth, sixth and eighth of ten.
        let days: Vec<i64> = (0..10).collect();
        let revenue: Vec<f64> = (0..10).map(f64::from).collect();
        let cuts = of(days, &[1; 10], revenue);
        assert_eq!(cuts.recency_days, [1.0, 3.0, 5.0, 7.0]);
        let recency: Vec<i32> = (0..10).map(|days| cuts.recency(days)).collect();
        assert_eq!(recency, [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]);
        let monetary: Vec<i32> = (0..10)
            .map(|value| cuts.monetary(f64::from(value)))
            .collect();
        assert_eq!(monetary, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
        assert_eq!(cuts.frequency(1), 1, "where all are equal nobody is ahead");
        assert_eq!(cuts.frequency(2), 5);
    }

    #[test]
    fn points_that_are_set_are_kept_to() {
        let settings = RfmSettings {
            cuts: 3,
            recency_days: vec![30.0, 90.0],
            ..RfmSettings::default()
        };
        let cuts = Cuts::of(&Features::default(), &[], &settings);
        let scores = [0, 30, 31, 90, 91].map(|days| cuts.recency(days));
        assert_eq!(scores, [3, 3, 2, 2, 1]);
    }

    proptest! {
        #[test]
        fn scores_keep_to_their_range_and_never_fall_as_the_value_rises(
            mut values in proptest::collection::vec(0_i64..50, 1..200)
        ) {
            let real: Vec<f64> = values.iter().map(|&v| v as f64).collect();
            let cuts = of(values.clone(), &values, real);
            let mut turned = values.clone();
            turned.reverse();
            let real: Vec<f64> = turned.iter().map(|&v| v as f64).collect();
            prop_assert_eq!(&cuts, &of(turned.clone(), &turned, real));
            values.sort_unstable();
            for pair in values.windows(2) {
                let [low, high] = [pair[0], pair[1]];
                prop_assert!(cuts.recency(low) >= cuts.recency(high));
                prop_assert!(cuts.frequency(low) <= cuts.frequency(high));
                prop_assert!(cuts.monetary(low as f64) <= cuts.monetary(high as f64));
            }
            for value in values {
                for score in [cuts.recency(value), cuts.frequency(value)] {
                    prop_assert!((1..=5).contains(&score));
                }
            }
        }
    }
}
