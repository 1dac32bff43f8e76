//! Customer lifetime value: purchases to be expected, times what one is worth, discounted.

use rayon::prelude::*;
use serde::Serialize;

use super::{BgNbd, GammaGamma, Purchases, Visits};
use crate::settings::ValueSettings;

/// Customers who came again that a fit needs: five for each of the four parameters.
const REPEATERS: u64 = 20;
/// Days of a step in which value is taken to come in, at its end.
const STEP: u32 = 30;
const DAYS_A_YEAR: f64 = 365.0;

/// How lifetime values came about.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Lifetimes {
    /// Customers that the purchases are fitted to: all but guests.
    pub customers: u64,
    /// Those of them who came again on another day.
    pub repeaters: u64,
    /// Days ahead.
    pub horizon_days: u32,
    /// A year's discount.
    pub discount_rate: f64,
    /// Penalty of the fits.
    pub penalizer: f64,
    /// How often customers come back.
    pub bg_nbd: Option<BgNbd>,
    /// What a purchase is worth.
    pub gamma_gamma: Option<GammaGamma>,
    /// Why there is no model, or no value.
    pub reason: Option<String>,
}

/// What is expected of one customer.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Expected {
    pub(super) p_alive: Option<f64>,
    pub(super) purchases: Option<f64>,
    pub(super) value: Option<f64>,
}

/// The same of all customers with the same visits.
struct Outlook {
    p_alive: f64,
    purchases: Option<f64>,
    /// Purchases discounted to the moment.
    discounted: Option<f64>,
}

/// Fits both models and applies them. Guests are not customers here: each is one invoice by
/// construction, so that none could ever come again.
pub(super) fn lifetimes(
    customers: &[Purchases],
    settings: &ValueSettings,
) -> (Vec<Expected>, Lifetimes) {
    let visits = distinct(customers);
    let again = visits.iter().filter(|(visits, _)| visits.repeats > 0);
    let mut report = Lifetimes {
        customers: visits.iter().map(|(_, count)| count).sum(),
        repeaters: again.map(|(_, count)| count).sum(),
        horizon_days: settings.horizon_days,
        discount_rate: settings.discount_rate,
        penalizer: settings.penalizer,
        ..Lifetimes::default()
    };
    let nothing = vec![Expected::default(); customers.len()];
    if report.repeaters < REPEATERS {
        report.reason = Some(format!(
            "{} customers came again on another day, {REPEATERS} are needed",
            report.repeaters
        ));
        return (nothing, report);
    }
    let Some(model) = BgNbd::fit(&visits, settings.penalizer) else {
        report.reason = Some(
            "BG/NBD has no maximum on these customers: set value.penalizer, 0.001 to 0.1"
                .to_owned(),
        );
        return (nothing, report);
    };
    report.bg_nbd = Some(model);
    let spending: Vec<(u32, f64)> = customers
        .iter()
        .filter(|customer| customer.spends())
        .map(|customer| (customer.visits.repeats, customer.mean_value))
        .collect();
    let worth = GammaGamma::fit(&spending, settings.penalizer);
    report.gamma_gamma = worth;
    report.reason = match worth {
        None => Some(
            "Gamma-Gamma has no maximum on these customers: set value.penalizer, 0.001 to 0.1"
                .to_owned(),
        ),
        Some(model) if model.q <= 1.0 => {
            Some("the mean value of a purchase is not finite (Gamma-Gamma's q <= 1)".to_owned())
        }
        Some(_) => None,
    };
    let outlooks: Vec<Outlook> = visits
        .par_iter()
        .map(|&(visits, _)| outlook(&model, visits, settings))
        .collect();
    let expected = customers.iter().map(|customer| {
        let place = visits.binary_search_by_key(&customer.visits, |&(visits, _)| visits);
        let outlook = place.ok().and_then(|place| outlooks.get(place));
        let Some(outlook) = outlook.filter(|_| !customer.is_guest) else {
            return Expected::default();
        };
        // Who came again for nothing is worth as much as one who did not come again.
        let repeats = if customer.spends() {
            customer.visits.repeats
        } else {
            0
        };
        let mean = worth.and_then(|worth| worth.expected(repeats, customer.mean_value));
        Expected {
            p_alive: Some(outlook.p_alive),
            purchases: outlook.purchases,
            value: mean.zip(outlook.discounted).map(|(mean, n)| mean * n),
        }
    });
    (expected.collect(), report)
}

/// Distinct visits of those who are no guests, ascending, with their numbers.
fn distinct(customers: &[Purchases]) -> Vec<(Visits, u64)> {
    let known = customers.iter().filter(|customer| !customer.is_guest);
    let mut visits: Vec<Visits> = known.map(|customer| customer.visits).collect();
    visits.sort_unstable();
    let same = visits.chunk_by(|one, other| one == other);
    same.filter_map(|same| Some((*same.first()?, same.len() as u64)))
        .collect()
}

fn outlook(model: &BgNbd, visits: Visits, settings: &ValueSettings) -> Outlook {
    let log_rate = libm::log(1.0 + settings.discount_rate);
    let (mut before, mut discounted) = (Some(0.0), Some(0.0));
    let mut day = 0;
    while day < settings.horizon_days {
        day = (day + STEP).min(settings.horizon_days);
        let until = model.expected(visits, f64::from(day));
        let factor = libm::exp(-log_rate * f64::from(day) / DAYS_A_YEAR);
        let came = until.zip(before).map(|(until, before)| until - before);
        discounted = discounted.zip(came).map(|(sum, came)| sum + came * factor);
        before = until;
    }
    Outlook {
        p_alive: model.p_alive(visits),
        purchases: before,
        discounted,
    }
}
