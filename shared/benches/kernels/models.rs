//! Scaler, forest, k-means and silhouette.

use std::hint::black_box;

use ndarray::{Array1, Array2, ArrayView1, s};
use shared::models::{
    ForestParams, KMeansParams, MinMaxScaler, Splitter, leading_breaks, silhouette,
};
use shared::segments::rules::matrix;

use crate::kernel::Work;
use crate::{Result, shop};

pub(crate) fn scaler() -> Result<Work> {
    let x = matrix(&shop::features(50_000));
    Ok(Box::new(move || {
        let scaler = MinMaxScaler::fit(x.view())?;
        black_box(scaler.transform(x.view())?);
        Ok(())
    }))
}

/// Revenue from the other features, shapes `(n_customers, 4)` and `(n_customers,)`.
pub(crate) fn regression(customers: usize) -> (Array2<f64>, Array1<f64>) {
    let features = shop::features(customers);
    let revenue = ArrayView1::from(&features.gross_revenue).mapv(f64::ln_1p);
    (matrix(&features).slice(s![.., 1..]).to_owned(), revenue)
}

/// That a forest is grown on.
const CUSTOMERS: usize = 1_000;

pub(crate) const FOREST: ForestParams = ForestParams {
    trees: 20,
    seed: 42,
    bootstrap: true,
    min_samples_leaf: 1,
    splitter: Splitter::Best,
    most_rows: None,
};

pub(crate) fn forest_fit_best() -> Result<Work> {
    forest_fit(Splitter::Best)
}

/// Cuts as the default profile has them: at random, those of one feature mostly at round numbers.
pub(crate) fn forest_fit_random() -> Result<Work> {
    let (x, y) = regression(CUSTOMERS);
    let mut breaks = vec![Vec::new(); x.ncols()];
    let (feature, of_feature) = leading_breaks(x.view(), y.view(), 9).ok_or("no breaks")?;
    breaks[feature] = of_feature;
    forest_fit(Splitter::Random {
        breaks,
        break_share: 0.9,
    })
}

fn forest_fit(splitter: Splitter) -> Result<Work> {
    let (x, y) = regression(CUSTOMERS);
    let params = ForestParams { splitter, ..FOREST };
    Ok(Box::new(move || {
        black_box(params.fit(x.view(), y.view())?);
        Ok(())
    }))
}

pub(crate) fn forest_leaves() -> Result<Work> {
    let (x, y) = regression(10_000);
    let forest = FOREST.fit(x.slice(s![..CUSTOMERS, ..]), y.slice(s![..CUSTOMERS]))?;
    Ok(Box::new(move || {
        black_box(forest.leaf_indices(x.view())?);
        Ok(())
    }))
}

fn kmeans(customers: usize, params: KMeansParams) -> Work {
    let points = shop::points(customers);
    Box::new(move || {
        black_box(params.fit(points.view())?);
        Ok(())
    })
}

pub(crate) fn kmeans_restarts() -> Result<Work> {
    let params = KMeansParams {
        k: shop::SEGMENTS,
        n_init: 20,
        ..KMeansParams::default()
    };
    Ok(kmeans(1_000, params))
}

/// Not to its end: how far that is, of a single restart, hangs on the last bit of a sum.
pub(crate) fn kmeans_large() -> Result<Work> {
    let params = KMeansParams {
        k: shop::SEGMENTS,
        n_init: 1,
        max_iter: 20,
        tol: 0.0,
        ..KMeansParams::default()
    };
    Ok(kmeans(30_000, params))
}

pub(crate) fn silhouette_exact() -> Result<Work> {
    let customers = 4_000;
    let points = shop::points(customers);
    let labels: Array1<u32> = (0..customers)
        .map(|row| (row % shop::SEGMENTS) as u32)
        .collect();
    Ok(Box::new(move || {
        black_box(silhouette(points.view(), labels.view(), usize::MAX, 0, 0)?);
        Ok(())
    }))
}
