//! The point of a customer that was not there in fit.
//!
//! A point depends on the customer's leaves and on the model alone. What umap-learn takes
//! from the batch (the mean distance, the heaviest membership, the number of epochs) is
//! frozen in the model, and random numbers are keyed by the leaves themselves.
//!
//! Written after the published algorithm (`McInnes`, `Healy`, `Melville` 2018) with the
//! behaviour of umap-learn (BSD-3-Clause, `Leland McInnes`) as the reference.

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::{
    super::random::{Key, Stream, mix},
    Umap,
    forces::{Edge, Forces, Negatives, Point, rate, shift},
    fuzzy::memberships_of_new,
    replay,
};

/// Epochs of a new point.
pub(super) const EPOCHS: usize = 100;
pub(super) const INITIAL_RATE: f64 = 0.25;

/// Points of new rows, one after the other.
pub(super) fn transform<const D: usize>(model: &Umap, leaves: ArrayView2<u32>) -> Vec<f32> {
    let k = model.n_neighbors.min(model.n());
    let neighbors = model.index.nearest(leaves, k);
    let embedding = model.embedding.as_slice().unwrap_or(&[]);
    let (training, _) = embedding.as_chunks::<D>();
    let single = training;
    let training: Vec<Point<D>> = training.iter().map(|p| p.map(f64::from)).collect();
    let forces = Forces::new(model.curve);
    let mut points = vec![0.0_f32; leaves.nrows() * D];
    points
        .par_chunks_exact_mut(D)
        .enumerate()
        .for_each(|(row, out)| {
            let (indices, distances) = neighbors.row(row);
            let known = indices
                .first()
                .zip(distances.first())
                .filter(|(_, d)| **d == 0.0);
            let point = match known {
                Some((&same, _)) if model.snap_exact => training[same as usize],
                _ => {
                    if let Some(batch) = model.replay {
                        out.copy_from_slice(&replay::place(
                            model, single, indices, distances, batch,
                        ));
                        return;
                    }
                    let hash = leaves
                        .row(row)
                        .iter()
                        .fold(0, |h, &leaf| mix(h ^ u64::from(leaf)));
                    let key = Key::new(model.seed, Stream::NegativeTransform).child(hash);
                    place(model, &forces, &training, indices, distances, key)
                }
            };
            for (out, coordinate) in out.iter_mut().zip(point) {
                *out = coordinate as f32;
            }
        });
    points
}

fn place<const D: usize>(
    model: &Umap,
    forces: &Forces,
    training: &[Point<D>],
    indices: &[u32],
    distances: &[f32],
    key: Key,
) -> Point<D> {
    let weights = memberships_of_new(distances, model.mean_distance);
    let mut point = start(training, indices, &weights);
    let heaviest = model.heaviest;
    let least = f64::from(heaviest) / EPOCHS as f64;
    let mut edges: Vec<Edge> = indices
        .iter()
        .zip(&weights)
        .filter(|edge| f64::from(*edge.1) >= least)
        .map(|(&end, &weight)| Edge::new(end, weight.min(heaviest), heaviest))
        .collect();
    let mut negatives = Negatives::new(key, 0, training.len());
    for epoch in 0..EPOCHS {
        let rate = rate(INITIAL_RATE, epoch, EPOCHS);
        for edge in &mut edges {
            let Some(count) = edge.draw(epoch as f64) else {
                continue;
            };
            let step = forces.attract(&point, &training[edge.end as usize], rate);
            shift(&mut point, &step);
            for _ in 0..count {
                let step = forces.repel(&point, &training[negatives.next()], rate);
                shift(&mut point, &step);
            }
        }
    }
    point
}

/// The mean of the neighbours' points by membership; a full member's own point.
fn start<const D: usize>(training: &[Point<D>], indices: &[u32], weights: &[f32]) -> Point<D> {
    let mut point = [0.0; D];
    let mut total = 0.0;
    for (&index, &weight) in indices.iter().zip(weights) {
        let neighbor = &training[index as usize];
        if weight == 1.0 {
            return *neighbor;
        }
        let weight = f64::from(weight);
        total += weight;
        for (sum, coordinate) in point.iter_mut().zip(neighbor) {
            *sum += weight * coordinate;
        }
    }
    if total > 0.0 {
        point.map(|sum| sum / total)
    } else {
        point
    }
}
