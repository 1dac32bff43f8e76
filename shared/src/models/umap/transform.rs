//! The point of a customer that was not there in fit.
//!
//! A point depends on the customer's leaves and on the model alone. What umap-learn takes
//! from the batch (the mean distance, the heaviest membership, the number of epochs) is
//! frozen in the model, and random numbers are keyed by the leaves themselves.
//!
//! Written after the published algorithm (`McInnes`, `Healy`, `Melville` 2018) with the
//! behaviour of umap-learn (BSD-3-Clause, `Leland McInnes`) as the reference.

use ndarray::{ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

use super::{
    super::random::{Key, Stream},
    Umap,
    descent::{Force, Lists, descend},
    forces::{Edge, Forces, Negatives, Point, rate},
    fuzzy::memberships_of_new,
    known,
    neighbors::Neighbors,
    replay,
};

/// Epochs of a new point.
pub(super) const EPOCHS: usize = 100;
pub(super) const INITIAL_RATE: f64 = 0.25;

/// Rows whose neighbours are in memory at a time.
const AT_ONCE: usize = 1 << 16;
/// Rows that one thread places at a time.
const BLOCK: usize = 16;

/// Points of rows, one after the other. Those that training rows have the leaves of are looked
/// up where they are many: the same points as by their neighbours.
pub(super) fn transform<const D: usize>(model: &Umap, leaves: ArrayView2<u32>) -> Vec<f32> {
    let Some(known) = model.known(leaves.nrows()) else {
        return by_neighbors::<D>(model, leaves);
    };
    let found = known.find(model.leaves(), leaves);
    let strangers: Vec<usize> = (0..found.len())
        .filter(|&row| found[row].is_none())
        .collect();
    let mut others = Vec::with_capacity(strangers.len() * D);
    for rows in strangers.chunks(AT_ONCE) {
        others.extend(by_neighbors::<D>(
            model,
            leaves.select(Axis(0), rows).view(),
        ));
    }
    let embedding = model.embedding.as_slice().unwrap_or(&[]);
    let mut points = Vec::with_capacity(found.len() * D);
    let mut others = others.chunks_exact(D);
    for row in found {
        let point = row.map(|row| &embedding[row as usize * D..][..D]);
        points.extend(point.or_else(|| others.next()).unwrap_or(&[0.0; D]));
    }
    points
}

fn by_neighbors<const D: usize>(model: &Umap, leaves: ArrayView2<u32>) -> Vec<f32> {
    if leaves.is_empty() {
        return Vec::new();
    }
    let k = model.n_neighbors.min(model.n());
    let neighbors = model.index.nearest(leaves, k);
    let embedding = model.embedding.as_slice().unwrap_or(&[]);
    let (single, _) = embedding.as_chunks::<D>();
    let training: Vec<Point<D>> = single.iter().map(|p| p.map(f64::from)).collect();
    let place = Place {
        model,
        single,
        training: &training,
        forces: Forces::new(model.curve),
        rates: (0..EPOCHS)
            .map(|epoch| rate(INITIAL_RATE, epoch, EPOCHS))
            .collect(),
    };
    let mut points = vec![0.0_f32; leaves.nrows() * D];
    points
        .par_chunks_mut(BLOCK * D)
        .enumerate()
        .for_each(|(block, out)| place.block(block * BLOCK, leaves, &neighbors, out));
    points
}

/// What all new rows have in common.
struct Place<'a, const D: usize> {
    model: &'a Umap,
    single: &'a [[f32; D]],
    training: &'a [Point<D>],
    forces: Forces,
    rates: Vec<f64>,
}

impl<const D: usize> Place<'_, D> {
    /// Places the rows from `first` on.
    fn block(&self, first: usize, leaves: ArrayView2<u32>, neighbors: &Neighbors, out: &mut [f32]) {
        let mut lists = Lists::default();
        let mut points = Vec::with_capacity(BLOCK);
        for row in first..first + out.len() / D {
            let (indices, distances) = neighbors.row(row);
            points.push(self.start(leaves.row(row), indices, distances, &mut lists));
            lists.end();
        }
        let rates = |epoch: u32| self.rates[epoch as usize];
        descend(
            &self.forces,
            self.training,
            &lists,
            &mut points,
            rates,
            |_, _| {},
        );
        for (out, coordinate) in out.iter_mut().zip(points.iter().flatten()) {
            *out = *coordinate as f32;
        }
    }

    /// Where a row starts, and the forces that it moves by from there: none if it stays.
    fn start(
        &self,
        leaves: ArrayView1<u32>,
        indices: &[u32],
        distances: &[f32],
        lists: &mut Lists,
    ) -> Point<D> {
        let model = self.model;
        let nearest = indices.first().zip(distances.first());
        let known = nearest.filter(|(_, distance)| **distance == 0.0);
        if let Some((&same, _)) = known.filter(|_| model.snap_exact) {
            return self.training[same as usize];
        }
        if let Some(batch) = model.replay {
            let point = replay::place(model, self.single, indices, distances, batch);
            return point.map(f64::from);
        }
        let weights = memberships_of_new(distances, model.mean_distance);
        let key = Key::new(model.seed, Stream::NegativeTransform).child(known::hash(leaves));
        self.list(indices, &weights, key, lists);
        mean(self.training, indices, &weights)
    }

    fn list(&self, indices: &[u32], weights: &[f32], key: Key, lists: &mut Lists) {
        let heaviest = self.model.heaviest;
        let least = f64::from(heaviest) / EPOCHS as f64;
        let mut edges: Vec<Edge> = indices
            .iter()
            .zip(weights)
            .filter(|edge| f64::from(*edge.1) >= least)
            .map(|(&end, &weight)| Edge::new(end, weight.min(heaviest), heaviest))
            .collect();
        let mut negatives = Negatives::new(key, 0, self.training.len());
        for epoch in 0..EPOCHS as u32 {
            for edge in &mut edges {
                let Some(count) = edge.draw(f64::from(epoch)) else {
                    continue;
                };
                lists.forces.push(Force::attracts(edge.end, epoch));
                lists.forces.reserve(count as usize);
                for _ in 0..count {
                    lists.forces.push(Force::repels(negatives.next(), epoch));
                }
            }
        }
    }
}

/// The mean of the neighbours' points by membership; a full member's own point.
fn mean<const D: usize>(training: &[Point<D>], indices: &[u32], weights: &[f32]) -> Point<D> {
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
