//! Stored models: refused as damaged, or read, used and written again the same.
#![no_main]

use fuzz::{check, knobs};
use libfuzzer_sys::fuzz_target;
use ndarray::{Array2, ArrayView2, s};
use shared::evaluation::Reference;
use shared::models::{Forest, KMeans, MinMaxScaler, ModelError, Umap};

/// Rows and columns that a model is tried on: as many as a file of some kilobytes may have.
const MOST: usize = 512;

/// The header of a safetensors file behind its length, and what follows the first line end as
/// data: a mutation that changes the header's length leaves it whole.
fn framed(text: &[u8]) -> Vec<u8> {
    let end = text.iter().position(|&byte| byte == b'\n');
    let (header, data) = text.split_at(end.unwrap_or(text.len()));
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header);
    bytes.extend_from_slice(data.get(1..).unwrap_or_default());
    bytes
}

/// Reads a model; one that is read is written and read again.
fn model<T>(
    bytes: &[u8],
    read: fn(&[u8]) -> Result<T, ModelError>,
    write: fn(&T) -> Result<Vec<u8>, ModelError>,
) -> Option<T> {
    match read(bytes) {
        Ok(model) => {
            let once = write(&model).unwrap();
            let again = read(&once).unwrap();
            assert_eq!(write(&again).unwrap(), once);
            Some(model)
        }
        Err(error) => {
            assert!(matches!(error, ModelError::Corrupt { .. }), "{error}");
            check(&error.into());
            None
        }
    }
}

/// Some rows, of numbers that a forest has in single precision.
fn rows(columns: usize) -> Array2<f64> {
    Array2::from_shape_fn((5, columns.min(MOST)), |(row, column)| {
        [-1e30, -1.0, 0.0, 0.3, 1e30][(row + column) % 5]
    })
}

fn forest(forest: &Forest) {
    let rows = rows(forest.n_features());
    let leaves = forest.leaf_indices(rows.view());
    if rows.ncols() == forest.n_features() {
        let predicted = forest.predict(rows.view()).unwrap();
        assert_eq!(
            predicted,
            forest.predict_leaves(leaves.unwrap().view()).unwrap()
        );
    } else {
        assert!(leaves.is_err());
    }
}

fn umap(umap: &Umap) {
    let trained = umap.leaves();
    let some = trained.slice(s![..trained.nrows().min(4), ..]);
    let other = Array2::zeros((1, trained.ncols()));
    let place = |leaves: ArrayView2<u32>| {
        let points = umap.transform(leaves).unwrap();
        assert_eq!(points.dim(), (leaves.nrows(), umap.embedding().ncols()));
        points
    };
    let together = place(some);
    for (i, leaves) in some.outer_iter().enumerate() {
        let alone = place(leaves.insert_axis(ndarray::Axis(0)));
        let bits = |x: &f32| x.to_bits();
        let same = together.row(i).iter().map(bits).eq(alone.iter().map(bits));
        assert!(same, "who else is there makes no difference");
    }
    place(other.view());
}

fn kmeans(kmeans: &KMeans) {
    let points = rows(kmeans.centroids().ncols());
    match kmeans.predict(points.view()) {
        Ok(labels) => {
            let k = kmeans.centroids().nrows() as u32;
            assert!(labels.iter().all(|&label| label < k));
        }
        Err(_) => assert_ne!(points.ncols(), kmeans.centroids().ncols()),
    }
}

fuzz_target!(|input: &[u8]| {
    let (bytes, [kind, is_raw]) = knobs::<2>(input);
    let mut bytes = if is_raw == 1 {
        bytes.to_vec()
    } else {
        framed(bytes)
    };
    match kind % 5 {
        0 => {
            let scaler = model(&bytes, MinMaxScaler::from_bytes, MinMaxScaler::to_bytes);
            if let Some(scaler) = scaler {
                let rows = rows(scaler.scale().len());
                let scaled = scaler.transform(rows.view());
                assert_eq!(scaled.is_ok(), rows.ncols() == scaler.scale().len());
            }
        }
        1 => drop(
            model(&bytes, Forest::from_bytes, Forest::to_bytes)
                .as_ref()
                .map(forest),
        ),
        2 => drop(
            model(&bytes, Umap::from_bytes, Umap::to_bytes)
                .as_ref()
                .map(umap),
        ),
        3 => drop(
            model(&bytes, KMeans::from_bytes, KMeans::to_bytes)
                .as_ref()
                .map(kmeans),
        ),
        _ => {
            // A thousand quantiles of five features are more than an input has.
            bytes.resize(bytes.len() + 5 * 1_001 * 8, 0);
            model(&bytes, Reference::from_bytes, Reference::to_bytes);
        }
    }
});
