//! What is explored.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Method, Space};
use crate::models::ModelError;

/// Most groups: the tables and pages are made for people.
const MOST: usize = 100;

/// Numbers of groups, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KRange {
    /// The least, at least 2.
    pub from: usize,
    /// The most.
    pub to: usize,
}

impl FromStr for KRange {
    type Err = String;

    /// `2..25`, or one number.
    fn from_str(text: &str) -> Result<Self, String> {
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        let number = |part: &str| part.trim().parse::<usize>().ok();
        match (number(from), number(to)) {
            (Some(from), Some(to)) if 2 <= from && from <= to && to <= MOST => {
                Ok(Self { from, to })
            }
            _ => Err(format!(
                "a range is written 2..25: from at least 2 up to at most {MOST}, both included"
            )),
        }
    }
}

impl fmt::Display for KRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.from, self.to)
    }
}

/// How the exploration goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Numbers of groups.
    pub k: KRange,
    /// Refits on 80% of the customers for each choice.
    pub resamples: usize,
    /// Mean adjusted Rand index of the refits from which a choice is stable.
    pub stable: f64,
    /// Restarts of k-means, each from k-means++.
    pub restarts: usize,
    /// Most customers to look at.
    pub sample: usize,
    /// Seed of all draws.
    pub seed: u64,
}

impl Plan {
    /// Every choice, in the order of the tables.
    pub fn choices(&self) -> impl Iterator<Item = (Space, Method, usize)> {
        let (from, to) = (self.k.from, self.k.to);
        Space::ALL.into_iter().flat_map(move |space| {
            let methods = Method::ALL.into_iter();
            methods.flat_map(move |method| (from..=to).map(move |k| (space, method, k)))
        })
    }

    /// Refused unless each refit has more customers than groups.
    pub fn enough(&self, customers: usize) -> Result<(), ModelError> {
        let need = self.k.to * 5 / 4 + 2;
        if customers >= need {
            return Ok(());
        }
        Err(ModelError::TooFewCustomers {
            have: customers,
            need,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        assert_eq!("2..25".parse(), Ok(KRange { from: 2, to: 25 }));
        assert_eq!("7".parse(), Ok(KRange { from: 7, to: 7 }));
        for wrong in [
            "", "1..5", "9..3", "2..101", "a..b", "2..", "2..3..4", "-2..5",
        ] {
            assert!(wrong.parse::<KRange>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_refit_has_more_customers_than_groups() {
        let plan = Plan {
            k: KRange { from: 2, to: 25 },
            resamples: 1,
            stable: 0.9,
            restarts: 1,
            sample: 100,
            seed: 1,
        };
        assert!(plan.enough(32).is_err() && plan.enough(33).is_ok());
        assert_eq!(plan.choices().count(), 3 * 3 * 24);
    }
}
