//! The largest eigenvalues of a symmetric tridiagonal matrix, by bisection on Sturm's
//! count, and their vectors, by inverse iteration.

use super::math::{add_scaled, dot, normalise};

/// A symmetric tridiagonal matrix; `beside[i]` is between `i` and `i + 1`.
pub(super) struct Tridiagonal<'a> {
    pub(super) diagonal: &'a [f64],
    pub(super) beside: &'a [f64],
}

impl Tridiagonal<'_> {
    /// The `want` largest eigenvalues, largest first, with their unit vectors.
    pub(super) fn largest(&self, want: usize) -> Vec<(f64, Vec<f64>)> {
        let n = self.diagonal.len();
        let mut found: Vec<(f64, Vec<f64>)> = Vec::new();
        for i in 0..want.min(n) {
            let value = self.eigenvalue(n - 1 - i);
            let vector = self.eigenvector(value, &found);
            found.push((value, vector));
        }
        found
    }

    /// A bound on the absolute value of all eigenvalues (Gershgorin).
    fn bound(&self) -> f64 {
        let beside = |i: usize| self.beside.get(i).copied().unwrap_or(0.0).abs();
        let before = |i: usize| if i == 0 { 0.0 } else { beside(i - 1) };
        let row = |(i, d): (usize, &f64)| d.abs() + before(i) + beside(i);
        self.diagonal
            .iter()
            .enumerate()
            .map(row)
            .fold(0.0, f64::max)
    }

    /// How many eigenvalues are below `x`.
    fn below(&self, x: f64) -> usize {
        let mut count = 0;
        let mut pivot = 1.0;
        for (i, &d) in self.diagonal.iter().enumerate() {
            let beside = if i == 0 { 0.0 } else { self.beside[i - 1] };
            pivot = d - x - beside * beside / pivot;
            if pivot == 0.0 {
                pivot = -f64::MIN_POSITIVE.sqrt();
            }
            count += usize::from(pivot < 0.0);
        }
        count
    }

    /// The eigenvalue of this rank, the lowest having rank 0.
    fn eigenvalue(&self, rank: usize) -> f64 {
        let bound = self.bound() + 1e-300;
        let (mut low, mut high) = (-bound, bound);
        for _ in 0..100 {
            let middle = f64::midpoint(low, high);
            if self.below(middle) > rank {
                high = middle;
            } else {
                low = middle;
            }
        }
        f64::midpoint(low, high)
    }

    fn eigenvector(&self, value: f64, found: &[(f64, Vec<f64>)]) -> Vec<f64> {
        let n = self.diagonal.len();
        // slightly off, so that the system is not quite singular
        let shift = value + f64::EPSILON * self.bound().max(f64::MIN_POSITIVE);
        let mut x: Vec<f64> = (0..n).map(|i| 1.0 + (i * 7 % 13) as f64 / 13.0).collect();
        for _ in 0..4 {
            for (_, other) in found {
                let along = dot(&x, other);
                add_scaled(&mut x, -along, other);
            }
            normalise(&mut x);
            self.solve(shift, &mut x);
            let largest = x.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
            if largest > 0.0 && largest.is_finite() {
                for v in &mut x {
                    *v /= largest;
                }
            }
        }
        for (_, other) in found {
            let along = dot(&x, other);
            add_scaled(&mut x, -along, other);
        }
        normalise(&mut x);
        x
    }

    /// Solves `(T - shift) x = x` in place, by elimination with partial pivoting.
    fn solve(&self, shift: f64, x: &mut [f64]) {
        let n = self.diagonal.len();
        let tiny = f64::EPSILON * self.bound().max(1e-280);
        let beside = |i: usize| self.beside.get(i).copied().unwrap_or(0.0);
        // row i of the eliminated matrix: three entries from the diagonal on
        let mut rows: Vec<[f64; 3]> = Vec::with_capacity(n);
        let mut current = [self.diagonal[0] - shift, beside(0), 0.0];
        for i in 0..n - 1 {
            let mut lower = [beside(i), self.diagonal[i + 1] - shift, beside(i + 1)];
            if lower[0].abs() > current[0].abs() {
                std::mem::swap(&mut lower, &mut current);
                x.swap(i, i + 1);
            }
            if current[0] == 0.0 {
                current[0] = tiny;
            }
            let factor = lower[0] / current[0];
            x[i + 1] -= factor * x[i];
            rows.push(current);
            current = [
                lower[1] - factor * current[1],
                lower[2] - factor * current[2],
                0.0,
            ];
        }
        if current[0] == 0.0 {
            current[0] = tiny;
        }
        rows.push(current);
        for i in (0..n).rev() {
            let [own, one, two] = rows[i];
            let mut sum = x[i];
            if let Some(next) = x.get(i + 1) {
                sum -= one * next;
            }
            if let Some(next) = x.get(i + 2) {
                sum -= two * next;
            }
            x[i] = sum / own;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(diagonal: &[f64], beside: &[f64]) {
        let n = diagonal.len();
        let pairs = Tridiagonal { diagonal, beside }.largest(n);
        for (i, (value, vector)) in pairs.iter().enumerate() {
            for row in 0..n {
                let mut product = diagonal[row] * vector[row];
                if row > 0 {
                    product += beside[row - 1] * vector[row - 1];
                }
                if row + 1 < n {
                    product += beside[row] * vector[row + 1];
                }
                assert!(
                    (product - value * vector[row]).abs() < 1e-9,
                    "{value} {vector:?}"
                );
            }
            for (_, other) in &pairs[..i] {
                assert!(dot(vector, other).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn pairs_satisfy_the_equation() {
        check(&[2.0], &[]);
        check(&[1.0, 2.0], &[0.5]);
        check(&[2.0; 12], &[-1.0; 11]);
        check(&[3.0, 1.0, 4.0, 1.0, 5.0], &[9.0, 2.0, 6.0, 5.0]);
        check(&[1.0, 1.0, 2.0, 2.0], &[0.0, 0.0, 0.0]);
    }

    #[test]
    fn the_second_difference_has_known_eigenvalues() {
        let pairs = Tridiagonal {
            diagonal: &[2.0; 9],
            beside: &[-1.0; 8],
        }
        .largest(2);
        for (i, (value, _)) in pairs.iter().enumerate() {
            let angle = std::f64::consts::PI * (9 - i) as f64 / 10.0;
            assert!((value - (2.0 - 2.0 * libm::cos(angle))).abs() < 1e-12);
        }
    }
}
