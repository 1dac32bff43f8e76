//! The forces of the layout, and the order in which edges are drawn.
//!
//! Written after the published algorithm (`McInnes`, `Healy`, `Melville` 2018) with the
//! behaviour of umap-learn (BSD-3-Clause, `Leland McInnes`) as the reference.

use super::{super::random::Key, curve::Curve, math::pow};

/// Negative samples per edge drawn.
const NEGATIVES: f64 = 5.0;
/// Farthest that one force moves a coordinate, before the learning rate.
const CLIP: f64 = 4.0;
/// Squared distances below this count as none.
const NONE: f64 = 1e-60;

/// A point while it is being laid out.
pub(super) type Point<const D: usize> = [f64; D];

#[inline]
fn square_distance<const D: usize>(p: &Point<D>, q: &Point<D>) -> f64 {
    let mut sum = 0.0;
    for d in 0..D {
        sum += (p[d] - q[d]) * (p[d] - q[d]);
    }
    sum
}

#[inline]
fn push<const D: usize>(p: &mut Point<D>, q: &Point<D>, strength: f64, rate: f64) {
    for d in 0..D {
        p[d] += (strength * (p[d] - q[d])).clamp(-CLIP, CLIP) * rate;
    }
}

impl Curve {
    /// Moves `p` towards `q`.
    #[inline]
    pub(super) fn attract<const D: usize>(self, p: &mut Point<D>, q: &Point<D>, rate: f64) {
        let square = square_distance(p, q);
        if square > NONE {
            let power = pow(square, self.b);
            let strength = -2.0 * self.a * self.b * power / (square * (self.a * power + 1.0));
            push(p, q, strength, rate);
        }
    }

    /// Moves `p` away from `q`.
    #[inline]
    pub(super) fn repel<const D: usize>(self, p: &mut Point<D>, q: &Point<D>, rate: f64) {
        let square = square_distance(p, q);
        if square > NONE {
            let power = pow(square, self.b);
            let strength = 2.0 * self.b / ((0.001 + square) * (self.a * power + 1.0));
            push(p, q, strength, rate);
        }
    }
}

/// An edge and when it is drawn next: the heaviest edges every epoch, others in
/// proportion to their weight.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    pub(super) end: u32,
    every: f64,
    next: f64,
    next_negative: f64,
}

impl Edge {
    /// `weight` is at most `heaviest`.
    pub(super) fn new(end: u32, weight: f32, heaviest: f32) -> Self {
        let every = f64::from(heaviest) / f64::from(weight);
        Self {
            end,
            every,
            next: every,
            next_negative: every / NEGATIVES,
        }
    }

    /// If the edge is drawn in this epoch: how many negative samples go with it.
    #[inline]
    pub(super) fn draw(&mut self, epoch: f64) -> Option<u32> {
        if self.next > epoch {
            return None;
        }
        self.next += self.every;
        let every_negative = self.every / NEGATIVES;
        let negatives = ((epoch - self.next_negative) / every_negative) as u32;
        self.next_negative += f64::from(negatives) * every_negative;
        Some(negatives)
    }
}

/// Negative samples for one vertex: vertices drawn by counter.
pub(super) struct Negatives {
    key: Key,
    counter: u64,
    n: usize,
}

impl Negatives {
    pub(super) fn new(key: Key, counter: u64, n: usize) -> Self {
        Self { key, counter, n }
    }

    #[inline]
    pub(super) fn next(&mut self) -> usize {
        self.counter = self.counter.wrapping_add(1);
        self.key.below(self.counter, self.n)
    }
}

/// The learning rate of an epoch: full in the first two, then falling to 0.
pub(super) fn rate(initial: f64, epoch: usize, epochs: usize) -> f64 {
    initial * (1.0 - epoch.saturating_sub(1) as f64 / epochs as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_drawn_in_proportion_to_their_weight() {
        let drawn = |weight: f32| {
            let mut edge = Edge::new(0, weight, 1.0);
            let draws = (0..500).filter_map(|epoch| edge.draw(f64::from(epoch)));
            draws.fold((0, 0), |(edges, negatives), n| (edges + 1, negatives + n))
        };
        assert_eq!(drawn(1.0), (499, 2494));
        let (edges, negatives) = drawn(0.1);
        assert_eq!(edges, 49);
        assert!((240..=250).contains(&negatives));
    }

    #[test]
    fn forces_point_the_right_way_and_are_bounded() {
        let curve = Curve { a: 1.577, b: 0.895 };
        let q = [0.0, 0.0];
        let mut p = [2.0, 0.0];
        curve.attract(&mut p, &q, 0.1);
        assert!(p[0] < 2.0 && p[1] == 0.0);
        let mut p = [0.5, 0.0];
        curve.repel(&mut p, &q, 0.1);
        assert!(p[0] > 0.5 && p[0] <= 0.9);
        let mut p = [1e-9, 0.0];
        curve.repel(&mut p, &q, 1.0);
        assert!(p[0] > 0.0 && p[0] <= 4.1);
        let mut p = q;
        curve.attract(&mut p, &q, 1.0);
        curve.repel(&mut p, &q, 1.0);
        assert_eq!(p, q);
    }
}
