//! Principal components of a few features.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

/// Sweeps after which a symmetric matrix of a few rows has long converged.
const MOST_SWEEPS: usize = 60;

/// The first `count` principal components of `x`, shape `(n_customers, n_features)`, as
/// coordinates of shape `(n_customers, count)`, and the share of the variance that they hold.
/// The largest coefficient of each axis is positive.
///
/// By Jacobi's rotations of the covariance (1846; Golub and Van Loan 2013, 8.5), which end
/// for any matrix and take square roots only: the same bytes everywhere. linfa-reduction iterates
/// from random vectors.
pub fn principal(x: ArrayView2<f64>, count: usize) -> (Array2<f64>, f64) {
    let (mean, covariance) = covariance(x);
    let (values, vectors) = eigen(covariance);
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    order.truncate(count);
    let mut axes = vectors.select(Axis(1), &order);
    for mut axis in axes.columns_mut() {
        let further = |a: f64, b: f64| if b.abs() > a.abs() { b } else { a };
        if axis
            .iter()
            .copied()
            .reduce(further)
            .is_some_and(|v| v < 0.0)
        {
            axis.mapv_inplace(|v| -v);
        }
    }
    let kept: f64 = order.iter().map(|&i| values[i]).sum();
    let all: f64 = values.iter().sum();
    let explained = if all > 0.0 { kept / all } else { 0.0 };
    let mut points = Array2::zeros((x.nrows(), order.len()));
    for (mut point, row) in points.rows_mut().into_iter().zip(x.rows()) {
        for (at, axis) in point.iter_mut().zip(axes.columns()) {
            let centred = row.iter().zip(&mean).map(|(v, mean)| v - mean);
            *at = centred.zip(axis).map(|(v, weight)| v * weight).sum();
        }
    }
    (points, explained)
}

/// The mean of each column, and the covariance of each two, summed row by row, so that
/// the order of the additions is ours.
fn covariance(x: ArrayView2<f64>) -> (Vec<f64>, Array2<f64>) {
    let n = x.nrows().max(1) as f64;
    let mean = |column: ArrayView1<f64>| column.iter().sum::<f64>() / n;
    let means: Vec<f64> = x.columns().into_iter().map(mean).collect();
    let d = x.ncols();
    let mut sums = Array2::zeros((d, d));
    for row in x.rows() {
        for ((i, j), sum) in sums.indexed_iter_mut() {
            *sum += (row[i] - means[i]) * (row[j] - means[j]);
        }
    }
    (means, sums / n)
}

/// Eigenvalues of a symmetric matrix, and eigenvectors as columns in the same order.
fn eigen(mut a: Array2<f64>) -> (Vec<f64>, Array2<f64>) {
    let d = a.nrows();
    let mut vectors = Array2::eye(d);
    for _ in 0..MOST_SWEEPS {
        let mut rotated = false;
        for p in 0..d {
            for q in p + 1..d {
                // what is lost in the rounding of the diagonal is nothing
                let apq = a[[p, q]];
                if a[[p, p]].abs() + apq.abs() == a[[p, p]].abs()
                    && a[[q, q]].abs() + apq.abs() == a[[q, q]].abs()
                {
                    continue;
                }
                rotated = true;
                rotate(&mut a, &mut vectors, p, q);
            }
        }
        if !rotated {
            break;
        }
    }
    (a.diag().to_vec(), vectors)
}

/// Turns axes `p` and `q` so that their covariance is 0.
fn rotate(a: &mut Array2<f64>, vectors: &mut Array2<f64>, p: usize, q: usize) {
    let theta = (a[[q, q]] - a[[p, p]]) / (2.0 * a[[p, q]]);
    let sign = if theta < 0.0 { -1.0 } else { 1.0 };
    let t = sign / (theta.abs() + (theta * theta + 1.0).sqrt());
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = t * c;
    for i in 0..a.nrows() {
        let (x, y) = (a[[i, p]], a[[i, q]]);
        a[[i, p]] = c * x - s * y;
        a[[i, q]] = s * x + c * y;
    }
    for i in 0..a.nrows() {
        let (x, y) = (a[[p, i]], a[[q, i]]);
        a[[p, i]] = c * x - s * y;
        a[[q, i]] = s * x + c * y;
        let (x, y) = (vectors[[i, p]], vectors[[i, q]]);
        vectors[[i, p]] = c * x - s * y;
        vectors[[i, q]] = s * x + c * y;
    }
    a[[p, q]] = 0.0;
    a[[q, p]] = 0.0;
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    /// numpy 2's `linalg.svd` of the centred table.
    #[test]
    fn principal_components_as_numpy_says() {
        let x = array![
            [2.0, 0.0, 1.0],
            [4.0, 1.0, 0.0],
            [6.0, 1.0, 3.0],
            [9.0, 4.0, 2.0],
            [1.0, 2.0, 5.0]
        ];
        let (found, explained) = principal(x.view(), 2);
        let expected = array![
            [-2.606_658_022_415_319, -1.719_547_739_056_428_2],
            [-0.283_363_728_204_082_73, -2.247_835_718_543_085],
            [1.214_891_018_131_493_4, 0.464_730_951_463_793_45],
            [5.106_511_487_855_641, 0.741_999_166_129_980_3],
            [-3.431_380_755_367_734_5, 2.760_653_340_005_738_3],
        ];
        for (found, expected) in found.iter().zip(expected.iter()) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        assert!((explained - 0.960_109_034_141_919_2).abs() < 1e-12);
    }

    /// Tails as heavy as those of real features.
    #[test]
    fn components_are_uncorrelated_and_keep_the_variance() {
        let x = Array2::from_shape_fn((500, 4), |(i, j)| {
            let u = ((i * (31 + 17 * j) % 499) as f64 + 1.0) / 500.0;
            if j == 0 { u } else { 1e-3 * u / (1.001 - u) }
        });
        let (found, explained) = principal(x.view(), 4);
        assert!((explained - 1.0).abs() < 1e-12);
        let covariance = found.t().dot(&found) / 500.0;
        for ((i, j), &value) in covariance.indexed_iter() {
            let scale = (covariance[[i, i]] * covariance[[j, j]]).sqrt();
            assert!(i == j || value.abs() < 1e-9 * scale + 1e-15, "{covariance}");
            assert!(i == 0 || covariance[[i - 1, i - 1]] >= covariance[[i, i]]);
        }
        let variance: f64 = x.var_axis(Axis(0), 0.0).sum();
        assert!((covariance.diag().sum() / variance - 1.0).abs() < 1e-12);
    }

    #[test]
    fn features_that_do_not_vary_have_components_of_nothing() {
        let (found, explained) = principal(Array2::ones((4, 4)).view(), 2);
        assert_eq!((found, explained), (Array2::zeros((4, 2)), 0.0));
        assert_eq!(principal(Array2::zeros((0, 4)).view(), 2).0.dim(), (0, 2));
    }
}
