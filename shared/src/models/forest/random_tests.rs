use ndarray::{Array1, Array2, array};

use super::super::random::{Key, Stream};
use super::*;

fn random(breaks: Vec<Vec<f64>>, break_share: f64) -> ForestParams {
    ForestParams {
        trees: 20,
        splitter: Splitter::Random {
            breaks,
            break_share,
        },
        ..ForestParams::default()
    }
}

fn line(n: usize) -> (Array2<f64>, Array1<f64>) {
    let x = Array2::from_shape_fn((n, 1), |(i, _)| i as f64);
    let y = x.column(0).mapv(|v| v * v);
    (x, y)
}

#[test]
fn every_first_cut_is_at_a_break() {
    let (x, y) = line(200);
    let forest = random(vec![vec![50.0, 120.0]], 1.0)
        .fit(x.view(), y.view())
        .unwrap();
    for tree in forest.trees() {
        let first = tree.cut(0).unwrap().1;
        assert!(
            [50.0_f64, 120.0].map(f64::next_down).contains(&first),
            "{first}"
        );
    }
}

/// Who has exactly the break's value is above it, who has a hair less is below, also where
/// no training customer was near.
#[test]
fn a_break_parts_its_own_value_from_lower_ones() {
    let x = array![[0.0], [1.0], [2.0], [90.0], [91.0], [92.0]];
    let y = array![0.0, 0.0, 0.0, 9.0, 9.0, 9.0];
    let params = ForestParams {
        trees: 1,
        bootstrap: false,
        ..random(vec![vec![50.0]], 1.0)
    };
    let forest = params.fit(x.view(), y.view()).unwrap();
    let leaves = forest
        .leaf_indices(array![[49.999], [50.0], [2.0], [90.0]].view())
        .unwrap();
    let leaf = |row: usize| leaves[[row, 0]];
    assert_eq!((leaf(0), leaf(1)), (leaf(2), leaf(3)));
    assert_ne!(leaf(0), leaf(1));
}

#[test]
fn without_breaks_no_scaling_of_a_feature_changes_a_tree() {
    let key = Key::new(5, Stream::Noise);
    let x = Array2::from_shape_fn((150, 2), |(i, j)| key.unit((2 * i + j) as u64) + 0.5);
    let y = Array1::from_shape_fn(150, |i| x[[i, 0]] + x[[i, 1]] * x[[i, 1]]);
    // all rows in every tree: a row out of the sample may lie between two midpoints
    let params = ForestParams {
        bootstrap: false,
        ..random(vec![], 0.9)
    };
    let plain = params.fit(x.view(), y.view()).unwrap();
    let scaled = x.mapv(|v| v.powi(3) * 100.0);
    let other = params.fit(scaled.view(), y.view()).unwrap();
    assert_eq!(
        plain.leaf_indices(x.view()).unwrap(),
        other.leaf_indices(scaled.view()).unwrap()
    );
}

#[test]
fn trees_are_grown_out_and_differ() {
    let (x, y) = line(60);
    let params = ForestParams {
        bootstrap: false,
        ..random(vec![], 0.0)
    };
    let forest = params.fit(x.view(), y.view()).unwrap();
    for tree in forest.trees() {
        assert_eq!(tree.n_nodes(), 2 * 60 - 1, "a leaf for each customer");
    }
    assert_ne!(forest.trees()[0], forest.trees()[1]);
}

#[test]
fn ties_are_never_parted_and_least_leaves_are_kept() {
    let x = Array2::from_shape_fn((90, 1), |(i, _)| (i / 30) as f64);
    let y = Array1::from_shape_fn(90, |i| i as f64);
    let params = ForestParams {
        bootstrap: false,
        min_samples_leaf: 31,
        ..random(vec![vec![1.0]], 0.5)
    };
    let forest = params.fit(x.view(), y.view()).unwrap();
    for tree in forest.trees() {
        assert_eq!(tree.n_nodes(), 1, "no cut leaves 31 on both sides");
    }
    let params = ForestParams {
        min_samples_leaf: 1,
        ..params
    };
    let forest = params.fit(x.view(), y.view()).unwrap();
    for tree in forest.trees() {
        assert_eq!(tree.n_nodes(), 5, "three values, three leaves");
    }
}

#[test]
fn threads_do_not_change_a_tree() {
    let (x, y) = line(300);
    let params = random(vec![vec![10.0, 100.0]], 0.8);
    let forests = [1, 3].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let forest = pool.install(|| params.fit(x.view(), y.view()).unwrap());
        forest.to_bytes().unwrap()
    });
    assert_eq!(forests[0], forests[1]);
}

#[test]
fn breaks_that_cannot_be_are_refused() {
    let (x, y) = line(10);
    for (breaks, share) in [
        (vec![vec![2.0, 1.0]], 0.5),
        (vec![vec![f64::NAN]], 0.5),
        (vec![vec![1.0]; 2], 0.5),
        (vec![], 1.5),
    ] {
        assert!(random(breaks, share).fit(x.view(), y.view()).is_err());
    }
}
