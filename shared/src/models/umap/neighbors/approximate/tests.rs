use ndarray::Array2;

use super::super::super::super::random::mix;
use super::super::{Index, Metric, Neighbors, recall};
use super::*;

/// Leaves of customers who are alike in two respects: each tree numbers one of them, or both,
/// in steps of its own.
fn leaves(n: usize, trees: usize) -> Array2<u32> {
    Array2::from_shape_fn((n, trees), |(i, t)| {
        let (x, y) = (mix(i as u64) >> 40, mix(!(i as u64)) >> 40);
        let width = 0x20000 + (mix(t as u64 + 9) >> 47);
        let at = |v: u64| (v + mix(t as u64) % width) / width;
        match t % 3 {
            0 => at(x) as u32,
            1 => at(y) as u32,
            _ => (at(x) * 150 + at(y)) as u32,
        }
    })
}

fn exact(leaves: &Array2<u32>, k: usize) -> Neighbors {
    Index::new(Metric::Euclidean, leaves.view()).nearest_others(leaves.view(), k)
}

#[test]
fn nearly_all_neighbors_are_found() {
    let leaves = leaves(4_000, 40);
    let found = nearest_others(leaves.view(), 15, 42);
    let recall = recall(&Neighbors::from_pairs(15, &found), &exact(&leaves, 15));
    assert!(recall > 0.95, "{recall}");
}

#[test]
fn distances_are_exact_and_neighbors_distinct_others() {
    let leaves = leaves(500, 30);
    let all = exact(&leaves, 499);
    for (i, list) in nearest_others(leaves.view(), 10, 1).chunks(10).enumerate() {
        assert!(list.is_sorted());
        let (rows, distances) = all.row(i);
        let mut seen = std::collections::BTreeSet::new();
        for &(distance, row) in list {
            let at = rows.iter().position(|&other| other == row).unwrap();
            assert_eq!(distance, distances[at]);
            assert!(seen.insert(row));
        }
    }
}

#[test]
fn threads_do_not_change_the_neighbors() {
    let leaves = leaves(1_500, 20);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        pool.install(|| nearest_others(leaves.view(), 12, 42))
    };
    assert_eq!(on(1), on(2));
}

#[test]
fn few_rows_are_no_trouble() {
    for n in 2..12 {
        let leaves = leaves(n, 3);
        let found = nearest_others(leaves.view(), n - 1, 42);
        assert_eq!(Neighbors::from_pairs(n - 1, &found), exact(&leaves, n - 1));
    }
}
