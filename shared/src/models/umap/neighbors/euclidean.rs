//! Neighbours by leaf numbers taken as coordinates, by comparing with every training row.
//!
//! Leaf numbers are whole, so as long as sums of their squares stay below 2^53 every
//! product and sum is exact, and a matrix product gives the same bits in whatever order it
//! is computed. Larger numbers take a slower way whose order of operations is fixed.

use ndarray::{Array2, ArrayView2, Axis, linalg::general_mat_mul};
use rayon::prelude::*;

use super::BLOCK;

/// Training rows compared with a block at a time.
const TILE: usize = 512;
/// Rows that are ruled out together.
const LANES: usize = 8;
/// Whole numbers up to here are exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Training rows and the squares of their lengths.
#[derive(Debug, Clone)]
pub(in super::super) struct EuclideanIndex {
    rows: Array2<f64>,
    norms: Vec<f64>,
    largest: u32,
}

/// The nearest rows seen so far, nearest first.
struct Nearest {
    found: Vec<(f64, u32)>,
    k: usize,
}

impl Nearest {
    /// Rows come in ascending order, so that of equally near ones the lowest stay.
    #[inline]
    fn offer(&mut self, distance: f64, row: u32) {
        if self.found.len() == self.k {
            if self.found.last().is_some_and(|worst| distance >= worst.0) {
                return;
            }
            self.found.pop();
        }
        let at = self.found.partition_point(|other| other.0 <= distance);
        self.found.insert(at, (distance, row));
    }

    #[inline]
    fn worst(&self) -> f64 {
        if self.found.len() < self.k {
            return f64::INFINITY;
        }
        self.found.last().map_or(f64::INFINITY, |worst| worst.0)
    }
}

/// Offers the rows from `first` on by their products with a row of length `norm` squared. A few
/// rows at a time are looked at only if one of them is near enough.
///
/// Compiled for wider vectors, too: the arithmetic is the same on every machine.
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn offer_products(
    nearest: &mut Nearest,
    products: &[f64],
    norms: &[f64],
    norm: f64,
    first: usize,
    own: Option<u32>,
) {
    let mut offer = |row: usize, product: f64, other: f64| {
        let row = (first + row) as u32;
        if Some(row) != own {
            nearest.offer(norm + other - 2.0 * product, row);
        }
        nearest.worst() - norm
    };
    let (lanes, rest) = products.as_chunks::<LANES>();
    let (norm_lanes, norm_rest) = norms.as_chunks::<LANES>();
    let mut limit = f64::INFINITY;
    for (i, (products, norms)) in lanes.iter().zip(norm_lanes).enumerate() {
        // all are compared, without a branch, so that it takes a few vector instructions
        let pairs = products.iter().zip(norms);
        let near = pairs.map(|(p, n)| u32::from(n - 2.0 * p < limit));
        if near.sum::<u32>() > 0 {
            for (j, (&product, &other)) in products.iter().zip(norms).enumerate() {
                limit = offer(i * LANES + j, product, other);
            }
        }
    }
    let from = lanes.len() * LANES;
    for (j, (&product, &other)) in rest.iter().zip(norm_rest).enumerate() {
        offer(from + j, product, other);
    }
}

impl EuclideanIndex {
    pub(super) fn new(leaves: ArrayView2<u32>) -> Self {
        let rows = leaves.mapv(f64::from);
        Self {
            norms: rows
                .outer_iter()
                .map(|row| row.iter().map(|v| v * v).sum())
                .collect(),
            rows,
            largest: leaves.iter().copied().max().unwrap_or(0),
        }
    }

    /// Whether all sums with rows whose largest leaf is `largest` are exact.
    fn exact(&self, largest: u32) -> bool {
        let bound = f64::from(largest.max(self.largest));
        4.0 * bound * bound * self.rows.ncols() as f64 <= EXACT
    }

    pub(super) fn query(&self, rows: ArrayView2<u32>, k: usize, others: bool) -> Vec<(f32, u32)> {
        let mut pairs = vec![(0.0, 0); rows.nrows() * k];
        if k == 0 {
            return pairs;
        }
        pairs
            .par_chunks_mut(BLOCK * k)
            .enumerate()
            .for_each(|(block, out)| {
                let start = block * BLOCK;
                let end = rows.nrows().min(start + BLOCK);
                let rows = rows.slice_axis(Axis(0), (start..end).into());
                let own = |i: usize| others.then_some((start + i) as u32);
                let largest = rows.iter().copied().max().unwrap_or(0);
                let found = if self.exact(largest) {
                    self.by_products(rows, k, own)
                } else {
                    self.by_differences(rows, k, own)
                };
                for (out, nearest) in out.chunks_exact_mut(k).zip(found) {
                    for (out, (square, row)) in out.iter_mut().zip(nearest.found) {
                        *out = (square.sqrt() as f32, row);
                    }
                }
            });
        pairs
    }

    fn by_products(
        &self,
        rows: ArrayView2<u32>,
        k: usize,
        own: impl Fn(usize) -> Option<u32>,
    ) -> Vec<Nearest> {
        let queries = rows.mapv(f64::from);
        let norms: Vec<f64> = queries
            .outer_iter()
            .map(|row| row.iter().map(|v| v * v).sum())
            .collect();
        let mut found = nearest(rows.nrows(), k);
        let mut products = Array2::zeros((rows.nrows(), TILE));
        for (tile, training) in self.rows.axis_chunks_iter(Axis(0), TILE).enumerate() {
            let first = tile * TILE;
            let mut products = products.slice_axis_mut(Axis(1), (..training.nrows()).into());
            general_mat_mul(1.0, &queries, &training.t(), 0.0, &mut products);
            let training_norms = &self.norms[first..first + training.nrows()];
            for (i, (nearest, products)) in found.iter_mut().zip(products.outer_iter()).enumerate()
            {
                let Some(products) = products.to_slice() else {
                    continue;
                };
                offer_products(nearest, products, training_norms, norms[i], first, own(i));
            }
        }
        found
    }

    fn by_differences(
        &self,
        rows: ArrayView2<u32>,
        k: usize,
        own: impl Fn(usize) -> Option<u32>,
    ) -> Vec<Nearest> {
        let mut found = nearest(rows.nrows(), k);
        for (i, (nearest, row)) in found.iter_mut().zip(rows.outer_iter()).enumerate() {
            let own = own(i);
            for (j, training) in self.rows.outer_iter().enumerate() {
                let differences = row.iter().zip(training).map(|(&a, &b)| f64::from(a) - b);
                let square = differences.map(|d| d * d).sum();
                if Some(j as u32) != own {
                    nearest.offer(square, j as u32);
                }
            }
        }
        found
    }
}

fn nearest(n: usize, k: usize) -> Vec<Nearest> {
    let empty = || Nearest {
        found: Vec::with_capacity(k + 1),
        k,
    };
    (0..n).map(|_| empty()).collect()
}
