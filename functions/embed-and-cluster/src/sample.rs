//! The customers that a fit is made on where all of them are too many.
//!
//! A stratified sample with proportional allocation (Cochran 1977, chapter 5), drawn from a
//! stream by the smallest keyed hashes of the ids (bottom-k sampling: Cohen and Kaplan 2007).
//! Whether a customer is in it depends on who the customers are, not on how they are cut into
//! shards, nor on the order in which those come: so a refit of the same customers is the same
//! fit, and one of nearly the same customers is on nearly the same sample.
//!
//! Strata are guests or not, by powers of two of revenue. Quantiles would have to be known
//! before the first shard and would be others for each way to estimate them; powers of two
//! are the same everywhere, and where revenue is spread over decades, as it is in shops,
//! they are some twenty groups.

mod memory;
mod strata;

use shared::bundle::Sample;
use shared::features::Features;
use shared::models::random::{Key, Stream, mix};
use shared::settings::Settings;

pub use memory::customers_that_fit;
use strata::{Strata, Stratum};

/// Customers of each stratum that are in a sample whatever their share; all of a smaller one.
const FEWEST: usize = 32;
/// How many times as many customers as the sample has are kept until all have been seen: the
/// threshold of a stratum's hashes scatters around that of all.
const SPARE: usize = 2;
/// The same for small strata: that many are kept of each.
const SPARE_OF_STRATUM: usize = 256;
/// How far what is kept may outgrow its bound before it is cut back to it.
const SLACK: usize = 2;

/// Customers that a fit takes in however little memory.
const LEAST: usize = 1_000;

/// Customers that a fit takes at most: by the settings, or else by the `memory` that it has, in
/// bytes; as many as there are where neither says.
pub(crate) fn most(settings: &Settings, memory: Option<u64>) -> usize {
    let asked = settings.embedding.fit_customers;
    let asked = asked.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    let fits = || memory.map(|bytes| customers_that_fit(bytes, &settings.embedding).max(LEAST));
    asked.or_else(fits).unwrap_or(usize::MAX)
}

/// Draws a stratified sample from customers that come in any order and in any parts.
///
/// Memory: at most about six times the sample, or [`SPARE_OF_STRATUM`] customers for each
/// stratum if that is more.
#[derive(Debug)]
pub struct Sampler {
    size: usize,
    key: Key,
    seen: u64,
    strata: Strata,
    kept: Features,
    marks: Vec<Mark>,
    /// Hashes from here on are of no use any more, but to strata that are small.
    limit: u64,
}

/// What decides over one customer of `kept`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Mark {
    hash: u64,
    stratum: Stratum,
}

impl Sampler {
    /// A sampler of `size` customers; the same `seed` gives the same sample.
    pub fn new(size: usize, seed: u64) -> Self {
        Self {
            size,
            key: Key::new(seed, Stream::Sample),
            seen: 0,
            strata: Strata::default(),
            kept: Features::default(),
            marks: Vec::new(),
            limit: u64::MAX,
        }
    }

    /// Looks at some of the customers, none of whom it has seen before.
    pub fn add(&mut self, customers: &Features) {
        let mut rows = Vec::new();
        let revenues = customers.gross_revenue.iter().zip(&customers.is_guest);
        for (row, (id, (&revenue, &is_guest))) in
            customers.customer_id.iter().zip(revenues).enumerate()
        {
            let stratum = Stratum::of(revenue, is_guest);
            let hash = self.hash(id);
            self.seen += 1;
            if self.strata.offer(stratum, hash, SPARE_OF_STRATUM) || hash <= self.limit {
                rows.push(row);
                self.marks.push(Mark { hash, stratum });
            }
            if rows.len() >= self.bound() {
                self.kept.append(customers.select(&rows));
                rows.clear();
                self.cut_back();
            }
        }
        self.kept.append(customers.select(&rows));
        if self.marks.len() > self.bound().saturating_mul(SLACK) {
            self.cut_back();
        }
    }

    /// The sample in the byte order of the ids: all customers if they are no more than its
    /// size.
    pub fn finish(mut self) -> (Features, Sample) {
        self.cut_back();
        let shares = self.strata.shares(self.size, FEWEST);
        let mut order: Vec<usize> = (0..self.marks.len()).collect();
        order.sort_unstable_by(|&a, &b| self.by_hash(a, b));
        let mut taken = shares;
        let mut rows: Vec<usize> = Vec::with_capacity(self.size.min(self.marks.len()));
        for row in order {
            let Some(mark) = self.marks.get(row) else {
                continue;
            };
            if let Some(left @ 1..) = taken.get_mut(&mark.stratum) {
                *left -= 1;
                rows.push(row);
            }
        }
        let id = |row: &usize| self.kept.customer_id.get(*row);
        rows.sort_unstable_by(|a, b| id(a).cmp(&id(b)));
        let sample = self.kept.select(&rows);
        let sampled = Sample {
            customers: sample.len() as u64,
            of: self.seen,
        };
        (sample, sampled)
    }

    /// Customers that are kept between two shards.
    fn bound(&self) -> usize {
        self.size.saturating_mul(SPARE).max(SPARE_OF_STRATUM)
    }

    /// Keeps the smallest hashes, and the smallest of each stratum: a function of the
    /// customers seen, whatever came first.
    fn cut_back(&mut self) {
        let bound = self.bound();
        if self.marks.len() <= bound {
            return;
        }
        let mut order: Vec<usize> = (0..self.marks.len()).collect();
        order.sort_unstable_by(|&a, &b| self.by_hash(a, b));
        let mut of_stratum = strata::Counter::default();
        let mut rows: Vec<usize> = Vec::with_capacity(bound);
        for (place, &row) in order.iter().enumerate() {
            let Some(mark) = self.marks.get(row) else {
                continue;
            };
            let is_first = of_stratum.count(mark.stratum) <= SPARE_OF_STRATUM;
            if place < bound || is_first {
                rows.push(row);
            }
        }
        if let Some(mark) = order.get(bound).and_then(|&row| self.marks.get(row)) {
            self.limit = self.limit.min(mark.hash);
        }
        rows.sort_unstable();
        self.kept = self.kept.select(&rows);
        self.marks = rows
            .iter()
            .filter_map(|&row| self.marks.get(row))
            .copied()
            .collect();
    }

    /// The order in which customers are taken; by id where two hashes are equal.
    fn by_hash(&self, a: usize, b: usize) -> std::cmp::Ordering {
        let of = |row: usize| {
            (
                self.marks.get(row).map(|m| m.hash),
                self.kept.customer_id.get(row),
            )
        };
        of(a).cmp(&of(b))
    }

    fn hash(&self, id: &str) -> u64 {
        let mut hash = id.len() as u64;
        for chunk in id.as_bytes().chunks(8) {
            let mut word = [0; 8];
            for (to, &from) in word.iter_mut().zip(chunk) {
                *to = from;
            }
            hash = mix(hash ^ u64::from_le_bytes(word));
        }
        self.key.draw(hash)
    }
}

#[cfg(test)]
mod tests;
