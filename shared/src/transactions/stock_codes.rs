//! Stock codes that stand for no product: postage, discounts, charges.

use regex::Regex;

use crate::{Error, Result};

/// Decides by the configured regular expression, and remembers which codes it met.
#[derive(Debug)]
pub struct StockCodes {
    excluded: Regex,
    met: Vec<String>,
}

/// Codes that are listed in quality.json; a shop has a dozen.
const MAX_LISTED: usize = 1000;

impl StockCodes {
    /// Excludes what `pattern` matches.
    pub fn new(pattern: &str) -> Result<Self> {
        let excluded = Regex::new(pattern).map_err(|e| {
            let reason = e.to_string().replace('\n', " ");
            Error::config("cleaning.excluded_stock_codes", reason)
        })?;
        Ok(Self {
            excluded,
            met: Vec::new(),
        })
    }

    /// Whether lines with this code are dropped.
    pub fn excludes(&mut self, code: &str) -> bool {
        if !self.excluded.is_match(code) {
            return false;
        }
        if self.met.len() < MAX_LISTED && !self.met.iter().any(|met| met == code) {
            self.met.push(code.to_owned());
        }
        true
    }

    /// The excluded codes, in order of first appearance.
    pub fn met(&self) -> &[String] {
        &self.met
    }
}
