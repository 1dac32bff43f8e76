//! How customers are scored by classical RFM and valued.

use serde::{Deserialize, Serialize};

/// Scores by recency, purchases and revenue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RfmSettings {
    /// Scores from 1 to this, the best; the cuts between them are quantiles where no points
    /// are given.
    pub cuts: u8,
    /// Days up to which recency has each score but the worst, ascending.
    pub recency_days: Vec<f64>,
    /// Purchase invoices up to which a customer has each score but the best, ascending.
    pub purchases: Vec<f64>,
    /// The same of the gross revenue.
    pub gross_revenue: Vec<f64>,
}

impl Default for RfmSettings {
    fn default() -> Self {
        Self {
            cuts: 5,
            recency_days: Vec::new(),
            purchases: Vec::new(),
            gross_revenue: Vec::new(),
        }
    }
}

impl RfmSettings {
    /// What is wrong with them, if anything.
    pub(super) fn wrong(&self) -> Option<String> {
        if !(2..=10).contains(&self.cuts) {
            return Some("rfm.cuts must be between 2 and 10".to_owned());
        }
        let wanted = usize::from(self.cuts) - 1;
        for (name, points) in [
            ("recency_days", &self.recency_days),
            ("purchases", &self.purchases),
            ("gross_revenue", &self.gross_revenue),
        ] {
            let ascends = points.is_sorted_by(|a, b| a < b);
            let whole = points.iter().all(|point| point.is_finite());
            if !(points.is_empty() || points.len() == wanted && ascends && whole) {
                return Some(format!(
                    "rfm.{name} must be empty or have {wanted} ascending points, one less than \
                     rfm.cuts"
                ));
            }
        }
        None
    }
}

/// Customer lifetime value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueSettings {
    /// Days ahead that purchases and value are expected for.
    pub horizon_days: u32,
    /// What a year's delay takes from the value of money.
    pub discount_rate: f64,
    /// Pulls the parameters towards 0, for shops with few customers who come again.
    pub penalizer: f64,
}

impl Default for ValueSettings {
    fn default() -> Self {
        Self {
            horizon_days: 365,
            discount_rate: 0.1,
            penalizer: 0.0,
        }
    }
}

impl ValueSettings {
    /// What is wrong with them, if anything.
    pub(super) fn wrong(&self) -> Option<String> {
        let reason = if !(1..=3_650).contains(&self.horizon_days) {
            "value.horizon_days must be between 1 and 3650"
        } else if !(0.0..=10.0).contains(&self.discount_rate) {
            "value.discount_rate must be between 0 and 10 a year"
        } else if !(0.0..=1_000.0).contains(&self.penalizer) {
            "value.penalizer must be between 0 and 1000"
        } else {
            return None;
        };
        Some(reason.to_owned())
    }
}
