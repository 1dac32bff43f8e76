//! What comes back: cancellations, and the warehouse's own corrections.

use std::io;

use super::calendar::Moment;
use super::catalogue::quoted;
use super::lines::{Row, Sink};
use super::shop::Shop;
use super::{basket, words};

/// Late purchases that may be returned.
const WINDOW: usize = 8_192;

/// A line of a late purchase.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bought {
    pub(super) customer: u64,
    pub(super) product: u32,
    pub(super) quantity: i64,
    pub(super) price: u32,
}

/// The latest of the purchases that may be returned.
#[derive(Debug, Default)]
pub(super) struct Window {
    bought: Vec<Bought>,
    next: usize,
}

impl Window {
    /// Notes a line, and forgets the oldest.
    pub(super) fn remember(&mut self, bought: Bought) {
        if self.bought.len() < WINDOW {
            self.bought.push(bought);
        } else if let Some(oldest) = self.bought.get_mut(self.next % WINDOW) {
            *oldest = bought;
        }
        self.next += 1;
    }

    pub(super) fn get(&self, at: usize) -> Option<Bought> {
        self.bought.get(at).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.bought.len()
    }
}

impl Shop {
    /// A line by which the warehouse puts its counts right, often without a word.
    pub(super) fn adjustment<W: io::Write>(
        &mut self,
        sink: &mut Sink<'_, W>,
        moment: Moment,
    ) -> io::Result<()> {
        let head = self.head(moment, "United Kingdom");
        let product = self.catalogue.draw(&mut self.random, true);
        let random = &mut self.random;
        let missing = random.chance(6, 10);
        let quantity = 1 + random.below(60) as i64;
        let description = if random.chance(7, 10) {
            String::new()
        } else {
            quoted(random.pick(&words::ADJUSTMENTS).copied().unwrap_or(""))
        };
        let Some(found) = self.catalogue.get(product) else {
            return Ok(());
        };
        self.guest_lines += 1;
        sink.row(&Row {
            invoice: &head,
            code: &found.code,
            description: description.as_bytes(),
            quantity: if missing { -quantity } else { quantity },
            price: 0,
            customer: None,
        })
    }

    /// Goods that come back, mostly of those sold lately.
    pub(super) fn cancellation<W: io::Write>(
        &mut self,
        sink: &mut Sink<'_, W>,
        moment: Moment,
    ) -> io::Result<()> {
        let at = self.random.below(self.window.len() as u64) as usize;
        let Some(first) = self.window.get(at) else {
            return Ok(());
        };
        let customer = self.customers.traits(first.customer);
        let id = self.customers.id(customer.number);
        let mut head = self.head(moment, customer.country);
        head.cancellation = true;
        if self.random.chance(1, 50) {
            let price = 100 + self.random.below(20_000) as u32;
            return sink.row(&Row {
                invoice: &head,
                code: "D",
                description: b"Discount",
                quantity: -1,
                price,
                customer: Some(id),
            });
        }
        let most = self.most(sink);
        for line in 0..basket::cancelled_lines(&mut self.random, most) {
            let near = self.window.get(at + line as usize);
            let mut bought = near
                .filter(|b| b.customer == first.customer)
                .unwrap_or_else(|| {
                    // Bought longer ago.
                    let product = self.catalogue.draw(&mut self.random, true);
                    let price = self.catalogue.get(product).map_or(100, |p| p.price.max(4));
                    let quantity = 1 + self.random.below(6) as i64;
                    Bought {
                        customer: first.customer,
                        product,
                        quantity,
                        price,
                    }
                });
            if self.random.chance(1, 2) {
                bought.quantity = 1 + self.random.below(bought.quantity as u64) as i64;
            }
            let Some(product) = self.catalogue.get(bought.product) else {
                continue;
            };
            sink.row(&Row {
                invoice: &head,
                code: &product.code,
                description: product.description.as_bytes(),
                quantity: -bought.quantity,
                price: bought.price,
                customer: Some(id),
            })?;
        }
        Ok(())
    }
}
