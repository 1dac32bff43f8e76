//! The layout of the training rows by stochastic gradient descent.
//!
//! An epoch goes through the vertices in a fixed number of phases. In a phase a vertex
//! reads where the others were at its start, moves itself along its edges, and notes how
//! it pulls on their other ends; at the end of the phase those pulls are applied in the
//! order of the edges. So any number of threads computes the same bits, and phases are
//! small enough that the layout is that of a sequential descent.
//!
//! Written after the published algorithm (`McInnes`, `Healy`, `Melville` 2018) with the
//! behaviour of umap-learn (BSD-3-Clause, `Leland McInnes`) as the reference.

use rayon::prelude::*;

use super::{
    super::random::{Key, Stream},
    curve::Curve,
    descent::{Force, Lists, descend},
    forces::{Edge, Forces, Negatives, Point, rate, shift},
    fuzzy::Graph,
};

/// Parts of an epoch; part of the result, and so no function of the number of threads.
const PHASES: usize = 16;
/// Fewest and most vertices that one thread moves at a time.
const BLOCKS: (usize, usize) = (16, 256);
/// Blocks of a phase for each thread: no fewer, so that none waits long for another.
const SHARES: usize = 2;
const INITIAL_RATE: f64 = 1.0;

/// Vertices that move at the same time: `first..last` in the order of the phases.
struct Phase<const D: usize> {
    first: usize,
    last: usize,
    /// Vertices of a block. Not part of the result: each vertex moves by itself.
    block: usize,
    blocks: Vec<Block<D>>,
}

/// Vertices from `first` on, their edges, and how they pull on other vertices.
struct Block<const D: usize> {
    first: usize,
    starts: Vec<usize>,
    edges: Vec<Edge>,
    /// The first takes what repulsion does to other vertices, which is nothing.
    pulls: Vec<(u32, Point<D>)>,
}

/// What all vertices share in an epoch.
struct Epoch<'a> {
    forces: &'a Forces,
    key: Key,
    number: usize,
    rate: f64,
}

/// Improves `points`, one for each vertex of `graph`, for `epochs` epochs.
pub(super) fn optimise<const D: usize>(
    graph: &Graph,
    points: &[Point<D>],
    curve: Curve,
    epochs: usize,
    seed: u64,
) -> Vec<Point<D>> {
    let n = graph.n();
    let order: Vec<usize> = (0..PHASES)
        .flat_map(|phase| (phase..n).step_by(PHASES))
        .collect();
    let mut place = vec![0_u32; n];
    for (i, &vertex) in order.iter().enumerate() {
        place[vertex] = i as u32;
    }
    let graph = Graph::from_rows(order.iter().map(|&vertex| {
        let edges = graph.edges(vertex);
        edges
            .map(|(end, weight)| (place[end as usize], weight))
            .collect()
    }));
    let mut phases = phases(&graph);
    let mut points: Vec<Point<D>> = order.iter().map(|&vertex| points[vertex]).collect();
    let mut moved = points.clone();
    let forces = Forces::new(curve);
    for epoch in 0..epochs {
        let shared = Epoch {
            forces: &forces,
            key: Key::new(seed, Stream::NegativeFit),
            number: epoch,
            rate: rate(INITIAL_RATE, epoch, epochs),
        };
        for phase in &mut phases {
            let range = phase.first..phase.last;
            phase
                .blocks
                .par_iter_mut()
                .zip(moved[range.clone()].par_chunks_mut(phase.block))
                .for_each_init(Lists::default, |lists, (block, moved)| {
                    block.advance(&points, moved, &shared, lists);
                });
            points[range.clone()].copy_from_slice(&moved[range]);
            let pulls = phase
                .blocks
                .iter()
                .flat_map(|block| block.pulls.iter().skip(1));
            for (end, pull) in pulls {
                shift(&mut points[*end as usize], pull);
            }
        }
    }
    place.iter().map(|&i| points[i as usize]).collect()
}

fn phases<const D: usize>(graph: &Graph) -> Vec<Phase<D>> {
    let n = graph.n();
    let heaviest = graph.heaviest();
    let mut first = 0;
    let mut phases = Vec::with_capacity(PHASES);
    for phase in 0..PHASES {
        let last = first + (phase..n).step_by(PHASES).count();
        let shares = SHARES * rayon::current_num_threads();
        let size = (last - first).div_ceil(shares).clamp(BLOCKS.0, BLOCKS.1);
        let block = |first: usize| Block::new(graph, first, last.min(first + size), heaviest);
        phases.push(Phase {
            first,
            last,
            block: size,
            blocks: (first..last).step_by(size).map(block).collect(),
        });
        first = last;
    }
    phases
}

impl<const D: usize> Block<D> {
    fn new(graph: &Graph, first: usize, last: usize, heaviest: f32) -> Self {
        let mut block = Self {
            first,
            starts: vec![0],
            edges: Vec::new(),
            pulls: Vec::new(),
        };
        for vertex in first..last {
            let edges = graph.edges(vertex);
            block
                .edges
                .extend(edges.map(|(end, weight)| Edge::new(end, weight, heaviest)));
            block.starts.push(block.edges.len());
        }
        block
    }

    fn advance(
        &mut self,
        points: &[Point<D>],
        moved: &mut [Point<D>],
        shared: &Epoch,
        lists: &mut Lists,
    ) {
        moved.copy_from_slice(&points[self.first..self.first + moved.len()]);
        self.list(lists, points.len(), shared);
        let pulls = &mut self.pulls;
        let pull = |tag: u32, step: &Point<D>| pulls[tag as usize].1 = step.map(|v| -v);
        descend(shared.forces, points, lists, moved, |_| shared.rate, pull);
    }

    /// The forces of the epoch on each vertex; an attraction's tag is that of its pull.
    fn list(&mut self, lists: &mut Lists, n: usize, shared: &Epoch) {
        lists.clear();
        self.pulls.clear();
        self.pulls.push((0, [0.0; D]));
        for (i, ends) in self.starts.windows(2).enumerate() {
            let vertex = self.first + i;
            let key = shared.key.child(vertex as u64);
            let mut negatives = Negatives::new(key, (shared.number as u64) << 32, n);
            for edge in &mut self.edges[ends[0]..ends[1]] {
                let Some(count) = edge.draw(shared.number as f64) else {
                    continue;
                };
                let tag = self.pulls.len() as u32;
                lists.forces.push(Force::attracts(edge.end, tag));
                self.pulls.push((edge.end, [0.0; D]));
                lists.forces.reserve(count as usize);
                for _ in 0..count {
                    let negative = negatives.next();
                    if negative != vertex {
                        lists.forces.push(Force::repels(negative, 0));
                    }
                }
            }
            lists.end();
        }
    }
}
