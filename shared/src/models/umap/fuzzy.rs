//! Distances to neighbours as memberships of a fuzzy set, and their union.
//!
//! Written after the published algorithm (`McInnes`, `Healy`, `Melville` 2018) with the
//! behaviour of umap-learn (BSD-3-Clause, `Leland McInnes`) as the reference.

use rayon::prelude::*;

use super::neighbors::Neighbors;

/// Halvings of the interval in which a row's bandwidth is sought.
pub(super) const BISECTIONS: usize = 64;
/// How near the sum of memberships has to come to its target.
pub(super) const TOLERANCE: f64 = 1e-5;
/// Least bandwidth as a share of the mean distance to neighbours.
pub(super) const FLOOR: f64 = 1e-3;

/// A symmetric graph by rows: the edges of vertex `i` are `starts[i]..starts[i + 1]`, in
/// the order of the other end.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Graph {
    pub(super) starts: Vec<usize>,
    pub(super) ends: Vec<u32>,
    pub(super) weights: Vec<f32>,
}

impl Graph {
    pub(super) fn n(&self) -> usize {
        self.starts.len() - 1
    }

    /// The other ends of a vertex's edges, and their weights.
    pub(super) fn edges(&self, vertex: usize) -> impl Iterator<Item = (u32, f32)> {
        let range = self.starts[vertex]..self.starts[vertex + 1];
        let ends = self.ends[range.clone()].iter().copied();
        ends.zip(self.weights[range].iter().copied())
    }

    pub(super) fn heaviest(&self) -> f32 {
        self.weights.iter().copied().fold(0.0, f32::max)
    }

    /// The graph without edges lighter than `least`.
    pub(super) fn without_below(&self, least: f64) -> Self {
        Self::from_rows((0..self.n()).map(|i| {
            let edges = self.edges(i);
            edges.filter(|edge| f64::from(edge.1) >= least).collect()
        }))
    }

    pub(super) fn from_rows(rows: impl Iterator<Item = Vec<(u32, f32)>>) -> Self {
        let mut graph = Self {
            starts: vec![0],
            ..Self::default()
        };
        for row in rows {
            for (end, weight) in row {
                graph.ends.push(end);
                graph.weights.push(weight);
            }
            graph.starts.push(graph.ends.len());
        }
        graph
    }
}

/// The bandwidth at which the memberships of `distances` sum up to `log2(k)`; those no
/// further than `rho` count as full members.
pub(super) fn bandwidth(distances: &[f32], rho: f64, k: usize) -> f64 {
    let target = libm::log2(k as f64);
    let (mut low, mut high, mut middle) = (0.0_f64, f64::INFINITY, 1.0_f64);
    for _ in 0..BISECTIONS {
        let memberships = distances.iter().map(|&d| {
            let beyond = f64::from(d) - rho;
            if beyond > 0.0 {
                libm::exp(-(beyond / middle))
            } else {
                1.0
            }
        });
        let sum: f64 = memberships.sum();
        if (sum - target).abs() < TOLERANCE {
            break;
        }
        if sum > target {
            high = middle;
            middle = f64::midpoint(low, high);
        } else {
            low = middle;
            middle = if high.is_infinite() {
                middle * 2.0
            } else {
                f64::midpoint(low, high)
            };
        }
    }
    middle
}

/// Membership of a neighbour at `distance`.
pub(super) fn membership(distance: f32, rho: f64, sigma: f64) -> f32 {
    let beyond = f64::from(distance) - rho;
    if beyond <= 0.0 || sigma == 0.0 {
        1.0
    } else {
        libm::exp(-(beyond / sigma)) as f32
    }
}

/// Memberships of a new row's neighbours: nothing is taken for granted about the nearest
/// one (`rho = 0`), and the floor of the bandwidth comes from the training rows.
pub(super) fn memberships_of_new(distances: &[f32], mean_distance: f64) -> Vec<f32> {
    let rest = distances.get(1..).unwrap_or(&[]);
    let sigma = bandwidth(rest, 0.0, distances.len()).max(FLOOR * mean_distance);
    distances
        .iter()
        .map(|&d| membership(d, 0.0, sigma))
        .collect()
}

/// The fuzzy union of the training rows' neighbourhoods.
///
/// `others` holds each row's nearest other rows. The row itself counts as the first of its
/// `others.k + 1` neighbours, as in umap-learn.
pub(super) fn union(others: &Neighbors, n: usize) -> Graph {
    let k = others.k + 1;
    let total: f64 = others.distances.iter().copied().map(f64::from).sum();
    let mean_of_all = total / (n * k) as f64;
    let directed: Vec<Vec<(u32, f32)>> = (0..n)
        .into_par_iter()
        .map(|row| {
            let (indices, distances) = others.row(row);
            let nearest = distances.iter().copied().find(|&d| d > 0.0);
            let rho = f64::from(nearest.unwrap_or(0.0));
            let mean = if rho > 0.0 {
                distances.iter().copied().map(f64::from).sum::<f64>() / k as f64
            } else {
                mean_of_all
            };
            let sigma = bandwidth(distances, rho, k).max(FLOOR * mean);
            let weights = distances.iter().map(|&d| membership(d, rho, sigma));
            let mut edges: Vec<(u32, f32)> = indices.iter().copied().zip(weights).collect();
            edges.sort_unstable_by_key(|edge| edge.0);
            edges
        })
        .collect();
    let mut reversed: Vec<Vec<(u32, f32)>> = vec![Vec::new(); n];
    for (row, edges) in directed.iter().enumerate() {
        for &(end, weight) in edges {
            reversed[end as usize].push((row as u32, weight));
        }
    }
    Graph::from_rows(directed.iter().zip(&reversed).map(|(a, b)| merge(a, b)))
}

/// `a + b - a * b` over two rows sorted by their ends; what is missing in one is 0 there.
fn merge(a: &[(u32, f32)], b: &[(u32, f32)]) -> Vec<(u32, f32)> {
    let (mut i, mut j) = (0, 0);
    let mut merged = Vec::with_capacity(a.len() + b.len());
    loop {
        let edge = match (a.get(i).copied(), b.get(j).copied()) {
            (None, None) => return merged,
            (Some(x), Some(y)) if x.0 == y.0 => {
                (i, j) = (i + 1, j + 1);
                (x.0, x.1 + y.1 - x.1 * y.1)
            }
            (Some(x), Some(y)) if y.0 < x.0 => {
                j += 1;
                y
            }
            (Some(x), _) => {
                i += 1;
                x
            }
            (None, Some(y)) => {
                j += 1;
                y
            }
        };
        if edge.1 > 0.0 {
            merged.push(edge);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memberships_sum_up_to_the_target() {
        let distances: Vec<f32> = (1..15).map(|i| 0.3 + i as f32 * 0.1).collect();
        let rho = f64::from(distances[0]);
        let sigma = bandwidth(&distances, rho, 15);
        let sum: f64 = distances
            .iter()
            .map(|&d| f64::from(membership(d, rho, sigma)))
            .sum();
        assert!((sum - libm::log2(15.0)).abs() < 1e-4);
    }

    #[test]
    fn identical_neighbours_are_full_members() {
        assert_eq!(memberships_of_new(&[0.0; 5], 0.0), [1.0; 5]);
    }

    #[test]
    fn the_union_is_symmetric_and_by_hand() {
        // 0 - 1 near each other, 2 knows 1 only
        let others = Neighbors {
            k: 1,
            indices: vec![1, 0, 1],
            distances: vec![1.0, 1.0, 5.0],
        };
        let graph = union(&others, 3);
        let rows: Vec<Vec<(u32, f32)>> = (0..3).map(|i| graph.edges(i).collect()).collect();
        assert_eq!(
            rows,
            [vec![(1, 1.0)], vec![(0, 1.0), (2, 1.0)], vec![(1, 1.0)]]
        );
        assert_eq!(
            merge(&[(4, 0.5)], &[(3, 0.2), (4, 0.5)]),
            [(3, 0.2), (4, 0.75)]
        );
    }

    #[test]
    fn light_edges_are_dropped() {
        let rows = [vec![(1, 1.0), (2, 0.1)], vec![(0, 1.0)], vec![(0, 0.1)]];
        let graph = Graph::from_rows(rows.into_iter()).without_below(0.5);
        assert_eq!(graph.starts, [0, 1, 2, 2]);
        assert_eq!(graph.heaviest(), 1.0);
    }
}
