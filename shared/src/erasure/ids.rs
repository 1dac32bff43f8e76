//! The people who are being erased.

use std::collections::BTreeSet;

use super::mention::{mentions, unquoted};
use crate::settings::Guests;
use crate::{Error, Result};

/// Their ids, as every table has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ids {
    ids: BTreeSet<String>,
    /// Invoices of guests that are named after them.
    invoices: BTreeSet<String>,
}

impl Ids {
    /// Ids as a person types them. A guest's id is that of its invoice where `guests` says so.
    ///
    /// # Errors
    /// [`Error::Config`] for an id that no customer can have.
    pub fn new(ids: &[String], guests: Guests) -> Result<Self> {
        let ids: BTreeSet<String> = ids.iter().map(|id| id.trim().to_owned()).collect();
        if ids.is_empty() || ids.contains("") {
            return Err(Error::config("customer", "an id must not be empty"));
        }
        if ids.iter().any(|id| id.contains('\0')) {
            return Err(Error::config("customer", "an id holds no NUL character"));
        }
        let invoices = if guests == Guests::Invoice {
            let named = ids.iter().filter_map(|id| id.strip_prefix("guest-"));
            named.map(str::to_owned).collect()
        } else {
            BTreeSet::new()
        };
        Ok(Self { ids, invoices })
    }

    /// The ids, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.ids.iter().map(String::as_str)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none: never.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Whether this is one of them.
    pub fn holds(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// Whether the lines without a customer of this invoice are one of them.
    pub(super) fn holds_guest_of(&self, invoice: &str) -> bool {
        self.invoices.contains(invoice)
    }

    /// Whether a text that can't be taken apart names one of them. It errs on saying yes.
    pub fn are_mentioned_in(&self, text: &str) -> bool {
        let named = |text: &str| {
            let mut all = self.ids.iter().chain(&self.invoices);
            all.any(|id| mentions(text, id))
        };
        named(text) || unquoted(text).is_some_and(|text| named(&text))
    }

    /// Length of the longest, in bytes.
    pub(super) fn longest(&self) -> usize {
        self.ids.iter().map(String::len).max().unwrap_or(0)
    }
}
