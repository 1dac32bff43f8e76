//! What would bring a customer into the best segment, and what keeps one in it, by its rule.
//!
//! The one thing a customer can do is to buy. A purchase moves all features together
//! ([`Purchase::after`]); a step is the smallest purchase after which the rule holds.

mod purchase;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::rules::{Condition, Rule, RuleFeature, matrix, readable};
use crate::features::Features;
pub use purchase::Purchase;
use purchase::invoices;

/// Days that must be left for an Insider not to be at risk.
const AT_RISK_DAYS: f64 = 30.0;

/// What is said to one customer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NextStep {
    /// The smallest change that would make the rule hold, in words.
    pub text: Option<String>,
    /// Its pieces and money.
    pub purchase: Option<Purchase>,
    /// For a member whose time is running out: what keeps them in, in words.
    pub keep: Option<String>,
}

/// What gaps are counted in, by feature: its interquartile range among all customers of a run;
/// where that is none its whole range, or 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scales(Vec<f64>);

impl Scales {
    /// Among these customers.
    pub fn of(features: &Features) -> Self {
        let columns = RuleFeature::ALL.into_iter();
        Self(columns.map(|one| scale(one.column(features))).collect())
    }

    /// Among those whose values these are, one column a feature, in any order.
    pub fn among(columns: [Vec<f64>; RuleFeature::ALL.len()]) -> Self {
        Self(columns.into_iter().map(scale).collect())
    }
}

/// The next step of each customer. `is_member[i]` says whether `features`' row i is in the
/// segment of `rule`.
///
/// Of two ways into the segment the one of less effort comes first: each gap is counted in the
/// `scales` of its feature.
pub fn next_steps(
    rule: &Rule,
    features: &Features,
    is_member: &[bool],
    scales: &Scales,
) -> Vec<NextStep> {
    let x = matrix(features);
    let Scales(scales) = scales;
    let rows = x.as_slice().unwrap_or_default();
    rows.par_chunks_exact(RuleFeature::ALL.len())
        .zip(is_member)
        .enumerate()
        .map(|(i, (row, &is_member))| {
            if is_member {
                NextStep {
                    keep: keep(rule, row),
                    ..NextStep::default()
                }
            } else {
                enter(rule, row, invoices(features, i), scales)
            }
        })
        .collect()
}

/// One way in.
struct Way {
    effort: f64,
    purchase: Purchase,
    text: String,
}

fn enter(rule: &Rule, row: &[f64], invoices: i64, scales: &[f64]) -> NextStep {
    if rule.holds(row) {
        // The model sees what the rule does not: no step can be read off it.
        return NextStep::default();
    }
    let ways = rule.any_of.iter();
    let mut ways: Vec<Way> = ways
        .filter_map(|all| way(all, row, invoices, scales))
        .collect();
    ways.sort_by(|a, b| a.effort.total_cmp(&b.effort));
    let texts: Vec<&str> = ways.iter().map(|way| way.text.as_str()).collect();
    NextStep {
        text: (!texts.is_empty()).then(|| texts.join(", or ")),
        purchase: ways.first().map(|way| way.purchase),
        keep: None,
    }
}

/// The smallest purchase after which all of these conditions hold.
fn way(all: &[Condition], row: &[f64], invoices: i64, scales: &[f64]) -> Option<Way> {
    let failing = all.iter().filter(|condition| !condition.holds(row));
    let gaps = failing.map(|condition| {
        let value = condition.feature.of(row);
        let gap = match (condition.at_least, condition.below) {
            (Some(least), _) if value < least => least - value,
            (_, Some(below)) => value - below,
            _ => 0.0,
        };
        (condition.feature, gap)
    });
    let gaps: Vec<(RuleFeature, f64)> = gaps.collect();
    let gap = |feature| {
        gaps.iter()
            .find(|(of, _)| *of == feature)
            .map(|(_, gap)| *gap)
    };
    let price = Purchase::mean_price(row)?;
    let by_pieces = gap(RuleFeature::QuantityOfProducts).map_or(1.0, f64::ceil);
    let spend = gap(RuleFeature::GrossRevenue).unwrap_or(0.0);
    let by_money = (spend / price).ceil();
    let holds = |pieces: f64| {
        let after = Purchase::of(pieces, price).after(row, invoices);
        all.iter().all(|condition| condition.holds(&after))
    };
    // A sum may round to just below the bound.
    let least = by_pieces.max(by_money);
    let pieces = [least, least + 1.0]
        .into_iter()
        .find(|&pieces| holds(pieces))?;
    let purchase = Purchase::of(pieces, price);
    let scaled = gaps.iter().map(|(feature, gap)| {
        let scale = scales.get(*feature as usize).copied().unwrap_or(1.0);
        gap / scale
    });
    let money = |amount: f64| readable(amount.ceil());
    let plural = if pieces == 1.0 { "" } else { "s" };
    let text = if spend > 0.0 && by_money >= by_pieces {
        format!("spend {} more", money(spend))
    } else if gap(RuleFeature::QuantityOfProducts).is_some() {
        let (pieces, about) = (readable(pieces), money(purchase.spend));
        format!("buy {pieces} more piece{plural} (about {about})")
    } else {
        "buy again now".to_owned()
    };
    Some(Way {
        effort: scaled.sum(),
        purchase,
        text,
    })
}

/// How long a member stays one without buying, if that is not long.
fn keep(rule: &Rule, row: &[f64]) -> Option<String> {
    let alternatives = rule.any_of.iter();
    let fulfilled = alternatives.filter(|all| all.iter().all(|one| one.holds(row)));
    let days = fulfilled.map(|all| {
        let recency = all.iter().find(|c| c.feature == RuleFeature::RecencyDays);
        let below = recency.and_then(|condition| condition.below);
        below.map_or(f64::INFINITY, |below| {
            below - 1.0 - RuleFeature::RecencyDays.of(row)
        })
    });
    let days = days.reduce(f64::max)?;
    match days {
        _ if days > AT_RISK_DAYS => None,
        0.0 => Some("buy again today".to_owned()),
        1.0 => Some("buy again within a day".to_owned()),
        _ => Some(format!("buy again within {} days", readable(days))),
    }
}

fn scale(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        let last = values.len().saturating_sub(1);
        let place = (share * last as f64) as usize;
        values.get(place).copied().unwrap_or_default()
    };
    let ranges = [at(0.75) - at(0.25), at(1.0) - at(0.0), 1.0];
    let mut positive = ranges.into_iter().filter(|range| *range > 0.0);
    positive.next().unwrap_or(1.0)
}

#[cfg(test)]
mod tests;
