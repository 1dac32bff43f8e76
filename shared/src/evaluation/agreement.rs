//! How far two groupings of the same customers agree.

use std::collections::BTreeMap;

/// The adjusted Rand index (Hubert and Arabie 1985): 1 for the same grouping under whatever
/// names, 0 on average for groupings that have nothing to do with each other.
pub fn adjusted_rand_index(a: &[u32], b: &[u32]) -> f64 {
    let pairs = |n: f64| n * (n - 1.0) / 2.0;
    let sum = |counts: &BTreeMap<u32, f64>| counts.values().map(|&n| pairs(n)).sum::<f64>();
    let (in_a, in_b) = (counts(a), counts(b));
    let together: f64 = crossed(a, b).values().map(|&n| pairs(n)).sum();
    let (sum_a, sum_b) = (sum(&in_a), sum(&in_b));
    let all = pairs(a.len() as f64);
    if all == 0.0 {
        return 1.0;
    }
    let expected = sum_a * sum_b / all;
    let most = f64::midpoint(sum_a, sum_b);
    if most == expected {
        // one group, or a group for each customer, in both
        return 1.0;
    }
    (together - expected) / (most - expected)
}

/// For each group of `a`, in the order of its label, the Jaccard similarity to the group of
/// `b` that is most like it (Hennig 2007).
pub fn best_jaccard(a: &[u32], b: &[u32]) -> BTreeMap<u32, f64> {
    let (in_a, in_b) = (counts(a), counts(b));
    let mut best: BTreeMap<u32, f64> = in_a.keys().map(|&label| (label, 0.0)).collect();
    for (&(x, y), &both) in &crossed(a, b) {
        let (Some(x_size), Some(y_size)) = (in_a.get(&x), in_b.get(&y)) else {
            continue;
        };
        let similarity = both / (x_size + y_size - both);
        best.entry(x).and_modify(|s| *s = s.max(similarity));
    }
    best
}

/// For each group of `a` the group of `b` that it shares most customers with; the lowest
/// of equals.
pub fn by_overlap(a: &[u32], b: &[u32]) -> BTreeMap<u32, u32> {
    let mut best: BTreeMap<u32, (f64, u32)> = BTreeMap::new();
    for ((x, y), both) in crossed(a, b) {
        let entry = best.entry(x).or_insert((both, y));
        if both > entry.0 {
            *entry = (both, y);
        }
    }
    best.into_iter().map(|(x, (_, y))| (x, y)).collect()
}

fn counts(labels: &[u32]) -> BTreeMap<u32, f64> {
    let mut counts = BTreeMap::new();
    for &label in labels {
        *counts.entry(label).or_default() += 1.0;
    }
    counts
}

fn crossed(a: &[u32], b: &[u32]) -> BTreeMap<(u32, u32), f64> {
    let mut counts = BTreeMap::new();
    for (&x, &y) in a.iter().zip(b) {
        *counts.entry((x, y)).or_default() += 1.0;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the pairs of five, a joins {01} {34}, b joins {01} {12} {02}: together 1,
    /// expected 2·3/10 = 0.6, most 2.5: 0.4 / 1.9.
    #[test]
    fn rand_index_by_hand() {
        let index = adjusted_rand_index(&[0, 0, 1, 2, 2], &[5, 5, 5, 6, 7]);
        assert!((index - 0.4 / 1.9).abs() < 1e-15);
        assert_eq!(adjusted_rand_index(&[0, 0, 1], &[9, 9, 3]), 1.0);
        assert_eq!(adjusted_rand_index(&[0, 0], &[1, 1]), 1.0);
        assert_eq!(adjusted_rand_index(&[], &[]), 1.0);
    }

    #[test]
    fn each_group_finds_the_one_that_is_most_like_it() {
        let (a, b) = ([0, 0, 0, 1, 1], [4, 4, 8, 8, 8]);
        let expected = BTreeMap::from([(0, 2.0 / 3.0), (1, 2.0 / 3.0)]);
        assert_eq!(best_jaccard(&a, &b), expected);
        assert_eq!(by_overlap(&a, &b), BTreeMap::from([(0, 4), (1, 8)]));
    }
}
