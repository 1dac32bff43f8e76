//! The curve `1 / (1 + a d^2b)` by which distances in the layout become similarities.
//!
//! Written after the published algorithm (`McInnes`, `Healy`, `Melville` 2018) with the
//! behaviour of umap-learn (BSD-3-Clause, `Leland McInnes`) as the reference.

/// Points at which the curve is fitted, as umap-learn does.
const POINTS: usize = 300;
/// Distance at which similarity falls off past `min_dist`.
const SPREAD: f64 = 1.0;

/// The two parameters of the curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Curve {
    pub(super) a: f64,
    pub(super) b: f64,
}

impl Curve {
    /// Fits the curve to 1 up to `min_dist` and an exponential decay from there, by
    /// Levenberg and Marquardt's least squares from `a = b = 1`.
    pub(super) fn fit(min_dist: f64) -> Self {
        let targets: Vec<(f64, f64)> = (0..POINTS)
            .map(|i| {
                let x = 3.0 * SPREAD * i as f64 / (POINTS - 1) as f64;
                let decay = libm::exp(-(x - min_dist) / SPREAD);
                (x, if x < min_dist { 1.0 } else { decay })
            })
            .collect();
        let mut curve = Self { a: 1.0, b: 1.0 };
        let mut error = curve.error(&targets);
        let mut damping = 1e-3;
        for _ in 0..500 {
            let (da, db) = curve.step(&targets, damping);
            let next = Self {
                a: curve.a + da,
                b: curve.b + db,
            };
            let next_error = next.error(&targets);
            if next.a > 0.0 && next.b > 0.0 && next_error <= error {
                curve = next;
                error = next_error;
                damping = f64::max(damping / 10.0, 1e-12);
                if da.abs() < 1e-14 && db.abs() < 1e-14 {
                    break;
                }
            } else {
                damping *= 10.0;
                if damping > 1e12 {
                    break;
                }
            }
        }
        curve
    }

    fn error(self, targets: &[(f64, f64)]) -> f64 {
        let residual = |&(x, y): &(f64, f64)| 1.0 / (1.0 + self.a * libm::pow(x, 2.0 * self.b)) - y;
        targets.iter().map(residual).map(|r| r * r).sum()
    }

    /// One damped Gauss-Newton step.
    fn step(self, targets: &[(f64, f64)], damping: f64) -> (f64, f64) {
        let (mut aa, mut ab, mut bb, mut ra, mut rb) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for &(x, y) in targets.iter().filter(|t| t.0 > 0.0) {
            let power = libm::pow(x, 2.0 * self.b);
            let value = 1.0 / (1.0 + self.a * power);
            let by_a = -power * value * value;
            let by_b = self.a * by_a * 2.0 * libm::log(x);
            let residual = y - value;
            aa += by_a * by_a;
            ab += by_a * by_b;
            bb += by_b * by_b;
            ra += by_a * residual;
            rb += by_b * residual;
        }
        let (aa, bb) = (aa * (1.0 + damping), bb * (1.0 + damping));
        let determinant = aa * bb - ab * ab;
        (
            (ra * bb - rb * ab) / determinant,
            (aa * rb - ab * ra) / determinant,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_umap_learn() {
        for (min_dist, a, b) in [
            (0.1, 1.576_943_460, 0.895_060_878),
            (0.0, 1.932_808, 0.790_495),
        ] {
            let curve = Curve::fit(min_dist);
            assert!(
                (curve.a - a).abs() < 1e-4 && (curve.b - b).abs() < 1e-4,
                "{curve:?}"
            );
        }
    }

    #[test]
    fn any_min_dist_gives_a_finite_curve() {
        for i in 0..=100 {
            let curve = Curve::fit(f64::from(i) / 100.0);
            assert!(curve.a > 0.0 && curve.a < 10.0 && curve.b > 0.0 && curve.b < 10.0);
        }
    }
}
