//! Histograms of the features, by segment.

use serde::Serialize;

use crate::features::Features;

/// Bars that a histogram has about.
const BARS: f64 = 24.0;
/// A feature whose greatest value is so many times its median is shown on a logarithmic
/// scale.
const SKEWED: f64 = 20.0;

/// Scale of a histogram's edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // the names say it
pub enum Scale {
    Linear,
    Logarithmic,
}

/// How a feature is distributed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Distribution {
    /// The feature.
    pub feature: &'static str,
    /// How its edges are spaced.
    pub scale: Scale,
    /// Customers without any of it, by segment: on a logarithmic scale zero is nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zeros: Option<Vec<u64>>,
    /// Edges of the bars, ascending, one more than there are bars; a bar holds its lower edge
    /// and the last one its upper edge too.
    pub edges: Vec<f64>,
    /// Customers by segment and bar.
    pub counts: Vec<Vec<u64>>,
    /// The median over all customers.
    pub median: f64,
}

/// Every feature's; `places` has the place of each customer's segment.
pub(super) fn of(features: &Features, places: &[usize], segments: usize) -> Vec<Distribution> {
    let whole = |column: &[i64]| column.iter().map(|&v| v as f64).collect::<Vec<f64>>();
    [
        ("gross_revenue", features.gross_revenue.clone(), false),
        ("recency_days", whole(&features.recency_days), true),
        ("frequency", features.frequency.clone(), false),
        (
            "quantity_of_products",
            whole(&features.quantity_of_products),
            true,
        ),
        ("returns", whole(&features.returns), true),
    ]
    .into_iter()
    .filter_map(|(feature, values, is_whole)| one(feature, &values, is_whole, places, segments))
    .collect()
}

fn one(
    feature: &'static str,
    values: &[f64],
    is_whole: bool,
    places: &[usize],
    segments: usize,
) -> Option<Distribution> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (&least, &greatest) = (sorted.first()?, sorted.last()?);
    let median = sorted.get(sorted.len() / 2).copied()?;
    let positive = sorted.partition_point(|v| *v <= 0.0);
    let lowest = sorted.get(positive).copied();
    let typical = sorted.get((positive + sorted.len()) / 2).copied();
    let skewed = typical.is_some_and(|typical| greatest > SKEWED * typical);
    let (scale, edges, zeros) = match lowest {
        Some(lowest) if least >= 0.0 && skewed => {
            let edges = logarithmic(lowest, greatest, is_whole);
            (Scale::Logarithmic, edges, Some(vec![0; segments]))
        }
        _ => (Scale::Linear, linear(least, greatest, is_whole), None),
    };
    let bars = edges.len().saturating_sub(1);
    let mut found = Distribution {
        feature,
        scale,
        zeros,
        edges,
        counts: vec![vec![0; bars]; segments],
        median,
    };
    for (&value, &place) in values.iter().zip(places) {
        if let (Some(zeros), true) = (&mut found.zeros, value <= 0.0) {
            if let Some(count) = zeros.get_mut(place) {
                *count += 1;
            }
            continue;
        }
        let bar = found.edges.partition_point(|edge| *edge <= value);
        let bar = bar.saturating_sub(1).min(bars.saturating_sub(1));
        if let Some(count) = found.counts.get_mut(place).and_then(|c| c.get_mut(bar)) {
            *count += 1;
        }
    }
    Some(found)
}

/// Edges at multiples of 1, 2 or 5 times a power of ten.
fn linear(least: f64, greatest: f64, is_whole: bool) -> Vec<f64> {
    let step = nice((greatest - least) / BARS, is_whole);
    let first = (least / step).floor();
    let last = (greatest / step).floor() + 1.0;
    let count = (last - first) as usize;
    (0..=count).map(|i| (first + i as f64) * step).collect()
}

/// The least step of 1, 2 or 5 times a power of ten that is at least `step`.
fn nice(step: f64, is_whole: bool) -> f64 {
    if !(step.is_finite() && step > 0.0) {
        return 1.0;
    }
    let power = libm::pow(10.0, libm::log10(step).floor());
    let found = [1.0, 2.0, 5.0, 10.0]
        .map(|times| times * power)
        .into_iter()
        .find(|nice| *nice >= step)
        .unwrap_or(step);
    if is_whole { found.max(1.0) } else { found }
}

/// Edges at equal ratios, whole numbers for counts.
fn logarithmic(lowest: f64, greatest: f64, is_whole: bool) -> Vec<f64> {
    let decades = libm::log10(greatest / lowest).max(0.1);
    // 2, 3, 4, 5, 8, 10, ... bars a decade
    let by_decade = (BARS / decades).floor().clamp(2.0, 20.0);
    let first = (libm::log10(lowest) * by_decade).floor();
    let last = (libm::log10(greatest) * by_decade).floor() + 1.0;
    let count = (last - first) as usize;
    let mut edges: Vec<f64> = (0..=count)
        .map(|i| libm::pow(10.0, (first + i as f64) / by_decade))
        .map(|edge| if is_whole { edge.ceil() } else { edge })
        .collect();
    edges.dedup();
    if edges.len() < 2 {
        edges = vec![lowest, greatest + 1.0];
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(values: &[f64], is_whole: bool) -> Distribution {
        let places: Vec<usize> = (0..values.len()).map(|i| i % 2).collect();
        one("returns", values, is_whole, &places, 2).unwrap()
    }

    fn total(found: &Distribution) -> u64 {
        let bars: u64 = found.counts.iter().flatten().sum();
        bars + found.zeros.iter().flatten().sum::<u64>()
    }

    #[test]
    fn an_even_feature_has_even_bars() {
        let values: Vec<f64> = (0..=365).map(f64::from).collect();
        let found = find(&values, true);
        assert_eq!(found.scale, Scale::Linear);
        assert_eq!((found.edges[0], found.edges[1]), (0.0, 20.0));
        assert_eq!(*found.edges.last().unwrap(), 380.0);
        assert_eq!(total(&found), 366);
        assert_eq!(found.counts[0][0] + found.counts[1][0], 20);
    }

    #[test]
    fn a_skewed_feature_has_bars_of_equal_ratio_and_its_zeros_apart() {
        let mut values = vec![0.0; 50];
        values.extend((0..100).map(|i| libm::pow(10.0, f64::from(i) / 20.0)));
        let found = find(&values, false);
        assert_eq!(found.scale, Scale::Logarithmic);
        assert_eq!(found.zeros, Some(vec![25, 25]));
        assert_eq!(total(&found), 150);
        assert!(found.edges.is_sorted_by(|a, b| a < b));
        assert!(found.edges[0] <= 1.0 && *found.edges.last().unwrap() > values[149]);
    }

    #[test]
    fn counts_have_whole_edges() {
        let values: Vec<f64> = (0..5_000)
            .map(|i| f64::from(i % 10) * f64::from(i))
            .collect();
        let found = find(&values, true);
        assert!(
            found.edges.iter().all(|edge| edge.fract() == 0.0),
            "{:?}",
            found.edges
        );
        assert_eq!(total(&found), 5_000);
    }

    #[test]
    fn one_value_is_one_bar() {
        for value in [0.0, 3.0, 1e12, -4.0] {
            assert_eq!(total(&find(&[value, value], true)), 2);
        }
        assert!(one("returns", &[], true, &[], 0).is_none());
    }
}
