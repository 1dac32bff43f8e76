//! Quantiles of a column of numbers.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

/// Levels that are told.
const LEVELS: [(&str, u64); 7] = [
    ("0.01", 10),
    ("0.05", 50),
    ("0.25", 250),
    ("0.5", 500),
    ("0.75", 750),
    ("0.95", 950),
    ("0.99", 990),
];

/// Counts by magnitude, to two significant digits: a few kilobytes, integers alone.
#[derive(Debug)]
pub(super) struct Numbers {
    below: Option<Histogram<u64>>,
    above: Option<Histogram<u64>>,
}

impl Default for Numbers {
    fn default() -> Self {
        // Two digits are allowed: there is always a histogram.
        let new = || Histogram::new(2).ok();
        Self {
            below: new(),
            above: new(),
        }
    }
}

impl Numbers {
    pub(super) fn add(&mut self, value: i64) {
        let side = if value < 0 {
            &mut self.below
        } else {
            &mut self.above
        };
        if let Some(histogram) = side {
            // It grows as it must; a count that is past 64 bits stays there.
            let _ = histogram.record(value.unsigned_abs());
        }
    }

    /// By level, each within 1% of a value of that rank; `unit` is what one stands for.
    pub(super) fn quantiles(&self, unit: f64) -> BTreeMap<String, f64> {
        let cells = |side: &Option<Histogram<u64>>, sign: f64| -> Vec<(f64, u64)> {
            let recorded = side.iter().flat_map(Histogram::iter_recorded);
            let of = |value| side.as_ref().map_or(value, |h| h.median_equivalent(value));
            recorded
                .map(|cell| {
                    let value = of(cell.value_iterated_to()) as f64;
                    (sign * value / unit, cell.count_at_value())
                })
                .collect()
        };
        let mut all = cells(&self.below, -1.0);
        all.reverse();
        all.extend(cells(&self.above, 1.0));
        let rows: u64 = all.iter().map(|&(_, count)| count).sum();
        let at = |level: u64| {
            // The least value that `level` thousandths of the rows do not exceed.
            let rank = (u128::from(rows) * u128::from(level)).div_ceil(1000).max(1);
            let mut seen = 0_u128;
            all.iter().find_map(|&(value, count)| {
                seen += u128::from(count);
                (seen >= rank).then_some(value)
            })
        };
        LEVELS
            .iter()
            .filter_map(|&(name, level)| Some((name.to_owned(), at(level)?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl Iterator<Item = i64>) -> BTreeMap<String, f64> {
        let mut numbers = Numbers::default();
        values.for_each(|value| numbers.add(value));
        numbers.quantiles(1.0)
    }

    #[test]
    fn small_numbers_are_exact_and_signs_are_in_order() {
        let found = of(-10..=90);
        assert_eq!(
            (found["0.01"], found["0.5"], found["0.99"]),
            (-9.0, 40.0, 89.0)
        );
        assert!(of(std::iter::empty()).is_empty());
        assert_eq!(of([7].into_iter())["0.01"], 7.0);
    }

    #[test]
    fn large_numbers_are_within_a_hundredth() {
        let found = of((0..100_000).map(|i| (i - 50_000) * 7_919));
        for (level, rank) in [("0.05", 4_999), ("0.25", 24_999), ("0.95", 94_999)] {
            let exact = f64::from((rank - 50_000) * 7_919);
            let wrong = (found[level] - exact).abs() / exact.abs();
            assert!(wrong < 0.01, "{level}: {} for {exact}", found[level]);
        }
        assert!(of([i64::MIN, i64::MAX].into_iter())["0.01"] < -9e18);
    }
}
