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

use std::sync::{Mutex, PoisonError, RwLock};

use super::{
    super::random::{Key, Stream},
    curve::Curve,
    descent::{Force, Lists, descend},
    forces::{Edge, Forces, Negatives, Point, rate, shift},
    fuzzy::Graph,
    team::Team,
};

/// Parts of an epoch; part of the result, and so no function of the number of threads.
const PHASES: usize = 16;
/// Vertices whose forces are listed together.
const LISTED: usize = 256;
/// Vertices that are worth a thread.
const WORTH: usize = 256;
const INITIAL_RATE: f64 = 1.0;

/// Vertices of a phase that one thread moves, from `first` on in the order of the phases, and
/// their edges.
struct Block {
    first: usize,
    starts: Vec<usize>,
    edges: Vec<Edge>,
}

/// What a thread has done in a phase.
struct Done<const D: usize> {
    first: usize,
    moved: Vec<Point<D>>,
    /// How its vertices pull on others. The first takes what repulsion does to other vertices,
    /// which is nothing.
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
    let threads = rayon::current_num_threads().min(n / WORTH).max(1);
    let shares: Vec<Mutex<Vec<Block>>> = shares(&graph, threads)
        .into_iter()
        .map(Mutex::new)
        .collect();
    let all_done: Vec<Mutex<Done<D>>> = (0..threads).map(|_| Mutex::new(Done::new())).collect();
    let points = RwLock::new(
        order
            .iter()
            .map(|&vertex| points[vertex])
            .collect::<Vec<_>>(),
    );
    let forces = Forces::new(curve);
    let team = Team::of(threads);
    team.run(|member| {
        let mut blocks = locked(&shares[member]);
        let mut lists = Lists::default();
        for epoch in 0..epochs {
            let shared = Epoch {
                forces: &forces,
                key: Key::new(seed, Stream::NegativeFit),
                number: epoch,
                rate: rate(INITIAL_RATE, epoch, epochs),
            };
            for block in blocks.iter_mut() {
                {
                    let points = points.read().unwrap_or_else(PoisonError::into_inner);
                    block.advance(&points, &mut locked(&all_done[member]), &shared, &mut lists);
                }
                team.wait()?;
                if member == 0 {
                    let mut points = points.write().unwrap_or_else(PoisonError::into_inner);
                    take_over(&all_done, &mut points);
                }
                team.wait()?;
            }
        }
        Ok(())
    });
    let points = points.into_inner().unwrap_or_else(PoisonError::into_inner);
    place.iter().map(|&i| points[i as usize]).collect()
}

/// Uncontended: members come here one after the other.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Moves the vertices of a phase, then applies their pulls in the order of the edges.
fn take_over<const D: usize>(all_done: &[Mutex<Done<D>>], points: &mut [Point<D>]) {
    for done in all_done {
        let done = locked(done);
        points[done.first..done.first + done.moved.len()].copy_from_slice(&done.moved);
    }
    for done in all_done {
        for (end, pull) in locked(done).pulls.iter().skip(1) {
            shift(&mut points[*end as usize], pull);
        }
    }
}

/// The blocks of each thread, one a phase, of about as many draws each.
fn shares(graph: &Graph, threads: usize) -> Vec<Vec<Block>> {
    let n = graph.n();
    let heaviest = graph.heaviest();
    let mut shares: Vec<Vec<Block>> = (0..threads).map(|_| Vec::new()).collect();
    let mut first = 0;
    for phase in 0..PHASES {
        let last = first + (phase..n).step_by(PHASES).count();
        let weight = |vertex: usize| {
            graph
                .edges(vertex)
                .map(|edge| f64::from(edge.1))
                .sum::<f64>()
        };
        let total: f64 = (first..last).map(weight).sum();
        let (mut from, mut seen) = (first, 0.0);
        for (thread, share) in shares.iter_mut().enumerate() {
            let limit = total * (thread + 1) as f64 / threads as f64;
            let mut to = from;
            while to < last && (seen < limit || thread + 1 == threads) {
                seen += weight(to);
                to += 1;
            }
            share.push(Block::new(graph, from, to, heaviest));
            from = to;
        }
        first = last;
    }
    shares
}

impl<const D: usize> Done<D> {
    fn new() -> Self {
        Self {
            first: 0,
            moved: Vec::new(),
            pulls: Vec::new(),
        }
    }
}

impl Block {
    fn new(graph: &Graph, first: usize, last: usize, heaviest: f32) -> Self {
        let mut block = Self {
            first,
            starts: vec![0],
            edges: Vec::new(),
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

    fn advance<const D: usize>(
        &mut self,
        points: &[Point<D>],
        done: &mut Done<D>,
        shared: &Epoch,
        lists: &mut Lists,
    ) {
        let n = self.starts.len() - 1;
        done.first = self.first;
        done.moved.clear();
        done.moved
            .extend_from_slice(&points[self.first..self.first + n]);
        done.pulls.clear();
        done.pulls.push((0, [0.0; D]));
        let mut first = 0;
        for moved in done.moved.chunks_mut(LISTED) {
            let vertices = first..first + moved.len();
            first = vertices.end;
            self.list(vertices, lists, &mut done.pulls, points.len(), shared);
            let pulls = &mut done.pulls;
            let pull = |tag: u32, step: &Point<D>| pulls[tag as usize].1 = step.map(|v| -v);
            descend(shared.forces, points, lists, moved, |_| shared.rate, pull);
        }
    }

    /// The forces of the epoch on each vertex; an attraction's tag is that of its pull.
    fn list<const D: usize>(
        &mut self,
        vertices: std::ops::Range<usize>,
        lists: &mut Lists,
        pulls: &mut Vec<(u32, Point<D>)>,
        n: usize,
        shared: &Epoch,
    ) {
        lists.clear();
        for i in vertices {
            let vertex = self.first + i;
            let key = shared.key.child(vertex as u64);
            let mut negatives = Negatives::new(key, (shared.number as u64) << 32, n);
            for edge in &mut self.edges[self.starts[i]..self.starts[i + 1]] {
                let Some(count) = edge.draw(shared.number as f64) else {
                    continue;
                };
                let tag = pulls.len() as u32;
                lists.forces.push(Force::attracts(edge.end, tag));
                pulls.push((edge.end, [0.0; D]));
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
