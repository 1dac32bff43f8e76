//! Names of the segments, by what distinguishes their customers.

use std::collections::{BTreeMap, BTreeSet};

use crate::features::Features;

/// The name of the segment of the highest mean revenue.
pub const FIRST: &str = "Insiders";

/// Mean rank among all customers, from 0 to 1, from which on a segment is said to be high in
/// something; and low by the same distance from 0.
const HIGH: f64 = 0.65;

/// Names of `k` segments that are numbered by their mean revenue, the highest first;
/// `labels[i]` is the segment of `features`' row i. Each name is there once.
///
/// The first is [`FIRST`]. Others are named by how much their customers spend, whether they
/// came more than once, and what else is unusual in them; where that is the same, by what
/// they differ in most.
pub fn names(features: &Features, labels: &[u32], k: usize) -> Vec<String> {
    let as_real = |column: &[i64]| -> Vec<f64> { column.iter().map(|&v| v as f64).collect() };
    let spend = mean_ranks(&features.gross_revenue, labels, k);
    let recency = mean_ranks(&as_real(&features.recency_days), labels, k);
    let returns = mean_ranks(&as_real(&features.returns), labels, k);
    let pieces = mean_ranks(&as_real(&features.quantity_of_products), labels, k);
    let often = mean_ranks(&features.frequency, labels, k);
    let one_time = shares(features, labels, k);
    let names = (0..k).map(|label| {
        let of = |means: &[f64]| means.get(label).copied().unwrap_or(f64::NAN);
        if label == 0 {
            return FIRST.to_owned();
        }
        if of(&spend).is_nan() {
            return format!("Segment {label}");
        }
        let mut words = vec![tier(of(&spend))];
        words.push(if of(&one_time) >= 0.5 {
            "one-time"
        } else {
            "regular"
        });
        if of(&recency) >= HIGH {
            words.push("lapsed");
        } else if of(&recency) <= 1.0 - HIGH {
            words.push("recent");
        }
        if of(&returns) >= HIGH {
            words.push("returns often");
        }
        words.join(", ")
    });
    let names = names.collect();
    let traits = [
        (recency, ["more recent", "longer ago"]),
        (pieces, ["small baskets", "large baskets"]),
        (often, ["less often", "more often"]),
        (returns, ["fewer returns", "more returns"]),
    ];
    unique(told_apart(names, &traits))
}

/// Adds to equal names what they differ in most: to the lowest and the highest in it.
fn told_apart(mut names: Vec<String>, traits: &[(Vec<f64>, [&str; 2])]) -> Vec<String> {
    let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (label, name) in names.iter().enumerate() {
        by_name.entry(name.clone()).or_default().push(label);
    }
    for labels in by_name.into_values().filter(|labels| labels.len() > 1) {
        let ends = traits.iter().filter_map(|(ranks, words)| {
            let rank = |label: &usize| ranks.get(*label).copied().unwrap_or(f64::NAN);
            let order = |a: &&usize, b: &&usize| rank(a).total_cmp(&rank(b));
            let (low, high) = (labels.iter().min_by(order)?, labels.iter().max_by(order)?);
            Some((rank(high) - rank(low), [*low, *high], words))
        });
        let widest = ends.max_by(|a, b| a.0.total_cmp(&b.0));
        for (label, word) in widest
            .iter()
            .flat_map(|(_, ends, words)| ends.iter().zip(*words))
        {
            if let Some(name) = names.get_mut(*label) {
                name.push_str(", ");
                name.push_str(word);
            }
        }
    }
    names
}

/// The names, with a number added to those that an earlier one has already.
pub(super) fn unique(names: Vec<String>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let numbered = names.into_iter().map(|name| {
        let mut candidate = name.clone();
        let mut number = 2;
        while !taken.insert(candidate.clone()) {
            candidate = format!("{name} {number}");
            number += 1;
        }
        candidate
    });
    numbered.collect()
}

fn tier(mean_rank: f64) -> &'static str {
    match mean_rank {
        rank if rank >= 0.8 => "Top spend",
        rank if rank >= 0.6 => "High spend",
        rank if rank >= 0.4 => "Middle spend",
        rank if rank >= 0.2 => "Low spend",
        _ => "Least spend",
    }
}

/// Share of customers of each segment who came once.
fn shares(features: &Features, labels: &[u32], k: usize) -> Vec<f64> {
    let once: Vec<f64> = features
        .frequency
        .iter()
        .map(|&frequency| f64::from(u8::from(frequency == 0.0)))
        .collect();
    means(&once, labels, k)
}

/// For each segment the mean of its customers' ranks among all, from 0 to 1; equal values
/// have equal ranks.
fn mean_ranks(values: &[f64], labels: &[u32], k: usize) -> Vec<f64> {
    let mut order: Vec<(f64, usize)> = values.iter().copied().zip(0..).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut ranks = vec![0.0; values.len()];
    let last = values.len().saturating_sub(1).max(1) as f64;
    let mut first = 0;
    for run in order.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let rank = (2 * first + run.len() - 1) as f64 / 2.0 / last;
        for &(_, row) in run {
            if let Some(slot) = ranks.get_mut(row) {
                *slot = rank;
            }
        }
        first += run.len();
    }
    means(&ranks, labels, k)
}

/// Means by segment; NaN for one without customers.
fn means(values: &[f64], labels: &[u32], k: usize) -> Vec<f64> {
    let mut sums = vec![(0.0, 0_u64); k];
    for (&value, &label) in values.iter().zip(labels) {
        if let Some((sum, n)) = sums.get_mut(label as usize) {
            *sum += value;
            *n += 1;
        }
    }
    sums.into_iter().map(|(sum, n)| sum / n as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_unusual_and_differ() {
        let n = 10;
        let features = Features {
            customer_id: (0..n).map(|i| i.to_string()).collect(),
            is_guest: vec![false; n],
            gross_revenue: vec![90.0, 80.0, 70.0, 60.0, 50.0, 40.0, 30.0, 20.0, 10.0, 5.0],
            recency_days: vec![1, 2, 3, 90, 90, 5, 6, 90, 99, 7],
            quantity_of_products: vec![1; n],
            returns: vec![0; n],
            frequency: vec![1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            ..Features::default()
        };
        let labels = [0, 0, 1, 1, 1, 2, 2, 3, 3, 3];
        assert_eq!(
            names(&features, &labels, 5),
            [
                "Insiders",
                "High spend, regular",
                // ranks 4 and 3 of 9
                "Low spend, one-time",
                "Least spend, one-time, lapsed",
                "Segment 4"
            ]
        );
    }

    #[test]
    fn equal_names_are_told_apart_by_what_differs_most() {
        let names = ["a", "b", "a", "a"].map(str::to_owned).to_vec();
        let traits = [
            (vec![0.4, 0.9, 0.5, 0.6], ["near", "far"]),
            (vec![0.1, 0.9, 0.5, 0.2], ["small", "large"]),
        ];
        let told = told_apart(names, &traits);
        assert_eq!(told, ["a, small", "b", "a, large", "a"]);
    }

    #[test]
    fn equal_names_are_numbered() {
        let names = ["a", "b", "a", "a 2", "a"].map(str::to_owned).to_vec();
        assert_eq!(unique(names), ["a", "b", "a 2", "a 2 2", "a 3"]);
    }

    #[test]
    fn equal_values_have_the_rank_of_their_middle() {
        let ranks = mean_ranks(&[5.0, 1.0, 5.0, 5.0, 9.0], &[0, 1, 2, 3, 4], 5);
        assert_eq!(ranks, [0.5, 0.0, 0.5, 0.5, 1.0]);
    }
}
