//! Near rows of very many by leaf numbers taken as coordinates, found by way of near rows:
//! NN-descent (Dong, Moses, Li 2011).
//!
//! Rows are first put in order by a few trees' leaves, in several ways, and compared with who
//! stands beside them. Then, in rounds, each row is compared with neighbours of its
//! neighbours, until hardly any finds a nearer one. What a round reads is drawn before it
//! begins, by counter, and each row writes its own neighbours alone: any number of threads
//! finds the same ones.

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::super::super::random::{Key, Stream};
use super::BLOCK;

/// Ways in which rows are put in order.
const ORDERS: usize = 12;
/// Trees that an order looks at.
const TREES: usize = 4;
/// Rows on each side that a row is compared with, in each order.
const BESIDE: usize = 3;
/// Neighbours that are kept beyond those that are asked for: more ways to go on.
const MORE: usize = 5;
/// Rows that a row shows the others in a round, of those it has found since the last one, and
/// as many of the others.
const SHOWN: usize = 10;
/// Most rounds.
const ROUNDS: usize = 12;
/// Share of the neighbours that a round has to replace for there to be another.
const ENOUGH: f64 = 0.001;

/// A row and the square of how far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Near {
    square: u64,
    row: u32,
    /// Whether the others have been shown it.
    is_shown: bool,
}

/// About the `k` nearest other rows of each row of `leaves`, shape `(n, n_trees)`, nearest
/// first; `k` is below `n`. Rows are in memory one after the other, and leaves below 2^24, as
/// those of a forest are.
pub(super) fn nearest_others(leaves: ArrayView2<u32>, k: usize, seed: u64) -> Vec<(f32, u32)> {
    let n = leaves.nrows();
    let kept = (k + MORE).min(n - 1);
    let key = Key::new(seed, Stream::Neighbors);
    let mut near = begin(leaves, kept);
    for round in 0..ROUNDS as u64 {
        let shown = Shown::draw(&mut near, kept, key.child(round));
        let found: usize = near
            .par_chunks_mut(BLOCK * kept)
            .enumerate()
            .map(|(block, near)| {
                let mut candidates = Vec::new();
                let lists = near.chunks_exact_mut(kept).enumerate();
                let found = lists.map(|(i, list)| {
                    let row = block * BLOCK + i;
                    shown.candidates(row, &mut candidates);
                    offer(leaves, row, &candidates, list)
                });
                found.sum::<usize>()
            })
            .sum();
        if (found as f64) < ENOUGH * (n * k) as f64 {
            break;
        }
    }
    let lists = near.chunks_exact(kept).flat_map(|list| list.iter().take(k));
    lists
        .map(|near| ((near.square as f64).sqrt() as f32, near.row))
        .collect()
}

/// Compares each row with those beside it in each order.
fn begin(leaves: ArrayView2<u32>, kept: usize) -> Vec<Near> {
    let n = leaves.nrows();
    let orders: Vec<Order> = (0..ORDERS).map(|order| Order::new(leaves, order)).collect();
    let nobody = Near {
        square: u64::MAX,
        row: u32::MAX,
        is_shown: true,
    };
    let mut near = vec![nobody; n * kept];
    near.par_chunks_mut(kept)
        .enumerate()
        .for_each(|(row, list)| {
            // the next ones, so that there are enough in any case
            let next = (1..=kept).map(|step| ((row + step) % n) as u32);
            let mut candidates: Vec<u32> = next.collect();
            for order in &orders {
                candidates.extend(order.beside(row));
            }
            candidates.sort_unstable();
            candidates.dedup();
            offer(leaves, row, &candidates, list);
        });
    near
}

/// Rows in an order, and where each of them is in it.
struct Order {
    rows: Vec<u32>,
    places: Vec<u32>,
}

impl Order {
    /// By the leaves of some trees, another choice for each `number`.
    fn new(leaves: ArrayView2<u32>, number: usize) -> Self {
        let n_trees = leaves.ncols();
        let tree = |i: usize| (number + i * ORDERS) % n_trees;
        let of_row = |row: usize| {
            let key: [u32; TREES] = std::array::from_fn(|i| leaves[[row, tree(i)]]);
            (key, row as u32)
        };
        let all = (0..leaves.nrows()).into_par_iter();
        let mut sorted: Vec<_> = all.map(of_row).collect();
        sorted.par_sort_unstable();
        let mut places = vec![0; sorted.len()];
        for (place, &(_, row)) in sorted.iter().enumerate() {
            places[row as usize] = place as u32;
        }
        Self {
            rows: sorted.into_iter().map(|sorted| sorted.1).collect(),
            places,
        }
    }

    fn beside(&self, row: usize) -> impl Iterator<Item = u32> {
        let place = self.places[row] as usize;
        let (first, last) = (place.saturating_sub(BESIDE), place + BESIDE + 1);
        let beside = &self.rows[first..last.min(self.rows.len())];
        beside
            .iter()
            .copied()
            .filter(move |&other| other as usize != row)
    }
}

/// What each row shows in a round: up to [`SHOWN`] neighbours, of either direction, that it has
/// not shown before, and as many that it has.
struct Shown {
    fresh: Vec<u32>,
    stale: Vec<u32>,
}

const NOBODY: u32 = u32::MAX;

impl Shown {
    /// Draws them by counter and marks those of a row's own list as shown.
    fn draw(near: &mut [Near], kept: usize, key: Key) -> Self {
        let n = near.len() / kept;
        let mut fresh = Draws::new(n);
        let mut stale = Draws::new(n);
        for (i, near) in near.iter().enumerate() {
            let row = (i / kept) as u32;
            let draws = if near.is_shown {
                &mut stale
            } else {
                &mut fresh
            };
            let priority = (key.draw(i as u64) >> 32) as u32;
            draws.offer(row, priority, near.row);
            draws.offer(near.row, priority, row);
        }
        let fresh = fresh.rows();
        near.par_chunks_mut(kept)
            .enumerate()
            .for_each(|(row, list)| {
                let shown = &fresh[row * SHOWN..(row + 1) * SHOWN];
                for near in list {
                    near.is_shown |= shown.contains(&near.row);
                }
            });
        Self {
            fresh,
            stale: stale.rows(),
        }
    }

    fn of(rows: &[u32], row: u32) -> impl Iterator<Item = u32> {
        let first = row as usize * SHOWN;
        let shown = &rows[first..first + SHOWN];
        shown.iter().copied().take_while(|&other| other != NOBODY)
    }

    /// Whom a row has not been compared with yet, as far as its neighbours show.
    fn candidates(&self, row: usize, into: &mut Vec<u32>) {
        into.clear();
        let row = row as u32;
        for near in Self::of(&self.fresh, row) {
            into.push(near);
            into.extend(Self::of(&self.fresh, near));
            into.extend(Self::of(&self.stale, near));
        }
        for near in Self::of(&self.stale, row) {
            into.extend(Self::of(&self.fresh, near));
        }
        into.retain(|&other| other != row);
        into.sort_unstable();
        into.dedup();
    }
}

/// The lowest priorities of each row.
struct Draws(Vec<(u32, u32)>);

impl Draws {
    fn new(n: usize) -> Self {
        Self(vec![(u32::MAX, NOBODY); n * SHOWN])
    }

    fn offer(&mut self, row: u32, priority: u32, other: u32) {
        let first = row as usize * SHOWN;
        let drawn = &mut self.0[first..first + SHOWN];
        let offered = (priority, other);
        if offered >= drawn[SHOWN - 1] || drawn.iter().any(|drawn| drawn.1 == other) {
            return;
        }
        let at = drawn.partition_point(|drawn| *drawn < offered);
        drawn[at..].rotate_right(1);
        drawn[at] = offered;
    }

    fn rows(self) -> Vec<u32> {
        self.0.into_iter().map(|drawn| drawn.1).collect()
    }
}

/// Puts the nearest of `candidates` in a row's list; how many are new there.
fn offer(leaves: ArrayView2<u32>, row: usize, candidates: &[u32], list: &mut [Near]) -> usize {
    let own = leaves.row(row);
    let mut found = 0;
    for &other in candidates {
        let Some(worst) = list.last().copied() else {
            break;
        };
        let leaves = leaves.row(other as usize);
        let (Some(a), Some(b)) = (own.as_slice(), leaves.as_slice()) else {
            break;
        };
        let near = Near {
            square: square(a, b),
            row: other,
            is_shown: false,
        };
        if (near.square, near.row) >= (worst.square, worst.row)
            || list.iter().any(|n| n.row == other)
        {
            continue;
        }
        let at = list.partition_point(|n| (n.square, n.row) < (near.square, near.row));
        list[at..].rotate_right(1);
        list[at] = near;
        found += 1;
    }
    found
}

#[multiversion::multiversion(targets("x86_64+avx2"))]
fn square(a: &[u32], b: &[u32]) -> u64 {
    a.iter().zip(b).fold(0_u64, |sum, (&a, &b)| {
        let difference = u64::from(a.abs_diff(b));
        sum.wrapping_add(difference.wrapping_mul(difference))
    })
}

#[cfg(test)]
mod tests;
