//! The forces of the layout, and the order in which edges are drawn.
//!
//! Written after the published algorithm (`McInnes`, `Healy`, `Melville` 2018) with the
//! behaviour of umap-learn (BSD-3-Clause, `Leland McInnes`) as the reference.

use super::{super::random::Key, curve::Curve};

/// Negative samples per edge drawn.
const NEGATIVES: f64 = 5.0;
/// Farthest that one force moves a coordinate, before the learning rate.
pub(super) const CLIP: f64 = 4.0;
/// Squared distances are tabulated from 2^-40 to 2^24, in 32 cells an octave.
const LOWEST: f64 = 1.0 / 1_099_511_627_776.0;
const HIGHEST: f64 = 16_777_215.0;
const CELLS: usize = 64 * 32;
/// Bits of a mantissa below those that choose the cell.
const WITHIN: u32 = 52 - 5;

/// A point while it is being laid out.
pub(super) type Point<const D: usize> = [f64; D];

/// Both forces by squared distance, as cubics on short cells: exact to 1e-7, and the same
/// on every machine, at a fraction of the cost of a power and a division.
pub(super) struct Forces {
    /// Attraction, then repulsion.
    cells: Box<[[f64; 4]; 2 * CELLS]>,
}

impl Forces {
    pub(super) fn new(curve: Curve) -> Self {
        let Curve { a, b } = curve;
        let mut cells = Box::new([[0.0; 4]; 2 * CELLS]);
        let (attraction, repulsion) = cells.split_at_mut(CELLS);
        tabulate(attraction, |square| {
            let power = libm::pow(square, b);
            -2.0 * a * b * power / (square * (a * power + 1.0))
        });
        tabulate(repulsion, |square| {
            2.0 * b / ((0.001 + square) * (a * libm::pow(square, b) + 1.0))
        });
        Self { cells }
    }

    /// How `p` moves towards `q` if `repels` is 0, or away from it if it is 1.
    #[inline]
    pub(super) fn step<const D: usize>(
        &self,
        p: &Point<D>,
        q: &Point<D>,
        repels: u32,
        rate: f64,
    ) -> Point<D> {
        let difference: Point<D> = std::array::from_fn(|d| p[d] - q[d]);
        let square = difference.iter().fold(0.0, |sum, d| sum + d * d);
        let strength = self.look_up(square, repels);
        difference.map(|d| (strength * d).clamp(-CLIP, CLIP) * rate)
    }

    #[inline]
    fn look_up(&self, square: f64, repels: u32) -> f64 {
        let bits = square.clamp(LOWEST, HIGHEST).to_bits();
        let cell = (bits >> WITHIN).wrapping_sub(LOWEST.to_bits() >> WITHIN) as usize;
        let [c0, c1, c2, c3] = self.cells[cell % CELLS + (repels & 1) as usize * CELLS];
        let t = within(bits);
        (c0 + c1 * t) + (c2 + c3 * t) * (t * t)
    }
}

/// The bits of a mantissa below those that choose the cell, as a number from 0 to 1/32.
#[inline]
fn within(bits: u64) -> f64 {
    f64::from_bits(bits & ((1 << WITHIN) - 1) | 1.0_f64.to_bits()) - 1.0
}

/// In each cell the cubic through four Chebyshev points of `force`.
fn tabulate(table: &mut [[f64; 4]], force: impl Fn(f64) -> f64) {
    let width = 1.0 / 32.0;
    let nodes: [f64; 4] = std::array::from_fn(|i| {
        let angle = std::f64::consts::PI * (2 * i + 1) as f64 / 8.0;
        width * (1.0 - libm::cos(angle)) / 2.0
    });
    for (cell, coefficients) in table.iter_mut().enumerate() {
        let start = f64::from_bits(LOWEST.to_bits() + ((cell as u64) << WITHIN));
        let octave = f64::from_bits(start.to_bits() >> 52 << 52);
        // Newton's divided differences, then the polynomial's coefficients
        let mut differences = nodes.map(|t| force(start + t * octave));
        for order in 1..4 {
            for i in (order..4).rev() {
                let across = nodes[i] - nodes[i - order];
                differences[i] = (differences[i] - differences[i - 1]) / across;
            }
        }
        let mut polynomial = [differences[3], 0.0, 0.0, 0.0];
        for i in (0..3).rev() {
            for power in (1..4).rev() {
                polynomial[power] = polynomial[power - 1] - nodes[i] * polynomial[power];
            }
            polynomial[0] = differences[i] - nodes[i] * polynomial[0];
        }
        *coefficients = polynomial;
    }
}

/// Adds `step` to `p`.
#[inline]
pub(super) fn shift<const D: usize>(p: &mut Point<D>, step: &Point<D>) {
    for (p, step) in p.iter_mut().zip(step) {
        *p += step;
    }
}

/// An edge and when it is drawn next: the heaviest edges every epoch, others in
/// proportion to their weight.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    pub(super) end: u32,
    every: f64,
    every_negative: f64,
    next: f64,
    next_negative: f64,
}

impl Edge {
    /// `weight` is at most `heaviest`.
    pub(super) fn new(end: u32, weight: f32, heaviest: f32) -> Self {
        Self::every(end, f64::from(heaviest) / f64::from(weight))
    }

    /// An edge that is drawn every so many epochs.
    pub(super) fn every(end: u32, every: f64) -> Self {
        Self {
            end,
            every,
            every_negative: every / NEGATIVES,
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
        let negatives = ((epoch - self.next_negative) / self.every_negative) as u32;
        self.next_negative += f64::from(negatives) * self.every_negative;
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
    fn tables_agree_with_the_formulas() {
        let (a, b) = (1.577, 0.895);
        let forces = Forces::new(Curve { a, b });
        for i in -3_900..2_390 {
            let square = libm::exp2(f64::from(i) / 100.0);
            let power = libm::pow(square, b);
            let attraction = -2.0 * a * b * power / square / (1.0 + a * power);
            let repulsion = 2.0 * b / (0.001 + square) / (1.0 + a * power);
            for (repels, exact) in [(0, attraction), (1, repulsion)] {
                let found = forces.look_up(square, repels);
                assert!((found / exact - 1.0).abs() < 1e-6, "{square}");
            }
        }
        assert!(forces.look_up(0.0, 0).is_finite());
        assert!(forces.look_up(f64::MAX, 1) > 0.0);
    }

    #[test]
    fn forces_point_the_right_way_and_are_bounded() {
        let forces = Forces::new(Curve { a: 1.577, b: 0.895 });
        let origin = [0.0, 0.0];
        let step = forces.step(&[2.0, 0.0], &origin, 0, 0.1);
        assert!(step[0] < 0.0 && step[1] == 0.0);
        let step = forces.step(&[0.5, 0.0], &origin, 1, 0.1);
        assert!(step[0] > 0.0 && step[0] <= 0.4);
        let step = forces.step(&[1e-4, 0.0], &origin, 1, 1.0);
        assert!(step[0] > 0.0 && step[0] <= 4.0);
        assert_eq!(forces.step(&origin, &origin, 0, 1.0), origin);
        assert_eq!(forces.step(&origin, &origin, 1, 1.0), origin);
    }
}
