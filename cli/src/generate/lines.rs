//! Rows on their way out.

use std::io;

use super::calendar::Moment;
use super::random::Random;
use super::{Options, Summary, dirty, shop::Shop};

/// What is written at once.
const CHUNK: usize = 256 * 1024;

/// A row of the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) invoice: &'a Invoice,
    pub(super) code: &'a str,
    /// Quoted where it must be.
    pub(super) description: &'a [u8],
    pub(super) quantity: i64,
    /// Pence.
    pub(super) price: u32,
    pub(super) customer: Option<u64>,
}

/// What the rows of an invoice share.
#[derive(Debug)]
pub(super) struct Invoice {
    pub(super) number: u64,
    pub(super) cancellation: bool,
    pub(super) moment: Moment,
    pub(super) country: &'static str,
}

/// Writes rows, exactly as many as were asked for, some of them spoilt.
#[derive(Debug)]
pub(super) struct Sink<'a, W> {
    out: &'a mut W,
    buffer: Vec<u8>,
    rows: u64,
    written: u64,
    dirty: u64,
    spoilt: u64,
    random: Random,
}

impl<'a, W: io::Write> Sink<'a, W> {
    pub(super) fn new(options: &Options, out: &'a mut W) -> Self {
        Self {
            out,
            buffer: Vec::with_capacity(CHUNK + 1024),
            rows: options.rows,
            written: 0,
            dirty: options.dirty_count(),
            spoilt: 0,
            random: Random::of(options.seed, 6, 0),
        }
    }

    pub(super) fn header(&mut self) -> io::Result<()> {
        self.buffer.extend_from_slice(
            b"InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\r\n",
        );
        self.flush_if(CHUNK)
    }

    pub(super) fn remaining(&self) -> u64 {
        self.rows - self.written
    }

    pub(super) fn written(&self) -> u64 {
        self.written
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes `row`, or one that can't be read in its place; nothing once all are written.
    pub(super) fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        let remaining = self.remaining();
        if remaining == 0 {
            return Ok(());
        }
        self.written += 1;
        // Exactly as many as were asked for, any row as likely as any other.
        let left = self.dirty - self.spoilt;
        if left > 0 && self.random.below(remaining) < left {
            dirty::spoil(&mut self.buffer, row, self.spoilt);
            self.spoilt += 1;
        } else {
            format(&mut self.buffer, row);
        }
        self.flush_if(CHUNK)
    }

    pub(super) fn finish(mut self, shop: &Shop) -> io::Result<Summary> {
        self.flush_if(0)?;
        Ok(Summary {
            rows: self.written,
            dirty: self.spoilt,
            invoices: shop.invoices(),
            customers: shop.customers(),
        })
    }

    fn flush_if(&mut self, full: usize) -> io::Result<()> {
        if self.buffer.len() >= full {
            self.out.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }
}

fn format(out: &mut Vec<u8>, row: &Row<'_>) {
    start(out, row);
    out.push(b',');
    quantity(out, row.quantity);
    out.push(b',');
    date(out, row.invoice.moment);
    out.push(b',');
    price(out, row.price);
    out.push(b',');
    end(out, row);
}

/// Invoice, code and description.
pub(super) fn start(out: &mut Vec<u8>, row: &Row<'_>) {
    if row.invoice.cancellation {
        out.push(b'C');
    }
    number(out, row.invoice.number);
    out.push(b',');
    out.extend_from_slice(row.code.as_bytes());
    out.push(b',');
    out.extend_from_slice(row.description);
}

pub(super) fn quantity(out: &mut Vec<u8>, n: i64) {
    if n < 0 {
        out.push(b'-');
    }
    number(out, n.unsigned_abs());
}

pub(super) fn date(out: &mut Vec<u8>, at: Moment) {
    number(out, u64::from(at.month));
    out.push(b'/');
    number(out, u64::from(at.day));
    out.push(b'/');
    number(out, u64::from(at.year));
    out.push(b' ');
    number(out, u64::from(at.hour));
    out.push(b':');
    two_digits(out, at.minute);
}

pub(super) fn price(out: &mut Vec<u8>, pence: u32) {
    number(out, u64::from(pence / 100));
    out.push(b'.');
    two_digits(out, pence % 100);
}

/// Customer, country and the line's end.
pub(super) fn end(out: &mut Vec<u8>, row: &Row<'_>) {
    if let Some(customer) = row.customer {
        number(out, customer);
    }
    out.push(b',');
    out.extend_from_slice(row.invoice.country.as_bytes());
    out.extend_from_slice(b"\r\n");
}

pub(super) fn two_digits(out: &mut Vec<u8>, n: u32) {
    out.push(b'0' + (n / 10 % 10) as u8);
    out.push(b'0' + (n % 10) as u8);
}

pub(super) fn number(out: &mut Vec<u8>, mut n: u64) {
    let mut digits = [0_u8; 20];
    let mut from = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (n % 10) as u8;
        n /= 10;
        from -= 1;
        if n == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(from..).unwrap_or_default());
}
