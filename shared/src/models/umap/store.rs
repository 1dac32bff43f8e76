//! The embedding's bytes, and models that come from elsewhere.

use std::sync::OnceLock;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::{
    super::{
        codec::{Reader, Writer},
        error::ModelError,
    },
    MOST_COMPONENTS, Metric, Umap,
    curve::Curve,
    frozen,
    neighbors::Index,
};

const FILE: &str = "umap.safetensors";
const KIND: &str = "umap";

/// What a fitted embedding consists of, for one fitted elsewhere.
#[derive(Debug, Clone)]
pub struct UmapParts {
    /// How leaves are compared.
    pub metric: Metric,
    /// Neighbours that are looked at.
    pub n_neighbors: usize,
    /// How near points may come to each other.
    pub min_dist: f64,
    /// The layout's curve `1 / (1 + a d^2b)`.
    pub a: f64,
    /// See `a`.
    pub b: f64,
    /// Seed of the negative samples.
    pub seed: u64,
    /// Whether a customer with a training customer's leaves gets that one's point.
    pub snap_exact: bool,
    /// The state that umap-learn's transform begins with, for points by its very steps.
    pub replay: Option<[i64; 3]>,
    /// Training leaves, shape `(n_customers, n_trees)`.
    pub leaves: Array2<u32>,
    /// Training points, shape `(n_customers, n_components)`.
    pub embedding: Array2<f32>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    kind: String,
    metric: Metric,
    n_neighbors: usize,
    seed: u64,
    snap_exact: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replay: Option<[i64; 3]>,
    wide_leaves: bool,
}

pub(super) fn to_bytes(model: &Umap) -> Result<Vec<u8>, ModelError> {
    let wide_leaves = model.leaves.iter().any(|&leaf| leaf > u32::from(u16::MAX));
    let mut writer = Writer::new(FILE);
    let shape = model.leaves.shape();
    let leaves = model.leaves.iter().copied();
    if wide_leaves {
        writer.array("leaves", shape, leaves);
    } else {
        writer.array("leaves", shape, leaves.map(|leaf| leaf as u16));
    }
    writer.array(
        "embedding",
        model.embedding.shape(),
        model.embedding.iter().copied(),
    );
    let Curve { a, b } = model.curve;
    writer.array("curve", &[3], [a, b, model.min_dist]);
    let frozen = [model.mean_distance, f64::from(model.heaviest)];
    writer.array("frozen", &[2], frozen);
    writer.finish(&Header {
        kind: KIND.to_owned(),
        metric: model.metric,
        n_neighbors: model.n_neighbors,
        seed: model.seed,
        snap_exact: model.snap_exact,
        replay: model.replay,
        wide_leaves,
    })
}

pub(super) fn from_bytes(bytes: &[u8]) -> Result<Umap, ModelError> {
    let reader = Reader::open(FILE, bytes)?;
    let header: Header = reader.header()?;
    if header.kind != KIND {
        return Err(reader.corrupt(format!("it holds a {} model", header.kind)));
    }
    let (shape, leaves) = if header.wide_leaves {
        reader.axes::<u32, 2>("leaves")?
    } else {
        let (shape, leaves) = reader.axes::<u16, 2>("leaves")?;
        (shape, leaves.into_iter().map(u32::from).collect())
    };
    let (points, embedding) = reader.axes::<f32, 2>("embedding")?;
    let curve = reader.array::<f64>("curve", &[3])?;
    let frozen = reader.array::<f64>("frozen", &[2])?;
    let (&[a, b, min_dist], &[mean_distance, heaviest]) = (curve.as_slice(), frozen.as_slice())
    else {
        return Err(reader.corrupt("its parameters are missing"));
    };
    let corrupt = |e: ndarray::ShapeError| reader.corrupt(e.to_string());
    let parts = UmapParts {
        metric: header.metric,
        n_neighbors: header.n_neighbors,
        min_dist,
        a,
        b,
        seed: header.seed,
        snap_exact: header.snap_exact,
        replay: header.replay,
        leaves: Array2::from_shape_vec(shape, leaves).map_err(corrupt)?,
        embedding: Array2::from_shape_vec(points, embedding).map_err(corrupt)?,
    };
    assemble(parts, |_| (mean_distance, heaviest as f32)).map_err(|e| reader.corrupt(e.to_string()))
}

pub(super) fn from_parts(parts: UmapParts) -> Result<Umap, ModelError> {
    let n = parts.leaves.nrows();
    let k = parts.n_neighbors.min(n.saturating_sub(1));
    let leaves = parts.leaves.clone();
    assemble(parts, |index| {
        frozen(&index.nearest_others(leaves.view(), k), n)
    })
}

fn assemble(
    parts: UmapParts,
    frozen: impl FnOnce(&Index) -> (f64, f32),
) -> Result<Umap, ModelError> {
    let n = parts.leaves.nrows();
    if n < 2 {
        return Err(ModelError::TooFewCustomers { have: n, need: 2 });
    }
    if parts.leaves.ncols() == 0 {
        return Err(ModelError::shape("leaves", &[n, 1], parts.leaves.shape()));
    }
    let dims = parts.embedding.ncols();
    if parts.embedding.nrows() != n || !(1..=MOST_COMPONENTS).contains(&dims) {
        return Err(ModelError::shape(
            "embedding",
            &[n, 2],
            parts.embedding.shape(),
        ));
    }
    if parts.embedding.iter().any(|v| !v.is_finite()) {
        return Err(ModelError::NotFinite {
            what: "the embedding",
        });
    }
    if parts.n_neighbors < 2 {
        let found = parts.n_neighbors;
        return Err(ModelError::parameter(
            "n_neighbors",
            found,
            "must be at least 2",
        ));
    }
    for (name, value) in [("a", parts.a), ("b", parts.b)] {
        if !(1e-6..=1e6).contains(&value) {
            return Err(ModelError::parameter(
                name,
                value,
                "must be from 1e-6 to 1e6",
            ));
        }
    }
    if !(0.0..=1.0).contains(&parts.min_dist) {
        return Err(ModelError::parameter(
            "min_dist",
            parts.min_dist,
            "must be in 0..=1",
        ));
    }
    let index = Index::new(parts.metric, parts.leaves.view());
    let (mean_distance, heaviest) = frozen(&index);
    if !(mean_distance.is_finite() && mean_distance >= 0.0) {
        return Err(ModelError::NotFinite {
            what: "the mean distance",
        });
    }
    if !(heaviest > 0.0 && heaviest <= 1.0) {
        return Err(ModelError::parameter(
            "heaviest",
            heaviest,
            "must be above 0 and at most 1",
        ));
    }
    Ok(Umap {
        metric: parts.metric,
        n_neighbors: parts.n_neighbors,
        min_dist: parts.min_dist,
        seed: parts.seed,
        curve: Curve {
            a: parts.a,
            b: parts.b,
        },
        snap_exact: parts.snap_exact,
        replay: parts.replay,
        mean_distance,
        heaviest,
        embedding: standard(parts.embedding),
        leaves: standard(parts.leaves),
        index,
        known: OnceLock::new(),
    })
}

/// The same array with its rows one after the other.
fn standard<T: Clone>(array: Array2<T>) -> Array2<T> {
    if array.is_standard_layout() {
        array
    } else {
        array.as_standard_layout().into_owned()
    }
}
