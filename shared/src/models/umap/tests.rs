use ndarray::{Axis, concatenate, s};
use proptest::prelude::*;

use super::super::random::mix;
use super::*;

/// Leaves of groups of customers: a group's own number in most trees, a neighbouring one
/// in some.
fn leaves(n: usize, trees: usize, groups: usize) -> Array2<u32> {
    Array2::from_shape_fn((n, trees), |(i, t)| {
        let noise = mix((i * trees + t) as u64);
        let own = 100 * (i % groups) as u32;
        if noise.is_multiple_of(4) {
            own + (noise >> 32) as u32 % 20
        } else {
            own + t as u32 % 3
        }
    })
}

fn params(metric: Metric) -> UmapParams {
    UmapParams {
        metric,
        n_neighbors: 8,
        epochs: Some(60),
        ..UmapParams::default()
    }
}

const METRICS: [Metric; 2] = [Metric::Euclidean, Metric::Hamming];

fn square(p: &[f32], q: &[f32]) -> f32 {
    p.iter().zip(q).map(|(a, b)| (a - b) * (a - b)).sum()
}

#[test]
fn groups_stay_together() {
    for metric in METRICS {
        let leaves = leaves(120, 12, 3);
        let model = params(metric).fit(leaves.view()).unwrap();
        let points: Vec<Vec<f32>> = model.embedding().outer_iter().map(|p| p.to_vec()).collect();
        let same = (0..120).filter(|&i| {
            let others = (0..120).filter(|&j| j != i);
            let distance = |&j: &usize| square(&points[i], &points[j]);
            let nearest = others.min_by(|a, b| distance(a).total_cmp(&distance(b)));
            nearest.is_some_and(|j| j % 3 == i % 3)
        });
        assert!(same.count() > 110, "{metric:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn a_point_does_not_depend_on_its_batch(
        new in prop::collection::vec(0_u32..60, 6 * 12),
        order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle(),
        euclidean in any::<bool>(),
        imported in any::<bool>(),
    ) {
        let metric = if euclidean { Metric::Euclidean } else { Metric::Hamming };
        let model = params(metric).fit(leaves(90, 12, 3).view()).unwrap();
        let model = if imported { replayed(&model) } else { model };
        let new = Array2::from_shape_vec((6, 12), new).unwrap();
        let together = model.transform(new.view()).unwrap();
        let shuffled = model.transform(new.select(Axis(0), &order).view()).unwrap();
        prop_assert_eq!(together.select(Axis(0), &order), shuffled);
        let more = concatenate![Axis(0), leaves(100, 12, 3), new];
        let with_others = model.transform(more.view()).unwrap();
        prop_assert_eq!(with_others.slice(s![100.., ..]), together.view());
        for i in 0..6 {
            let alone = model.transform(new.slice(s![i..=i, ..])).unwrap();
            prop_assert_eq!(alone.row(0), together.row(i));
        }
    }
}

#[test]
fn known_leaves_get_the_known_point() {
    for metric in METRICS {
        let mut leaves = leaves(60, 12, 3);
        let twin = leaves.row(4).to_owned();
        leaves.row_mut(50).assign(&twin);
        let model = params(metric).fit(leaves.view()).unwrap();
        let points = model.transform(leaves.view()).unwrap();
        for i in 0..60 {
            let first = (0..=i).find(|&j| leaves.row(j) == leaves.row(i));
            let expected = model.embedding().row(first.unwrap()).to_owned();
            assert_eq!(points.row(i), expected);
        }
        let parts = parts(&model);
        let imported = Umap::from_parts(UmapParts {
            snap_exact: false,
            ..parts
        })
        .unwrap();
        assert_ne!(imported.transform(leaves.view()).unwrap(), points);
    }
}

/// The same model as if umap-learn had fitted it.
fn replayed(model: &Umap) -> Umap {
    Umap::from_parts(UmapParts {
        snap_exact: false,
        replay: Some([-538_846_105, 1_273_642_420, 1_935_803_229]),
        ..parts(model)
    })
    .unwrap()
}

fn parts(model: &Umap) -> UmapParts {
    UmapParts {
        metric: model.metric,
        n_neighbors: model.n_neighbors,
        min_dist: model.min_dist,
        a: model.curve.a,
        b: model.curve.b,
        seed: model.seed,
        snap_exact: model.snap_exact,
        replay: model.replay,
        leaves: model.leaves.clone(),
        embedding: model.embedding.clone(),
    }
}

#[test]
fn parts_from_elsewhere_freeze_the_same_scalars() {
    let model = params(Metric::Hamming)
        .fit(leaves(60, 12, 3).view())
        .unwrap();
    let again = Umap::from_parts(parts(&model)).unwrap();
    assert_eq!(again.to_bytes().unwrap(), model.to_bytes().unwrap());
}

#[test]
fn new_customers_land_among_their_group() {
    for metric in METRICS {
        let all = leaves(150, 12, 3);
        let (training, new) = all.view().split_at(Axis(0), 120);
        let model = params(metric).fit(training).unwrap();
        let points = model.transform(new).unwrap();
        let near = points.outer_iter().enumerate().filter(|(i, p)| {
            let p = p.to_vec();
            let distance = |j: &usize| square(&p, &model.embedding().row(*j).to_vec());
            let nearest = (0..120).min_by(|a, b| distance(a).total_cmp(&distance(b)));
            nearest.is_some_and(|j| j % 3 == i % 3)
        });
        assert!(near.count() > 26, "{metric:?}");
    }
}

#[test]
fn threads_do_not_change_the_bytes() {
    for metric in METRICS {
        let all = leaves(300, 12, 4);
        let results = [1, 2, 3].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                let model = params(metric).fit(all.slice(s![..200, ..])).unwrap();
                (
                    model.to_bytes().unwrap(),
                    model.transform(all.slice(s![200.., ..])).unwrap(),
                )
            })
        });
        assert!(results[0] == results[1] && results[1] == results[2]);
    }
}

#[test]
fn few_and_identical_customers_are_no_trouble() {
    for metric in METRICS {
        for n in 2..20 {
            for same in [false, true] {
                let leaves =
                    Array2::from_shape_fn((n, 3), |(i, t)| if same { 7 } else { (i + t) as u32 });
                for n_components in 1..=3 {
                    let params = UmapParams {
                        n_components,
                        ..params(metric)
                    };
                    let model = params.fit(leaves.view()).unwrap();
                    assert_eq!(model.embedding().dim(), (n, n_components));
                    assert!(model.embedding().iter().all(|v| v.is_finite()));
                    let new = Array2::from_elem((2, 3), 999);
                    assert!(
                        model
                            .transform(new.view())
                            .unwrap()
                            .iter()
                            .all(|v| v.is_finite())
                    );
                }
            }
        }
    }
}

#[test]
fn bytes_round_trip() {
    for (metric, offset) in [(Metric::Euclidean, 0), (Metric::Hamming, 100_000)] {
        let all = leaves(80, 5, 3) + offset;
        let model = params(metric).fit(all.slice(s![..60, ..])).unwrap();
        let bytes = model.to_bytes().unwrap();
        let back = Umap::from_bytes(&bytes).unwrap();
        assert_eq!(back.to_bytes().unwrap(), bytes);
        let new = all.slice(s![60.., ..]);
        assert_eq!(back.transform(new).unwrap(), model.transform(new).unwrap());
        let replayed = replayed(&model);
        let back = Umap::from_bytes(&replayed.to_bytes().unwrap()).unwrap();
        let points = back.transform(new).unwrap();
        assert_eq!(points, replayed.transform(new).unwrap());
        assert_ne!(points, model.transform(new).unwrap());
    }
}

#[test]
fn damaged_bytes_are_refused_or_harmless() {
    let all = leaves(20, 3, 2);
    let bytes = params(Metric::Hamming)
        .fit(all.view())
        .unwrap()
        .to_bytes()
        .unwrap();
    for at in 0..bytes.len() {
        assert!(Umap::from_bytes(&bytes[..at]).is_err());
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x41;
        if let Ok(model) = Umap::from_bytes(&damaged) {
            let _ = model.transform(all.view());
        }
    }
    let model = params(Metric::Hamming).fit(all.view()).unwrap();
    let mut broken = parts(&model);
    broken.embedding[[3, 1]] = f32::NAN;
    assert!(Umap::from_parts(broken).is_err());
    let broken = UmapParts {
        leaves: all.slice(s![1.., ..]).to_owned(),
        ..parts(&model)
    };
    assert!(Umap::from_parts(broken).is_err());
    let broken = UmapParts {
        a: f64::INFINITY,
        ..parts(&model)
    };
    assert!(Umap::from_parts(broken).is_err());
}

#[test]
fn what_cannot_be_embedded_is_refused() {
    let one = leaves(1, 5, 1);
    let error = params(Metric::Hamming).fit(one.view()).unwrap_err();
    assert!(matches!(
        error,
        ModelError::TooFewCustomers { have: 1, need: 2 }
    ));
    let some = leaves(20, 5, 2);
    let refuse = |params: UmapParams| assert!(params.fit(some.view()).is_err());
    refuse(UmapParams {
        n_neighbors: 1,
        ..UmapParams::default()
    });
    refuse(UmapParams {
        n_components: 4,
        ..UmapParams::default()
    });
    refuse(UmapParams {
        min_dist: f64::NAN,
        ..UmapParams::default()
    });
    let model = params(Metric::Hamming).fit(some.view()).unwrap();
    assert!(model.transform(some.slice(s![.., ..4])).is_err());
}

#[test]
fn a_given_start_is_checked_and_kept_to() {
    let leaves = Array2::from_shape_fn((60, 8), |(i, t)| ((i / 20) * 8 + t) as u32);
    let params = UmapParams {
        n_neighbors: 5,
        epochs: Some(30),
        ..UmapParams::default()
    };
    let start = Array2::from_shape_fn((60, 2), |(i, d)| {
        if d == 0 {
            (i / 20) as f64 * 100.0
        } else {
            i as f64 * 0.01
        }
    });
    let model = params.fit_from(leaves.view(), start.view()).unwrap();
    let mean = |group: usize| {
        let points = model.embedding();
        let x = (0..20).map(|i| points[[group * 20 + i, 0]]).sum::<f32>();
        x / 20.0
    };
    assert!(mean(0) + 50.0 < mean(1) && mean(1) + 50.0 < mean(2));
    let flat = start.slice(ndarray::s![.., ..1]);
    assert!(params.fit_from(leaves.view(), flat).is_err());
    assert!(
        params
            .fit_from(leaves.view(), start.mapv(|_| f64::NAN).view())
            .is_err()
    );
}
