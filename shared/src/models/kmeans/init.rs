//! First centroids of a restart.

use super::super::random::Key;
use super::{Init, Points};

/// Coordinates of `k` centroids, one after the other.
pub(super) fn centroids(init: Init, points: &Points, k: usize, key: Key) -> Vec<f64> {
    let rows = match init {
        Init::Random => key.distinct(k, points.n),
        Init::KMeansPlusPlus => plus_plus(points, k, key),
    };
    rows.iter()
        .flat_map(|&row| points.row(row as usize))
        .collect()
}

fn plus_plus(points: &Points, k: usize, key: Key) -> Vec<u32> {
    let n = points.n;
    let trials = 2 + libm::log(k as f64) as usize;
    let mut counter = 0..;
    let mut unit = || key.unit(counter.next().unwrap_or(0));
    let first = ((unit() * n as f64) as usize).min(n - 1);
    let mut rows = vec![first as u32];
    let mut closest = vec![0.0; n];
    distances_to_row(points, first, &mut closest);
    let mut candidate = vec![0.0; n];
    let mut best = vec![0.0; n];
    let mut cumulated = vec![0.0; n];
    while rows.len() < k {
        let mut potential = 0.0;
        for (sum, d) in cumulated.iter_mut().zip(&closest) {
            potential += d;
            *sum = potential;
        }
        let mut best_potential = f64::INFINITY;
        let mut best_row = 0;
        for _ in 0..trials {
            let target = unit() * potential;
            let row = cumulated.partition_point(|&sum| sum < target).min(n - 1);
            distances_to_row(points, row, &mut candidate);
            for (d, &old) in candidate.iter_mut().zip(&closest) {
                *d = d.min(old);
            }
            let potential = candidate.iter().sum::<f64>();
            if potential < best_potential {
                best_potential = potential;
                best_row = row;
                std::mem::swap(&mut best, &mut candidate);
            }
        }
        rows.push(best_row as u32);
        std::mem::swap(&mut closest, &mut best);
    }
    rows
}

fn distances_to_row(points: &Points, row: usize, out: &mut [f64]) {
    let centroid: Vec<f64> = points.row(row).collect();
    points.distances(0, &centroid, out);
}
