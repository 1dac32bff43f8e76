//! The bytes of fitted models, as digests: the same in debug and release builds, on any
//! number of threads and on every machine. A change that means to change them changes the
//! digests here, and `SEMANTICS` of the run's plan with them.

use ndarray::{Array1, Array2};
use sha2::{Digest, Sha256};

use super::random::{Key, Stream};
use super::{ForestParams, KMeansParams, Metric, MinMaxScaler, Splitter, UmapParams};
use crate::contracts::hex;

/// Four features and a target, of 400 customers.
fn customers() -> (Array2<f64>, Array1<f64>) {
    let key = Key::new(11, Stream::Noise);
    let x = Array2::from_shape_fn((400, 4), |(i, j)| {
        let unit = key.unit((i * 4 + j) as u64);
        match j {
            0 => (unit * 370.0).floor(),
            1 => (1.0 / (1.001 - unit)).floor(),
            2 if unit < 0.5 => 0.0,
            _ => unit,
        }
    });
    let y = Array1::from_shape_fn(400, |i| x[[i, 1]] * (1.0 + x[[i, 3]]));
    (x, y)
}

fn digests(splitter: Splitter, metric: Metric) -> Vec<String> {
    let (x, y) = customers();
    let scaler = MinMaxScaler::fit(x.view()).unwrap();
    let x = scaler.transform(x.view()).unwrap();
    let forest = ForestParams {
        trees: 20,
        splitter,
        ..ForestParams::default()
    };
    let forest = forest.fit(x.view(), y.view()).unwrap();
    let leaves = forest.leaf_indices(x.view()).unwrap();
    let umap = UmapParams {
        metric,
        epochs: Some(60),
        ..UmapParams::default()
    };
    let umap = umap.fit(leaves.view()).unwrap();
    let moved = leaves.mapv(|leaf| leaf / 2);
    let points = umap.transform(moved.view()).unwrap().mapv(f64::from);
    let kmeans = KMeansParams {
        k: 5,
        n_init: 8,
        ..KMeansParams::default()
    };
    let kmeans = kmeans.fit(points.view()).unwrap();
    let files = [
        scaler.to_bytes(),
        forest.to_bytes(),
        umap.to_bytes(),
        kmeans.to_bytes(),
    ];
    let short = |bytes: Vec<u8>| hex(&Sha256::digest(&bytes))[..16].to_owned();
    files.map(|file| short(file.unwrap())).to_vec()
}

fn check(splitter: Splitter, metric: Metric, expected: [&str; 4]) {
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let found = pool.install(|| digests(splitter.clone(), metric));
        assert_eq!(found, expected, "{threads} threads");
    }
}

#[test]
fn best_cuts_and_euclidean() {
    check(
        Splitter::Best,
        Metric::Euclidean,
        [
            "328003344be734cb",
            "4540987a658953d0",
            "8f949d1571f0ae58",
            "1c02357116256d10",
        ],
    );
}

#[test]
fn random_cuts_and_hamming() {
    let splitter = Splitter::Random {
        breaks: vec![vec![], vec![0.01, 0.1]],
        break_share: 0.9,
    };
    check(
        splitter,
        Metric::Hamming,
        [
            "328003344be734cb",
            "00679de74dbe9eff",
            "d1fac2cc259329f5",
            "76664036203cbae2",
        ],
    );
}
