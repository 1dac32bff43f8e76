//! Which lines count.

use super::line::Line;
use super::stock_codes::StockCodes;
use crate::Result;
use crate::features::Dropped;
use crate::settings::{CleaningSettings, Decimal};

/// The rules, in their order: no description, stock code, country, unit price, customer.
#[derive(Debug)]
pub struct Rules {
    stock_codes: StockCodes,
    countries: Vec<String>,
    min_unit_price: Decimal,
}

impl Rules {
    /// The rules of the settings.
    pub fn new(settings: &CleaningSettings) -> Result<Self> {
        Ok(Self {
            stock_codes: StockCodes::new(&settings.excluded_stock_codes)?,
            countries: settings.excluded_countries.clone(),
            min_unit_price: settings.min_unit_price,
        })
    }

    /// Whether a line counts; if not, the rule that drops it is counted. Exclusion of the
    /// customer is decided by whoever knows the customers.
    pub fn keep(&mut self, line: &Line<'_>, is_excluded: bool, dropped: &mut Dropped) -> bool {
        let counter = if line.description.is_none() {
            &mut dropped.no_description
        } else if self.stock_codes.excludes(line.stock_code) {
            &mut dropped.stock_code
        } else if self.countries.iter().any(|country| country == line.country) {
            &mut dropped.country
        } else if line.unit_price < self.min_unit_price {
            &mut dropped.unit_price
        } else if is_excluded {
            &mut dropped.customer
        } else {
            return true;
        };
        *counter += 1;
        false
    }

    /// Excluded stock codes that were met.
    pub fn stock_codes_met(&self) -> &[String] {
        self.stock_codes.met()
    }
}
