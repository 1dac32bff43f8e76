//! The shop's year, invoice by invoice.

use std::io;

use super::calendar::{Calendar, Moment};
use super::catalogue::Catalogue;
use super::customers::{Customer, Customers, place};
use super::lines::{Invoice, Row, Sink};
use super::random::Random;
use super::returns::{Bought, Window};
use super::{Options, basket, words};

const FIRST_INVOICE: u64 = 536_365;

/// The state of the shop: of one size whatever it sells.
#[derive(Debug)]
pub(super) struct Shop {
    pub(super) random: Random,
    calendar: Calendar,
    pub(super) catalogue: Catalogue,
    pub(super) customers: Customers,
    pub(super) window: Window,
    invoices: u64,
    /// Lines without a customer so far.
    pub(super) guest_lines: u64,
    vouchers: u64,
    /// No order is longer: a small file is not one order.
    most: u64,
}

impl Shop {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            random: Random::of(options.seed, 0, 0),
            calendar: Calendar::new(options.seed),
            catalogue: Catalogue::new(options.seed),
            customers: Customers::new(options.seed, options.customer_count()),
            window: Window::default(),
            invoices: 0,
            guest_lines: 0,
            vouchers: 0,
            most: (options.rows / 100).clamp(6, 900),
        }
    }

    pub(super) fn invoices(&self) -> u64 {
        self.invoices
    }

    /// Customers that occur.
    pub(super) fn customers(&self) -> u64 {
        self.customers.occurring()
    }

    /// Writes the next invoice.
    pub(super) fn invoice<W: io::Write>(&mut self, sink: &mut Sink<'_, W>) -> io::Result<()> {
        let moment = self.calendar.moment(sink.written(), sink.rows());
        self.invoices += 1;
        if self.random.chance(148, 1_000) && self.window.len() > 0 {
            return self.cancellation(sink, moment);
        }
        // A quarter of the lines is to have no customer, whatever the lengths of orders.
        let wanted = sink.written() / 4;
        let share = if self.guest_lines < wanted { 160 } else { 20 };
        if self.random.chance(share, 1_000) {
            return self.guest_order(sink, moment);
        }
        if self.random.chance(90, 1_000) {
            return self.adjustment(sink, moment);
        }
        self.order(sink, moment)
    }

    /// How many late purchases are kept.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.window.len()
    }

    /// Lines that an order may have: fewer towards the end, so that the year's last orders
    /// are of its last day.
    pub(super) fn most<W: io::Write>(&self, sink: &Sink<'_, W>) -> u64 {
        self.most.min(sink.remaining() / 2 + 1)
    }

    pub(super) fn head(&self, moment: Moment, country: &'static str) -> Invoice {
        Invoice {
            number: FIRST_INVOICE + self.invoices - 1,
            cancellation: false,
            moment,
            country,
        }
    }

    /// A registered customer's order.
    fn order<W: io::Write>(&mut self, sink: &mut Sink<'_, W>, moment: Moment) -> io::Result<()> {
        let day = moment.day_of_year();
        let random = &mut self.random;
        let customer = self
            .customers
            .next(random, sink.written(), sink.rows(), day);
        let id = self.customers.id(customer.number);
        let head = self.head(moment, customer.country);
        // Where the till lost the customer half-way.
        let mixed = self.random.chance(1, 400);
        let most = self.most(sink);
        for _ in 0..basket::order_lines(&mut self.random, most) {
            let product = self.catalogue.draw(&mut self.random, moment.is_autumn());
            let Some(sold) = self.catalogue.get(product) else {
                continue;
            };
            let (quantity, mut price) = basket::line(&mut self.random, sold, customer.appetite);
            if self.random.chance(1, 10_000) {
                price = 0; // a present
            }
            let lost = mixed && self.random.chance(1, 3);
            self.guest_lines += u64::from(lost);
            sink.row(&Row {
                invoice: &head,
                code: &sold.code,
                description: sold.description.as_bytes(),
                quantity,
                price,
                customer: (!lost).then_some(id),
            })?;
            if !lost && self.random.chance(1, 8) {
                let customer = customer.number;
                self.window.remember(Bought {
                    customer,
                    product,
                    quantity,
                    price,
                });
            }
        }
        self.extras(sink, &head, &customer, id)
    }

    /// Postage and the like: codes of letters, which are no products.
    fn extras<W: io::Write>(
        &mut self,
        sink: &mut Sink<'_, W>,
        head: &Invoice,
        customer: &Customer,
        id: u64,
    ) -> io::Result<()> {
        let random = &mut self.random;
        let abroad = customer.country != "United Kingdom";
        let (code, description, quantity, price) = if abroad && random.chance(7, 10) {
            let parcels = 1 + random.below(4) as i64;
            (
                "POST",
                "POSTAGE",
                parcels,
                1_500 + 100 * random.below(26) as u32,
            )
        } else if random.chance(1, 60) {
            ("M", "Manual", 1, 100 + random.below(30_000) as u32)
        } else if random.chance(1, 900) {
            ("BANK CHARGES", "Bank Charges", 1, 1_500)
        } else if random.chance(1, 250) {
            ("C2", "CARRIAGE", 1, 5_000)
        } else {
            return Ok(());
        };
        sink.row(&Row {
            invoice: head,
            code,
            description: description.as_bytes(),
            quantity,
            price,
            customer: Some(id),
        })
    }

    /// An order without a customer: the web shop's.
    fn guest_order<W: io::Write>(
        &mut self,
        sink: &mut Sink<'_, W>,
        moment: Moment,
    ) -> io::Result<()> {
        let country = place(&mut self.random, &words::GUEST_COUNTRIES);
        let head = self.head(moment, country);
        let most = self.most(sink);
        let lines = basket::guest_lines(&mut self.random, most);
        for _ in 0..lines {
            let product = self.catalogue.draw(&mut self.random, moment.is_autumn());
            let Some(sold) = self.catalogue.get(product) else {
                continue;
            };
            let (quantity, price) = basket::guest_line(&mut self.random, sold);
            self.guest_lines += 1;
            sink.row(&Row {
                invoice: &head,
                code: &sold.code,
                description: sold.description.as_bytes(),
                quantity,
                price,
                customer: None,
            })?;
        }
        if self.vouchers == 0 || self.random.chance(lines.min(400), 4_000) {
            self.voucher(sink, &head)?;
        }
        if lines >= 30 {
            let price = 150 * lines as u32 + self.random.below(9_000) as u32;
            self.guest_lines += 1;
            sink.row(&Row {
                invoice: &head,
                code: "DOT",
                description: b"DOTCOM POSTAGE",
                quantity: 1,
                price,
                customer: None,
            })?;
        }
        Ok(())
    }

    /// The pound sign of windows-1252 is one byte, 0xA3.
    fn voucher<W: io::Write>(&mut self, sink: &mut Sink<'_, W>, head: &Invoice) -> io::Result<()> {
        let value = 10 * (1 + self.random.below(5));
        let mut description = b"Dotcomgiftshop Gift Voucher \xa3".to_vec();
        description.extend_from_slice(format!("{value}.00").as_bytes());
        self.vouchers += 1;
        self.guest_lines += 1;
        sink.row(&Row {
            invoice: head,
            code: &format!("gift_0001_{value}"),
            description: &description,
            quantity: 1,
            price: value as u32 * 83, // without the tax
            customer: None,
        })
    }
}
