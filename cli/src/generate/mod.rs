//! A made-up shop: sales in the format of the UCI Online Retail export, as many as asked for.
//!
//! The same options give the same bytes on every machine: whatever decides a byte is integer
//! arithmetic on a counter-based generator. Nothing is kept of what was written but a window
//! of late purchases (for returns) and one bit a customer, so that memory does not grow with
//! the rows.

mod basket;
mod calendar;
mod catalogue;
mod customers;
mod dirty;
mod lines;
mod random;
mod returns;
mod shop;
#[cfg(test)]
mod tests;
mod words;

use std::io;

/// What to generate.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Rows below the header, unreadable ones included.
    pub rows: u64,
    /// Registered customers; by default one for 95 rows, at least 50.
    pub customers: Option<u64>,
    /// Another seed is another shop.
    pub seed: u64,
    /// Share of the rows that can't be read, from 0 to 1.
    pub dirty: f64,
}

/// What was generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Rows below the header.
    pub rows: u64,
    /// Rows among them that can't be read.
    pub dirty: u64,
    /// Invoices, cancellations and stock adjustments included.
    pub invoices: u64,
    /// Registered customers that occur.
    pub customers: u64,
}

/// Writes a shop's year of sales to `out`: CRLF line ends, windows-1252, in order of time,
/// the last day being 2025-11-30.
///
/// It writes in chunks of a quarter of a megabyte; `out` needs no buffer.
///
/// # Errors
/// Whatever `out` fails with.
pub fn write(options: &Options, out: &mut impl io::Write) -> io::Result<Summary> {
    let mut sink = lines::Sink::new(options, out);
    sink.header()?;
    let mut shop = shop::Shop::new(options);
    while sink.remaining() > 0 {
        shop.invoice(&mut sink)?;
    }
    sink.finish(&shop)
}

impl Options {
    /// Registered customers, the default worked out.
    fn customer_count(&self) -> u64 {
        self.customers
            .unwrap_or((self.rows / 95).max(50))
            .clamp(1, customers::MOST)
    }

    /// Rows that can't be read; a share outside 0 to 1 is taken as the nearer of them.
    fn dirty_count(&self) -> u64 {
        if self.dirty.is_nan() {
            return 0;
        }
        ((self.rows as f64 * self.dirty.clamp(0.0, 1.0)).round() as u64).min(self.rows)
    }
}
