use ndarray::Array2;
use proptest::prelude::*;

use super::*;

fn brute_force(
    metric: Metric,
    training: &Array2<u32>,
    rows: &Array2<u32>,
    k: usize,
    others: bool,
) -> Neighbors {
    let mut pairs = Vec::new();
    for (i, row) in rows.outer_iter().enumerate() {
        let mut all: Vec<(f32, u32)> = training
            .outer_iter()
            .enumerate()
            .filter(|&(j, _)| !(others && i == j))
            .map(|(j, other)| {
                let pairs = row.iter().zip(other);
                let distance = match metric {
                    Metric::Hamming => {
                        pairs.filter(|(a, b)| a != b).count() as f64 / row.len() as f64
                    }
                    Metric::Euclidean => {
                        let squares = pairs.map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2));
                        (squares.sum::<u64>() as f64).sqrt()
                    }
                };
                (distance as f32, j as u32)
            })
            .collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        pairs.extend_from_slice(&all[..k]);
    }
    Neighbors::from_pairs(k, &pairs)
}

fn matrix(values: &[u32], trees: usize, largest: u32) -> Array2<u32> {
    let n = values.len() / trees;
    Array2::from_shape_fn((n, trees), |(i, t)| values[i * trees + t] % largest)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn agree_with_brute_force(
        training in prop::collection::vec(0_u32..1_000_000, 40..1_200),
        rows in prop::collection::vec(0_u32..1_000_000, 10..900),
        trees in 1_usize..9,
        largest in prop::sample::select(vec![1_u32, 2, 5, 30, 1_000]),
        k in 1_usize..5,
    ) {
        let training = matrix(&training, trees, largest);
        let rows = matrix(&rows, trees, largest);
        for metric in [Metric::Hamming, Metric::Euclidean] {
            let index = Index::new(metric, training.view());
            let expected = brute_force(metric, &training, &rows, k, false);
            prop_assert_eq!(index.nearest(rows.view(), k), expected);
            let expected = brute_force(metric, &training, &training, k - 1, true);
            prop_assert_eq!(index.nearest_others(training.view(), k - 1), expected);
        }
    }
}

#[test]
fn more_rows_than_a_tile() {
    let values: Vec<u32> = (0..4_000_u32)
        .map(|i| i.wrapping_mul(2_654_435_761) >> 20)
        .collect();
    let training = matrix(&values, 3, 500);
    for metric in [Metric::Hamming, Metric::Euclidean] {
        let found = Index::new(metric, training.view()).nearest_others(training.view(), 15);
        assert_eq!(found, brute_force(metric, &training, &training, 15, true));
    }
}

#[test]
fn leaf_numbers_too_large_for_exact_products() {
    let training = Array2::from_shape_fn((70, 2), |(i, t)| u32::MAX - (i * 7 + t) as u32 % 31);
    let found = Index::new(Metric::Euclidean, training.view()).nearest(training.view(), 9);
    assert_eq!(
        found,
        brute_force(Metric::Euclidean, &training, &training, 9, false)
    );
}
