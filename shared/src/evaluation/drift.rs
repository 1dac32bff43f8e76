//! How far the customers have moved away from those that a model was fitted to.

use serde::{Deserialize, Serialize};

use crate::features::Features;
use crate::models::ModelError;
use crate::models::codec::{Reader, Writer};

const FILE: &str = "reference.safetensors";
const KIND: &str = "reference";
/// What is compared, in this order.
const NAMES: [&str; 5] = [
    "gross_revenue",
    "recency_days",
    "quantity_of_products",
    "returns",
    "frequency",
];
/// Quantiles that are kept of each feature: every thousandth.
const QUANTILES: usize = 1_001;
/// Groups that the population stability index compares: tenths of the training customers.
const GROUPS: usize = 10;
/// Least share of a group in that index, so that an empty one is no infinite difference.
const LEAST_SHARE: f64 = 1e-4;

/// How the features of the training customers are distributed: quantiles, no customers.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// By feature, ascending.
    quantiles: Vec<Vec<f64>>,
}

/// How far one feature has moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// The feature.
    pub feature: String,
    /// Population stability index over tenths of the training customers; below 0.1 is
    /// called little, above 0.25 much.
    pub psi: f64,
    /// Kolmogorov-Smirnov statistic: the largest difference of the distributions, to 0.001.
    pub ks: f64,
}

#[derive(Serialize, Deserialize)]
struct Header {
    kind: String,
}

fn columns(features: &Features) -> [Vec<f64>; NAMES.len()] {
    let whole = |column: &[i64]| column.iter().map(|&v| v as f64).collect();
    [
        features.gross_revenue.clone(),
        whole(&features.recency_days),
        whole(&features.quantity_of_products),
        whole(&features.returns),
        features.frequency.clone(),
    ]
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values
}

impl Reference {
    /// The distributions of some customers; of none there are none.
    pub fn of(features: &Features) -> Option<Self> {
        let last = features.len().checked_sub(1)?;
        let quantiles = columns(features).map(|column| {
            let column = sorted(column);
            let at = |i: usize| (i as u128 * last as u128 / (QUANTILES - 1) as u128) as usize;
            let found = (0..QUANTILES).filter_map(|i| column.get(at(i)).copied());
            found.collect()
        });
        Some(Self {
            quantiles: quantiles.to_vec(),
        })
    }

    /// How far `features` are from these distributions.
    pub fn drift(&self, features: &Features) -> Vec<Drift> {
        let compared = NAMES.iter().zip(&self.quantiles).zip(columns(features));
        compared
            .map(|((name, reference), column)| {
                let current = sorted(column);
                Drift {
                    feature: (*name).to_owned(),
                    psi: psi(reference, &current),
                    ks: ks(reference, &current),
                }
            })
            .collect()
    }

    /// As safetensors.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        let mut writer = Writer::new(FILE);
        let all = self.quantiles.iter().flatten().copied();
        writer.array("quantiles", &[NAMES.len(), QUANTILES], all);
        writer.finish(&Header {
            kind: KIND.to_owned(),
        })
    }

    /// From [`to_bytes`](Self::to_bytes); anything else is refused as corrupt.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let reader = Reader::open(FILE, bytes)?;
        let header: Header = reader.header()?;
        if header.kind != KIND {
            return Err(reader.corrupt(format!("it holds a {}", header.kind)));
        }
        let all = reader.array::<f64>("quantiles", &[NAMES.len(), QUANTILES])?;
        let quantiles: Vec<Vec<f64>> = all.chunks(QUANTILES).map(<[f64]>::to_vec).collect();
        let ascending = |column: &Vec<f64>| {
            column.iter().all(|v| v.is_finite()) && column.is_sorted_by(|a, b| a <= b)
        };
        if !quantiles.iter().all(ascending) {
            return Err(reader.corrupt("its quantiles do not ascend"));
        }
        Ok(Self { quantiles })
    }
}

/// Share of ascending `values` that are at most `x`.
fn at_most(values: &[f64], x: f64) -> f64 {
    values.partition_point(|v| *v <= x) as f64 / values.len().max(1) as f64
}

/// Sum over the groups of `(p - q) ln(p / q)`, with the shares p now and q in training.
fn psi(reference: &[f64], current: &[f64]) -> f64 {
    let step = (QUANTILES - 1) / GROUPS;
    // the least value is the edge of no tenth; where many have it, the next edges are it too
    let mut edges: Vec<f64> = reference.iter().copied().step_by(step).skip(1).collect();
    edges.pop();
    edges.dedup();
    // where many are equal, an edge is a group by itself
    edges.push(f64::INFINITY);
    let (mut below, mut sum) = ((0.0, 0.0), 0.0);
    for edge in edges {
        let up_to = (at_most(current, edge), at_most(reference, edge));
        let share = |up_to: f64, below: f64| (up_to - below).max(LEAST_SHARE);
        let (p, q) = (share(up_to.0, below.0), share(up_to.1, below.1));
        sum += (p - q) * libm::log(p / q);
        below = up_to;
    }
    sum
}

fn ks(reference: &[f64], current: &[f64]) -> f64 {
    let points = reference.iter().chain(current);
    points.fold(0.0, |largest, &x| {
        f64::max(largest, (at_most(reference, x) - at_most(current, x)).abs())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(revenue: Vec<f64>) -> Features {
        let n = revenue.len();
        Features {
            customer_id: vec![String::new(); n],
            is_guest: vec![false; n],
            gross_revenue: revenue,
            recency_days: vec![3; n],
            quantity_of_products: (0..n as i64).collect(),
            returns: (0..n as i64).map(|i| i64::from(i % 5 == 0)).collect(),
            frequency: vec![0.5; n],
            ..Features::default()
        }
    }

    fn ramp(n: usize, scale: f64) -> Vec<f64> {
        (0..n).map(|i| i as f64 * scale).collect()
    }

    #[test]
    fn the_same_customers_have_not_drifted() {
        let customers = features(ramp(4_000, 1.0));
        let drift = Reference::of(&customers).unwrap().drift(&customers);
        for feature in drift {
            assert!(feature.psi < 1e-3 && feature.ks <= 2e-3, "{feature:?}");
        }
    }

    /// All revenues doubled: half of them are above what was the highest, so the
    /// distributions differ by a half at that point.
    #[test]
    fn doubled_revenue_shows_in_revenue_alone() {
        let reference = Reference::of(&features(ramp(4_000, 1.0))).unwrap();
        let drift = reference.drift(&features(ramp(4_000, 2.0)));
        assert!((drift[0].ks - 0.5).abs() < 2e-3, "{:?}", drift[0]);
        assert!(drift[0].psi > 0.25);
        assert!(drift[1..].iter().all(|d| d.psi < 1e-3 && d.ks <= 2e-3));
    }

    /// Two groups, of 80% and 20%, become 40% and 60%:
    /// -0.4 ln(0.5) + 0.4 ln(3) = 0.7167, and a difference of 0.4.
    #[test]
    fn index_by_hand() {
        let of = |zeros: usize| sorted((0..1_001).map(|i| f64::from(i >= zeros)).collect());
        let (reference, current) = (of(801), of(400));
        let expected = -0.4 * libm::log(0.5) + 0.4 * libm::log(3.0);
        assert!((psi(&reference, &current) - expected).abs() < 0.01);
        assert!((ks(&reference, &current) - 0.4).abs() < 2e-3);
    }

    #[test]
    fn bytes_round_trip_and_damage_is_refused() {
        let reference = Reference::of(&features(ramp(50, 3.0))).unwrap();
        let bytes = reference.to_bytes().unwrap();
        assert_eq!(Reference::from_bytes(&bytes).unwrap(), reference);
        assert!(Reference::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        let mut broken = reference;
        broken.quantiles[2][7] = -1.0;
        assert!(Reference::from_bytes(&broken.to_bytes().unwrap()).is_err());
        assert!(Reference::of(&Features::default()).is_none());
    }
}
