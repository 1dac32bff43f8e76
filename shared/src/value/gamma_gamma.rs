//! What a purchase of a customer is worth: Gamma-Gamma (Fader and Hardie, "The Gamma-Gamma
//! Model of Monetary Value", 2013).
//!
//! A customer's purchases vary around a mean of their own (p), and those means over the
//! customers (q, v), whatever the number of purchases: the correlation that is reported
//! tells how far the data bear that out.

use serde::Serialize;

use super::minimise::minimise;
use super::special::digamma;

/// A repeating customer: purchase days after the first, and their mean value.
pub(super) type Spending = (u32, f64);

/// A fitted model; `v` in the shop's currency.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[allow(missing_docs)] // the paper's names
pub struct GammaGamma {
    pub p: f64,
    pub q: f64,
    pub v: f64,
    /// Sum over the customers who came again.
    pub log_likelihood: f64,
    /// Iterations of the fit.
    pub iterations: u32,
    /// Pearson's correlation of the number of repeat purchases with their mean value: the
    /// model assumes none.
    pub correlation: Option<f64>,
}

/// A logarithm of a parameter beyond this has run away.
const AWAY: f64 = 15.0;

impl GammaGamma {
    /// Fits by maximum likelihood, penalised as BG/NBD. `None` where there is no maximum.
    pub fn fit(customers: &[Spending], penalizer: f64) -> Option<Self> {
        let n = customers.len() as f64;
        let mut sorted = customers.to_vec();
        sorted.sort_unstable_by(|(x, m), (y, n)| x.cmp(y).then(m.total_cmp(n)));
        let unit = sorted.iter().map(|(_, mean)| mean).sum::<f64>() / n;
        let found = minimise([0.0; 3], |logarithms| {
            let [p, q, v] = logarithms.map(libm::exp);
            let parameters = [p, q, v * unit];
            let (likelihood, gradient) = likelihood(&parameters, &sorted);
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
        let [p, q, v] = found.at.map(libm::exp);
        let v = v * unit;
        Some(Self {
            p,
            q,
            v,
            log_likelihood: likelihood(&[p, q, v], &sorted).0,
            iterations: found.iterations,
            correlation: correlation(&sorted),
        })
    }

    /// Mean value of a purchase to be expected of a customer. `None` where the mean of all
    /// is infinite (q <= 1).
    pub fn expected(&self, repeats: u32, mean: f64) -> Option<f64> {
        if self.q <= 1.0 {
            return None;
        }
        let x = f64::from(repeats);
        // What nobody came again for has no mean.
        let spent = if repeats == 0 { 0.0 } else { x * mean };
        Some(self.p * (self.v + spent) / (self.p * x + self.q - 1.0))
    }
}

/// The sum of the log-likelihoods and its gradient by p, q, v.
fn likelihood(&[p, q, v]: &[f64; 3], customers: &[Spending]) -> (f64, [f64; 3]) {
    let (gamma_q, psi_q, log_v) = (libm::lgamma(q), digamma(q), libm::log(v));
    let mut sum = 0.0;
    let mut gradient = [0.0; 3];
    for same in customers.chunk_by(|(one, _), (other, _)| one == other) {
        let Some(&(repeats, _)) = same.first() else {
            continue;
        };
        let x = f64::from(repeats);
        let log_x = libm::log(x);
        let constant =
            libm::lgamma(p * x + q) - libm::lgamma(p * x) - gamma_q + q * log_v + p * x * log_x;
        let psi = digamma(p * x + q);
        let by_p = x * (psi - digamma(p * x) + log_x);
        for (_, mean) in same {
            let total = x * mean + v;
            let (log_mean, log_total) = (libm::log(*mean), libm::log(total));
            sum += constant + (p * x - 1.0) * log_mean - (p * x + q) * log_total;
            gradient[0] += by_p + x * (log_mean - log_total);
            gradient[1] += psi - psi_q + log_v - log_total;
            gradient[2] += q / v - (p * x + q) / total;
        }
    }
    (sum, gradient)
}

fn correlation(customers: &[Spending]) -> Option<f64> {
    let n = customers.len() as f64;
    let mean = |of: fn(&Spending) -> f64| customers.iter().map(of).sum::<f64>() / n;
    let repeats: fn(&Spending) -> f64 = |(x, _)| f64::from(*x);
    let value: fn(&Spending) -> f64 = |(_, mean)| *mean;
    let (x, y) = (mean(repeats), mean(value));
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for customer in customers {
        let (dx, dy) = (repeats(customer) - x, value(customer) - y);
        xx += dx * dx;
        yy += dy * dy;
        xy += dx * dy;
    }
    let found = xy / (xx.sqrt() * yy.sqrt());
    found.is_finite().then_some(found)
}
