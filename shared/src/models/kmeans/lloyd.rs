//! Lloyd's iteration of one restart.

use rayon::prelude::*;

use super::Points;

/// Points whose distances are compared together: few enough to stay in registers.
const LANES: usize = 8;
/// Points whose sums are added up on their own. Part of the result, as sums round, and so no
/// function of the number of threads.
const BLOCK: usize = 1 << 14;

/// Where a restart ended.
pub(super) struct Restart {
    pub(super) centroids: Vec<f64>,
    pub(super) labels: Vec<u32>,
    pub(super) inertia: f64,
    pub(super) n_iter: usize,
}

/// Iterates from `centroids` until the labels stay the same, or the centroids move by at
/// most `tol` (squared, summed), or for `max_iter` iterations.
pub(super) fn run(points: &Points, centroids: Vec<f64>, max_iter: usize, tol: f64) -> Restart {
    let mut centroids = centroids;
    let mut labels = vec![u32::MAX; points.n];
    let mut n_iter = 0;
    let mut strict = false;
    while n_iter < max_iter {
        n_iter += 1;
        let mut sums = Sums::of(points, &centroids, &mut labels);
        sums.relocate_empty(points, &centroids, &labels);
        let next = sums.means();
        let shift: f64 = next
            .iter()
            .zip(&centroids)
            .map(|(a, b)| (a - b) * (a - b))
            .sum();
        centroids = next;
        if !sums.changed {
            strict = true;
            break;
        }
        if shift <= tol {
            break;
        }
    }
    if !strict {
        assign_into(points, &centroids, &mut labels);
    }
    let inertia = inertia(points, &centroids, &labels);
    Restart {
        centroids,
        labels,
        inertia,
        n_iter,
    }
}

/// The nearest centroid of each point; the lowest of equally near ones.
pub(super) fn assign(points: &Points, centroids: &[f64]) -> Vec<u32> {
    let mut labels = vec![0; points.n];
    assign_into(points, centroids, &mut labels);
    labels
}

fn assign_into(points: &Points, centroids: &[f64], labels: &mut [u32]) {
    let blocks = labels.par_chunks_mut(BLOCK).enumerate();
    blocks.for_each(|(block, labels)| {
        assign_block(points, block * BLOCK, centroids, labels);
    });
}

/// Labels the points from `first` on; whether any label is another than before.
///
/// Compiled for wider vectors, too: the arithmetic is the same on every machine.
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn assign_block(points: &Points, first: usize, centroids: &[f64], labels: &mut [u32]) -> bool {
    let [x, y] = points.columns.as_slice() else {
        return assign_rows(points, centroids, first, labels);
    };
    let last = first + labels.len();
    let (x, _) = x[first..last].as_chunks::<LANES>();
    let (y, _) = y[first..last].as_chunks::<LANES>();
    let (lanes, rest) = labels.as_chunks_mut::<LANES>();
    let done = first + lanes.len() * LANES;
    let centroids_2d = centroids.as_chunks::<2>().0;
    let mut changed = 0;
    for ((x, y), labels) in x.iter().zip(y).zip(lanes) {
        let nearest = nearest_lanes(x, y, centroids_2d);
        for (label, nearest) in labels.iter_mut().zip(nearest) {
            changed |= *label ^ nearest;
            *label = nearest;
        }
    }
    let rest_changed = assign_rows(points, centroids, done, rest);
    rest_changed || changed != 0
}

/// The nearest centroids of several points of the plane.
#[expect(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the caller's vectors"
)]
#[inline(always)]
fn nearest_lanes(x: &[f64; LANES], y: &[f64; LANES], centroids: &[[f64; 2]]) -> [u32; LANES] {
    let mut nearest = [f64::INFINITY; LANES];
    // labels as floats: a blend of two lanes of equal width is one instruction
    let mut label = [0.0_f64; LANES];
    let mut number = 0.0;
    for &[cx, cy] in centroids {
        for i in 0..LANES {
            let (dx, dy) = (x[i] - cx, y[i] - cy);
            let distance = dx * dx + dy * dy;
            label[i] = if distance < nearest[i] {
                number
            } else {
                label[i]
            };
            nearest[i] = if distance < nearest[i] {
                distance
            } else {
                nearest[i]
            };
        }
        number += 1.0;
    }
    label.map(|label| label as u32)
}

/// [`assign_block`] in any number of dimensions.
fn assign_rows(points: &Points, centroids: &[f64], first: usize, labels: &mut [u32]) -> bool {
    let mut changed = false;
    for (i, label) in labels.iter_mut().enumerate() {
        let mut nearest = f64::INFINITY;
        let before = *label;
        for (c, centroid) in centroids.chunks_exact(points.columns.len()).enumerate() {
            let distance = points.distance(first + i, centroid);
            if distance < nearest {
                nearest = distance;
                *label = c as u32;
            }
        }
        changed |= *label != before;
    }
    changed
}

/// The points of each cluster, added up.
struct Sums {
    dims: usize,
    sums: Vec<f64>,
    counts: Vec<f64>,
    /// Whether a point has another cluster than before.
    changed: bool,
}

impl Sums {
    /// Labels the points by `centroids` and adds them up by label.
    fn of(points: &Points, centroids: &[f64], labels: &mut [u32]) -> Self {
        let block = |(block, labels): (usize, &mut [u32])| {
            let first = block * BLOCK;
            let changed = assign_block(points, first, centroids, labels);
            let mut sums = Self::of_block(points, first, labels, centroids.len());
            sums.changed = changed;
            sums
        };
        if labels.len() <= BLOCK {
            return block((0, labels));
        }
        let blocks = labels.par_chunks_mut(BLOCK).enumerate();
        let blocks: Vec<Self> = blocks.map(block).collect();
        let mut total = Self {
            dims: points.columns.len(),
            sums: vec![0.0; centroids.len()],
            counts: vec![0.0; centroids.len() / points.columns.len()],
            changed: false,
        };
        for block in blocks {
            for (total, sum) in total.sums.iter_mut().zip(block.sums) {
                *total += sum;
            }
            for (total, count) in total.counts.iter_mut().zip(block.counts) {
                *total += count;
            }
            total.changed |= block.changed;
        }
        total
    }

    fn of_block(points: &Points, first: usize, labels: &[u32], coordinates: usize) -> Self {
        let dims = points.columns.len();
        let mut sums = vec![0.0; coordinates];
        let mut counts = vec![0.0_f64; coordinates / dims];
        let rows = first..first + labels.len();
        if let [x, y] = points.columns.as_slice() {
            for ((&label, &x), &y) in labels.iter().zip(&x[rows.clone()]).zip(&y[rows]) {
                let label = label as usize;
                sums[2 * label] += x;
                sums[2 * label + 1] += y;
                counts[label] += 1.0;
            }
        } else {
            for &label in labels {
                counts[label as usize] += 1.0;
            }
            for (d, column) in points.columns.iter().enumerate() {
                for (&label, &x) in labels.iter().zip(&column[rows.clone()]) {
                    sums[label as usize * dims + d] += x;
                }
            }
        }
        Self {
            dims,
            sums,
            counts,
            changed: false,
        }
    }

    /// The means of the clusters. One without points joins the largest cluster's mean.
    fn means(&self) -> Vec<f64> {
        let (dims, counts) = (self.dims, &self.counts);
        let mut means = self.sums.clone();
        let mut largest = 0;
        for (c, &count) in counts.iter().enumerate() {
            if count > counts[largest] {
                largest = c;
            }
        }
        for (mean, &count) in means.chunks_exact_mut(dims).zip(counts) {
            if count > 0.0 {
                for m in mean {
                    *m /= count;
                }
            }
        }
        for (c, &count) in counts.iter().enumerate() {
            if count == 0.0 {
                means.copy_within(largest * dims..(largest + 1) * dims, c * dims);
            }
        }
        means
    }

    /// A cluster without points takes the point that is furthest from its centroid, if there
    /// is one to take.
    fn relocate_empty(&mut self, points: &Points, centroids: &[f64], labels: &[u32]) {
        let Self {
            dims, sums, counts, ..
        } = self;
        let dims = *dims;
        let empty: Vec<usize> = (0..counts.len()).filter(|&c| counts[c] == 0.0).collect();
        if empty.is_empty() {
            return;
        }
        let distance = |row: usize| {
            let own = labels[row] as usize * dims;
            points.distance(row, &centroids[own..own + dims])
        };
        let mut far: Vec<(f64, usize)> = (0..points.n).map(|row| (distance(row), row)).collect();
        far.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        if far.first().is_none_or(|f| f.0 == 0.0) {
            return;
        }
        for (&cluster, &(_, row)) in empty.iter().zip(&far) {
            let old = labels[row] as usize;
            for (d, x) in points.row(row).enumerate() {
                sums[old * dims + d] -= x;
                sums[cluster * dims + d] = x;
            }
            counts[old] -= 1.0;
            counts[cluster] = 1.0;
        }
    }
}

/// Sum of the squared distances to the labelled centroids, block by block in the order of the
/// points.
pub(super) fn inertia(points: &Points, centroids: &[f64], labels: &[u32]) -> f64 {
    let dims = points.columns.len();
    let block = |(block, labels): (usize, &[u32])| -> f64 {
        let distance = |(i, &label): (usize, &u32)| {
            let own = label as usize * dims;
            points.distance(block * BLOCK + i, &centroids[own..own + dims])
        };
        labels.iter().enumerate().map(distance).sum()
    };
    let blocks = labels.par_chunks(BLOCK).enumerate();
    let sums: Vec<f64> = blocks.map(block).collect();
    sums.iter().sum()
}
