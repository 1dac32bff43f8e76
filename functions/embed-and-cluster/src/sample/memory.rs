//! How many customers a fit can take.
//!
//! By peaks of the resident memory of whole fits, models and their stored bytes included
//! (docs/LARGE-FITS.md), and half as much again.

use shared::settings::{EmbeddingSettings, Metric};

use crate::fit::EXACT_UP_TO;

/// Program, tables of the run and what the system takes.
const FIXED: u64 = 256 << 20;
/// Bytes for each tree and customer of an exact fit: nodes, leaves, their index, and the bytes
/// that are stored.
const OF_TREE: u64 = 110;
/// Bytes for each customer beside those: graph and layout.
const OF_CUSTOMER: u64 = 2_000;
/// The same where trees are grown on some customers each, of a bounded number of nodes.
const OF_TREE_LARGE: u64 = 16;
/// By leaf numbers the index holds them twice as wide.
const OF_TREE_LARGE_EUCLIDEAN: u64 = 24;
/// See [`OF_CUSTOMER`]; the search for neighbours and a spectral start come in here, too.
const OF_CUSTOMER_LARGE: u64 = 4_000;
const OF_CUSTOMER_LARGE_EUCLIDEAN: u64 = 6_500;
/// Bytes for each tree of bounded size: nodes, and what is stored of them.
const TREE_LARGE: u64 = 5 << 20;

/// Customers that a fit can take in a function of `memory_bytes`; more are too many, and it
/// is to be made on a sample of so many ([`Sampler`](super::Sampler)).
pub fn customers_that_fit(memory_bytes: u64, embedding: &EmbeddingSettings) -> usize {
    let trees = embedding.trees as u64;
    let usable = memory_bytes.saturating_sub(FIXED);
    let exact = usable / (trees * OF_TREE + OF_CUSTOMER);
    let (of_tree, of_customer) = match embedding.metric {
        Metric::Hamming => (OF_TREE_LARGE, OF_CUSTOMER_LARGE),
        Metric::Euclidean => (OF_TREE_LARGE_EUCLIDEAN, OF_CUSTOMER_LARGE_EUCLIDEAN),
    };
    let beside_trees = usable.saturating_sub(trees * TREE_LARGE);
    let large = beside_trees / (trees * of_tree + of_customer);
    let limit = EXACT_UP_TO as u64;
    let customers = if large > limit {
        large
    } else {
        exact.min(limit)
    };
    usize::try_from(customers).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::settings::{Profile, Settings};

    fn of(mib: u64, profile: Profile) -> usize {
        customers_that_fit(mib << 20, &Settings::of(profile).embedding)
    }

    #[test]
    fn a_million_customers_fit_in_the_largest_function() {
        for profile in [Profile::Default, Profile::Notebook] {
            assert!(of(10_240, profile) > 1_000_000);
        }
    }

    #[test]
    fn more_memory_takes_no_fewer_customers_and_more_trees_no_more() {
        for profile in [Profile::Default, Profile::Notebook] {
            let sizes: Vec<usize> = (128..10_240)
                .step_by(64)
                .map(|mib| of(mib, profile))
                .collect();
            assert!(sizes.is_sorted());
            assert_eq!(sizes.first(), Some(&0));
        }
        let mut embedding = Settings::default().embedding;
        let few = customers_that_fit(2 << 30, &embedding);
        embedding.trees *= 2;
        assert!(customers_that_fit(2 << 30, &embedding) < few);
    }

    #[test]
    fn a_function_as_the_template_has_it_takes_tens_of_thousands() {
        let customers = of(1_769, Profile::Default);
        assert!((50_000..EXACT_UP_TO).contains(&customers), "{customers}");
    }
}
