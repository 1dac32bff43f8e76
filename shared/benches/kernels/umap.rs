//! UMAP on the leaves of a forest.

use std::hint::black_box;

use ndarray::{Array2, s};
use shared::models::{Metric, UmapParams};

use crate::Result;
use crate::kernel::Work;
use crate::models::{FOREST, regression};

/// Customers that the model is fitted to, and others.
const OLD: usize = 300;
const NEW: usize = 300;

/// Leaves of those that the forest has seen, then of as many new ones.
fn leaves() -> Result<Array2<u32>> {
    let (x, y) = regression(OLD + NEW);
    let forest = FOREST.fit(x.slice(s![..OLD, ..]), y.slice(s![..OLD]))?;
    Ok(forest.leaf_indices(x.view())?)
}

fn params(metric: Metric) -> UmapParams {
    UmapParams {
        metric,
        epochs: Some(50),
        ..UmapParams::default()
    }
}

pub(crate) fn fit() -> Result<Work> {
    let leaves = leaves()?;
    Ok(Box::new(move || {
        black_box(params(Metric::Hamming).fit(leaves.slice(s![..OLD, ..]))?);
        Ok(())
    }))
}

pub(crate) fn transform_euclidean() -> Result<Work> {
    transform(Metric::Euclidean)
}

pub(crate) fn transform_hamming() -> Result<Work> {
    transform(Metric::Hamming)
}

fn transform(metric: Metric) -> Result<Work> {
    let leaves = leaves()?;
    let umap = params(metric).fit(leaves.slice(s![..OLD, ..]))?;
    Ok(Box::new(move || {
        black_box(umap.transform(leaves.slice(s![OLD.., ..]))?);
        Ok(())
    }))
}
