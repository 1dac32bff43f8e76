//! Segments of everyone by models that are fitted to some of them, for who measures what the
//! others are worth to a fit.

use shared::Result;
use shared::features::Features;
use shared::measure::Stage;
use shared::models::random::{Key, Stream};
use shared::models::umap;
use shared::progress::Progress;
use shared::segments::quality;
use shared::settings::Settings;

use crate::apply::apply;
use crate::fit::{self, fit_exact_up_to, forest};
use crate::large;

/// What models say of some customers, and how large they are.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The segment of each customer, 0 the one of the highest mean revenue.
    pub labels: Vec<u32>,
    /// Customers that the embedding keeps, of those that the models are fitted to.
    pub embedded: usize,
    /// Leaves of a tree, on average.
    pub leaves: f64,
    /// Bytes of the forest and of the embedding when they are stored.
    pub stored: [usize; 2],
    /// Mean silhouette of `labels` in the embedding.
    pub silhouette: f64,
    /// Sum of squared distances to the centroids.
    pub inertia: f64,
}

/// Fits models to the customers of `sample` and lets them place `everyone`, or the sample
/// alone; with up to `exact_up_to` customers all are compared with all.
pub fn place(
    sample: &Features,
    everyone: Option<&Features>,
    settings: &Settings,
    exact_up_to: Option<usize>,
    progress: &dyn Progress,
    stage: &mut Stage,
) -> Result<Placed> {
    let limit = exact_up_to.unwrap_or(crate::fit::EXACT_UP_TO);
    let fitted = fit_exact_up_to(limit, sample, settings, progress, stage)?;
    let (points, labels) = match everyone {
        None => (fitted.points.clone(), fitted.labels.clone()),
        Some(everyone) => {
            let applied = apply((&fitted).into(), everyone, progress, stage)?;
            (applied.points, applied.labels)
        }
    };
    let seed = settings.clustering.seed;
    let quality = quality(&fitted.kmeans, points.view(), labels.view(), seed)?;
    stage.lap("silhouette");
    let trees = fitted.forest.trees();
    let nodes: usize = trees.iter().map(|tree| tree.n_nodes()).sum();
    let stored = [
        fitted.forest.to_bytes()?.len(),
        fitted.umap.to_bytes()?.len(),
    ];
    stage.lap("to bytes");
    Ok(Placed {
        labels: labels.to_vec(),
        embedded: fitted.umap.embedding().nrows(),
        leaves: (nodes as f64 / trees.len() as f64 + 1.0) / 2.0,
        stored,
        silhouette: quality.silhouette,
        inertia: quality.inertia,
    })
}

/// Customers whose neighbours are looked at.
const LOOKED_AT: usize = 2_000;

/// The share of the neighbours of a large fit that an exact search finds, too.
pub fn recall(features: &Features, settings: &Settings) -> Result<f64> {
    let (_, forest, scaled) = forest(features, settings, true)?;
    let leaves = large::leaves(&forest, scaled.view())?.1;
    let key = Key::new(settings.clustering.seed, Stream::Neighbors);
    let rows = key.distinct(LOOKED_AT, leaves.nrows());
    let rows: Vec<usize> = rows.into_iter().map(|row| row as usize).collect();
    let embedding = fit::umap(settings);
    let k = embedding.n_neighbors;
    Ok(umap::approximate_recall(
        embedding.metric,
        leaves.view(),
        k,
        &rows,
        embedding.seed,
    ))
}
