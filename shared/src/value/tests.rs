//! A shop whose customers are drawn from known models, and what `lifetimes` 0.11.3 says of
//! it: the figures here are printed by `tools/parity/clv.py --shop`, which draws the same.

use super::*;
use crate::models::random::mix;

const CUSTOMERS: u64 = 4_000;
/// r = 1, α = 40 days, a = 1, b = 4; p = 2, q = 3, v = 30.
const ALPHA: f64 = 40.0;
const B: f64 = 4.0;
const V: f64 = 30.0;

/// One customer's random numbers, in ]0, 1[.
struct Draws(u64);

impl Draws {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(1);
        ((mix(self.0) >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0
    }

    /// Exponential, and with that gamma of shape 1.
    fn exponential(&mut self) -> f64 {
        -libm::log(self.unit())
    }
}

fn customer(number: u64) -> Purchases {
    let mut draws = Draws(mix(number));
    let age = 100.0 + (600.0 * draws.unit()).floor();
    let rate = draws.exponential() / ALPHA;
    let leaves = 1.0 - libm::exp(libm::log(draws.unit()) / B);
    let spread = (draws.exponential() + draws.exponential() + draws.exponential()) / V;
    let (mut time, mut last, mut repeats, mut spent) = (0.0, 0.0, 0, 0.0);
    loop {
        time += draws.exponential() / rate;
        if time >= age {
            break;
        }
        // The models know of days: a second purchase on one is none.
        if time.floor() > last {
            last = time.floor();
            repeats += 1;
            spent += (draws.exponential() + draws.exponential()) / spread;
        }
        if draws.unit() < leaves {
            break;
        }
    }
    Purchases {
        is_guest: false,
        invoices: repeats + 1,
        visits: Visits {
            repeats,
            recency: last as u32,
            age: age as u32,
        },
        mean_value: if repeats == 0 {
            0.0
        } else {
            spent / f64::from(repeats)
        },
    }
}

fn shop() -> Vec<Purchases> {
    (0..CUSTOMERS).map(customer).collect()
}

fn features(customers: &[Purchases]) -> Features {
    let days = customers.iter().map(|c| c.visits.age - c.visits.recency);
    Features {
        customer_id: (0..customers.len()).map(|n| n.to_string()).collect(),
        gross_revenue: customers.iter().map(|c| c.mean_value + 1.0).collect(),
        recency_days: days.map(i64::from).collect(),
        ..Features::default()
    }
}

fn value(customers: &[Purchases], settings: &ValueSettings) -> (Value, ValueReport) {
    let rfm = RfmSettings::default();
    Value::of(&features(customers), customers, &rfm, settings)
}

/// Within a relative `tolerance` of what is expected.
fn close(what: &str, found: f64, expected: f64, tolerance: f64) {
    let apart = (found - expected).abs() / expected.abs();
    assert!(apart <= tolerance, "{what}: {found}, not {expected}");
}

#[test]
fn the_shop_is_the_one_that_the_reference_figures_are_of() {
    let shop = shop();
    let again: Vec<&Purchases> = shop.iter().filter(|c| c.visits.repeats > 0).collect();
    let repeats: u32 = again.iter().map(|c| c.visits.repeats).sum();
    let mean = again.iter().map(|c| c.mean_value).sum::<f64>() / again.len() as f64;
    assert_eq!((again.len(), repeats), (3_510, 16_042));
    close("mean", mean, 29.853_217_845, 1e-9);
}

#[test]
fn parameters_and_predictions_are_those_of_lifetimes() {
    let (_, report) = value(&shop(), &ValueSettings::default());
    let (bg_nbd, gamma_gamma) = (
        report.lifetime.bg_nbd.unwrap(),
        report.lifetime.gamma_gamma.unwrap(),
    );
    for (what, found, expected) in [
        ("r", bg_nbd.r, 1.019_168_903),
        ("alpha", bg_nbd.alpha, 44.939_601_286),
        ("a", bg_nbd.a, 1.067_028_92),
        ("b", bg_nbd.b, 4.418_030_603),
        ("p", gamma_gamma.p, 2.126_613_589),
        ("q", gamma_gamma.q, 2.927_984_399),
        ("v", gamma_gamma.v, 27.046_230_695),
    ] {
        close(what, found, expected, 1e-5);
    }
    close("likelihood", bg_nbd.log_likelihood, -81_863.556_41, 1e-9);
    // x, t_x, T: p_alive, purchases in a year, mean value after one of 50.
    for ((repeats, recency, age), alive, year, worth) in [
        ((0, 0, 0), 1.0, 3.966_403_481, 29.832_648_933),
        ((0, 0, 400), 1.0, 0.728_143_098, 29.832_648_933),
        ((1, 3, 350), 0.055_347_318, 0.085_357_067, 40.410_309_89),
        ((4, 200, 230), 0.795_616_934, 3.786_964_314, 46.273_653_127),
        (
            (30, 400, 420),
            0.888_977_285,
            16.079_420_801,
            49.408_421_229,
        ),
        ((30, 200, 420), 7.3e-8, 1.316e-6, 49.408_421_229),
        ((2, 600, 600), 0.835_463_512, 1.238_190_372, 43.709_592_732),
    ] {
        let visits = Visits {
            repeats,
            recency,
            age,
        };
        let tolerance = if alive < 1e-6 { 1e-2 } else { 1e-4 };
        close("p_alive", bg_nbd.p_alive(visits), alive, tolerance);
        let expected = bg_nbd.expected(visits, 365.0).unwrap();
        close("purchases", expected, year, tolerance);
        close(
            "worth",
            gamma_gamma.expected(repeats, 50.0).unwrap(),
            worth,
            1e-5,
        );
    }
}

#[test]
fn lifetime_value_is_that_of_lifetimes() {
    // A hundredth a month, of twelve months of 30 days.
    let settings = ValueSettings {
        horizon_days: 360,
        discount_rate: 1.01_f64.powf(365.0 / 30.0) - 1.0,
        penalizer: 0.0,
    };
    let (value, _) = value(&shop(), &settings);
    let first = [
        25.067_681,
        0.551_09,
        166.650_471,
        0.459_394,
        0.170_904,
        3.112_087,
    ];
    for (found, expected) in value.clv.iter().zip(first) {
        close("clv", found.unwrap(), expected, 1e-4);
    }
    let sum: f64 = value.clv.iter().flatten().sum();
    close("sum", sum, 197_023.119_3, 1e-5);
}

#[test]
fn the_penalty_is_that_of_lifetimes() {
    let settings = ValueSettings {
        penalizer: 0.01,
        ..ValueSettings::default()
    };
    let (_, report) = value(&shop(), &settings);
    let bg_nbd = report.lifetime.bg_nbd.unwrap();
    for (what, found, expected) in [
        ("r", bg_nbd.r, 0.972_611_813),
        ("alpha", bg_nbd.alpha, 42.521_464_712),
        ("a", bg_nbd.a, 0.459_890_797),
        ("b", bg_nbd.b, 1.305_114_235),
    ] {
        close(what, found, expected, 1e-4);
    }
    let gamma_gamma = report.lifetime.gamma_gamma.unwrap();
    close("q", gamma_gamma.q, 0.975_824_195, 1e-4);
    assert!(report.lifetime.reason.unwrap().contains("q <= 1"));
}

/// What the customers were drawn from is found again.
#[test]
fn the_parameters_that_made_the_shop_are_found() {
    let (_, report) = value(&shop(), &ValueSettings::default());
    let bg_nbd = report.lifetime.bg_nbd.unwrap();
    let gamma_gamma = report.lifetime.gamma_gamma.unwrap();
    for (what, found, true_value) in [
        ("r", bg_nbd.r, 1.0),
        ("alpha", bg_nbd.alpha, ALPHA),
        ("a", bg_nbd.a, 1.0),
        ("b", bg_nbd.b, B),
        ("p", gamma_gamma.p, 2.0),
        ("q", gamma_gamma.q, 3.0),
        ("v", gamma_gamma.v, V),
    ] {
        close(what, found, true_value, 0.15);
    }
    assert!(gamma_gamma.correlation.unwrap().abs() < 0.05);
}

#[test]
fn the_order_of_the_customers_changes_no_bit() {
    let shop = shop();
    let (found, report) = value(&shop, &ValueSettings::default());
    // 1009 is prime to 4000: a permutation.
    let order: Vec<usize> = (0..shop.len()).map(|i| i * 1_009 % shop.len()).collect();
    let turned: Vec<Purchases> = order.iter().map(|&row| shop[row]).collect();
    let (again, same) = value(&turned, &ValueSettings::default());
    assert_eq!(same, report);
    assert!(
        again == found.select(&order),
        "a customer's value is another"
    );
}

#[test]
fn guests_are_left_out() {
    let mut shop = shop();
    let (alone, report) = value(&shop, &ValueSettings::default());
    let guests = shop.len()..shop.len() + 2_000;
    shop.extend(guests.clone().map(|number| Purchases {
        is_guest: true,
        invoices: 1,
        visits: Visits {
            age: number as u32 % 700,
            ..Visits::default()
        },
        mean_value: 0.0,
    }));
    let (value, with_guests) = value(&shop, &ValueSettings::default());
    assert_eq!(with_guests.lifetime, report.lifetime);
    assert!(value.clv[..guests.start] == alone.clv);
    assert!(guests.clone().all(|row| value.p_alive[row].is_none()));
    assert!(guests.clone().all(|row| value.clv[row].is_none()));
    assert!(guests.clone().all(|row| value.rfm_frequency[row] >= 1));
}

#[test]
fn a_shop_that_says_nothing_has_scores_and_a_reason() {
    let few: Vec<Purchases> = shop().into_iter().take(15).collect();
    let (value, report) = value(&few, &ValueSettings::default());
    assert!(report.lifetime.reason.unwrap().contains("are needed"));
    assert_eq!((value.clv, value.p_alive), (vec![None; 15], vec![None; 15]));
    assert_eq!(value.rfm_group.len(), 15);
}

#[test]
fn a_model_without_a_maximum_has_a_reason() {
    // Everybody buys every tenth day to the last: nobody varies and nobody leaves.
    let clockwork: Vec<Purchases> = (0..100)
        .map(|_| Purchases {
            is_guest: false,
            invoices: 11,
            visits: Visits {
                repeats: 10,
                recency: 100,
                age: 100,
            },
            mean_value: 5.0,
        })
        .collect();
    let (found, report) = value(&clockwork, &ValueSettings::default());
    assert!(report.lifetime.reason.unwrap().contains("value.penalizer"));
    assert!(found.clv.iter().all(Option::is_none));
}

/// Where many leave at once the other series is taken; figures of `lifetimes` again.
#[test]
fn purchases_are_those_of_lifetimes_where_many_leave() {
    let model = BgNbd {
        r: 0.5,
        alpha: 10.0,
        a: 3.2,
        b: 5.5,
        log_likelihood: 0.0,
        iterations: 0,
    };
    for ((repeats, recency, age), expected) in [
        ((0, 0, 0), 2.345_465_664_498_837),
        ((0, 0, 300), 0.452_372_886_016_448),
        ((1, 30, 60), 1.112_863_734_574_987),
        ((3, 50, 90), 1.076_536_747_987_482),
    ] {
        let visits = Visits {
            repeats,
            recency,
            age,
        };
        let found = model.expected(visits, 365.0).unwrap();
        close("purchases", found, expected, 1e-11);
    }
    assert_eq!(model.expected(Visits::default(), 0.0), Some(0.0));
}
