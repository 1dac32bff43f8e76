//! One condition of a rule, and how it is said.

use serde::{Deserialize, Serialize};

use super::RuleFeature;
use super::number::{readable, rounded};

/// Frequencies from here on are those of customers who came back a day or more after their
/// first purchase: two invoices in fifty years are as many a day.
pub(super) const CAME_BACK: f64 = 1e-4;
/// Days that a frequency is told for.
pub(super) const DAYS: f64 = 100.0;

/// A range of one feature: from `at_least` on, and less than `below`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// The feature.
    pub feature: RuleFeature,
    /// The least value, in the feature's own unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// The value that it must stay below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
}

impl Condition {
    /// Whether a customer, a row of [`super::matrix`], is in the range.
    pub fn holds(&self, row: &[f64]) -> bool {
        let value = self.feature.of(row);
        self.at_least.is_none_or(|least| value >= least)
            && self.below.is_none_or(|below| value < below)
    }

    /// The range in words.
    pub fn text(&self) -> String {
        let days = |below: f64| readable(below - 1.0);
        match (self.feature, self.at_least, self.below) {
            (_, None, None) => "anything".to_owned(),
            (RuleFeature::RecencyDays, Some(least), None) => {
                format!("last bought ≥ {} days ago", readable(least))
            }
            (RuleFeature::RecencyDays, None, Some(below)) => {
                format!("bought within {} days", days(below))
            }
            (RuleFeature::RecencyDays, Some(least), Some(below)) => {
                format!(
                    "last bought {} to {} days ago",
                    readable(least),
                    days(below)
                )
            }
            (RuleFeature::Frequency, _, _) => self.frequency(),
            (RuleFeature::Returns, None, Some(below)) if below <= 1.0 => {
                "never returned anything".to_owned()
            }
            (RuleFeature::GrossRevenue, ..) => format!("spent {}", self.range(1.0)),
            (RuleFeature::QuantityOfProducts, ..) => format!("bought {} pieces", self.range(1.0)),
            (RuleFeature::Returns, ..) => format!("returned {} times", self.range(1.0)),
        }
    }

    fn frequency(&self) -> String {
        let told = |range: String| format!("{range} invoices per {DAYS} days");
        match (self.at_least, self.below) {
            (_, Some(below)) if below <= CAME_BACK => "never came back".to_owned(),
            (Some(least), None) if least <= CAME_BACK => "came back".to_owned(),
            (Some(least), Some(_)) if least <= CAME_BACK => {
                let upper = Self {
                    at_least: None,
                    ..*self
                };
                format!("came back with {}", told(upper.range(DAYS)))
            }
            _ => format!("has {}", told(self.range(DAYS))),
        }
    }

    /// The bounds, `scale` times as large.
    fn range(&self, scale: f64) -> String {
        // What a product adds beyond the digits of a rounded number is no part of it.
        let shown = |value: f64| match scale {
            1.0 => readable(value),
            _ => readable(rounded(value * scale, 12)),
        };
        let least = self.at_least.map(|least| format!("≥ {}", shown(least)));
        let below = self.below.map(|below| format!("< {}", shown(below)));
        let bounds: Vec<String> = least.into_iter().chain(below).collect();
        bounds.join(" and ")
    }
}
