//! Numeric kernels that give the same bits on every machine: additions, multiplications,
//! divisions and square roots in a fixed order, and nothing of the platform's.

use std::f64::consts::{LN_2, LOG2_E};

/// Numbers summed side by side; fixed, so that sums round the same everywhere.
const LANES: usize = 8;
/// Adding and subtracting it rounds to a whole number: 1.5 * 2^52.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// `x` to the power `b` for a positive, normal `x`, to about 1e-8.
#[inline]
pub(super) fn pow(x: f64, b: f64) -> f64 {
    exp2(b * log2(x))
}

/// Binary logarithm by the series of the inverse hyperbolic tangent.
#[inline]
fn log2(x: f64) -> f64 {
    // the mantissa in sqrt(1/2)..sqrt(2), so that the series' argument is at most 0.172
    let bits = x.to_bits().wrapping_sub(0x3FE6_A09E_667F_3BCD);
    let exponent = (bits as i64) >> 52;
    let mantissa = f64::from_bits(x.to_bits().wrapping_sub((exponent as u64) << 52));
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let t = s * s;
    let odd = 1.0 + t * (1.0 / 3.0 + t * (1.0 / 5.0 + t * (1.0 / 7.0 + t * (1.0 / 9.0 + t / 11.0))));
    exponent as f64 + 2.0 * LOG2_E * s * odd
}

/// Two to the power `y`, by the exponential's series on `-1/2..1/2`.
#[inline]
fn exp2(y: f64) -> f64 {
    let y = y.clamp(-1000.0, 1000.0);
    let shifted = y + ROUND;
    let whole = shifted - ROUND;
    let f = (y - whole) * LN_2;
    let series = 1.0
        + f * (1.0
            + f * (1.0 / 2.0
                + f * (1.0 / 6.0
                    + f * (1.0 / 24.0 + f * (1.0 / 120.0 + f * (1.0 / 720.0 + f / 5040.0))))));
    let scale = (shifted.to_bits() << 52).wrapping_add(1.0_f64.to_bits());
    series * f64::from_bits(scale)
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (a_lanes, b_lanes) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f64 = a_lanes.remainder().iter().zip(b_lanes.remainder()).map(|(x, y)| x * y).sum();
    for (a, b) in a_lanes.zip(b_lanes) {
        for ((sum, x), y) in sums.iter_mut().zip(a).zip(b) {
            *sum += x * y;
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// Adds `factor * x` to `y`.
pub(super) fn add_scaled(y: &mut [f64], factor: f64, x: &[f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += factor * x;
    }
}

/// Scales `x` to length 1 and returns its former length; leaves a zero vector alone.
pub(super) fn normalise(x: &mut [f64]) -> f64 {
    let length = dot(x, x).sqrt();
    if length > 0.0 {
        x.iter_mut().for_each(|v| *v /= length);
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_within_a_millionth() {
        for b in [0.3, 0.895_061, 1.0, 1.9] {
            for i in -400..400 {
                let x = libm::exp2(f64::from(i) / 7.3);
                let exact = libm::pow(x, b);
                assert!((pow(x, b) / exact - 1.0).abs() < 1e-7, "{x} to {b}");
            }
        }
        assert_eq!(pow(1.0, 0.7), 1.0);
        assert!(pow(1e300, 9.0).is_finite() && pow(1e-300, 9.0) > 0.0);
    }

    #[test]
    fn dot_products_of_any_length() {
        for n in 0..40 {
            let a: Vec<f64> = (0..n).map(f64::from).collect();
            let expected: f64 = a.iter().map(|v| v * v).sum();
            assert_eq!(dot(&a, &a), expected);
        }
    }
}
