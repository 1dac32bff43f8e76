use proptest::prelude::*;
use shared::features::pick;
use shared::models::random::{Key, Stream};

use super::*;

/// Customers whose revenues are spread over decades, some of them guests.
fn customers(n: usize) -> Features {
    let key = Key::new(5, Stream::Noise);
    let revenue = |i: usize| octaves(4.0 + 1.5 * key.normal(i as u64));
    let counts: Vec<i64> = (0..n as i64).collect();
    let mut features = Features {
        customer_id: (0..n).map(|i| format!("c{i:05}")).collect(),
        is_guest: (0..n).map(|i| i % 5 == 0).collect(),
        gross_revenue: (0..n).map(revenue).collect(),
        recency_days: counts.clone(),
        quantity_of_products: counts.clone(),
        returns: counts.clone(),
        frequency: counts.iter().map(|&c| c as f64).collect(),
        value: shared::value::Value::default(),
    };
    features.value.purchases = counts;
    features
}

/// About two to the power of `x`: the same on every machine.
fn octaves(x: f64) -> f64 {
    f64::from(2_u32.pow(x.clamp(0.0, 20.0) as u32)) * (1.0 + x.fract().abs())
}

fn drawn(features: &Features, size: usize, shards: &[Vec<usize>]) -> (Features, Sample) {
    let mut sampler = Sampler::new(size, 42);
    for rows in shards {
        sampler.add(&features.select(rows));
    }
    sampler.finish()
}

/// Rows dealt out to `n` shards by a hash, in an order by another.
fn shards(rows: usize, n: usize, salt: u64) -> Vec<Vec<usize>> {
    let mut shards = vec![Vec::new(); n];
    for row in 0..rows {
        shards[mix(row as u64 ^ salt) as usize % n].push(row);
    }
    shards.sort_by_key(|rows| rows.first().map(|&row| mix(row as u64 + salt)));
    for rows in &mut shards {
        rows.sort_by_key(|&row| mix(!(row as u64) ^ salt));
    }
    shards
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn shards_and_their_order_do_not_change_the_sample(
        n in 0_usize..4_000,
        size in 1_usize..600,
        salt in any::<u64>(),
    ) {
        let features = customers(n);
        let whole = drawn(&features, size, &[(0..n).collect()]);
        prop_assert_eq!(whole.1, Sample { customers: n.min(size) as u64, of: n as u64 });
        prop_assert!(whole.0.customer_id.is_sorted());
        for count in [2, 7, 64] {
            let again = drawn(&features, size, &shards(n, count, salt));
            prop_assert_eq!(&whole, &again);
        }
    }

    #[test]
    fn everyone_is_in_a_sample_that_is_large_enough(n in 0_usize..700, more in 0_usize..9) {
        let features = customers(n);
        prop_assert_eq!(drawn(&features, n + more, &shards(n, 3, 1)).0, features);
    }
}

#[test]
fn each_stratum_has_its_share() {
    let features = customers(40_000);
    let (sample, _) = drawn(&features, 4_000, &[(0..40_000).collect()]);
    let count = |of: &Features| {
        let mut counts = std::collections::BTreeMap::<_, f64>::new();
        for (&revenue, &is_guest) in of.gross_revenue.iter().zip(&of.is_guest) {
            *counts.entry(Stratum::of(revenue, is_guest)).or_default() += 1.0;
        }
        counts
    };
    let sampled = count(&sample);
    for (stratum, all) in count(&features) {
        let found = sampled.get(&stratum).copied().unwrap_or_default();
        // what the smallest are given beyond their share is taken from all others alike
        let least = all.min(FEWEST as f64).max(0.9 * all / 10.0 - 1.0);
        assert!(found >= least, "{stratum:?}: {found} of {all}");
        let most = (all / 10.0 + 1.0).max(FEWEST as f64);
        assert!(found <= most, "{stratum:?}: {found} of {all}");
    }
}

#[test]
fn a_customer_keeps_the_row_of_its_features() {
    let features = customers(3_000);
    let (sample, _) = drawn(&features, 300, &shards(3_000, 7, 9));
    let rows: Vec<usize> = sample
        .recency_days
        .iter()
        .map(|&row| row as usize)
        .collect();
    assert_eq!(features.select(&rows), sample);
    assert_eq!(
        pick(&features.value.purchases, &rows),
        sample.value.purchases
    );
}

#[test]
fn nearly_the_same_customers_have_nearly_the_same_sample() {
    let features = customers(5_000);
    let before = drawn(&features, 500, &[(0..5_000).collect()]).0;
    let fewer: Vec<usize> = (0..5_000).filter(|row| row % 50 != 0).collect();
    let after = drawn(&features, 500, &[fewer]).0;
    let stayed = after
        .customer_id
        .iter()
        .filter(|id| before.customer_id.binary_search(id).is_ok());
    assert!(stayed.count() > 450);
}

#[test]
fn another_seed_draws_others() {
    let features = customers(5_000);
    let mut sampler = Sampler::new(500, 43);
    sampler.add(&features);
    let other = sampler.finish().0;
    assert_ne!(drawn(&features, 500, &[(0..5_000).collect()]).0, other);
}
