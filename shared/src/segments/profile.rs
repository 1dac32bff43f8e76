//! The profile table: one row a segment.

use serde::{Deserialize, Serialize};

use super::Segment;
use super::rules::{Measured, MeasuredRule};
use crate::features::Features;

/// The content of `profile.json`, sorted by mean revenue, the highest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// One entry a segment that has customers.
    pub segments: Vec<SegmentProfile>,
}

/// One segment in figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentProfile {
    /// Its number.
    pub label: u32,
    /// Its name.
    pub segment: String,
    /// Customers in it.
    pub customers: u64,
    /// Its share of the customers.
    pub share: f64,
    /// Mean gross revenue of a customer.
    pub gross_revenue: f64,
    /// Mean purchase frequency, invoices a day.
    pub frequency: f64,
    /// Mean return invoices.
    pub returns: f64,
    /// Mean days since the last purchase.
    pub recency_days: f64,
    /// Its share of the revenue.
    pub revenue_share: f64,
    /// What one must do to be in it.
    #[serde(flatten)]
    pub rule: Option<MeasuredRule>,
}

#[derive(Debug, Clone, Default)]
struct Sums {
    customers: u64,
    revenue: f64,
    frequency: f64,
    returns: i64,
    recency_days: i64,
}

impl Profile {
    /// Profiles the segments: `labels[i]` is the position in `known` of the segment of
    /// `features`' row i.
    pub fn of(features: &Features, labels: &[u32], known: &[Segment]) -> Self {
        let mut sums = vec![Sums::default(); known.len()];
        for (row, &label) in labels.iter().enumerate() {
            let Some(sum) = sums.get_mut(label as usize) else {
                continue;
            };
            sum.customers += 1;
            sum.revenue += features.gross_revenue.get(row).copied().unwrap_or_default();
            sum.frequency += features.frequency.get(row).copied().unwrap_or_default();
            sum.returns += features.returns.get(row).copied().unwrap_or_default();
            sum.recency_days += features.recency_days.get(row).copied().unwrap_or_default();
        }
        let customers: u64 = sums.iter().map(|sum| sum.customers).sum();
        let revenue: f64 = sums.iter().map(|sum| sum.revenue).sum();
        let mut segments: Vec<SegmentProfile> = sums
            .iter()
            .zip(known)
            .filter(|(sum, _)| sum.customers > 0)
            .map(|(sum, segment)| {
                let n = sum.customers as f64;
                SegmentProfile {
                    label: segment.id,
                    segment: segment.name.clone(),
                    customers: sum.customers,
                    share: n / customers as f64,
                    gross_revenue: sum.revenue / n,
                    frequency: sum.frequency / n,
                    returns: sum.returns as f64 / n,
                    recency_days: sum.recency_days as f64 / n,
                    revenue_share: if revenue > 0.0 {
                        sum.revenue / revenue
                    } else {
                        0.0
                    },
                    rule: None,
                }
            })
            .collect();
        segments.sort_by(|a, b| b.gross_revenue.total_cmp(&a.gross_revenue));
        Self { segments }
    }

    /// The profile with the rules of the segments, which are in the order of `known`.
    #[must_use]
    pub fn with_rules(mut self, known: &[Segment], measured: &Measured) -> Self {
        for (segment, rule) in known.iter().zip(&measured.rules) {
            let mut profiles = self.segments.iter_mut();
            if let Some(profile) = profiles.find(|profile| profile.label == segment.id) {
                profile.rule = Some(rule.clone());
            }
        }
        self
    }

    /// Segments by mean revenue, the highest first: entry i is the label that becomes i.
    pub fn order(revenue: &[f64], labels: &[u32], k: usize) -> Vec<usize> {
        let mut sums = vec![(0.0, 0_u64); k];
        for (&label, &value) in labels.iter().zip(revenue) {
            if let Some((sum, n)) = sums.get_mut(label as usize) {
                *sum += value;
                *n += 1;
            }
        }
        let mean = |label: &usize| {
            sums.get(*label).map_or(f64::NEG_INFINITY, |&(sum, n)| {
                if n == 0 {
                    f64::NEG_INFINITY
                } else {
                    sum / n as f64
                }
            })
        };
        let mut order: Vec<usize> = (0..k).collect();
        order.sort_by(|a, b| mean(b).total_cmp(&mean(a)).then(a.cmp(b)));
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three customers of 10, 30 and 60: the last two are segment 1, mean 45, 90 of 100.
    #[test]
    fn figures_of_two_segments() {
        let features = Features {
            customer_id: vec!["a".into(), "b".into(), "c".into()],
            is_guest: vec![false; 3],
            gross_revenue: vec![10.0, 30.0, 60.0],
            recency_days: vec![1, 2, 4],
            quantity_of_products: vec![1, 1, 1],
            returns: vec![0, 1, 2],
            frequency: vec![0.0, 0.5, 1.0],
            ..Features::default()
        };
        let labels = [0, 1, 1];
        let names = ["x", "y", "z"].map(str::to_owned).to_vec();
        let profile = Profile::of(&features, &labels, &Segment::first(names));
        assert_eq!(
            profile.segments.len(),
            2,
            "a segment without customers has no row"
        );
        let first = &profile.segments[0];
        assert_eq!(
            (first.label, first.segment.as_str(), first.customers),
            (1, "y", 2)
        );
        assert_eq!((first.gross_revenue, first.revenue_share), (45.0, 0.9));
        assert_eq!(
            (first.returns, first.recency_days, first.frequency),
            (1.5, 3.0, 0.75)
        );
        assert_eq!(
            Profile::order(&features.gross_revenue, &labels, 3),
            [1, 0, 2]
        );
    }
}
