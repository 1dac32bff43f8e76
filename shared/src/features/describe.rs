//! pandas' `describe` of one column.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Features;

/// Count, moments and quartiles of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Describe {
    /// Values.
    pub count: u64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Sample standard deviation (n - 1).
    pub std: f64,
    /// Smallest.
    pub min: f64,
    /// Lower quartile, by linear interpolation.
    #[serde(rename = "25%")]
    pub lower_quartile: f64,
    /// Median, by linear interpolation.
    #[serde(rename = "50%")]
    pub median: f64,
    /// Upper quartile, by linear interpolation.
    #[serde(rename = "75%")]
    pub upper_quartile: f64,
    /// Largest.
    pub max: f64,
}

impl Describe {
    /// Describes `values`; `None` for none.
    pub fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.collect();
        values.sort_unstable_by(f64::total_cmp);
        let (&min, &max) = (values.first()?, values.last()?);
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
        let quantile = |q: f64| {
            let place = q * (n - 1.0);
            let low = place.floor() as usize;
            let at = |i: usize| values.get(i).copied().unwrap_or(max);
            at(low) + (at(low + 1) - at(low)) * (place - low as f64)
        };
        Some(Self {
            count: values.len() as u64,
            mean,
            std: if values.len() > 1 {
                (squares / (n - 1.0)).sqrt()
            } else {
                0.0
            },
            min,
            lower_quartile: quantile(0.25),
            median: quantile(0.5),
            upper_quartile: quantile(0.75),
            max,
        })
    }
}

impl Features {
    /// Each feature described, by its name.
    pub fn described(&self) -> BTreeMap<&'static str, Option<Describe>> {
        let whole = |column: &[i64]| Describe::of(column.iter().map(|&n| n as f64));
        let real = |column: &[f64]| Describe::of(column.iter().copied());
        BTreeMap::from([
            ("gross_revenue", real(&self.gross_revenue)),
            ("recency_days", whole(&self.recency_days)),
            ("quantity_of_products", whole(&self.quantity_of_products)),
            ("frequency", real(&self.frequency)),
            ("returns", whole(&self.returns)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_are_interpolated() {
        // Sorted 1 2 3 4: places 0.75, 1.5 and 2.25; variance (2.25+0.25+0.25+2.25)/3.
        let found = Describe::of([4.0, 1.0, 3.0, 2.0].into_iter()).unwrap();
        assert_eq!(
            (found.lower_quartile, found.median, found.upper_quartile),
            (1.75, 2.5, 3.25)
        );
        assert_eq!(
            (found.count, found.mean, found.min, found.max),
            (4, 2.5, 1.0, 4.0)
        );
        assert!((found.std - (5.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!(Describe::of(std::iter::empty()), None);
    }
}
