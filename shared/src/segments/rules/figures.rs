//! How true rules are of some customers.

use ndarray::{ArrayView1, ArrayView2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Rule, matrix};
use crate::features::Features;

/// A rule held against customers whose segments are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Share of the customers whom the rule names that are in the segment.
    pub precision: f64,
    /// Share of the segment's customers whom the rule names.
    pub recall: f64,
    /// Share of all customers whom the rule names.
    pub coverage: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
}

impl Figures {
    /// From counts: `named` by the rule, `right` of them in the segment, `members` in the
    /// segment, of `customers`. Shares of nothing are 0.
    pub fn of(named: u64, right: u64, members: u64, customers: u64) -> Self {
        let share = |part: u64, whole: u64| {
            if whole == 0 {
                0.0
            } else {
                part as f64 / whole as f64
            }
        };
        Self {
            precision: share(right, named),
            recall: share(right, members),
            coverage: share(named, customers),
            f1: share(2 * right, named + members),
        }
    }

    /// The rule on the rows of [`matrix`], of which those with `is_member` are the segment's.
    pub(super) fn measure(rule: &Rule, x: ArrayView2<f64>, is_member: ArrayView1<bool>) -> Self {
        let (mut named, mut right, mut members) = (0, 0, 0);
        for (row, &member) in x.rows().into_iter().zip(is_member) {
            members += u64::from(member);
            if row.as_slice().is_some_and(|row| rule.holds(row)) {
                named += 1;
                right += u64::from(member);
            }
        }
        Self::of(named, right, members, is_member.len() as u64)
    }
}

/// A rule and how true it is, as `profile.json` tells it of a segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredRule {
    /// In words.
    pub rule: String,
    /// Its alternatives, each a list of conditions that all hold.
    pub rule_conditions: Rule,
    /// Share of the customers whom it names that are in the segment.
    pub rule_precision: f64,
    /// Share of the segment's customers whom it names.
    pub rule_recall: f64,
    /// Share of all customers whom it names.
    pub rule_coverage: f64,
    /// Harmonic mean of precision and recall.
    pub rule_f1: f64,
}

impl MeasuredRule {
    fn new(rule: Rule, figures: Figures) -> Self {
        Self {
            rule: rule.text(),
            rule_conditions: rule,
            rule_precision: figures.precision,
            rule_recall: figures.recall,
            rule_coverage: figures.coverage,
            rule_f1: figures.f1,
        }
    }
}

/// The rules of all segments, measured on the same customers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measured {
    /// By position of the segment.
    pub rules: Vec<MeasuredRule>,
    /// Mean of their F1, weighted by the customers of the segments.
    pub mean_f1: f64,
}

impl Measured {
    /// Measures `rules`; `labels[i]` is the position among them of the segment of
    /// `features`' row i.
    pub fn of(rules: &[Rule], features: &Features, labels: &[u32]) -> Self {
        let x = matrix(features);
        let labels = ndarray::aview1(labels);
        let figures: Vec<Figures> = rules
            .par_iter()
            .enumerate()
            .map(|(segment, rule)| {
                let is_member = labels.mapv(|label| label as usize == segment);
                Figures::measure(rule, x.view(), is_member.view())
            })
            .collect();
        let f1: Vec<f64> = figures.iter().map(|figures| figures.f1).collect();
        let measured = rules.iter().cloned().zip(figures);
        Self {
            rules: measured
                .map(|(rule, figures)| MeasuredRule::new(rule, figures))
                .collect(),
            mean_f1: weighted_mean(&f1, labels),
        }
    }
}

/// The mean of values of segments, each counted as often as it has customers.
pub fn weighted_mean(values: &[f64], labels: ArrayView1<u32>) -> f64 {
    let of = |label: &u32| values.get(*label as usize).copied().unwrap_or_default();
    labels.iter().map(of).sum::<f64>() / labels.len().max(1) as f64
}
