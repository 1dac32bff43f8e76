//! The largest eigenvectors of a symmetric operator (Lanczos 1950), orthogonal to one that
//! is known, with full reorthogonalisation.

use super::{
    super::random::{Key, Stream},
    math::{add_scaled, dot, normalise},
    tridiagonal::Tridiagonal,
};

/// Most steps; what has not converged by then is good enough to start a layout from.
const MOST_STEPS: usize = 300;
/// Steps between two looks at whether the eigenvectors have converged.
const LOOK_EVERY: usize = 10;
/// Length of a residual at which an eigenvector has converged.
const CONVERGED: f64 = 1e-5;
/// A remainder shorter than this lies in the space already seen.
const EXHAUSTED: f64 = 1e-10;

/// The `want` unit eigenvectors with the largest eigenvalues among those orthogonal to the
/// unit vector `known`. Fewer if the space has fewer dimensions.
pub(super) fn largest(
    known: &[f64],
    want: usize,
    seed: u64,
    apply: impl Fn(&[f64], &mut [f64]),
) -> Vec<Vec<f64>> {
    let n = known.len();
    let steps = MOST_STEPS.min(n.saturating_sub(1));
    let key = Key::new(seed, Stream::Lanczos);
    let mut basis: Vec<Vec<f64>> = Vec::new();
    let (mut diagonal, mut beside) = (Vec::new(), Vec::new());
    let Some(mut vector) = fresh(known, &basis, key) else {
        return Vec::new();
    };
    let mut product = vec![0.0; n];
    loop {
        apply(&vector, &mut product);
        diagonal.push(dot(&vector, &product));
        basis.push(vector);
        orthogonalise(&mut product, known, &basis);
        let length = normalise(&mut product);
        let step = basis.len();
        let last = step >= steps;
        if last || step.is_multiple_of(LOOK_EVERY) {
            let pairs = Tridiagonal {
                diagonal: &diagonal,
                beside: &beside,
            }
            .largest(want);
            let residual = |pair: &(f64, Vec<f64>)| length * pair.1.last().map_or(0.0, |v| v.abs());
            if last || pairs.iter().all(|pair| residual(pair) <= CONVERGED) {
                return pairs.iter().map(|pair| combine(&basis, &pair.1)).collect();
            }
        }
        if length > EXHAUSTED {
            beside.push(length);
            vector = std::mem::replace(&mut product, vec![0.0; n]);
        } else if let Some(other) = fresh(known, &basis, key) {
            beside.push(0.0);
            vector = other;
        } else {
            let pairs = Tridiagonal {
                diagonal: &diagonal,
                beside: &beside,
            }
            .largest(want);
            return pairs.iter().map(|pair| combine(&basis, &pair.1)).collect();
        }
    }
}

/// A random unit vector orthogonal to all vectors so far, if there is room for one.
fn fresh(known: &[f64], basis: &[Vec<f64>], key: Key) -> Option<Vec<f64>> {
    let key = key.child(basis.len() as u64);
    let mut vector: Vec<f64> = (0..known.len()).map(|i| key.unit(i as u64) - 0.5).collect();
    normalise(&mut vector);
    orthogonalise(&mut vector, known, basis);
    (normalise(&mut vector) > EXHAUSTED).then_some(vector)
}

/// Twice is enough (Parlett 1980).
fn orthogonalise(vector: &mut [f64], known: &[f64], basis: &[Vec<f64>]) {
    for _ in 0..2 {
        for other in std::iter::once(known).chain(basis.iter().map(Vec::as_slice)) {
            let along = dot(vector, other);
            add_scaled(vector, -along, other);
        }
    }
}

fn combine(basis: &[Vec<f64>], coefficients: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; basis.first().map_or(0, Vec::len)];
    for (vector, &coefficient) in basis.iter().zip(coefficients) {
        add_scaled(&mut sum, coefficient, vector);
    }
    normalise(&mut sum);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagonal_operator_gives_back_its_axes() {
        let n = 60;
        let mut known = vec![0.0; n];
        known[0] = 1.0;
        // eigenvalues n, n - 1, ..: the first belongs to the known vector
        let vectors = largest(&known, 2, 1, |x, y| {
            for (i, (y, x)) in y.iter_mut().zip(x).enumerate() {
                *y = (n - i) as f64 * x;
            }
        });
        assert!(vectors[0][1].abs() > 0.999_999 && vectors[1][2].abs() > 0.999_999);
    }

    #[test]
    fn small_and_repeated_spectra_end() {
        for n in 1..9 {
            let known = {
                let mut v = vec![1.0; n];
                normalise(&mut v);
                v
            };
            let vectors = largest(&known, 2, 1, |x, y| y.copy_from_slice(x));
            assert_eq!(vectors.len(), 2.min(n - 1));
            assert!(vectors.iter().all(|v| (dot(v, v) - 1.0).abs() < 1e-9));
        }
    }
}
