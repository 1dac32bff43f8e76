//! Points column by column, so that the compiler computes several distances at once.

use ndarray::{ArrayView2, Axis};

/// Points of one fit; column `d` is `columns[d]`.
pub(super) struct Points {
    pub(super) n: usize,
    pub(super) columns: Vec<Vec<f64>>,
}

impl Points {
    pub(super) fn new(points: ArrayView2<f64>) -> Self {
        Self {
            n: points.nrows(),
            columns: points.axis_iter(Axis(1)).map(|c| c.to_vec()).collect(),
        }
    }

    /// Some of the points, in the order of `rows`.
    pub(super) fn select(&self, rows: &[u32]) -> Self {
        let of = |column: &Vec<f64>| rows.iter().map(|&row| column[row as usize]).collect();
        Self {
            n: rows.len(),
            columns: self.columns.iter().map(of).collect(),
        }
    }

    /// Mean over the columns of their (population) variance.
    pub(super) fn mean_variance(&self) -> f64 {
        let n = self.n as f64;
        let variance = |column: &Vec<f64>| {
            let mean = column.iter().sum::<f64>() / n;
            column.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n
        };
        self.columns.iter().map(variance).sum::<f64>() / self.columns.len() as f64
    }

    /// One point, in the order of the columns.
    pub(super) fn row(&self, row: usize) -> impl Iterator<Item = f64> {
        self.columns.iter().map(move |column| column[row])
    }

    /// Squared distance of one point to a centroid.
    pub(super) fn distance(&self, row: usize, centroid: &[f64]) -> f64 {
        let differences = self.row(row).zip(centroid).map(|(x, c)| x - c);
        differences.map(|d| d * d).sum()
    }

    /// Squared distances of the points from `start` on to a centroid, into `out`.
    #[inline]
    pub(super) fn distances(&self, start: usize, centroid: &[f64], out: &mut [f64]) {
        let end = start + out.len();
        if let ([x, y], &[cx, cy]) = (self.columns.as_slice(), centroid) {
            let (x, y) = (&x[start..end], &y[start..end]);
            for ((out, &x), &y) in out.iter_mut().zip(x).zip(y) {
                *out = (x - cx) * (x - cx) + (y - cy) * (y - cy);
            }
            return;
        }
        out.fill(0.0);
        for (column, &c) in self.columns.iter().zip(centroid) {
            for (out, &x) in out.iter_mut().zip(&column[start..end]) {
                *out += (x - c) * (x - c);
            }
        }
    }
}
