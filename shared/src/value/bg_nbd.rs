//! How often customers come back, and whether they still do: BG/NBD (Fader, Hardie and Lee,
//! "Counting Your Customers the Easy Way", Marketing Science 24(2), 2005).
//!
//! A customer buys at a rate of their own, gamma distributed over the customers (r, α), and
//! after each purchase leaves for good with a probability of their own, beta distributed
//! (a, b).

use serde::Serialize;

use super::minimise::minimise;
use super::special::{digamma, hyp2f1};

/// What the model knows of a customer, in days.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Visits {
    /// Days with a purchase after the first (x).
    pub repeats: u32,
    /// Days from the first to the last (t_x).
    pub recency: u32,
    /// Days from the first to the moment (T).
    pub age: u32,
}

/// A fitted model; time in days.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[allow(missing_docs)] // the paper's names
pub struct BgNbd {
    pub r: f64,
    pub alpha: f64,
    pub a: f64,
    pub b: f64,
    /// Sum over the customers.
    pub log_likelihood: f64,
    /// Iterations of the fit.
    pub iterations: u32,
}

/// The oldest customer's age while fitting, as `lifetimes` has it: parameters of about one size
/// are found faster, and the penalty depends on it.
const SCALE: f64 = 1.0;
/// A logarithm of a parameter beyond this has run away.
const AWAY: f64 = 15.0;

impl BgNbd {
    /// Fits by maximum likelihood. `visits` are the distinct ones, ascending, with their
    /// numbers of customers. The mean negative log-likelihood is penalised by `penalizer`
    /// times the sum of the squared parameters, α in the scaled time, as by the package
    /// `lifetimes`. `None` where there is no maximum.
    pub fn fit(visits: &[(Visits, u64)], penalizer: f64) -> Option<Self> {
        let oldest = visits.iter().map(|(visits, _)| visits.age).max()?;
        let scale = SCALE / f64::from(oldest.max(1));
        let customers: u64 = visits.iter().map(|(_, count)| count).sum();
        let n = customers as f64;
        let found = minimise([0.0; 4], |logarithms| {
            let parameters = logarithms.map(libm::exp);
            let (likelihood, gradient) = likelihood(&parameters, visits, scale);
            let penalty: f64 = parameters.iter().map(|p| penalizer * p * p).sum();
            let gradient = std::array::from_fn(|i| {
                let p = parameters[i];
                p * (2.0 * penalizer * p - gradient[i] / n)
            });
            (penalty - likelihood / n, gradient)
        })?;
        if found.at.iter().any(|logarithm| logarithm.abs() > AWAY) {
            return None;
        }
        let [r, alpha, a, b] = found.at.map(libm::exp);
        let mut model = Self {
            r,
            alpha: alpha / scale,
            a,
            b,
            log_likelihood: 0.0,
            iterations: found.iterations,
        };
        model.log_likelihood = likelihood(&[r, model.alpha, a, b], visits, 1.0).0;
        Some(model)
    }

    /// Probability that the customer has not left. One who never came again has had no
    /// chance to: theirs is 1.
    pub fn p_alive(&self, visits: Visits) -> f64 {
        1.0 / (1.0 + self.odds_of_having_left(visits))
    }

    fn odds_of_having_left(&self, visits: Visits) -> f64 {
        if visits.repeats == 0 {
            return 0.0;
        }
        let x = f64::from(visits.repeats);
        let silence =
            (self.alpha + f64::from(visits.age)) / (self.alpha + f64::from(visits.recency));
        self.a / (self.b + x - 1.0) * libm::exp((self.r + x) * libm::log(silence))
    }

    /// Purchase days to be expected of the customer in the next `days` (equation 10 of the
    /// paper). The hypergeometric function is taken as it is or after Euler's transformation,
    /// whichever series ends sooner: its terms fall as n^-(1 + |a - 1 - r - x|) z^n.
    pub fn expected(&self, visits: Visits, days: f64) -> Option<f64> {
        if days <= 0.0 {
            return Some(0.0);
        }
        let Self { r, alpha, b, .. } = *self;
        // At a = 1 the formula is 0/0, and continuous.
        let a = if (self.a - 1.0).abs() < 1e-7 {
            1.0 + 1e-7
        } else {
            self.a
        };
        let (x, age) = (f64::from(visits.repeats), f64::from(visits.age));
        let z = days / (alpha + age + days);
        let c = a + b + x - 1.0;
        let (power, series) = if a - 1.0 < r + x {
            (a - 1.0, hyp2f1(c - r - x, a - 1.0, c, z)?)
        } else {
            (r + x, hyp2f1(r + x, b + x, c, z)?)
        };
        let left = libm::exp(power * libm::log((alpha + age) / (alpha + age + days)));
        let mean = c / (a - 1.0) * (1.0 - left * series);
        let expected = mean / (1.0 + self.odds_of_having_left(visits));
        expected.is_finite().then_some(expected.max(0.0))
    }
}

/// The sum of the log-likelihoods (equation 6 of the paper, in logarithms) and its gradient
/// by r, α, a, b.
fn likelihood(
    &[r, alpha, a, b]: &[f64; 4],
    visits: &[(Visits, u64)],
    scale: f64,
) -> (f64, [f64; 4]) {
    let log_alpha = libm::log(alpha);
    let gamma_b = libm::lgamma(a + b) - libm::lgamma(b);
    let (gamma_r, psi_r) = (libm::lgamma(r), digamma(r));
    let (psi_b, psi_ab) = (digamma(b), digamma(a + b));
    let mut sum = 0.0;
    let mut gradient = [0.0; 4];
    // What depends on x alone is worked out once for all that follow with the same x.
    for same in visits.chunk_by(|(one, _), (other, _)| one.repeats == other.repeats) {
        let Some((first, _)) = same.first() else {
            continue;
        };
        let x = f64::from(first.repeats);
        let repeats = first.repeats > 0;
        let constant = libm::lgamma(r + x) - gamma_r
            + r * log_alpha
            + if repeats {
                gamma_b + libm::lgamma(b + x) - libm::lgamma(a + b + x)
            } else {
                0.0
            };
        let by_r = digamma(r + x) - psi_r + log_alpha;
        let (by_a, by_b, log_odds) = if repeats {
            let by_a = psi_ab - digamma(a + b + x);
            let by_b = by_a + digamma(b + x) - psi_b;
            (by_a, by_b, libm::log(a / (b + x - 1.0)))
        } else {
            (0.0, 0.0, 0.0)
        };
        for (visits, count) in same {
            let count = *count as f64;
            let stays = alpha + scale * f64::from(visits.age);
            let log_stays = libm::log(stays);
            if !repeats {
                sum += count * (constant - r * log_stays);
                gradient[0] += count * (by_r - log_stays);
                gradient[1] += count * (r / alpha - r / stays);
                continue;
            }
            let left = alpha + scale * f64::from(visits.recency);
            let log_left = libm::log(left);
            let (here, gone) = (-(r + x) * log_stays, log_odds - (r + x) * log_left);
            let most = here.max(gone);
            let (here, gone) = (libm::exp(here - most), libm::exp(gone - most));
            let both = here + gone;
            let (here, gone) = (here / both, gone / both);
            sum += count * (constant + most + libm::log(both));
            gradient[0] += count * (by_r - here * log_stays - gone * log_left);
            gradient[1] += count * (r / alpha - (r + x) * (here / stays + gone / left));
            gradient[2] += count * (by_a + gone / a);
            gradient[3] += count * (by_b - gone / (b + x - 1.0));
        }
    }
    (sum, gradient)
}
