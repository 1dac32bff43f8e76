//! How well points lie in their own cluster against the nearest other one.

use ndarray::{ArrayView1, ArrayView2};
use rayon::prelude::*;

use super::{
    error::ModelError,
    random::{Key, Stream},
};

/// Distances summed side by side; a fixed number, so that sums round the same everywhere.
const LANES: usize = 8;

/// The mean silhouette.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Silhouette {
    /// Mean over the points, from -1 (misplaced) to 1 (well apart).
    pub score: f64,
    /// How many points it was computed on; none if on all of them.
    pub sampled: Option<usize>,
}

/// The silhouette (Rousseeuw 1987) of `points`, shape `(n_customers, n_components)`, under
/// `labels`, shape `(n_customers,)`, as scikit-learn defines it: a point alone in its
/// cluster scores 0.
///
/// With more than `exact_up_to` points it is that of `sample` of them, drawn by `seed`.
/// Takes time in the square of the points it looks at. Fails unless there are at least two
/// clusters and fewer clusters than points.
pub fn silhouette(
    points: ArrayView2<f64>,
    labels: ArrayView1<u32>,
    exact_up_to: usize,
    sample: usize,
    seed: u64,
) -> Result<Silhouette, ModelError> {
    let n = points.nrows();
    if labels.len() != n {
        return Err(ModelError::shape("labels", &[n], labels.shape()));
    }
    if points.iter().any(|v| v.is_nan() || v.abs() > 1e150) {
        return Err(ModelError::NotFinite {
            what: "the square of the points",
        });
    }
    let sampled = n > exact_up_to && sample < n;
    let rows = if sampled {
        let mut rows = Key::new(seed, Stream::Silhouette).distinct(sample, n);
        rows.sort_unstable();
        rows
    } else {
        (0..n as u32).collect()
    };
    let score = mean(&Grouped::new(points, labels, rows)?);
    Ok(Silhouette {
        score,
        sampled: sampled.then_some(sample),
    })
}

/// Points sorted by cluster, column by column.
struct Grouped {
    columns: Vec<Vec<f64>>,
    /// Where each cluster starts, and the end of the last.
    starts: Vec<usize>,
    /// The cluster of each point.
    clusters: Vec<usize>,
}

impl Grouped {
    fn new(
        points: ArrayView2<f64>,
        labels: ArrayView1<u32>,
        mut rows: Vec<u32>,
    ) -> Result<Self, ModelError> {
        rows.sort_by_key(|&row| labels[row as usize]);
        let mut starts = Vec::new();
        let mut clusters = Vec::with_capacity(rows.len());
        let mut last = None;
        for (i, &row) in rows.iter().enumerate() {
            let label = labels[row as usize];
            if last != Some(label) {
                starts.push(i);
                last = Some(label);
            }
            clusters.push(starts.len() - 1);
        }
        if starts.len() < 2 || starts.len() >= rows.len() {
            return Err(ModelError::parameter(
                "labels",
                format!("{} clusters of {} points", starts.len(), rows.len()),
                "a silhouette needs at least 2 clusters and fewer clusters than points",
            ));
        }
        starts.push(rows.len());
        let column = |c: usize| rows.iter().map(|&row| points[[row as usize, c]]).collect();
        Ok(Self {
            columns: (0..points.ncols()).map(column).collect(),
            starts,
            clusters,
        })
    }

    /// Sum of the distances from one point to those in `start..end`.
    #[expect(
        clippy::inline_always,
        reason = "only what is inlined is compiled for the caller's vectors"
    )]
    #[inline(always)]
    fn sum(&self, point: usize, start: usize, end: usize) -> f64 {
        let mut sums = [0.0; LANES];
        let mut at = start;
        while at + LANES <= end {
            let squares = self.squares(point, at);
            for (sum, square) in sums.iter_mut().zip(squares) {
                *sum += square.sqrt();
            }
            at += LANES;
        }
        let mut rest = 0.0;
        for other in at..end {
            let differences = self.columns.iter().map(|c| c[other] - c[point]);
            rest += differences.map(|d| d * d).sum::<f64>().sqrt();
        }
        sums.iter().sum::<f64>() + rest
    }

    #[expect(
        clippy::inline_always,
        reason = "only what is inlined is compiled for the caller's vectors"
    )]
    #[inline(always)]
    fn squares(&self, point: usize, at: usize) -> [f64; LANES] {
        let mut squares = [0.0; LANES];
        for column in &self.columns {
            let x = column[point];
            for (square, other) in squares.iter_mut().zip(&column[at..at + LANES]) {
                *square += (other - x) * (other - x);
            }
        }
        squares
    }
}

/// One point's silhouette. Compiled for wider vectors, too: the arithmetic is the same.
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn score(grouped: &Grouped, point: usize) -> f64 {
    let own = grouped.clusters[point];
    let mut within = 0.0;
    let mut nearest = f64::INFINITY;
    for (cluster, bounds) in grouped.starts.windows(2).enumerate() {
        let &[start, end] = bounds else { continue };
        let sum = grouped.sum(point, start, end);
        let size = (end - start) as f64;
        if cluster != own {
            nearest = nearest.min(sum / size);
        } else if end - start > 1 {
            within = sum / (size - 1.0);
        } else {
            return 0.0;
        }
    }
    let larger = within.max(nearest);
    if larger > 0.0 {
        (nearest - within) / larger
    } else {
        0.0
    }
}

fn mean(grouped: &Grouped) -> f64 {
    let n = grouped.clusters.len();
    let scores: Vec<f64> = (0..n)
        .into_par_iter()
        .map(|point| score(grouped, point))
        .collect();
    scores.iter().sum::<f64>() / n as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2, array};

    fn exact(points: &Array2<f64>, labels: &Array1<u32>) -> Result<f64, ModelError> {
        silhouette(points.view(), labels.view(), usize::MAX, 0, 0).map(|s| s.score)
    }

    #[test]
    fn by_hand() {
        // 0 and 1 against 4: a = 1, b = 4 and 3; the point alone scores 0
        let score = exact(&array![[0.0], [1.0], [4.0]], &array![0, 0, 7]).unwrap();
        assert!((score - (0.75 + 2.0 / 3.0) / 3.0).abs() < 1e-15);
    }

    #[test]
    fn identical_points_score_zero() {
        assert_eq!(
            exact(&Array2::zeros((4, 2)), &array![0, 0, 1, 1]).unwrap(),
            0.0
        );
    }

    #[test]
    fn agrees_with_the_definition() {
        let key = Key::new(3, Stream::Noise);
        let points = Array2::from_shape_fn((90, 3), |(i, j)| key.normal((i * 3 + j) as u64));
        let labels = Array1::from_shape_fn(90, |i| (i * i % 4) as u32);
        let mut expected = 0.0;
        for i in 0..90 {
            let mut sums = [0.0; 4];
            let mut counts = [0.0; 4];
            for j in (0..90).filter(|&j| j != i) {
                let difference = &points.row(i) - &points.row(j);
                sums[labels[j] as usize] += difference.dot(&difference).sqrt();
                counts[labels[j] as usize] += 1.0;
            }
            let own = labels[i] as usize;
            if counts[own] == 0.0 {
                continue;
            }
            let a = sums[own] / counts[own];
            let others = (0..4).filter(|&c| c != own && counts[c] > 0.0);
            let b = others
                .map(|c| sums[c] / counts[c])
                .fold(f64::INFINITY, f64::min);
            expected += (b - a) / f64::max(a, b) / 90.0;
        }
        assert!((exact(&points, &labels).unwrap() - expected).abs() < 1e-13);
    }

    #[test]
    fn needs_two_clusters_and_fewer_than_points() {
        let points = array![[0.0], [1.0], [4.0]];
        assert!(exact(&points, &array![0, 0, 0]).is_err());
        assert!(exact(&points, &array![0, 1, 2]).is_err());
        assert!(exact(&points, &array![0, 1]).is_err());
        assert!(exact(&array![[f64::NAN], [1.0], [4.0]], &array![0, 0, 1]).is_err());
    }

    #[test]
    fn a_sample_comes_close_and_says_so() {
        let key = Key::new(5, Stream::Noise);
        let labels = Array1::from_shape_fn(3_000, |i| (i % 3) as u32);
        let points = Array2::from_shape_fn((3_000, 2), |(i, j)| {
            f64::from(labels[i]) * 4.0 + key.normal((i * 2 + j) as u64)
        });
        let whole = exact(&points, &labels).unwrap();
        let part = silhouette(points.view(), labels.view(), 1_000, 800, 1).unwrap();
        assert_eq!(part.sampled, Some(800));
        assert!((part.score - whole).abs() < 0.03);
    }

    #[test]
    fn threads_do_not_change_the_score() {
        let key = Key::new(6, Stream::Noise);
        let points = Array2::from_shape_fn((500, 2), |(i, j)| key.normal((i * 2 + j) as u64));
        let labels = Array1::from_shape_fn(500, |i| (i % 5) as u32);
        let scores = [1, 2].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| exact(&points, &labels).unwrap().to_bits())
        });
        assert_eq!(scores[0], scores[1]);
    }
}
