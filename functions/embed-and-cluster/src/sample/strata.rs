//! Groups of customers that a sample has its share of each.

use std::collections::{BTreeMap, BinaryHeap};

/// Guests or not, and the power of two of the revenue; all revenues that are not above 0 are
/// one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stratum(u16);

impl Stratum {
    pub(super) fn of(revenue: f64, is_guest: bool) -> Self {
        let exponent = if revenue > 0.0 {
            revenue.to_bits() >> 52
        } else {
            0
        };
        Self((exponent as u16) << 1 | u16::from(is_guest))
    }
}

/// How many customers of each stratum there were, and its smallest hashes.
#[derive(Debug, Default)]
pub(super) struct Strata(BTreeMap<Stratum, Seen>);

#[derive(Debug, Default)]
struct Seen {
    customers: u64,
    smallest: BinaryHeap<u64>,
}

impl Strata {
    /// Counts a customer; whether its hash is among the `keep` smallest of its stratum so far.
    pub(super) fn offer(&mut self, stratum: Stratum, hash: u64, keep: usize) -> bool {
        let seen = self.0.entry(stratum).or_default();
        seen.customers += 1;
        if seen.smallest.len() >= keep {
            if seen.smallest.peek().is_some_and(|&largest| hash > largest) {
                return false;
            }
            seen.smallest.pop();
        }
        seen.smallest.push(hash);
        true
    }

    /// How many of each stratum are in a sample of `size`: its share, by the largest remainder
    /// (Hamilton's method), but no fewer than `fewest`, or all if they are fewer.
    pub(super) fn shares(&self, size: usize, fewest: usize) -> BTreeMap<Stratum, u64> {
        let fewest = fewest.min(size / self.0.len().max(1)) as u64;
        let mut by_share: BTreeMap<_, _> = self
            .0
            .iter()
            .map(|(&s, seen)| (s, seen.customers))
            .collect();
        let mut of: u64 = self.0.values().map(|seen| seen.customers).sum();
        let mut size = (size as u64).min(of);
        let mut shares = BTreeMap::new();
        // What the small ones are given beyond their share is missing to the others, some of
        // which may be small by then.
        while let Some((stratum, customers)) = small(&by_share, fewest, size, of) {
            by_share.remove(&stratum);
            shares.insert(stratum, customers.min(fewest));
            (size, of) = (size - customers.min(fewest), of - customers);
        }
        let mut remainders = Vec::with_capacity(by_share.len());
        let mut left = size;
        for (stratum, customers) in by_share {
            let exact = u128::from(size) * u128::from(customers);
            let whole = (exact / u128::from(of.max(1))) as u64;
            shares.insert(stratum, whole);
            left -= whole;
            remainders.push((exact % u128::from(of.max(1)), stratum));
        }
        remainders.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        for (_, stratum) in remainders.into_iter().take(left as usize) {
            shares.entry(stratum).and_modify(|share| *share += 1);
        }
        shares
    }
}

/// The first stratum whose share of a sample of `size` from `of` customers is too small.
fn small(
    strata: &BTreeMap<Stratum, u64>,
    fewest: u64,
    size: u64,
    of: u64,
) -> Option<(Stratum, u64)> {
    let mut strata = strata
        .iter()
        .map(|(&stratum, &customers)| (stratum, customers));
    strata.find(|&(_, customers)| {
        let share = u128::from(size) * u128::from(customers);
        share < u128::from(customers.min(fewest)) * u128::from(of)
    })
}

/// Counts customers by stratum.
#[derive(Debug, Default)]
pub(super) struct Counter(BTreeMap<Stratum, usize>);

impl Counter {
    /// How many of the stratum there have been, this one included.
    pub(super) fn count(&mut self, stratum: Stratum) -> usize {
        let count = self.0.entry(stratum).or_default();
        *count += 1;
        *count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strata(counts: &[(f64, u64)]) -> Strata {
        let mut strata = Strata::default();
        for &(revenue, count) in counts {
            for hash in 0..count {
                strata.offer(Stratum::of(revenue, false), hash, 4);
            }
        }
        strata
    }

    fn shares(counts: &[(f64, u64)], size: usize, fewest: usize) -> Vec<u64> {
        strata(counts).shares(size, fewest).into_values().collect()
    }

    #[test]
    fn a_stratum_is_an_octave_of_revenue_of_guests_or_not() {
        let of = |revenue| Stratum::of(revenue, false);
        assert_eq!(of(8.0), of(15.99));
        assert_ne!(of(8.0), of(16.0));
        assert_ne!(of(8.0), Stratum::of(8.0, true));
        assert_eq!(of(0.0), of(-3.0));
        assert_eq!(of(0.0), of(f64::NAN));
    }

    #[test]
    fn shares_are_proportional_with_some_of_each() {
        assert_eq!(shares(&[(1.0, 60), (2.0, 40)], 10, 0), [6, 4]);
        assert_eq!(
            shares(&[(1.0, 600), (2.0, 3), (4.0, 397)], 100, 5),
            [58, 3, 39]
        );
        assert_eq!(shares(&[(1.0, 6), (2.0, 4)], 99, 5), [6, 4]);
        // too small a sample for five of each
        assert_eq!(shares(&[(1.0, 60), (2.0, 40), (4.0, 1)], 3, 5), [1, 1, 1]);
        assert_eq!(shares(&[(1.0, 60), (2.0, 40), (4.0, 1)], 2, 5), [1, 1, 0]);
        assert!(shares(&[], 2, 5).is_empty());
    }

    #[test]
    fn the_smallest_hashes_are_told_from_others() {
        let mut strata = Strata::default();
        let stratum = Stratum::of(1.0, false);
        let offered = [5, 9, 7, 8, 1, 6].map(|hash| strata.offer(stratum, hash, 2));
        assert_eq!(offered, [true, true, true, false, true, false]);
    }
}
