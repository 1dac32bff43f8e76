//! What the columns of a source are like: `column_profile` in quality.json.
//!
//! Everything here depends on the values alone, not on their order nor on how they are split
//! into uploads, and is bounded in memory whatever the values are.

mod checks;
mod numbers;
mod texts;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::settings::Decimal;
use crate::transactions::line::Line;

pub(crate) use checks::simple;
pub use checks::{Check, CheckKind, Seen, compare, in_the_future, too_old};

use numbers::Numbers;
use texts::{Digits, Texts};

/// Prices are profiled in millionths.
const PRICE_UNIT: i128 = Decimal::ONE / 1_000_000;

/// One column in figures, over the rows that were read and are within the run's time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Rows with a value.
    pub values: u64,
    /// Rows without one.
    pub nulls: u64,
    /// Different values; absent where there are too many to count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct: Option<u64>,
    /// Share of the values that are whole numbers, for columns of text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digits_share: Option<f64>,
    /// Quantiles of a column of numbers, by level, to within 1%.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quantiles: BTreeMap<String, f64>,
    /// The most frequent values with their rows. Of invoices and customers there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub top: Vec<(String, u64)>,
}

/// Collects the profile.
#[derive(Debug, Default)]
pub struct Columns {
    rows: u64,
    invoice_no: Digits,
    stock_code: Texts,
    description: Texts,
    quantity: Numbers,
    unit_price: Numbers,
    customer_id: Digits,
    country: Texts,
}

impl Columns {
    /// Takes a line in.
    pub fn add(&mut self, line: &Line<'_>) {
        self.rows += 1;
        self.invoice_no.add(line.invoice_no);
        if !line.stock_code.is_empty() {
            self.stock_code.add(line.stock_code);
        }
        if let Some(description) = line.description {
            self.description.add(description);
        }
        self.quantity.add(line.quantity);
        // A price is below 10¹⁵, and so are its millionths below 2⁷⁰: larger ones are as one.
        let price = line.unit_price.0 / PRICE_UNIT;
        self.unit_price
            .add(i64::try_from(price).unwrap_or(i64::MAX));
        if let Some(id) = line.customer_id {
            self.customer_id.add(id);
        }
        if !line.country.is_empty() {
            self.country.add(line.country);
        }
    }

    /// The profile by column. How many invoices and customers there are is known elsewhere.
    pub fn profile(&self, invoices: u64, customers: u64) -> BTreeMap<&'static str, ColumnProfile> {
        let whole = |values: u64| ColumnProfile {
            values,
            nulls: self.rows.saturating_sub(values),
            ..ColumnProfile::default()
        };
        let ids = |digits: &Digits, distinct: u64| ColumnProfile {
            distinct: Some(distinct),
            digits_share: digits.share(),
            ..whole(digits.values)
        };
        let text = |texts: &Texts| ColumnProfile {
            distinct: texts.distinct(),
            digits_share: texts.digits.share(),
            top: texts.top(),
            ..whole(texts.digits.values)
        };
        let number = |numbers: &Numbers, unit: f64| ColumnProfile {
            quantiles: numbers.quantiles(unit),
            ..whole(self.rows)
        };
        BTreeMap::from([
            ("invoice_no", ids(&self.invoice_no, invoices)),
            ("stock_code", text(&self.stock_code)),
            ("description", text(&self.description)),
            ("quantity", number(&self.quantity, 1.0)),
            ("invoice_date", whole(self.rows)),
            ("unit_price", number(&self.unit_price, 1e6)),
            ("customer_id", ids(&self.customer_id, customers)),
            ("country", text(&self.country)),
        ])
    }
}
