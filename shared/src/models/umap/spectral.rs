//! The first layout: eigenvectors of each connected component, and the components side by
//! side.
//!
//! Written after the published algorithm (`McInnes`, `Healy`, `Melville` 2018) with the
//! behaviour of umap-learn (BSD-3-Clause, `Leland McInnes`) as the reference.

use ndarray::ArrayView2;

use super::{
    super::random::{Key, Stream},
    components::{Component, components},
    forces::Point,
    fuzzy::Graph,
    lanczos::largest,
    math::normalise,
};

/// Half the width of the layout before noise.
const EXTENT: f64 = 10.0;
/// Noise that parts points which start at the same place.
const NOISE: f64 = 1e-4;
/// More components than this are placed at random: their own layout would cost more than
/// everything else.
const MOST_SPECTRAL_COMPONENTS: usize = 1_000;

/// Initial points of the vertices of `graph`, each axis from 0 to 10. `leaves`, shape
/// `(n_customers, n_trees)`, tell which components are near each other.
pub(super) fn initial<const D: usize>(
    graph: &Graph,
    leaves: ArrayView2<u32>,
    seed: u64,
) -> Vec<Point<D>> {
    let components = components(graph);
    let mut points = vec![[0.0; D]; graph.n()];
    if let [whole] = components.as_slice() {
        place(whole, seed, [0.0; D], 1.0, &mut points);
    } else {
        let centres = centres::<D>(&components, leaves, seed);
        for (i, component) in components.iter().enumerate() {
            let to_nearest = centres
                .iter()
                .map(|other| distance(other, &centres[i]))
                .filter(|&d| d > 0.0)
                .fold(f64::INFINITY, f64::min);
            let range = if to_nearest.is_finite() {
                to_nearest / 2.0
            } else {
                1.0
            };
            place(component, seed, centres[i], range, &mut points);
        }
    }
    add_noise(&mut points, seed);
    to_extent(&mut points);
    points
}

/// Lays a component out around `centre`, at most `range` from it on each axis.
fn place<const D: usize>(
    component: &Component,
    seed: u64,
    centre: Point<D>,
    range: f64,
    points: &mut [Point<D>],
) {
    let own: Vec<Point<D>> = if component.n() < 2 * D || component.n() <= D + 1 {
        component
            .vertices
            .iter()
            .map(|&v| at_random(seed, u64::from(v)))
            .collect()
    } else {
        eigenvectors(component, seed)
    };
    let widest = own.iter().flatten().fold(0.0_f64, |m, v| m.max(v.abs()));
    let small = component.n() < 2 * D || component.n() <= D + 1;
    let scale = if small || widest == 0.0 {
        range
    } else {
        range / widest
    };
    for (&vertex, own) in component.vertices.iter().zip(own) {
        for d in 0..D {
            points[vertex as usize][d] = centre[d] + scale * own[d];
        }
    }
}

/// A point of the cube from -1 to 1.
fn at_random<const D: usize>(seed: u64, row: u64) -> Point<D> {
    let key = Key::new(seed, Stream::SmallComponent).child(row);
    std::array::from_fn(|d| 2.0 * key.unit(d as u64) - 1.0)
}

/// The second to `D + 1`-st eigenvectors of the component's normalised Laplacian
/// (Belkin and Niyogi 2003), by vertex.
fn eigenvectors<const D: usize>(component: &Component, seed: u64) -> Vec<Point<D>> {
    let n = component.n();
    let inverse_root: Vec<f64> = (0..n)
        .map(|i| component.edges(i).map(|(_, w)| w).sum::<f64>())
        .map(|degree| {
            if degree > 0.0 {
                1.0 / degree.sqrt()
            } else {
                0.0
            }
        })
        .collect();
    let mut trivial: Vec<f64> = inverse_root
        .iter()
        .map(|&r| if r > 0.0 { 1.0 / r } else { 0.0 })
        .collect();
    normalise(&mut trivial);
    // the smallest eigenvalues of I - A are the largest of A
    let vectors = largest(&trivial, D, seed, |x, y| {
        for (i, y) in y.iter_mut().enumerate() {
            let terms = component.edges(i).map(|(j, w)| w * inverse_root[j] * x[j]);
            *y = inverse_root[i] * terms.sum::<f64>();
        }
    });
    (0..n)
        .map(|i| std::array::from_fn(|d| vectors.get(d).map_or(0.0, |v| v[i])))
        .collect()
}

/// Where each component's middle goes: few of them to the ends of the axes, many of them
/// by a spectral layout of their own, in which components with near leaves are near.
fn centres<const D: usize>(
    components: &[Component],
    leaves: ArrayView2<u32>,
    seed: u64,
) -> Vec<Point<D>> {
    let n = components.len();
    if n <= 2 * D {
        let axes = n.div_ceil(2);
        return (0..n)
            .map(|i| {
                let mut centre = [0.0; D];
                centre[i % axes] = if i < axes { 1.0 } else { -1.0 };
                centre
            })
            .collect();
    }
    if n > MOST_SPECTRAL_COMPONENTS {
        return (0..n as u64)
            .map(|i| at_random(seed, u64::MAX - i))
            .collect();
    }
    let meta = affinities(components, leaves);
    let degrees: Vec<f64> = (0..n)
        .map(|i| meta.edges(i).map(|(_, w)| w).sum())
        .collect();
    let mut centres: Vec<Point<D>> = eigenvectors(&meta, seed);
    for (centre, degree) in centres.iter_mut().zip(degrees) {
        for v in centre {
            *v /= degree.sqrt();
        }
    }
    let widest = centres
        .iter()
        .flatten()
        .fold(0.0_f64, |m, v| m.max(v.abs()));
    if widest > 0.0 {
        centres.iter_mut().flatten().for_each(|v| *v /= widest);
    }
    centres
}

/// A complete graph of the components: the nearer their mean leaves, the heavier the edge.
/// Distances are taken in units of their median, so that leaf numbers have no unit.
fn affinities(components: &[Component], leaves: ArrayView2<u32>) -> Component {
    let means: Vec<Vec<f64>> = components
        .iter()
        .map(|component| {
            let mut mean = vec![0.0; leaves.ncols()];
            for &vertex in &component.vertices {
                for (sum, &leaf) in mean.iter_mut().zip(leaves.row(vertex as usize)) {
                    *sum += f64::from(leaf) / component.n() as f64;
                }
            }
            mean
        })
        .collect();
    let distances: Vec<Vec<f64>> = means
        .iter()
        .map(|a| means.iter().map(|b| distance(a, b)).collect())
        .collect();
    let mut positive: Vec<f64> = distances
        .iter()
        .flatten()
        .copied()
        .filter(|&d| d > 0.0)
        .collect();
    positive.sort_unstable_by(f64::total_cmp);
    let unit = positive.get(positive.len() / 2).copied().unwrap_or(1.0);
    let row = |row: &Vec<f64>| {
        let affinity = |d: f64| libm::exp(-(d / unit) * (d / unit));
        row.iter()
            .enumerate()
            .map(|(j, &d)| (j as u32, affinity(d) as f32))
            .collect()
    };
    Component::complete(Graph::from_rows(distances.iter().map(row)))
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b));
    squares.sum::<f64>().sqrt()
}

fn add_noise<const D: usize>(points: &mut [Point<D>], seed: u64) {
    let widest = points.iter().flatten().fold(0.0_f64, |m, v| m.max(v.abs()));
    let scale = if widest > 0.0 { EXTENT / widest } else { 1.0 };
    let key = Key::new(seed, Stream::Noise);
    for (i, point) in points.iter_mut().enumerate() {
        let key = key.child(i as u64);
        for (d, v) in point.iter_mut().enumerate() {
            *v = *v * scale + NOISE * key.normal(d as u64);
        }
    }
}

fn to_extent<const D: usize>(points: &mut [Point<D>]) {
    for d in 0..D {
        let low = points.iter().map(|p| p[d]).fold(f64::INFINITY, f64::min);
        let high = points
            .iter()
            .map(|p| p[d])
            .fold(f64::NEG_INFINITY, f64::max);
        let range = if high > low { high - low } else { 1.0 };
        for point in &mut *points {
            point[d] = EXTENT * (point[d] - low) / range;
        }
    }
}

#[cfg(test)]
mod tests;
