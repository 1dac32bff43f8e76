use ndarray::{Array1, Array2, array};

use super::super::random::{Key, Stream};
use super::*;

fn whole(trees: usize) -> ForestParams {
    ForestParams {
        trees,
        bootstrap: false,
        ..ForestParams::default()
    }
}

fn synthetic(n: usize, seed: u64) -> (Array2<f64>, Array1<f64>) {
    let key = Key::new(seed, Stream::Noise);
    let x = Array2::from_shape_fn((n, 4), |(i, j)| {
        let v = key.unit((i * 4 + j) as u64);
        if j == 3 { (v * 5.0).floor() } else { v }
    });
    let y = Array1::from_shape_fn(n, |i| x[[i, 0]] * 3.0 + x[[i, 1]] * x[[i, 3]]);
    (x, y)
}

#[test]
fn a_small_tree_by_hand() {
    // x0 parts {0, 1} from {8, 9}; each half is then parted by x1, lowest feature first
    let x = array![[1.0, 7.0], [1.0, 9.0], [2.0, 3.0], [2.0, 5.0]];
    let y = array![0.0, 1.0, 8.0, 9.0];
    let forest = whole(1).fit(x.view(), y.view()).unwrap();
    let tree = &forest.trees()[0];
    let features: Vec<i16> = tree.nodes().map(|n| n.feature).collect();
    let thresholds: Vec<f64> = tree.nodes().map(|n| n.threshold).collect();
    assert_eq!(features, [0, 1, -1, -1, 1, -1, -1]);
    assert_eq!(thresholds, [1.5, 8.0, 0.0, 0.0, 4.0, 0.0, 0.0]);
    assert_eq!(tree.cut(0).map(|cut| cut.2), Some(4));
    let values: Vec<f64> = tree.values().collect();
    assert_eq!(values, [4.5, 0.5, 0.0, 1.0, 8.5, 8.0, 9.0]);
    let leaves = forest.leaf_indices(x.view()).unwrap();
    assert_eq!(leaves.column(0).to_vec(), [2, 3, 5, 6]);
    assert_eq!(forest.predict(x.view()).unwrap(), y);
}

#[test]
fn inputs_are_compared_in_single_precision() {
    // 0.1 in single precision is above 0.1 in double precision
    let tree = Tree::from_arrays(&[0, -1, -1], &[0.1, 0.0, 0.0], &[2, 0, 0], &[0.0; 3]).unwrap();
    let forest = Forest::from_trees(1, vec![tree]).unwrap();
    let leaves = forest
        .leaf_indices(array![[0.1], [0.099_999]].view())
        .unwrap();
    assert_eq!(leaves.column(0).to_vec(), [2, 1]);
}

#[test]
fn thresholds_keep_double_precision() {
    let above = f64::from(0.1_f32) + 1e-12;
    let tree = Tree::from_arrays(&[0, -1, -1], &[above, 0.0, 0.0], &[2, 0, 0], &[0.0; 3]).unwrap();
    let forest = Forest::from_trees(1, vec![tree]).unwrap();
    assert_eq!(
        forest.leaf_indices(array![[0.1]].view()).unwrap()[[0, 0]],
        1
    );
}

#[test]
fn fully_grown_trees_reproduce_their_training_rows() {
    let (x, y) = synthetic(300, 1);
    let predicted = whole(2)
        .fit(x.view(), y.view())
        .unwrap()
        .predict(x.view())
        .unwrap();
    for (p, t) in predicted.iter().zip(&y) {
        assert!((p - t).abs() < 1e-12);
    }
}

#[test]
fn a_leaf_has_as_many_rows_as_asked_for() {
    let (x, y) = synthetic(200, 2);
    let params = ForestParams {
        min_samples_leaf: 7,
        ..whole(1)
    };
    let leaves = params
        .fit(x.view(), y.view())
        .unwrap()
        .leaf_indices(x.view())
        .unwrap();
    let mut counts = std::collections::BTreeMap::<u32, usize>::new();
    for &leaf in &leaves {
        *counts.entry(leaf).or_default() += 1;
    }
    assert!(counts.len() > 5 && counts.values().all(|&c| c >= 7));
}

#[test]
fn threads_do_not_change_the_bytes() {
    let (x, y) = synthetic(400, 3);
    let params = ForestParams {
        trees: 7,
        ..ForestParams::default()
    };
    let bytes = [1, 2, 3].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| params.fit(x.view(), y.view()).unwrap().to_bytes().unwrap())
    });
    assert!(bytes[0] == bytes[1] && bytes[1] == bytes[2]);
}

#[test]
fn constant_features_and_degenerate_depth_are_no_trouble() {
    let n = 20_000;
    let x = Array2::from_shape_fn((n, 2), |(i, j)| if j == 0 { 1.0 } else { i as f64 });
    // doubling targets make every split cut off the last row
    let y = Array1::from_shape_fn(n, |i| libm::exp2(i as f64 / 50.0));
    let forest = whole(1).fit(x.view(), y.view()).unwrap();
    assert!(forest.trees()[0].n_nodes() > 1_000);
    let same = Array2::from_elem((5, 3), 2.0);
    let forest = whole(1)
        .fit(same.view(), array![1.0, 2.0, 3.0, 4.0, 5.0].view())
        .unwrap();
    assert_eq!(forest.trees()[0].n_nodes(), 1);
    assert_eq!(forest.predict(same.view()).unwrap()[0], 3.0);
}

#[test]
fn bytes_round_trip() {
    let (x, y) = synthetic(100, 4);
    let forest = ForestParams::default().fit(x.view(), y.view()).unwrap();
    let bytes = forest.to_bytes().unwrap();
    let back = Forest::from_bytes(&bytes).unwrap();
    assert_eq!(back, forest);
    assert_eq!(back.to_bytes().unwrap(), bytes);
}

#[test]
fn hostile_trees_are_refused() {
    let check = |features: &[i16], right: &[u32], threshold: f64| {
        let n = features.len();
        let tree = Tree::from_arrays(features, &vec![threshold; n], right, &vec![0.0; n]);
        assert!(tree.is_err(), "{features:?} {right:?}");
    };
    check(&[0, -1, -1], &[2, 0, 0], f64::NAN);
    check(&[], &[], 0.0);
    check(&[0, -1], &[2, 0], 0.0);
    check(&[0, -1, -1], &[0, 0, 0], 0.0); // a loop
    check(&[0, -1, -1], &[1, 0, 0], 0.0); // both children the same
    check(&[0, -1, -1], &[9, 0, 0], 0.0);
    check(&[0, -1, -1, -1], &[2, 0, 0, 0], 0.0); // a node nothing leads to
    check(&[0, 0, -1, -1, -1], &[3, 4, 0, 0, 0], 0.0); // crossing branches
    let deep = Tree::from_arrays(&[7, -1, -1], &[0.0; 3], &[2, 0, 0], &[0.0; 3]).unwrap();
    assert!(Forest::from_trees(7, vec![deep]).is_err());
}

#[test]
fn damaged_bytes_are_refused_or_harmless() {
    let (x, y) = synthetic(30, 5);
    let params = ForestParams {
        trees: 2,
        ..ForestParams::default()
    };
    let bytes = params.fit(x.view(), y.view()).unwrap().to_bytes().unwrap();
    assert!(Forest::from_bytes(&[]).is_err());
    for at in 0..bytes.len() {
        assert!(Forest::from_bytes(&bytes[..at]).is_err());
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x81;
        if let Ok(forest) = Forest::from_bytes(&damaged) {
            let _ = forest.leaf_indices(x.view());
        }
    }
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let (x, y) = synthetic(30, 6);
    let params = whole(1);
    assert!(params.fit(x.view(), y.slice(ndarray::s![..9])).is_err());
    let forest = params.fit(x.view(), y.view()).unwrap();
    assert!(forest.leaf_indices(x.slice(ndarray::s![.., ..2])).is_err());
    assert!(
        forest
            .leaf_indices(array![[1e300, 0.0, 0.0, 0.0]].view())
            .is_err()
    );
    assert!(whole(0).fit(x.view(), y.view()).is_err());
}

#[test]
fn linfa_traits_are_the_same_thing() {
    use linfa::traits::{Fit, Predict};
    let (x, y) = synthetic(50, 7);
    let dataset = linfa::DatasetBase::new(x.view(), y.view());
    let forest = Fit::fit(&whole(1), &dataset).unwrap();
    assert_eq!(forest, whole(1).fit(x.view(), y.view()).unwrap());
    let predicted: Result<Array1<f64>, ModelError> = Predict::predict(&forest, x.view());
    assert_eq!(predicted.unwrap(), forest.predict(x.view()).unwrap());
}

#[test]
fn rows_side_by_side_find_the_leaves_that_they_find_alone() {
    let (x, y) = synthetic(300, 5);
    let forest = whole(3).fit(x.view(), y.view()).unwrap();
    for n in [0, 1, 7, 8, 9, 300] {
        let rows = x.slice(ndarray::s![..n, ..]);
        let together = forest.leaf_indices(rows).unwrap();
        let rows = tree::single_precision(rows).unwrap();
        for (i, row) in rows.chunks_exact(4).enumerate() {
            for (t, tree) in forest.trees().iter().enumerate() {
                assert_eq!(together[[i, t]], tree.leaf(row), "row {i} of {n}, tree {t}");
            }
        }
    }
}

#[test]
fn a_threshold_between_two_single_numbers_parts_them() {
    for below in [-1.0e-3_f32, 0.0, 0.1, 1.0, 16_777_216.0, f32::MAX] {
        let above = below.next_up();
        let exact = f64::from(below);
        for threshold in [exact, exact.next_up(), f64::from(above).next_down()] {
            if !threshold.is_finite() {
                continue;
            }
            let cut = [threshold, 0.0, 0.0];
            let tree = Tree::from_arrays(&[0, -1, -1], &cut, &[2, 0, 0], &[0.0; 3]).unwrap();
            assert_eq!(tree.leaf(&[below]), 1, "{below} at {threshold}");
            assert_eq!(tree.leaf(&[above]), 2, "{above} at {threshold}");
            assert_eq!(tree.cut(0), Some((0, threshold, 2)));
        }
    }
}

#[test]
fn more_features_than_a_node_can_name_are_refused() {
    let y = array![0.0, 1.0];
    let fits = |features: usize| {
        let x = Array2::from_shape_fn((2, features), |(i, _)| i as f64);
        whole(1).fit(x.view(), y.view()).is_ok()
    };
    assert!(fits(255) && !fits(256));
    let tree = Tree::from_arrays(&[255, -1, -1], &[0.0; 3], &[2, 0, 0], &[0.0; 3]);
    assert!(tree.is_err());
}

#[test]
fn trees_on_some_rows_stay_small_and_still_predict() {
    let (x, y) = synthetic(6_000, 3);
    let some = ForestParams {
        trees: 30,
        most_rows: Some(500),
        ..ForestParams::default()
    };
    for bootstrap in [true, false] {
        let some = ForestParams {
            bootstrap,
            ..some.clone()
        };
        let forest = some.fit(x.view(), y.view()).unwrap();
        let nodes: Vec<usize> = forest.trees().iter().map(Tree::n_nodes).collect();
        assert!(nodes.iter().all(|&nodes| nodes < 1_000));
        let predicted = forest.predict(x.view()).unwrap();
        let error = (&predicted - &y).mapv(|d| d * d).sum();
        let spread = (&y - y.sum() / 6_000.0).mapv(|d| d * d).sum();
        assert!(error < 0.1 * spread, "{error} of {spread}");
        assert_ne!(forest.trees()[0], forest.trees()[1]);
    }
}

#[test]
fn no_more_rows_than_may_be_are_all_rows() {
    let (x, y) = synthetic(300, 4);
    for bootstrap in [true, false] {
        let all = ForestParams {
            trees: 5,
            bootstrap,
            ..ForestParams::default()
        };
        let limited = ForestParams {
            most_rows: Some(300),
            ..all.clone()
        };
        let limited = limited.fit(x.view(), y.view()).unwrap();
        assert_eq!(all.fit(x.view(), y.view()).unwrap(), limited);
    }
    let none = ForestParams {
        most_rows: Some(0),
        ..ForestParams::default()
    };
    assert!(none.fit(x.view(), y.view()).is_err());
}
