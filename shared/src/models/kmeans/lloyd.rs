//! Lloyd's iteration of one restart.

use super::Points;

/// Points whose distances are compared together: few enough to stay in registers.
const LANES: usize = 4;

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
        let before = labels.clone();
        assign_into(points, &centroids, &mut labels);
        let next = means(points, &centroids, &labels);
        let shift: f64 = next
            .iter()
            .zip(&centroids)
            .map(|(a, b)| (a - b) * (a - b))
            .sum();
        centroids = next;
        if before == labels {
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
    match points.columns.as_slice() {
        [x, y] => {
            let lanes = x
                .as_chunks::<LANES>()
                .0
                .iter()
                .zip(y.as_chunks::<LANES>().0);
            let (labels, rest) = labels.as_chunks_mut::<LANES>();
            for ((x, y), labels) in lanes.zip(&mut *labels) {
                *labels = nearest_lanes(x, y, centroids.as_chunks::<2>().0);
            }
            let first = labels.len() * LANES;
            assign_rows(points, centroids, first, rest);
        }
        _ => assign_rows(points, centroids, 0, labels),
    }
}

/// The nearest centroids of several points of the plane.
#[inline]
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

/// The nearest centroids of the points from `first` on, in any number of dimensions.
fn assign_rows(points: &Points, centroids: &[f64], first: usize, labels: &mut [u32]) {
    for (i, label) in labels.iter_mut().enumerate() {
        let mut nearest = f64::INFINITY;
        for (c, centroid) in centroids.chunks_exact(points.columns.len()).enumerate() {
            let distance = points.distance(first + i, centroid);
            if distance < nearest {
                nearest = distance;
                *label = c as u32;
            }
        }
    }
}

/// The means of the clusters. A cluster without points takes the point that is furthest
/// from its centroid; if there is none to take, it joins the largest cluster's mean.
fn means(points: &Points, centroids: &[f64], labels: &[u32]) -> Vec<f64> {
    let dims = points.columns.len();
    let k = centroids.len() / dims;
    let mut sums = vec![0.0; k * dims];
    let mut counts = vec![0.0_f64; k];
    if let [x, y] = points.columns.as_slice() {
        for ((&label, &x), &y) in labels.iter().zip(x).zip(y) {
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
            for (&label, &x) in labels.iter().zip(column) {
                sums[label as usize * dims + d] += x;
            }
        }
    }
    relocate_empty(points, centroids, labels, &mut sums, &mut counts);
    let mut largest = 0;
    for (c, &count) in counts.iter().enumerate() {
        if count > counts[largest] {
            largest = c;
        }
    }
    for (sum, &count) in sums.chunks_exact_mut(dims).zip(&counts) {
        if count > 0.0 {
            for s in sum {
                *s /= count;
            }
        }
    }
    for (c, &count) in counts.iter().enumerate() {
        if count == 0.0 {
            sums.copy_within(largest * dims..(largest + 1) * dims, c * dims);
        }
    }
    sums
}

fn relocate_empty(
    points: &Points,
    centroids: &[f64],
    labels: &[u32],
    sums: &mut [f64],
    counts: &mut [f64],
) {
    let empty: Vec<usize> = (0..counts.len()).filter(|&c| counts[c] == 0.0).collect();
    if empty.is_empty() {
        return;
    }
    let dims = points.columns.len();
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

/// Sum of the squared distances to the labelled centroids, in the order of the points.
pub(super) fn inertia(points: &Points, centroids: &[f64], labels: &[u32]) -> f64 {
    let dims = points.columns.len();
    let distance = |(row, &label): (usize, &u32)| {
        let own = label as usize * dims;
        points.distance(row, &centroids[own..own + dims])
    };
    labels.iter().enumerate().map(distance).sum()
}
