//! The least value of a smooth function of a few variables: BFGS with a line search that
//! halves and doubles until the weak Wolfe conditions hold (Nocedal and Wright 2006, 6.1;
//! Lewis and Overton 2013).
//!
//! Own code, since the same bits on every machine need every sum in a known order, and the
//! functions here have three and four variables: argmin would bring its traits, its vector
//! backend and a random number generator for these eighty lines.

/// Where a function is least.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Minimum<const N: usize> {
    pub(super) at: [f64; N],
    pub(super) value: f64,
    pub(super) iterations: u32,
}

/// Iterations after which a function counts as one without a minimum.
const ITERATIONS: u32 = 500;
/// Steps of one line search.
const TRIALS: u32 = 60;
/// Largest part of the gradient at a minimum.
const FLAT: f64 = 1e-8;
/// The same, where rounding hides any further descent.
const NEARLY_FLAT: f64 = 1e-5;

/// Minimises `function`, which gives its value and gradient, from `start`. `None` if it goes
/// on falling, or has no number where it must be looked at.
pub(super) fn minimise<const N: usize>(
    start: [f64; N],
    mut function: impl FnMut(&[f64; N]) -> (f64, [f64; N]),
) -> Option<Minimum<N>> {
    let mut at = start;
    let (mut value, mut gradient) = function(&at);
    let mut inverse = identity::<N>(1.0);
    for iterations in 0..ITERATIONS {
        if !value.is_finite() || gradient.iter().any(|part| !part.is_finite()) {
            return None;
        }
        if largest(&gradient) < FLAT {
            return Some(Minimum {
                at,
                value,
                iterations,
            });
        }
        let mut direction: [f64; N] = std::array::from_fn(|i| -dot(&inverse[i], &gradient));
        if dot(&direction, &gradient) >= 0.0 {
            inverse = identity(1.0);
            direction = gradient.map(|part| -part);
        }
        let Some(next) = line_search(&at, value, &gradient, &direction, &mut function) else {
            let there = largest(&gradient) < NEARLY_FLAT;
            return there.then_some(Minimum {
                at,
                value,
                iterations,
            });
        };
        let step: [f64; N] = std::array::from_fn(|i| next.at[i] - at[i]);
        let change: [f64; N] = std::array::from_fn(|i| next.gradient[i] - gradient[i]);
        let curvature = dot(&step, &change);
        if curvature > 0.0 {
            if iterations == 0 {
                inverse = identity(curvature / dot(&change, &change));
            }
            update(&mut inverse, &step, &change, curvature);
        }
        (at, value, gradient) = (next.at, next.value, next.gradient);
    }
    None
}

struct Point<const N: usize> {
    at: [f64; N],
    value: f64,
    gradient: [f64; N],
}

fn line_search<const N: usize>(
    from: &[f64; N],
    value: f64,
    gradient: &[f64; N],
    direction: &[f64; N],
    function: &mut impl FnMut(&[f64; N]) -> (f64, [f64; N]),
) -> Option<Point<N>> {
    let slope = dot(gradient, direction);
    // A first step of e in the logarithm of a parameter is as far as any guess should go.
    let mut length = 1.0_f64.min(2.0 / largest(direction));
    let (mut low, mut high) = (0.0, f64::INFINITY);
    for _ in 0..TRIALS {
        let at: [f64; N] = std::array::from_fn(|i| from[i] + length * direction[i]);
        let (there, slopes) = function(&at);
        let falls = there <= value + 1e-4 * length * slope; // no number does not
        if falls && dot(&slopes, direction) < 0.9 * slope {
            low = length;
        } else if !falls {
            high = length;
        } else {
            return Some(Point {
                at,
                value: there,
                gradient: slopes,
            });
        }
        length = if high.is_finite() {
            0.5 * (low + high)
        } else {
            2.0 * length
        };
    }
    None
}

/// The inverse Hessian after a step.
fn update<const N: usize>(
    inverse: &mut [[f64; N]; N],
    step: &[f64; N],
    change: &[f64; N],
    curvature: f64,
) {
    let turned: [f64; N] = std::array::from_fn(|i| dot(&inverse[i], change));
    let scale = (1.0 + dot(change, &turned) / curvature) / curvature;
    for i in 0..N {
        for j in 0..N {
            inverse[i][j] +=
                scale * step[i] * step[j] - (turned[i] * step[j] + step[i] * turned[j]) / curvature;
        }
    }
}

fn identity<const N: usize>(scale: f64) -> [[f64; N]; N] {
    std::array::from_fn(|i| std::array::from_fn(|j| if i == j { scale } else { 0.0 }))
}

fn dot<const N: usize>(a: &[f64; N], b: &[f64; N]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn largest<const N: usize>(parts: &[f64; N]) -> f64 {
    parts.iter().fold(0.0, |most, part| most.max(part.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_valley_of_rosenbrock_is_followed_to_its_end() {
        let found = minimise([-1.2, 1.0], |&[x, y]| {
            let value = (1.0 - x).powi(2) + 100.0 * (y - x * x).powi(2);
            let dx = -2.0 * (1.0 - x) - 400.0 * x * (y - x * x);
            (value, [dx, 200.0 * (y - x * x)])
        });
        let [x, y] = found.unwrap().at;
        assert!((x - 1.0).abs() < 1e-7 && (y - 1.0).abs() < 1e-7, "{x} {y}");
    }

    #[test]
    fn a_function_without_a_minimum_has_none() {
        assert_eq!(minimise([0.0], |&[x]| (-x, [-1.0])), None);
        assert_eq!(minimise([0.0], |_| (f64::NAN, [0.0])), None);
    }
}
