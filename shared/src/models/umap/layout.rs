//! The layout of the training rows by stochastic gradient descent.
//!
//! In an epoch every vertex reads where the others were at the end of the epoch before and
//! moves itself alone, edge by edge. So epochs can be computed by any number of threads
//! with the same bits. An edge is symmetric: its vertex moves once for being its head and
//! once for being its tail.
//!
//! Written after the published algorithm (`McInnes`, `Healy`, `Melville` 2018) with the
//! behaviour of umap-learn (BSD-3-Clause, `Leland McInnes`) as the reference.

use rayon::prelude::*;

use super::{
    super::random::{Key, Stream},
    curve::Curve,
    forces::{Edge, Negatives, Point, rate},
    fuzzy::Graph,
};

/// Vertices that one thread moves at a time.
const BLOCK: usize = 128;
const INITIAL_RATE: f64 = 1.0;

/// Vertices `first..` and their edges.
struct Block {
    first: usize,
    starts: Vec<usize>,
    edges: Vec<Edge>,
}

/// Improves `points`, one for each vertex of `graph`, for `epochs` epochs.
pub(super) fn optimise<const D: usize>(
    graph: &Graph,
    points: Vec<Point<D>>,
    curve: Curve,
    epochs: usize,
    seed: u64,
) -> Vec<Point<D>> {
    let mut blocks = blocks(graph);
    let mut points = points;
    let mut next = points.clone();
    let key = Key::new(seed, Stream::NegativeFit);
    for epoch in 0..epochs {
        let rate = rate(INITIAL_RATE, epoch, epochs);
        blocks
            .par_iter_mut()
            .zip(next.par_chunks_mut(BLOCK))
            .for_each(|(block, next)| block.advance(&points, next, curve, epoch, rate, key));
        std::mem::swap(&mut points, &mut next);
    }
    points
}

fn blocks(graph: &Graph) -> Vec<Block> {
    let heaviest = graph.heaviest();
    (0..graph.n())
        .step_by(BLOCK)
        .map(|first| {
            let mut block = Block {
                first,
                starts: vec![0],
                edges: Vec::new(),
            };
            for vertex in first..graph.n().min(first + BLOCK) {
                let edges = graph.edges(vertex);
                block.edges.extend(edges.map(|(end, weight)| Edge::new(end, weight, heaviest)));
                block.starts.push(block.edges.len());
            }
            block
        })
        .collect()
}

impl Block {
    fn advance<const D: usize>(
        &mut self,
        points: &[Point<D>],
        next: &mut [Point<D>],
        curve: Curve,
        epoch: usize,
        rate: f64,
        key: Key,
    ) {
        for (i, next) in next.iter_mut().enumerate() {
            let vertex = self.first + i;
            let mut point = points[vertex];
            let counter = (epoch as u64) << 32;
            let mut negatives = Negatives::new(key.child(vertex as u64), counter, points.len());
            for edge in &mut self.edges[self.starts[i]..self.starts[i + 1]] {
                let Some(count) = edge.draw(epoch as f64) else {
                    continue;
                };
                let other = points[edge.end as usize];
                curve.attract(&mut point, &other, rate);
                for _ in 0..count {
                    let other = negatives.next();
                    if other != vertex {
                        curve.repel(&mut point, &points[other], rate);
                    }
                }
                curve.attract(&mut point, &other, rate);
            }
            *next = point;
        }
    }
}
