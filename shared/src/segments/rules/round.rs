//! Rules made shorter and rounder, as long as they stay as true.

use ndarray::{ArrayView1, ArrayView2};

use super::condition::{CAME_BACK, DAYS};
use super::number::rounded;
use super::{Condition, Figures, Rule, RuleFeature};

/// What F1 may lose.
const F1: f64 = 0.005;
/// What precision and recall may lose each.
const SHARE: f64 = 0.01;
/// Significant digits from which on a number is not rounded any more.
const MOST_DIGITS: usize = 6;

/// A bound of a condition.
#[derive(Debug, Clone, Copy)]
enum Side {
    Least,
    Below,
}

/// The rule without bounds that it can do without, then with each bound at the roundest
/// number that does; measured on the rows of [`super::matrix`].
pub(super) fn simplify(rule: Rule, x: ArrayView2<f64>, is_member: ArrayView1<bool>) -> Rule {
    let measure = |rule: &Rule| Figures::measure(rule, x, is_member);
    let rule = shorten(rule, measure);
    round(rule, measure)
}

/// Whether nothing notable is lost.
fn is_as_true(now: Figures, before: Figures) -> bool {
    now.f1 >= before.f1 - F1
        && now.precision >= before.precision - SHARE
        && now.recall >= before.recall - SHARE
}

fn shorten(mut rule: Rule, measure: impl Fn(&Rule) -> Figures) -> Rule {
    let before = measure(&rule);
    loop {
        let mut shorter: Option<(f64, Rule)> = None;
        for place in bounds(&rule) {
            let without = with(&rule, place, None);
            let figures = measure(&without);
            let best = shorter.as_ref().map_or(f64::NEG_INFINITY, |(f1, _)| *f1);
            if is_as_true(figures, before) && figures.f1 > best {
                shorter = Some((figures.f1, without));
            }
        }
        match shorter {
            Some((_, without)) => rule = without,
            None => return rule,
        }
    }
}

fn round(mut rule: Rule, measure: impl Fn(&Rule) -> Figures) -> Rule {
    let before = measure(&rule);
    for place in bounds(&rule) {
        let Some((feature, value)) = bound(&rule, place) else {
            continue;
        };
        let rounder = candidates(feature, place.2, value)
            .map(|value| with(&rule, place, Some(value)))
            .find(|rounder| is_as_true(measure(rounder), before));
        if let Some(rounder) = rounder {
            rule = rounder;
        }
    }
    rule
}

/// The numbers that a bound may become, the roundest first.
fn candidates(feature: RuleFeature, side: Side, value: f64) -> impl Iterator<Item = f64> {
    let came_back = (feature == RuleFeature::Frequency).then_some(CAME_BACK);
    let rounder = (1..=MOST_DIGITS).map(move |digits| match (feature, side) {
        // told as "within a day less"
        (RuleFeature::RecencyDays, Side::Below) => rounded(value - 1.0, digits) + 1.0,
        // a quotient has digits that nobody told
        (RuleFeature::Frequency, _) => rounded(rounded(value * DAYS, digits) / DAYS, 12),
        _ => rounded(value, digits),
    });
    came_back.into_iter().chain(rounder)
}

/// Alternative, condition and side.
type Place = (usize, usize, Side);

fn bounds(rule: &Rule) -> Vec<Place> {
    let mut places = Vec::new();
    for (a, all) in rule.any_of.iter().enumerate() {
        for (c, condition) in all.iter().enumerate() {
            places.extend(condition.at_least.map(|_| (a, c, Side::Least)));
            places.extend(condition.below.map(|_| (a, c, Side::Below)));
        }
    }
    places
}

fn bound(rule: &Rule, (a, c, side): Place) -> Option<(RuleFeature, f64)> {
    let condition = rule.any_of.get(a)?.get(c)?;
    let value = match side {
        Side::Least => condition.at_least,
        Side::Below => condition.below,
    };
    Some((condition.feature, value?))
}

/// The rule with another bound, or none; a condition without bounds is none.
fn with(rule: &Rule, (a, c, side): Place, value: Option<f64>) -> Rule {
    let mut rule = rule.clone();
    if let Some(all) = rule.any_of.get_mut(a) {
        if let Some(condition) = all.get_mut(c) {
            match side {
                Side::Least => condition.at_least = value,
                Side::Below => condition.below = value,
            }
        }
        all.retain(|c: &Condition| c.at_least.is_some() || c.below.is_some());
    }
    rule
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segments::rules::matrix;

    /// Customers with 1, 2, … 1,000 pieces.
    fn simplified(bounds: (Option<f64>, Option<f64>), is_member: impl Fn(i64) -> bool) -> String {
        let features = crate::features::Features {
            customer_id: (1..=1_000).map(|row| row.to_string()).collect(),
            gross_revenue: vec![1.0; 1_000],
            recency_days: vec![1; 1_000],
            quantity_of_products: (1..=1_000).collect(),
            frequency: vec![0.0; 1_000],
            returns: vec![0; 1_000],
            ..Default::default()
        };
        let members = ndarray::Array1::from_iter((1..=1_000).map(is_member));
        let rule = Rule {
            any_of: vec![vec![Condition {
                feature: RuleFeature::QuantityOfProducts,
                at_least: bounds.0,
                below: bounds.1,
            }]],
        };
        simplify(rule, matrix(&features).view(), members.view()).text()
    }

    #[test]
    fn numbers_are_as_round_as_they_may_be() {
        // 460 leaves out 3 of 544 members, 500 would leave out 43
        let text = simplified((Some(457.0), None), |pieces| pieces >= 457);
        assert_eq!(text, "bought ≥ 460 pieces");
        // a range of 12: every customer counts
        let text = simplified((Some(457.0), Some(469.0)), |p| (457..469).contains(&p));
        assert_eq!(text, "bought ≥ 457 and < 469 pieces");
    }

    #[test]
    fn bounds_that_do_nothing_are_dropped() {
        let text = simplified((Some(2.0), Some(469.0)), |pieces| pieces < 469);
        assert_eq!(text, "bought < 470 pieces");
    }
}
