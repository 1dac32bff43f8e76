//! What customers are worth in the terms that marketing knows: RFM scores and groups, and
//! lifetime value. Beside the segments, not part of them: no model learns from these, and
//! every run works them out anew from its own customers.

mod bg_nbd;
mod gamma_gamma;
mod group;
mod lifetime;
mod minimise;
mod rfm;
mod special;
#[cfg(test)]
mod tests;

use serde::Serialize;

pub use bg_nbd::{BgNbd, Visits};
pub use gamma_gamma::GammaGamma;
pub use group::Group;
pub use lifetime::Lifetimes;
pub use rfm::Cuts;

use crate::features::{Features, pick};
use crate::settings::{RfmSettings, ValueSettings};

/// Value by column, one entry a customer. Empty in a table that was written before there
/// were any.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Value {
    /// Distinct purchase invoices.
    pub purchases: Vec<i64>,
    /// Score of the days since the last purchase, 1 to the number of cuts, the best.
    pub rfm_recency: Vec<i32>,
    /// Score of the purchase invoices.
    pub rfm_frequency: Vec<i32>,
    /// Score of the gross revenue.
    pub rfm_monetary: Vec<i32>,
    /// What the scores are called.
    pub rfm_group: Vec<Group>,
    /// Probability that the customer still buys; none for guests, nor without a model.
    pub p_alive: Vec<Option<f64>>,
    /// Purchase days to be expected within the horizon.
    pub expected_purchases: Vec<Option<f64>>,
    /// Gross revenue to be expected within the horizon, discounted, in the shop's currency.
    pub clv: Vec<Option<f64>>,
}

/// What is kept of a customer's purchases for this.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Purchases {
    /// Whether the id stands for an invoice without one.
    pub is_guest: bool,
    /// Distinct invoices.
    pub invoices: u32,
    /// By day.
    pub visits: Visits,
    /// Mean value of the days after the first; 0 where there is none.
    pub mean_value: f64,
}

impl Purchases {
    /// Whether they came again and paid something.
    fn spends(&self) -> bool {
        !self.is_guest && self.visits.repeats > 0 && self.mean_value > 0.0
    }
}

/// How the values came about: `value` in quality.json.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ValueReport {
    /// The cuts of the scores.
    pub rfm: Cuts,
    /// Purchases and value to come.
    pub lifetime: Lifetimes,
}

impl Value {
    /// Scores and values the customers of `features`, of whose purchases `customers` tells in
    /// the same order.
    pub fn of(
        features: &Features,
        customers: &[Purchases],
        rfm: &RfmSettings,
        settings: &ValueSettings,
    ) -> (Self, ValueReport) {
        let purchases: Vec<i64> = customers.iter().map(|c| i64::from(c.invoices)).collect();
        let cuts = Cuts::of(features, &purchases, rfm);
        let (expected, lifetime) = lifetime::lifetimes(customers, settings);
        let days = features.recency_days.iter();
        let rfm_recency: Vec<i32> = days.map(|&days| cuts.recency(days)).collect();
        let rfm_frequency: Vec<i32> = purchases.iter().map(|&n| cuts.frequency(n)).collect();
        let revenue = features.gross_revenue.iter();
        let rfm_monetary: Vec<i32> = revenue.map(|&revenue| cuts.monetary(revenue)).collect();
        let scores = rfm_recency.iter().zip(&rfm_frequency).zip(&rfm_monetary);
        let value = Self {
            rfm_group: scores
                .map(|((&r, &f), &m)| Group::of(r, f, m, cuts.cuts))
                .collect(),
            purchases,
            rfm_recency,
            rfm_frequency,
            rfm_monetary,
            p_alive: expected.iter().map(|e| e.p_alive).collect(),
            expected_purchases: expected.iter().map(|e| e.purchases).collect(),
            clv: expected.iter().map(|e| e.value).collect(),
        };
        let report = ValueReport {
            rfm: cuts,
            lifetime,
        };
        (value, report)
    }

    /// Takes those of other customers in behind these.
    pub fn append(&mut self, other: Self) {
        self.purchases.extend(other.purchases);
        self.rfm_recency.extend(other.rfm_recency);
        self.rfm_frequency.extend(other.rfm_frequency);
        self.rfm_monetary.extend(other.rfm_monetary);
        self.rfm_group.extend(other.rfm_group);
        self.p_alive.extend(other.p_alive);
        self.expected_purchases.extend(other.expected_purchases);
        self.clv.extend(other.clv);
    }

    /// The customers at `rows`, in that order; rows that are not there are left out.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            purchases: pick(&self.purchases, rows),
            rfm_recency: pick(&self.rfm_recency, rows),
            rfm_frequency: pick(&self.rfm_frequency, rows),
            rfm_monetary: pick(&self.rfm_monetary, rows),
            rfm_group: pick(&self.rfm_group, rows),
            p_alive: pick(&self.p_alive, rows),
            expected_purchases: pick(&self.expected_purchases, rows),
            clv: pick(&self.clv, rows),
        }
    }
}
