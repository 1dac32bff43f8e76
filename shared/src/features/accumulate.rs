//! Adds lines to customers.

use hashbrown::{DefaultHashBuilder, HashSet};

use super::finish::SECONDS_A_DAY;
use super::{Guests, Interner};
use crate::erasure::Tombstones;
use crate::settings::{CleaningSettings, Decimal};
use crate::transactions::line::Line;
use crate::{Error, Result};

/// Everything that is kept of the lines: its size is set by customers and invoices.
#[derive(Debug)]
pub struct Customers<'a> {
    object: String,
    ids: Interner,
    invoices: Interner,
    guests: Guests,
    excluded: Vec<String>,
    erased: Option<&'a Tombstones>,
    pub(super) totals: Vec<Totals>,
    purchase_invoices: Pairs,
    return_invoices: Pairs,
    purchase_days: Pairs,
    last_purchase: Option<i64>,
    met: Met,
}

/// Invoices of lines that figures may tell of: not those of erased customers alone.
#[derive(Debug, Default)]
struct Met {
    bits: Vec<u64>,
    count: u64,
}

impl Met {
    fn insert(&mut self, invoice: u32) {
        let (word, bit) = (invoice as usize / 64, 1_u64 << (invoice % 64));
        if word >= self.bits.len() {
            self.bits.resize(word + 1, 0);
        }
        if let Some(bits) = self.bits.get_mut(word)
            && *bits & bit == 0
        {
            *bits |= bit;
            self.count += 1;
        }
    }
}

/// One customer's sums.
#[derive(Debug, Clone, Default)]
pub(super) struct Totals {
    pub(super) is_guest: bool,
    pub(super) standing: Standing,
    /// Has a line that was kept.
    pub(super) is_kept: bool,
    pub(super) revenue: i128,
    pub(super) quantity: i128,
    /// Seconds of the first and last purchase.
    pub(super) purchases: Option<(i64, i64)>,
    pub(super) purchase_invoices: u32,
    pub(super) return_invoices: u32,
    /// Distinct days with a purchase.
    pub(super) purchase_days: u32,
    /// The first of them, as days of the epoch, and what was bought on it.
    pub(super) first_day: Option<(i32, i128)>,
}

/// Whether a customer's lines count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Standing {
    #[default]
    Counted,
    /// Dropped by the settings.
    Excluded,
    /// Nothing is to be known of them.
    Erased,
}

/// Distinct pairs of a customer and an invoice or a day.
#[derive(Debug, Default)]
struct Pairs {
    seen: HashSet<u64, DefaultHashBuilder>,
    last: Option<u64>,
}

impl Pairs {
    /// Whether the pair is new.
    fn insert(&mut self, customer: u32, other: u32) -> bool {
        let pair = u64::from(customer) << 32 | u64::from(other);
        if self.last == Some(pair) {
            return false;
        }
        self.last = Some(pair);
        self.seen.insert(pair)
    }
}

/// Whose a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    customer: u32,
    invoice: u32,
}

impl<'a> Customers<'a> {
    /// No customers yet. Those with tombstones among `erased` will be known as such.
    pub fn new(settings: &CleaningSettings, erased: Option<&'a Tombstones>) -> Self {
        Self {
            object: String::new(),
            ids: Interner::default(),
            invoices: Interner::default(),
            guests: Guests::new(settings.guests),
            excluded: settings.excluded_customers.clone(),
            erased,
            totals: Vec::new(),
            purchase_invoices: Pairs::default(),
            return_invoices: Pairs::default(),
            purchase_days: Pairs::default(),
            last_purchase: None,
            met: Met::default(),
        }
    }

    /// The lines to come are of `object`, for errors.
    pub fn begin(&mut self, object: &str) {
        object.clone_into(&mut self.object);
    }

    /// Finds whose line this is, before any rule may drop it: that alone decides which
    /// guests there are. `None` where lines without an id are dropped.
    pub fn attribute(&mut self, line: &Line<'_>, number: u64) -> Result<Option<Kept>> {
        let full = || {
            Error::bad_input(
                &self.object,
                "more than 4,294,967,295 invoices or customers",
            )
        };
        if line.customer_id.is_none() && self.guests.are_dropped() {
            return Ok(None);
        }
        let (invoice, _) = self.invoices.intern(line.invoice_no).ok_or_else(full)?;
        let customer = match line.customer_id {
            Some(id) => {
                let (customer, new) = self.ids.intern(id).ok_or_else(full)?;
                if new {
                    self.totals.push(Totals {
                        standing: self.standing(id, self.erased),
                        ..Totals::default()
                    });
                } else if self
                    .totals
                    .get(customer as usize)
                    .is_some_and(|t| t.is_guest)
                {
                    return Err(self.collision(id, number));
                }
                customer
            }
            None => match self.guests.get(invoice) {
                Some(customer) => customer,
                None => self.new_guest(line.invoice_no, invoice, number)?,
            },
        };
        Ok(Some(Kept { customer, invoice }))
    }

    fn standing(&self, id: &str, erased: Option<&Tombstones>) -> Standing {
        if erased.is_some_and(|erased| erased.holds(id)) {
            Standing::Erased
        } else if self.excluded.iter().any(|excluded| excluded == id) {
            Standing::Excluded
        } else {
            Standing::Counted
        }
    }

    fn new_guest(&mut self, invoice_no: &str, invoice: u32, number: u64) -> Result<u32> {
        let id = self.guests.next_id(invoice_no);
        match self.ids.intern(&id) {
            Some((customer, true)) => {
                // A number by order is nobody's: it may be another guest's the next time.
                let erased = self.erased.filter(|_| self.guests.are_named());
                self.totals.push(Totals {
                    is_guest: true,
                    standing: self.standing(&id, erased),
                    ..Totals::default()
                });
                self.guests.insert(invoice, customer);
                Ok(customer)
            }
            Some((_, false)) => Err(self.collision(&id, number)),
            None => Err(Error::bad_input(
                &self.object,
                "more than 4,294,967,295 customers",
            )),
        }
    }

    fn collision(&self, id: &str, line: u64) -> Error {
        Error::BadInput {
            object: self.object.clone(),
            line: Some(line),
            column: Some("customer_id".to_owned()),
            reason: format!(
                "the id '{id}' is a customer's and a guest's: choose other guest ids with \
                 cleaning.guests (invoice, sequential or drop)"
            ),
        }
    }

    /// Whether the customer is excluded by rule.
    pub fn is_excluded(&self, kept: Kept) -> bool {
        self.totals
            .get(kept.customer as usize)
            .is_some_and(|totals| totals.standing == Standing::Excluded)
    }

    /// Whether the customer was erased.
    pub fn is_erased(&self, kept: Kept) -> bool {
        self.totals
            .get(kept.customer as usize)
            .is_some_and(|totals| totals.standing == Standing::Erased)
    }

    /// The id, and whether it is a guest's.
    pub fn id(&self, kept: Kept) -> (&str, bool) {
        let is_guest = self
            .totals
            .get(kept.customer as usize)
            .is_some_and(|t| t.is_guest);
        (self.ids.get(kept.customer), is_guest)
    }

    /// Adds a line that passed every rule.
    pub fn add(&mut self, kept: Kept, line: &Line<'_>) -> Result<()> {
        let Some(totals) = self.totals.get_mut(kept.customer as usize) else {
            return Err(Error::Internal("a line without its customer".to_owned()));
        };
        totals.is_kept = true;
        if line.quantity > 0 {
            let Decimal(amount) = line.amount;
            let revenue = totals.revenue.checked_add(amount);
            totals.revenue = revenue.ok_or_else(|| {
                Error::bad_input(&self.object, "a customer's revenue is too large to be one")
            })?;
            totals.quantity += i128::from(line.quantity);
            let (first, last) = totals.purchases.unwrap_or((line.seconds, line.seconds));
            totals.purchases = Some((first.min(line.seconds), last.max(line.seconds)));
            self.last_purchase = self.last_purchase.max(Some(line.seconds));
            if self.purchase_invoices.insert(kept.customer, kept.invoice) {
                totals.purchase_invoices += 1;
            }
            let day = day_of(line.seconds);
            if self
                .purchase_days
                .insert(kept.customer, day.cast_unsigned())
            {
                totals.purchase_days += 1;
            }
            totals.first_day = Some(match totals.first_day {
                Some((first, value)) if first < day => (first, value),
                Some((first, value)) if first == day => (first, value + amount),
                _ => (day, amount),
            });
        } else if line.quantity < 0 && self.return_invoices.insert(kept.customer, kept.invoice) {
            totals.return_invoices += 1;
        }
        Ok(())
    }

    /// Counts the invoice of a line that is not an erased customer's.
    pub fn meet(&mut self, kept: Kept) {
        self.met.insert(kept.invoice);
    }

    /// Invoices that were [met](Self::meet).
    pub fn invoices_met(&self) -> u64 {
        self.met.count
    }

    /// Customers with an id, without those who were erased.
    pub fn ids_met(&self) -> u64 {
        let met = |totals: &&Totals| !totals.is_guest && totals.standing != Standing::Erased;
        self.totals.iter().filter(met).count() as u64
    }

    /// Guest invoices so far.
    pub fn guest_invoices(&self) -> usize {
        self.guests.len()
    }

    /// Seconds of the last kept purchase.
    pub fn last_purchase(&self) -> Option<i64> {
        self.last_purchase
    }

    pub(super) fn id_of(&self, customer: usize) -> &str {
        u32::try_from(customer).map_or("", |customer| self.ids.get(customer))
    }
}

/// The day of a moment. Every date that can be read is within 32 bits.
pub(super) fn day_of(seconds: i64) -> i32 {
    seconds.div_euclid(SECONDS_A_DAY) as i32
}
