//! Rules: what one must do to be in a segment, in a sentence.
//!
//! A rule is a conjunction of few conditions ("bought ≥ 1,000 and < 2,000 pieces and came
//! back"), or one of two. [`induce`] reads it off a decision tree that tells one segment from
//! the others: a surrogate, since the segments themselves come from forest, embedding and
//! k-means. How true it is, is measured on customers after everything was rounded.

mod condition;
mod feature;
mod figures;
mod induce;
mod number;
mod round;
mod surrogate;

use serde::{Deserialize, Serialize};

pub use condition::Condition;
pub use feature::{RuleFeature, matrix};
pub use figures::{Figures, Measured, MeasuredRule, weighted_mean};
pub use induce::induce;
pub(super) use number::readable;

/// The conditions under which a customer is thought to be in a segment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rule {
    /// All conditions of one of these hold. Empty for a segment without customers.
    pub any_of: Vec<Vec<Condition>>,
}

impl Rule {
    /// Whether a customer, a row of [`matrix`], fulfils it.
    pub fn holds(&self, row: &[f64]) -> bool {
        let alternatives = self.any_of.iter();
        let mut fulfilled = alternatives.map(|all| all.iter().all(|one| one.holds(row)));
        fulfilled.any(|fulfilled| fulfilled)
    }

    /// The rule in words.
    pub fn text(&self) -> String {
        let alternative = |all: &Vec<Condition>| match all.as_slice() {
            [] => "every customer".to_owned(),
            all => {
                let texts: Vec<String> = all.iter().map(Condition::text).collect();
                texts.join(" and ")
            }
        };
        let texts: Vec<String> = self.any_of.iter().map(alternative).collect();
        if texts.is_empty() {
            return "nobody".to_owned();
        }
        texts.join(", or ")
    }
}

#[cfg(test)]
mod tests;
