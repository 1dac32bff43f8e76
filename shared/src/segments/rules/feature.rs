//! What rules are about: features of a customer in the units in which people know them.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::features::Features;

/// A feature that a rule may speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleFeature {
    /// Money spent, in the shop's currency.
    GrossRevenue,
    /// Whole days since the last purchase.
    RecencyDays,
    /// Pieces bought.
    QuantityOfProducts,
    /// Purchase invoices a day between the first and the last purchase.
    Frequency,
    /// Return invoices.
    Returns,
}

impl RuleFeature {
    /// Every feature; one's place here is its column in [`matrix`].
    pub const ALL: [Self; 5] = [
        Self::GrossRevenue,
        Self::RecencyDays,
        Self::QuantityOfProducts,
        Self::Frequency,
        Self::Returns,
    ];

    /// Whether its values are whole numbers.
    pub fn is_whole(self) -> bool {
        !matches!(self, Self::GrossRevenue | Self::Frequency)
    }

    /// Its values, one a customer, in their own units.
    pub fn column(self, features: &Features) -> Vec<f64> {
        let whole = |column: &[i64]| column.iter().map(|&value| value as f64).collect();
        match self {
            Self::GrossRevenue => features.gross_revenue.clone(),
            Self::RecencyDays => whole(&features.recency_days),
            Self::QuantityOfProducts => whole(&features.quantity_of_products),
            Self::Frequency => features.frequency.clone(),
            Self::Returns => whole(&features.returns),
        }
    }

    /// Its value in a row of [`matrix`].
    pub fn of(self, row: &[f64]) -> f64 {
        row.get(self as usize).copied().unwrap_or(f64::NAN)
    }
}

/// The features that rules speak of, shape `(n_customers, 5)`, in their own units.
pub fn matrix(features: &Features) -> Array2<f64> {
    let mut matrix = Array2::zeros((features.len(), RuleFeature::ALL.len()));
    for (feature, mut column) in RuleFeature::ALL.into_iter().zip(matrix.columns_mut()) {
        for (cell, value) in column.iter_mut().zip(feature.column(features)) {
            *cell = value;
        }
    }
    matrix
}
