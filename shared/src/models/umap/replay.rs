//! The point of a new customer by the very steps of umap-learn 0.5, for models that it fitted.
//!
//! Its transform draws negative samples from one generator a row, whose state is the batch's
//! (which is that of `transform_seed`, the same in every batch) shifted by the bits of the
//! row's own first coordinate. So the draws are the row's own, and can be replayed, if the
//! first coordinate is the same to the last bit: hence single precision here, in its order.
//! What does depend on its batch is frozen, as in [`super::transform`].
//!
//! Written after the published algorithm (`McInnes`, `Healy`, `Melville` 2018) with the
//! behaviour of umap-learn (BSD-3-Clause, `Leland McInnes`) as the reference; the generator
//! is L'Ecuyer's combined Tausworthe (Math. Comp. 65, 1996).

use super::{
    Umap,
    curve::Curve,
    forces::{CLIP, Edge, rate},
    fuzzy::{BISECTIONS, FLOOR, TOLERANCE},
    transform::{EPOCHS, INITIAL_RATE},
};

/// The state of a combined Tausworthe generator, in 64-bit words as umap-learn keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tausworthe([i64; 3]);

const LOW: i64 = 0xFFFF_FFFF;

impl Tausworthe {
    /// The generator of a row whose first layout begins with `coordinate`.
    fn of_row(batch: [i64; 3], coordinate: f32) -> Self {
        let bits = f64::from(coordinate).to_bits().cast_signed();
        Self(batch.map(|word| word.wrapping_add(bits)))
    }

    fn next(&mut self) -> i32 {
        let step = |word: i64, mask: i64, up: u32, mix: u32, down: u32| {
            (((word & mask) << up) & LOW) ^ ((((word << mix) & LOW) ^ word) >> down)
        };
        let [a, b, c] = self.0;
        self.0 = [
            step(a, 0xFFFF_FFFE, 12, 13, 19),
            step(b, 0xFFFF_FFF8, 4, 2, 25),
            step(c, 0xFFFF_FFF0, 17, 3, 11),
        ];
        let [a, b, c] = self.0;
        (a ^ b ^ c) as i32
    }

    /// One of `n` vertices, `n` below 2^32.
    fn below(&mut self, n: usize) -> usize {
        i64::from(self.next()).rem_euclid(n as i64) as usize
    }
}

/// The row's point from its neighbours, nearest first.
pub(super) fn place<const D: usize>(
    model: &Umap,
    training: &[[f32; D]],
    indices: &[u32],
    distances: &[f32],
    batch: [i64; 3],
) -> [f32; D] {
    let weights = memberships(distances, model.mean_distance);
    let mut point = start(training, indices, &weights);
    let mut random = Tausworthe::of_row(batch, point[0]);
    let heaviest = model.heaviest;
    let least = heaviest / EPOCHS as f32;
    let mut edges: Vec<Edge> = indices
        .iter()
        .zip(&weights)
        .filter(|edge| *edge.1 >= least)
        .map(|(&end, &weight)| {
            let samples = EPOCHS as f32 * (weight.min(heaviest) / heaviest);
            Edge::every(end, EPOCHS as f64 / f64::from(samples))
        })
        .collect();
    for epoch in 0..EPOCHS {
        let rate = rate(INITIAL_RATE, epoch, EPOCHS);
        for edge in &mut edges {
            let Some(count) = edge.draw(epoch as f64) else {
                continue;
            };
            let other = &training[edge.end as usize];
            step(&mut point, other, rate, |square| {
                attraction(model.curve, square)
            });
            for _ in 0..count {
                let other = &training[random.below(training.len())];
                step(&mut point, other, rate, |square| {
                    repulsion(model.curve, square)
                });
            }
        }
    }
    point
}

fn attraction(Curve { a, b }: Curve, square: f64) -> f64 {
    -2.0 * a * b * libm::pow(square, b - 1.0) / (a * libm::pow(square, b) + 1.0)
}

fn repulsion(Curve { a, b }: Curve, square: f64) -> f64 {
    2.0 * b / ((0.001 + square) * (a * libm::pow(square, b) + 1.0))
}

/// Points that lie on each other do not move each other.
fn step<const D: usize>(
    point: &mut [f32; D],
    other: &[f32; D],
    rate: f64,
    strength: impl Fn(f64) -> f64,
) {
    let difference: [f32; D] = std::array::from_fn(|d| point[d] - other[d]);
    let square = difference.iter().fold(0.0_f32, |sum, d| sum + d * d);
    if square > 0.0 {
        let strength = strength(f64::from(square));
        for (p, d) in point.iter_mut().zip(difference) {
            let moved = (strength * f64::from(d)).clamp(-CLIP, CLIP) * rate;
            *p = (f64::from(*p) + moved) as f32;
        }
    }
}

/// [`super::fuzzy::memberships_of_new`] in single precision.
fn memberships(distances: &[f32], mean_distance: f64) -> Vec<f32> {
    let exp = |x: f32| libm::exp(f64::from(x)) as f32;
    let target = libm::log2(distances.len() as f64);
    let (mut low, mut high, mut middle) = (0.0_f32, f32::MAX, 1.0_f32);
    for _ in 0..BISECTIONS {
        let rest = distances.get(1..).unwrap_or(&[]).iter();
        let sum = rest.fold(0.0_f32, |sum, &d| {
            sum + if d > 0.0 { exp(-(d / middle)) } else { 1.0 }
        });
        if (f64::from(sum) - target).abs() < TOLERANCE {
            break;
        }
        if f64::from(sum) > target {
            high = middle;
            middle = f32::midpoint(low, high);
        } else {
            low = middle;
            middle = if high >= f32::MAX {
                middle * 2.0
            } else {
                f32::midpoint(low, high)
            };
        }
    }
    let sigma = middle.max((FLOOR * mean_distance) as f32);
    let weights = distances.iter().map(|&d| {
        if d <= 0.0 || sigma == 0.0 {
            1.0
        } else {
            exp(-(d / sigma))
        }
    });
    weights.collect()
}

/// The mean of the neighbours' points by membership, added up in the order of the training
/// rows; the first full member's own point.
fn start<const D: usize>(training: &[[f32; D]], indices: &[u32], weights: &[f32]) -> [f32; D] {
    let mut members: Vec<(u32, f32)> = indices
        .iter()
        .copied()
        .zip(weights.iter().copied())
        .filter(|member| member.1 > 0.0)
        .collect();
    members.sort_unstable_by_key(|member| member.0);
    let weights: Vec<f32> = members.iter().map(|member| member.1).collect();
    let total = sum(&weights);
    let mut point = [0.0_f32; D];
    for (index, weight) in members {
        let neighbor = &training[index as usize];
        if weight == 1.0 {
            return *neighbor;
        }
        for (sum, coordinate) in point.iter_mut().zip(neighbor) {
            *sum += weight / total * coordinate;
        }
    }
    point
}

/// A sum in numpy's order: eight at a time, pairwise, in halves when there are many.
fn sum(values: &[f32]) -> f32 {
    const MOST: usize = 128;
    if values.len() > MOST {
        let half = values.len() / 2;
        let (left, right) = values.split_at(half - half % 8);
        return sum(left) + sum(right);
    }
    let (eights, rest) = values.as_chunks::<8>();
    let eights = eights.iter().copied().reduce(|mut sums, eight| {
        for (sum, value) in sums.iter_mut().zip(eight) {
            *sum += value;
        }
        sums
    });
    let start = eights.map_or(0.0, |[a, b, c, d, e, f, g, h]| {
        ((a + b) + (c + d)) + ((e + f) + (g + h))
    });
    rest.iter().fold(start, |sum, value| sum + value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Drawn with umap-learn 0.5.12: the batch's words for `transform_seed` 42, a first
    /// coordinate of 1.25, `umap.utils.tau_rand_int`.
    #[test]
    fn the_generator_is_umap_learns() {
        let batch = [-538_846_105, 1_273_642_420, 1_935_803_229];
        let mut random = Tausworthe::of_row(batch, 1.25);
        let drawn: Vec<i32> = (0..6).map(|_| random.next()).collect();
        let expected = [
            539_445_756,
            529_325_105,
            432_902_936,
            606_055_306,
            311_479_784,
            1_741_011_054,
        ];
        assert_eq!(drawn, expected);
    }
}
