//! Customers: their features, and points of them.

use ndarray::Array2;
use shared::features::Features;
use shared::models::random::{Key, Stream};
use shared::value::{Group, Value};

/// Whole numbers of the size that most customers have, a few of them large.
fn long_tail(key: Key, counter: u64, scale: f64) -> f64 {
    (scale / (1.0 - key.unit(counter) * 0.999)).round()
}

pub(crate) fn features(customers: usize) -> Features {
    let keys: Vec<Key> = (0..customers as u64)
        .map(|row| Key::new(3, Stream::Noise).child(row))
        .collect();
    let real = |of: &dyn Fn(Key) -> f64| -> Vec<f64> { keys.iter().map(|&key| of(key)).collect() };
    let whole =
        |of: &dyn Fn(Key) -> f64| -> Vec<i64> { keys.iter().map(|&key| of(key) as i64).collect() };
    Features {
        customer_id: (0..customers).map(|row| format!("{row:07}")).collect(),
        is_guest: keys.iter().map(|key| key.below(0, 20) == 0).collect(),
        gross_revenue: real(&|key| long_tail(key, 1, 4_000.0) / 100.0),
        recency_days: whole(&|key| key.unit(2) * 373.0),
        quantity_of_products: whole(&|key| long_tail(key, 3, 20.0)),
        returns: whole(&|key| (key.unit(4) * 5.0 - 3.0).max(0.0)),
        frequency: real(&|key| (key.unit(5) * 10.0).floor() / (1.0 + long_tail(key, 6, 9.0))),
        value: value(&keys),
    }
}

fn value(keys: &[Key]) -> Value {
    let score = |counter: u64| -> Vec<i32> {
        let scores = keys.iter().map(|key| 1 + key.below(counter, 5) as i32);
        scores.collect()
    };
    let expected = |counter: u64| -> Vec<Option<f64>> {
        let known = |key: &Key| (key.below(counter, 20) > 0).then(|| key.unit(counter));
        keys.iter().map(known).collect()
    };
    let group = |key: &Key| Group::ALL[key.below(14, Group::ALL.len())];
    Value {
        purchases: keys.iter().map(|key| 1 + key.below(7, 30) as i64).collect(),
        rfm_recency: score(8),
        rfm_frequency: score(9),
        rfm_monetary: score(10),
        rfm_group: keys.iter().map(group).collect(),
        p_alive: expected(11),
        expected_purchases: expected(12),
        clv: expected(13),
    }
}

/// Points about as many centres as there are segments, shape `(n_customers, 2)`.
pub(crate) fn points(customers: usize) -> Array2<f64> {
    let centres = Key::new(4, Stream::Noise);
    let key = Key::new(5, Stream::Noise);
    Array2::from_shape_fn((customers, 2), |(row, column)| {
        let at = (row % SEGMENTS * 2 + column) as u64;
        10.0 * centres.unit(at) + key.child(row as u64).normal(column as u64)
    })
}

/// Of [`points`].
pub(crate) const SEGMENTS: usize = 11;
