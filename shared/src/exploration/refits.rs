//! What of a grouping is there whoever is in it.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::evaluation::adjusted_rand_index;
use crate::models::random::{Key, Stream};

/// Share of the customers in a part.
const SHARE: f64 = 0.8;

/// Agreement of a grouping with refits on parts of the customers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stability {
    /// Mean adjusted Rand index: 1 for the same groups every time, 0 for chance.
    pub mean: f64,
    /// The lowest of them.
    pub lowest: f64,
    /// Refits that gave a grouping.
    pub refits: usize,
}

/// `count` parts of `n` customers, each a draw of 80% of the rows in ascending order. The
/// same seed gives the same parts, whatever is fitted to them.
pub fn parts(n: usize, count: usize, seed: u64) -> Vec<Vec<usize>> {
    let key = Key::new(seed, Stream::Resample);
    let size = (SHARE * n as f64) as usize;
    let part = |number: usize| {
        let mut rows = key.child(number as u64).distinct(size, n);
        rows.sort_unstable();
        rows.into_iter().map(|row| row as usize).collect()
    };
    (0..count).map(part).collect()
}

/// How far `refit` on each of `parts` agrees with `labels`, which all customers have, on the
/// part's customers; `refit` gives the labels of the rows that it is given, and `None` where
/// the method fails on them. `None` without any refit.
pub fn stability(
    labels: &[u32],
    parts: &[Vec<usize>],
    refit: impl Fn(usize, &[usize]) -> Result<Option<Vec<u32>>>,
) -> Result<Option<Stability>> {
    let mut indices = Vec::with_capacity(parts.len());
    for (number, rows) in parts.iter().enumerate() {
        let Some(own) = refit(number, rows)? else {
            continue;
        };
        let whole = rows.iter().filter_map(|&row| labels.get(row).copied());
        indices.push(adjusted_rand_index(&whole.collect::<Vec<_>>(), &own));
    }
    if indices.is_empty() {
        return Ok(None);
    }
    Ok(Some(Stability {
        mean: indices.iter().sum::<f64>() / indices.len() as f64,
        lowest: indices.iter().copied().fold(1.0, f64::min),
        refits: indices.len(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_four_fifths_of_the_rows() {
        let found = parts(50, 3, 7);
        assert_eq!(found.len(), 3);
        for part in &found {
            assert_eq!(part.len(), 40);
            assert!(part.windows(2).all(|w| w[0] < w[1]) && part[39] < 50);
        }
        assert_ne!(found[0], found[1]);
        assert_eq!(found, parts(50, 3, 7));
        assert_ne!(found, parts(50, 3, 8));
    }

    #[test]
    fn the_same_groups_are_stable_and_chance_is_not() {
        let labels: Vec<u32> = (0..200).map(|i| i / 50).collect();
        let parts = parts(200, 4, 1);
        let same = |_, rows: &[usize]| Ok(Some(rows.iter().map(|&r| 9 - r as u32 / 50).collect()));
        let found = stability(&labels, &parts, same).unwrap().unwrap();
        assert_eq!((found.mean, found.lowest, found.refits), (1.0, 1.0, 4));
        let noise = |_, rows: &[usize]| Ok(Some(rows.iter().map(|&r| r as u32 * 7 % 4).collect()));
        let found = stability(&labels, &parts, noise).unwrap().unwrap();
        assert!(found.mean.abs() < 0.05 && found.lowest <= found.mean);
    }

    #[test]
    fn refits_that_fail_do_not_count() {
        let parts = parts(10, 3, 1);
        let odd = |number, rows: &[usize]| Ok((number == 1).then(|| vec![0; rows.len()]));
        let found = stability(&[0; 10], &parts, odd).unwrap().unwrap();
        assert_eq!((found.mean, found.refits), (1.0, 1));
        let none = stability(&[0; 10], &parts, |_, _| Ok(None)).unwrap();
        assert_eq!(none, None);
    }
}
