//! How compact groups of points are, and how far apart.

use std::collections::BTreeMap;

use ndarray::{ArrayView1, ArrayView2};

use crate::models::ModelError;

/// Points under a grouping: each group's centroid, scatter and size.
#[derive(Debug, Clone, PartialEq)]
pub struct Separation {
    /// By label; empty groups are not there.
    groups: Vec<Group>,
    /// The centroid of all points.
    centre: Vec<f64>,
    /// Points.
    n: usize,
}

#[derive(Debug, Clone, PartialEq)]
struct Group {
    size: usize,
    centroid: Vec<f64>,
    /// Sum of the squared distances of its points to its centroid.
    squares: f64,
    /// Mean distance of its points to its centroid.
    radius: f64,
}

impl Separation {
    /// Measures `points`, shape `(n_customers, n_components)`, under `labels`, shape
    /// `(n_customers,)`.
    ///
    /// Fails on arrays of different lengths and on values whose square is not finite.
    pub fn of(points: ArrayView2<f64>, labels: ArrayView1<u32>) -> Result<Self, ModelError> {
        let (n, d) = points.dim();
        if labels.len() != n {
            return Err(ModelError::Shape {
                what: "labels",
                expected: format!("{n}"),
                found: format!("{}", labels.len()),
            });
        }
        if points.iter().any(|v| v.is_nan() || v.abs() > 1e150) {
            return Err(ModelError::NotFinite {
                what: "the square of the points",
            });
        }
        let mut groups: BTreeMap<u32, Group> = BTreeMap::new();
        let mut centre = vec![0.0; d];
        for (row, &label) in points.rows().into_iter().zip(labels) {
            let group = groups.entry(label).or_insert_with(|| Group {
                size: 0,
                centroid: vec![0.0; d],
                squares: 0.0,
                radius: 0.0,
            });
            group.size += 1;
            add(&mut group.centroid, row);
            add(&mut centre, row);
        }
        for group in groups.values_mut() {
            group
                .centroid
                .iter_mut()
                .for_each(|v| *v /= group.size as f64);
        }
        centre.iter_mut().for_each(|v| *v /= n.max(1) as f64);
        for (row, label) in points.rows().into_iter().zip(labels) {
            if let Some(group) = groups.get_mut(label) {
                let square = square(&group.centroid, row.iter().copied());
                group.squares += square;
                group.radius += square.sqrt();
            }
        }
        for group in groups.values_mut() {
            group.radius /= group.size as f64;
        }
        let groups = groups.into_values().collect();
        Ok(Self { groups, centre, n })
    }

    /// Groups that have points.
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// Points of the smallest group.
    pub fn smallest(&self) -> usize {
        self.groups.iter().map(|g| g.size).min().unwrap_or(0)
    }

    /// Points of the largest group.
    pub fn largest(&self) -> usize {
        self.groups.iter().map(|g| g.size).max().unwrap_or(0)
    }

    /// The inertia: sum of the squared distances of the points to the centroids of their
    /// groups.
    pub fn inertia(&self) -> f64 {
        self.groups.iter().map(|g| g.squares).sum()
    }

    /// The Davies–Bouldin index (1979), lower is better: for each group the worst ratio of
    /// the radii of it and another to the distance of their centroids, on average.
    ///
    /// `None` unless there are at least two groups and fewer than points, and where two
    /// centroids coincide: no ratio is defined then (scikit-learn leaves such a pair out).
    pub fn davies_bouldin(&self) -> Option<f64> {
        self.is_grouping().then_some(())?;
        let mut sum = 0.0;
        for (i, a) in self.groups.iter().enumerate() {
            let mut worst = 0.0_f64;
            for (j, b) in self.groups.iter().enumerate() {
                if i == j {
                    continue;
                }
                let apart = square(&a.centroid, b.centroid.iter().copied()).sqrt();
                if apart == 0.0 {
                    return None;
                }
                worst = worst.max((a.radius + b.radius) / apart);
            }
            sum += worst;
        }
        let index = sum / self.groups.len() as f64;
        index.is_finite().then_some(index)
    }

    /// The Calinski–Harabasz index (1974), higher is better: the variance between groups
    /// over the variance within them.
    ///
    /// `None` unless there are at least two groups and fewer than points, and where no
    /// group has any scatter (scikit-learn says 1 then).
    pub fn calinski_harabasz(&self) -> Option<f64> {
        self.is_grouping().then_some(())?;
        let within = self.inertia();
        let between: f64 = self
            .groups
            .iter()
            .map(|g| g.size as f64 * square(&self.centre, g.centroid.iter().copied()))
            .sum();
        let k = self.groups.len();
        let index = between * (self.n - k) as f64 / (within * (k - 1) as f64);
        index.is_finite().then_some(index)
    }

    fn is_grouping(&self) -> bool {
        self.groups.len() >= 2 && self.groups.len() < self.n
    }
}

fn add(sum: &mut [f64], row: ArrayView1<f64>) {
    sum.iter_mut().zip(row).for_each(|(sum, v)| *sum += v);
}

fn square(a: &[f64], b: impl Iterator<Item = f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

#[cfg(test)]
mod tests;
