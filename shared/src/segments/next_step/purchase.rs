//! What one more purchase does to a customer's features.

use crate::features::Features;
use crate::segments::rules::RuleFeature;

/// A purchase at the end of the run, on one invoice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Purchase {
    /// Pieces.
    pub pieces: i64,
    /// Money: the pieces at the mean price that the customer paid so far.
    pub spend: f64,
}

impl Purchase {
    pub(super) fn of(pieces: f64, price: f64) -> Self {
        Self {
            pieces: pieces as i64,
            spend: pieces * price,
        }
    }

    /// What a piece cost the customer so far; `None` if that is nothing.
    pub(super) fn mean_price(row: &[f64]) -> Option<f64> {
        let pieces = RuleFeature::QuantityOfProducts.of(row);
        let price = RuleFeature::GrossRevenue.of(row) / pieces;
        (price.is_finite() && price > 0.0).then_some(price)
    }

    /// The features of a customer, a row of [`matrix`](crate::segments::rules::matrix) with
    /// `invoices` so far, after the purchase: more money and pieces, recency 0, one invoice
    /// more over the days from the first purchase until now. Nothing is returned.
    pub fn after(&self, row: &[f64], invoices: i64) -> [f64; 5] {
        let recency = RuleFeature::RecencyDays.of(row);
        let before = RuleFeature::Frequency.of(row);
        let invoices = invoices.max(1) as f64;
        let days = if before > 0.0 {
            (invoices / before).round()
        } else {
            0.0
        } + recency;
        [
            RuleFeature::GrossRevenue.of(row) + self.spend,
            0.0,
            RuleFeature::QuantityOfProducts.of(row) + self.pieces as f64,
            if days >= 1.0 {
                (invoices + 1.0) / days
            } else {
                0.0
            },
            RuleFeature::Returns.of(row),
        ]
    }

    /// `features` where `purchases[i]` was made by row i.
    pub fn applied(features: &Features, purchases: &[Self]) -> Features {
        let mut changed = features.clone();
        let rows = super::matrix(features);
        for (i, (purchase, row)) in purchases.iter().zip(rows.outer_iter()).enumerate() {
            let invoices = invoices(features, i);
            let [revenue, _, _, frequency, _] = purchase.after(&row.to_vec(), invoices);
            set(&mut changed.gross_revenue, i, revenue);
            set(&mut changed.recency_days, i, 0);
            set(&mut changed.frequency, i, frequency);
            if let Some(pieces) = changed.quantity_of_products.get_mut(i) {
                *pieces = pieces.saturating_add(purchase.pieces);
            }
        }
        changed
    }
}

/// Purchase invoices of a customer so far.
pub(super) fn invoices(features: &Features, row: usize) -> i64 {
    features.value.purchases.get(row).copied().unwrap_or(1)
}

fn set<T>(column: &mut [T], row: usize, value: T) {
    if let Some(cell) = column.get_mut(row) {
        *cell = value;
    }
}
