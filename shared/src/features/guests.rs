//! Lines without a customer id belong to the guest of their invoice.

use hashbrown::HashMap;

use crate::settings::Guests as Naming;

/// The first number of sequential guests, the notebook's.
const FIRST_SEQUENTIAL: u64 = 19_000;

/// Guests by invoice, numbered before any line is dropped.
#[derive(Debug)]
pub struct Guests {
    naming: Naming,
    by_invoice: HashMap<u32, u32>,
}

impl Guests {
    /// No guests yet.
    pub fn new(naming: Naming) -> Self {
        Self {
            naming,
            by_invoice: HashMap::new(),
        }
    }

    /// Whether lines without a customer id are dropped.
    pub fn are_dropped(&self) -> bool {
        self.naming == Naming::Drop
    }

    /// Whether a guest's id is the same in every upload.
    pub fn are_named(&self) -> bool {
        self.naming == Naming::Invoice
    }

    /// The customer number of an invoice's guest, if there is one already.
    pub fn get(&self, invoice: u32) -> Option<u32> {
        self.by_invoice.get(&invoice).copied()
    }

    /// The id of the guest to come.
    pub fn next_id(&self, invoice_no: &str) -> String {
        match self.naming {
            Naming::Sequential => (FIRST_SEQUENTIAL + self.by_invoice.len() as u64).to_string(),
            Naming::Invoice | Naming::Drop => format!("guest-{invoice_no}"),
        }
    }

    /// Remembers an invoice's guest.
    pub fn insert(&mut self, invoice: u32, customer: u32) {
        self.by_invoice.insert(invoice, customer);
    }

    /// Guests so far.
    pub fn len(&self) -> usize {
        self.by_invoice.len()
    }

    /// Whether there is none yet.
    pub fn is_empty(&self) -> bool {
        self.by_invoice.is_empty()
    }
}
