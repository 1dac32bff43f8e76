//! Segments of everyone by models that are fitted to some of them, for who measures what the
//! others are worth to a fit.

use shared::Result;
use shared::features::Features;
use shared::measure::Stage;
use shared::progress::Progress;
use shared::segments::quality;
use shared::settings::Settings;

use crate::apply::apply;
use crate::fit::fit_exact_up_to;

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
