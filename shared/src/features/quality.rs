//! `quality.json`: every count on the way from rows to customers.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Customers, Describe, Features};
use crate::columns::{ColumnProfile, Columns};
use crate::transactions::line::{Line, moment_of};
use crate::transactions::quarantine::{Defect, Reason};
use crate::value::ValueReport;

/// Rows dropped by each rule, in the order of the rules: a row counts for the first that
/// drops it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// Of a customer who was erased: no other figure knows of these rows.
    pub erased: u64,
    /// Without a customer id, where guests are dropped.
    pub no_customer_id: u64,
    /// Without a description.
    pub no_description: u64,
    /// Of an excluded stock code.
    pub stock_code: u64,
    /// Of an excluded country.
    pub country: u64,
    /// Below the least unit price.
    pub unit_price: u64,
    /// Of an excluded customer.
    pub customer: u64,
}

impl Dropped {
    /// Rows dropped by any rule.
    pub fn total(&self) -> u64 {
        self.erased
            + self.no_customer_id
            + self.no_description
            + self.stock_code
            + self.country
            + self.unit_price
            + self.customer
    }
}

/// What is counted while the rows go by.
#[derive(Debug, Default)]
pub struct Tally {
    /// Data rows.
    pub rows: u64,
    /// Rows later than the as-of moment.
    pub after_as_of: u64,
    /// Rows before the window.
    pub before_window: u64,
    /// Rows dropped by rule.
    pub dropped: Dropped,
    /// Kept rows with a positive quantity.
    pub purchases: u64,
    /// Kept rows with a negative quantity.
    pub returns: u64,
    /// Kept rows with a quantity of zero.
    pub zeros: u64,
    quarantined: BTreeMap<Reason, u64>,
    quarantined_columns: BTreeMap<&'static str, u64>,
    first_defect: Option<(u64, Defect)>,
    missing: Missing,
    columns: Columns,
    quantity: Option<(i64, i64)>,
    seconds: Option<(i64, i64)>,
    unit_price: Option<(crate::settings::Decimal, crate::settings::Decimal)>,
}

/// Rows without a value, by column. A row without one of the other four is quarantined.
#[derive(Debug, Clone, Default)]
struct Missing {
    stock_code: u64,
    description: u64,
    customer_id: u64,
    country: u64,
}

impl Tally {
    /// Counts a row that could not be read.
    pub fn quarantine(&mut self, line: u64, defect: Defect) {
        *self.quarantined.entry(defect.reason).or_default() += 1;
        if let Some(column) = defect.column {
            *self.quarantined_columns.entry(column).or_default() += 1;
        }
        self.first_defect.get_or_insert((line, defect));
    }

    /// Rows that could not be read.
    pub fn quarantined(&self) -> u64 {
        self.quarantined.values().sum()
    }

    /// The first row that could not be read.
    pub fn first_defect(&self) -> Option<(u64, Defect)> {
        self.first_defect
    }

    /// Takes a row that was read into the columns' profile.
    pub fn profile(&mut self, line: &Line<'_>) {
        self.columns.add(line);
        self.missing.stock_code += u64::from(line.stock_code.is_empty());
        self.missing.description += u64::from(line.description.is_none());
        self.missing.customer_id += u64::from(line.customer_id.is_none());
        self.missing.country += u64::from(line.country.is_empty());
        self.quantity = widen(self.quantity, line.quantity);
        self.seconds = widen(self.seconds, line.seconds);
        self.unit_price = widen(self.unit_price, line.unit_price);
    }

    /// Rows that stayed after every rule.
    pub fn kept(&self) -> u64 {
        self.purchases + self.returns + self.zeros
    }
}

fn widen<T: Ord + Copy>(range: Option<(T, T)>, value: T) -> Option<(T, T)> {
    let (low, high) = range.unwrap_or((value, value));
    Some((low.min(value), high.max(value)))
}

/// What one upload gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UploadRows {
    /// The object.
    pub object: String,
    /// Data rows.
    pub rows: u64,
    /// Rows that stayed after every rule.
    pub kept: u64,
    /// Rows that could not be read.
    pub quarantined: u64,
}

/// The content of `quality.json`. The names of the notebook's own counts are kept
/// (`after_dropna` to `customers`, `na`, `na_ref`, `describe`); the rest says the same by rule.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)] // documented in docs/ARCHITECTURE.md, field by field
pub struct QualityReport {
    pub rows: u64,
    pub cols: u64,
    pub columns: Vec<&'static str>,
    pub na: BTreeMap<&'static str, u64>,
    pub backup_invoices: u64,
    pub after_dropna: u64,
    pub stock_code_letters: Vec<String>,
    pub after_stock: u64,
    pub after_country: u64,
    pub after_price: u64,
    pub after_bad: u64,
    pub returns_rows: u64,
    pub purchase_rows: u64,
    pub customers_ref: u64,
    pub na_ref: BTreeMap<&'static str, u64>,
    pub customers: u64,
    pub guests: u64,
    pub describe: BTreeMap<&'static str, Option<Describe>>,
    pub source_columns: Vec<String>,
    pub kept: u64,
    pub dropped: Dropped,
    pub after_as_of: u64,
    pub before_window: u64,
    pub uploads: Vec<UploadRows>,
    pub quarantined: u64,
    pub quarantined_share: f64,
    pub quarantined_by_reason: BTreeMap<&'static str, u64>,
    pub quarantined_by_column: BTreeMap<&'static str, u64>,
    pub ranges: BTreeMap<&'static str, Option<(serde_json::Value, serde_json::Value)>>,
    pub column_profile: BTreeMap<&'static str, ColumnProfile>,
    pub value: ValueReport,
}

/// Canonical names of the columns.
const COLUMNS: [&str; 8] = [
    "invoice_no",
    "stock_code",
    "description",
    "quantity",
    "invoice_date",
    "unit_price",
    "customer_id",
    "country",
];

impl QualityReport {
    /// Draws up the report of a whole source.
    pub fn new(
        tally: &Tally,
        customers: &Customers<'_>,
        features: &Features,
        stock_codes: &[String],
        source_columns: &[String],
        uploads: Vec<UploadRows>,
        value: ValueReport,
    ) -> Self {
        let dropped = &tally.dropped;
        let read = tally.rows - tally.quarantined() - tally.after_as_of - tally.before_window;
        let after_dropna = read - dropped.erased - dropped.no_customer_id - dropped.no_description;
        let after_stock = after_dropna - dropped.stock_code;
        let after_country = after_stock - dropped.country;
        let after_price = after_country - dropped.unit_price;
        let (mut reference, mut buyers, mut returners) = (0, 0, 0);
        for (bought, returned) in customers.kept() {
            reference += 1;
            buyers += u64::from(bought);
            returners += u64::from(returned);
        }
        let missing = |column| match column {
            "stock_code" => tally.missing.stock_code,
            "description" => tally.missing.description,
            "customer_id" => tally.missing.customer_id,
            "country" => tally.missing.country,
            _ => 0,
        };
        Self {
            rows: tally.rows,
            cols: source_columns.len() as u64,
            columns: COLUMNS.to_vec(),
            na: COLUMNS
                .iter()
                .map(|&column| (column, missing(column)))
                .collect(),
            backup_invoices: customers.guest_invoices() as u64,
            after_dropna,
            stock_code_letters: stock_codes.to_vec(),
            after_stock,
            after_country,
            after_price,
            after_bad: after_price - dropped.customer,
            returns_rows: tally.returns,
            purchase_rows: tally.purchases,
            customers_ref: reference,
            na_ref: BTreeMap::from([
                ("customer_id", 0),
                ("gross_revenue", reference - buyers),
                ("recency_days", reference - buyers),
                ("quantity_of_products", reference - buyers),
                ("returns", reference - returners),
                ("frequency", reference - buyers),
            ]),
            customers: features.len() as u64,
            guests: features.guests() as u64,
            describe: features.described(),
            source_columns: source_columns.to_vec(),
            kept: tally.kept(),
            dropped: dropped.clone(),
            after_as_of: tally.after_as_of,
            before_window: tally.before_window,
            uploads,
            quarantined: tally.quarantined(),
            quarantined_share: tally.quarantined() as f64 / (tally.rows.max(1)) as f64,
            quarantined_by_reason: Reason::ALL
                .iter()
                .filter_map(|reason| Some((reason.code(), *tally.quarantined.get(reason)?)))
                .collect(),
            quarantined_by_column: tally.quarantined_columns.clone(),
            ranges: BTreeMap::from([
                (
                    "quantity",
                    tally.quantity.map(|(a, b)| (a.into(), b.into())),
                ),
                (
                    "unit_price",
                    tally
                        .unit_price
                        .map(|(a, b)| (a.to_f64().into(), b.to_f64().into())),
                ),
                (
                    "invoice_date",
                    tally.seconds.map(|(a, b)| (moment(a), moment(b))),
                ),
            ]),
            column_profile: tally
                .columns
                .profile(customers.invoices_met(), customers.ids_met()),
            value,
        }
    }
}

fn moment(seconds: i64) -> serde_json::Value {
    moment_of(seconds).map_or(serde_json::Value::Null, |moment| moment.to_string().into())
}
