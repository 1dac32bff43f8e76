//! One segment in figures.

use serde::Serialize;

use super::document::Inputs;
use crate::features::Features;
use crate::segments::Migrations;
use crate::segments::rules::MeasuredRule;

/// A segment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Card {
    /// Its number.
    pub label: u32,
    /// Its name.
    pub name: String,
    /// Customers in it.
    pub customers: u64,
    /// Its share of the customers.
    pub share: f64,
    /// Its share of the revenue.
    pub revenue_share: f64,
    /// Means of its customers.
    pub means: Means,
    /// Who is in it, in the features' own units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// Against the run before, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
}

/// A rule that says who is in a segment, and how true it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rule {
    /// In words, in the features' own units.
    pub text: String,
    /// Share of those whom it names that are in the segment.
    pub precision: f64,
    /// Share of the segment that it names.
    pub recall: f64,
    /// Share of all customers that it names.
    pub coverage: f64,
}

impl Rule {
    fn of(measured: &MeasuredRule) -> Self {
        Self {
            text: measured.rule.clone(),
            precision: measured.rule_precision,
            recall: measured.rule_recall,
            coverage: measured.rule_coverage,
        }
    }
}

/// Means of the features.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs)] // the features' names
pub struct Means {
    pub gross_revenue: f64,
    pub recency_days: f64,
    pub quantity_of_products: f64,
    pub returns: f64,
    pub frequency: f64,
}

/// What became of a segment since the run before.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Change {
    /// Customers before.
    pub before: u64,
    /// Customers who came from other segments.
    pub came: u64,
    /// Customers who went to other segments.
    pub went: u64,
    /// Customers who were in no segment before.
    pub entered: u64,
    /// Customers who are in no segment any more.
    pub left: u64,
    /// Mean revenue before, where that run is still kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revenue_before: Option<f64>,
}

impl Means {
    /// Of the rows that `among` takes.
    pub(super) fn of(features: &Features, among: impl Fn(usize) -> bool) -> Self {
        let mut sums = Self::default();
        let mut count = 0_u64;
        let values = features
            .gross_revenue
            .iter()
            .zip(&features.recency_days)
            .zip(&features.quantity_of_products)
            .zip(&features.returns)
            .zip(&features.frequency);
        for (row, ((((revenue, recency), quantity), returns), frequency)) in values.enumerate() {
            if !among(row) {
                continue;
            }
            count += 1;
            sums.gross_revenue += revenue;
            sums.recency_days += *recency as f64;
            sums.quantity_of_products += *quantity as f64;
            sums.returns += *returns as f64;
            sums.frequency += frequency;
        }
        let n = count.max(1) as f64;
        Self {
            gross_revenue: sums.gross_revenue / n,
            recency_days: sums.recency_days / n,
            quantity_of_products: sums.quantity_of_products / n,
            returns: sums.returns / n,
            frequency: sums.frequency / n,
        }
    }
}

/// The cards in the profile's order.
pub(super) fn of(inputs: &Inputs<'_>, places: &[usize]) -> Vec<Card> {
    let migrations = inputs.manifest.migrations.as_ref();
    let segments = inputs.profile.segments.iter().enumerate();
    segments
        .map(|(place, segment)| {
            let means = Means::of(&inputs.rows.features, |row| places.get(row) == Some(&place));
            let revenue_before = inputs.before.and_then(|profile| {
                let known = profile.segments.iter();
                known
                    .filter(|before| before.label == segment.label)
                    .map(|before| before.gross_revenue)
                    .next()
            });
            Card {
                label: segment.label,
                name: segment.segment.clone(),
                customers: segment.customers,
                share: segment.share,
                revenue_share: segment.revenue_share,
                means,
                rule: segment.rule.as_ref().map(Rule::of),
                change: migrations.map(|found| change(found, segment.label, revenue_before)),
            }
        })
        .collect()
}

fn change(migrations: &Migrations, label: u32, revenue_before: Option<f64>) -> Change {
    let mut change = Change {
        revenue_before,
        ..Change::default()
    };
    for cell in &migrations.matrix {
        let customers = cell.flow.customers;
        if cell.from == Some(label) {
            change.before += customers;
        }
        match (cell.from, cell.to) {
            (None, Some(to)) if to == label => change.entered += customers,
            (Some(from), None) if from == label => change.left += customers,
            (Some(from), Some(to)) if from != to && to == label => change.came += customers,
            (Some(from), Some(to)) if from != to && from == label => change.went += customers,
            _ => {}
        }
    }
    change
}
