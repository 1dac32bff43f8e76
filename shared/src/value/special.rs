//! Special functions that `libm` does not have, by series of its own `log`: the same bits on
//! every machine.

/// The digamma function, the derivative of ln Γ, for `x` > 0: recurrence up to 10, then the
/// asymptotic series (Abramowitz and Stegun 6.3.5, 6.3.18).
pub(super) fn digamma(x: f64) -> f64 {
    let (mut x, mut sum) = (x, 0.0);
    while x < 10.0 {
        sum -= 1.0 / x;
        x += 1.0;
    }
    let y = 1.0 / (x * x);
    let tail = 1.0 / 240.0 - y * (1.0 / 132.0 - y * (691.0 / 32_760.0 - y / 12.0));
    let tail = y * (1.0 / 12.0 - y * (1.0 / 120.0 - y * (1.0 / 252.0 - y * tail)));
    sum + libm::log(x) - 0.5 / x - tail
}

/// Terms after which a series counts as one that does not converge.
const TERMS: u32 = 100_000;

/// Gauss' hypergeometric function by its series, for 0 <= `z` < 1. `None` where the series
/// does not settle or `c` is a pole.
pub(super) fn hyp2f1(a: f64, b: f64, c: f64, z: f64) -> Option<f64> {
    let (mut term, mut sum) = (1.0_f64, 1.0_f64);
    for n in 0..TERMS {
        let n = f64::from(n);
        term *= (a + n) * (b + n) / ((c + n) * (n + 1.0)) * z;
        sum += term;
        if !sum.is_finite() {
            return None;
        }
        if term.abs() <= f64::EPSILON * 0.5 * sum.abs() {
            return Some(sum);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digamma_at_known_places() {
        // ψ(1) = -γ, ψ(1/2) = -γ - 2 ln 2, ψ(x + 1) = ψ(x) + 1/x.
        let gamma = 0.577_215_664_901_532_9;
        assert!((digamma(1.0) + gamma).abs() < 1e-14);
        assert!((digamma(0.5) + gamma + 2.0 * std::f64::consts::LN_2).abs() < 1e-14);
        for x in [1e-3, 0.2, 3.0, 9.5, 40.0, 1e6] {
            let step = digamma(x + 1.0) - digamma(x);
            assert!((step - 1.0 / x).abs() < 1e-12 * (1.0 + 1.0 / x), "{x}");
        }
    }

    #[test]
    fn the_series_is_what_it_is_known_to_be() {
        // ln(1 + z) = z F(1, 1; 2; -z), here at -z = 0.9; (1 - z)^-a = F(a, b; b; z).
        let found = hyp2f1(1.0, 1.0, 2.0, 0.9).unwrap();
        assert!((found - 10.0_f64.ln() / 0.9).abs() < 1e-13);
        let found = hyp2f1(0.3, 2.5, 2.5, 0.99).unwrap();
        assert!((found - 0.01_f64.powf(-0.3)).abs() < 1e-11);
        assert_eq!(hyp2f1(0.0, 1.0, 2.0, 0.5), Some(1.0));
        assert_eq!(hyp2f1(1.0, 1.0, 0.0, 0.5), None);
    }
}
