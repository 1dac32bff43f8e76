use ndarray::{Array2, array};
use proptest::prelude::*;

use super::*;

fn params(k: usize) -> KMeansParams {
    KMeansParams {
        k,
        n_init: 10,
        ..KMeansParams::default()
    }
}

fn blobs(n: usize, centres: usize) -> Array2<f64> {
    let key = Key::new(9, Stream::Noise);
    Array2::from_shape_fn((n, 2), |(i, j)| {
        let centre = (i % centres) as f64 * if j == 0 { 10.0 } else { -7.0 };
        centre + key.normal((2 * i + j) as u64)
    })
}

#[test]
fn finds_two_obvious_clusters() {
    let points = array![[0.0, 0.0], [0.0, 1.0], [9.0, 0.0], [9.0, 1.0]];
    for init in [Init::Random, Init::KMeansPlusPlus] {
        let fit = KMeansParams { init, ..params(2) }
            .fit(points.view())
            .unwrap();
        assert_eq!(fit.inertia(), 1.0);
        let labels = fit.labels();
        assert!(labels[0] == labels[1] && labels[2] == labels[3] && labels[0] != labels[2]);
        let order = if labels[0] == 0 { [0, 1] } else { [1, 0] };
        let fit = fit.reordered(&order).unwrap();
        assert_eq!(fit.centroids(), array![[0.0, 0.5], [9.0, 0.5]]);
        assert_eq!(fit.labels().to_vec(), [0, 0, 1, 1]);
        assert_eq!(fit.inertia_of(points.view(), fit.labels()).unwrap(), 1.0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn points_go_to_their_nearest_centroid(
        rows in prop::collection::vec(prop::array::uniform3(-9.0..9.0_f64), 5..300),
        dims in 1_usize..4,
    ) {
        let points = Array2::from_shape_fn((rows.len(), dims), |(i, j)| rows[i][j]);
        let fit = params(4).fit(points.view()).unwrap();
        let labels = fit.predict(points.view()).unwrap();
        for (point, &label) in points.outer_iter().zip(&labels) {
            let distance = |c: usize| -> f64 {
                point.iter().zip(fit.centroids().row(c)).map(|(x, c)| (x - c) * (x - c)).sum()
            };
            let nearest = (0..4).map(distance).fold(f64::INFINITY, f64::min);
            prop_assert!(distance(label as usize) <= nearest + 1e-12);
        }
        prop_assert_eq!(labels.view(), fit.labels());
    }
}

#[test]
fn an_empty_cluster_takes_the_furthest_point() {
    let points = Points::new(array![[0.0], [1.0], [2.0], [50.0]].view());
    // the second centroid is nobody's nearest
    let end = lloyd::run(&points, vec![1.0, 1000.0], 300, 0.0);
    assert_eq!(end.labels, [0, 0, 0, 1]);
    assert_eq!(end.centroids, [1.0, 50.0]);
    assert_eq!(end.inertia, 2.0);
}

#[test]
fn more_clusters_than_distinct_points_is_no_trouble() {
    let points = array![[1.0, 1.0], [1.0, 1.0], [1.0, 1.0], [2.0, 2.0]];
    for init in [Init::Random, Init::KMeansPlusPlus] {
        let fit = KMeansParams { init, ..params(4) }
            .fit(points.view())
            .unwrap();
        assert_eq!(fit.inertia(), 0.0);
        assert!(fit.centroids().iter().all(|v| v.is_finite()));
    }
}

#[test]
fn threads_do_not_change_the_result() {
    let points = blobs(500, 7);
    let fits = [1, 2, 3].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| params(7).fit(points.view()).unwrap())
    });
    assert!(fits[0] == fits[1] && fits[1] == fits[2]);
}

#[test]
fn restarts_find_well_parted_blobs() {
    let points = blobs(300, 5);
    let params = KMeansParams {
        n_init: 50,
        ..params(5)
    };
    let fit = params.fit(points.view()).unwrap();
    let labels = fit.labels();
    assert!((0..300).all(|i| labels[i] == labels[i % 5]));
    assert!(fit.n_iter() < 300);
}

#[test]
fn bytes_round_trip_and_refuse_rubbish() {
    let fit = params(3).fit(blobs(60, 3).view()).unwrap();
    let bytes = fit.to_bytes().unwrap();
    let back = KMeans::from_bytes(&bytes).unwrap();
    assert_eq!(back.centroids(), fit.centroids());
    assert_eq!(back.inertia(), fit.inertia());
    assert_eq!(back.to_bytes().unwrap(), bytes);
    for at in 0..bytes.len() {
        assert!(KMeans::from_bytes(&bytes[..at]).is_err());
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x7f;
        if let Ok(model) = KMeans::from_bytes(&damaged) {
            assert!(model.centroids().iter().all(|v| v.is_finite()));
        }
    }
}

#[test]
fn what_cannot_be_clustered_is_refused() {
    let points = array![[0.0, 0.0], [1.0, 1.0]];
    let error = params(3).fit(points.view()).unwrap_err();
    assert!(matches!(
        error,
        ModelError::TooFewCustomers { have: 2, need: 3 }
    ));
    assert!(params(0).fit(points.view()).is_err());
    assert!(params(1).fit(array![[f64::NAN]].view()).is_err());
    let fit = params(2).fit(points.view()).unwrap();
    assert!(fit.predict(array![[1.0]].view()).is_err());
    assert!(fit.reordered(&[0, 0]).is_err());
    assert!(fit.reordered(&[0, 2]).is_err());
    assert!(fit.inertia_of(points.view(), array![0, 2].view()).is_err());
}

#[test]
fn linfa_traits_are_the_same_thing() {
    use linfa::traits::{Fit, Predict};
    let points = blobs(50, 2);
    let dataset = linfa::DatasetBase::from(points.view());
    let fit = Fit::fit(&params(2), &dataset).unwrap();
    assert_eq!(fit, params(2).fit(points.view()).unwrap());
    let labels: Result<Array1<u32>, ModelError> = Predict::predict(&fit, points.view());
    assert_eq!(labels.unwrap(), fit.labels());
}

#[test]
fn points_in_blocks_are_the_same_on_any_number_of_threads() {
    let points = blobs(40_000, 5);
    let params = KMeansParams {
        n_init: 2,
        ..params(5)
    };
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        pool.install(|| params.fit(points.view()).unwrap())
    };
    let (one, four) = (on(1), on(4));
    assert_eq!(one, four);
    assert_eq!(one.labels(), one.predict(points.view()).unwrap());
    assert_eq!(
        one.inertia(),
        one.inertia_of(points.view(), one.labels()).unwrap()
    );
}

#[test]
fn restarts_on_some_points_find_the_clusters_of_all() {
    let points = blobs(20_000, 5);
    let params = KMeansParams {
        n_init: 20,
        ..params(5)
    };
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        pool.install(|| {
            params
                .fit_searched_up_to(5_000, 2_000, points.view())
                .unwrap()
        })
    };
    let some = on(1);
    assert_eq!(some, on(2));
    let all = params.fit(points.view()).unwrap();
    assert!(some.inertia() <= all.inertia() * 1.001);
    assert_eq!(some.labels(), some.predict(points.view()).unwrap());
    // up to the limit nothing is left out
    let limit = params.fit_searched_up_to(20_000, 2_000, points.view());
    assert_eq!(limit.unwrap(), all);
}
