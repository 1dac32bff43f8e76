//! Ward's hierarchical clustering by kodama, which is what linfa-hierarchical calls too: that
//! one takes similarities of a kernel and cuts once a fit, this grows one tree for every k.

use kodama::{Method, linkage};
use ndarray::{Array1, ArrayView2};

/// Who was joined with whom, from the nearest on.
pub(super) struct Tree {
    n: usize,
    joins: Vec<(usize, usize)>,
}

impl Tree {
    /// Joins the points, shape `(n_customers, n_components)`, until one group is left. Takes
    /// time and memory (8 bytes a pair) in the square of their number.
    pub(super) fn grow(points: ArrayView2<f64>) -> Self {
        let (n, d) = points.dim();
        let flat: Vec<f64> = points.iter().copied().collect();
        let rows: Vec<&[f64]> = flat.chunks(d.max(1)).collect();
        let mut distances = Vec::with_capacity(n * n.saturating_sub(1) / 2);
        for (i, a) in rows.iter().enumerate() {
            distances.extend(rows.iter().skip(i + 1).map(|b| distance(a, b)));
        }
        let tree = linkage(&mut distances, n, Method::Ward);
        let joins = tree.steps().iter().map(|s| (s.cluster1, s.cluster2));
        Self {
            n,
            joins: joins.collect(),
        }
    }

    /// The labels of `k` groups, numbered in the order of the rows.
    pub(super) fn cut(&self, k: usize) -> Array1<u32> {
        let steps = self.n.saturating_sub(k);
        // A group of a join has the number after those before it; the last join that
        // counts is on top.
        let mut top: Vec<usize> = (0..self.n + steps).collect();
        for (i, &(a, b)) in self.joins.iter().enumerate().take(steps).rev() {
            let above = top.get(self.n + i).copied().unwrap_or(self.n + i);
            for child in [a, b] {
                if let Some(slot) = top.get_mut(child) {
                    *slot = above;
                }
            }
        }
        let mut number = vec![None; top.len()];
        let mut next = 0;
        let points = top.iter().take(self.n);
        points
            .map(|&group| match number.get_mut(group) {
                Some(Some(known)) => *known,
                Some(slot) => {
                    *slot = Some(next);
                    next += 1;
                    next - 1
                }
                None => 0,
            })
            .collect()
    }
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b));
    squares.sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn cuts_are_nested_and_have_as_many_groups_as_asked() {
        let points = Array2::from_shape_fn((60, 2), |(i, j)| {
            ((i * (37 + j) % 61) as f64).sqrt() + (i % 5 * 9) as f64
        });
        let tree = Tree::grow(points.view());
        let mut coarser = tree.cut(1).to_vec();
        assert!(coarser.iter().all(|&label| label == 0));
        for k in 2..=60 {
            let labels = tree.cut(k).to_vec();
            let mut pairs: Vec<(u32, u32)> = labels.iter().copied().zip(coarser).collect();
            pairs.sort_unstable();
            pairs.dedup();
            assert_eq!(pairs.len(), k, "each group lies in one of the coarser");
            coarser = labels;
        }
    }

    /// scipy 1.17.1: `fcluster(linkage(x, "ward"), 3, "maxclust")`.
    #[test]
    fn as_scipy_says() {
        let x = [0.0, 1.0, 1.5, 4.0, 4.2, 9.0, 9.5, 9.9, 5.5, 2.9];
        let points = Array2::from_shape_fn((10, 1), |(i, _)| x[i]);
        let tree = Tree::grow(points.view());
        assert_eq!(tree.cut(3), array![0, 0, 0, 1, 1, 2, 2, 2, 1, 1]);
        assert_eq!(tree.cut(4), array![0, 0, 0, 1, 1, 2, 2, 2, 3, 1]);
    }

    #[test]
    fn identical_points_are_no_obstacle() {
        let tree = Tree::grow(Array2::from_elem((7, 2), 2.0).view());
        let mut labels = tree.cut(3).to_vec();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels, [0, 1, 2]);
        assert_eq!(Tree::grow(Array2::zeros((0, 2)).view()).cut(2).len(), 0);
        assert_eq!(Tree::grow(Array2::zeros((1, 2)).view()).cut(2).len(), 1);
    }
}
