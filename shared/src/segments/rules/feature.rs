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

    /// Its value in a row of [`matrix`].
    pub fn of(self, row: &[f64]) -> f64 {
        row.get(self as usize).copied().unwrap_or(f64::NAN)
    }
}

/// The features that rules speak of, shape `(n_customers, 5)`, in their own units.
pub fn matrix(features: &Features) -> Array2<f64> {
    let mut matrix = Array2::zeros((features.len(), RuleFeature::ALL.len()));
    for (feature, mut column) in RuleFeature::ALL.into_iter().zip(matrix.columns_mut()) {
        let whole = match feature {
            RuleFeature::GrossRevenue => {
                fill(&mut column, features.gross_revenue.iter().copied());
                continue;
            }
            RuleFeature::Frequency => {
                fill(&mut column, features.frequency.iter().copied());
                continue;
            }
            RuleFeature::RecencyDays => &features.recency_days,
            RuleFeature::QuantityOfProducts => &features.quantity_of_products,
            RuleFeature::Returns => &features.returns,
        };
        fill(&mut column, whole.iter().map(|&value| value as f64));
    }
    matrix
}

fn fill(column: &mut ndarray::ArrayViewMut1<f64>, values: impl Iterator<Item = f64>) {
    for (cell, value) in column.iter_mut().zip(values) {
        *cell = value;
    }
}
