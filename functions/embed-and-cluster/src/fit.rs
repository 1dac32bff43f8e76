//! Makes the models.

use ndarray::{Array1, Array2, ArrayView2};
use shared::Result;
use shared::features::Features;
use shared::measure::Stage;
use shared::models::{Forest, ForestParams, KMeans, Metric, MinMaxScaler, Umap, UmapParams};
use shared::progress::Progress;
use shared::segments::Profile;
use shared::settings::{self, Settings};

use crate::{cuts, large, matrix, start};

/// Fitted models, and what they say of the customers that they were fitted to.
pub(crate) struct Fitted {
    pub(crate) scaler: MinMaxScaler,
    pub(crate) forest: Forest,
    pub(crate) umap: Umap,
    pub(crate) kmeans: KMeans,
    pub(crate) points: Array2<f64>,
    pub(crate) labels: Array1<u32>,
}

/// Customers up to which a fit compares all of them with all. With more, trees are grown on
/// some of them each, and who shares all leaves with another is embedded once
/// ([`large`](crate::large)).
pub(crate) const EXACT_UP_TO: usize = 100_000;

/// Fits scaler, forest, UMAP and k-means; segment 0 is the one of the highest mean revenue.
pub(crate) fn fit(
    features: &Features,
    settings: &Settings,
    progress: &dyn Progress,
    stage: &mut Stage,
) -> Result<Fitted> {
    fit_exact_up_to(EXACT_UP_TO, features, settings, progress, stage)
}

/// The same with another limit than [`EXACT_UP_TO`].
pub(crate) fn fit_exact_up_to(
    limit: usize,
    features: &Features,
    settings: &Settings,
    progress: &dyn Progress,
    stage: &mut Stage,
) -> Result<Fitted> {
    let clustering = &settings.clustering;
    let is_large = features.len() > limit;
    progress.step("fit the forest");
    let (scaler, forest, scaled) = forest(features, settings, is_large)?;
    stage.lap("fit forest");
    let (umap, points) = if is_large {
        let frequency = &features.frequency;
        large::embed(&forest, scaled.view(), frequency, settings, progress, stage)?
    } else {
        let leaves = forest.leaf_indices(scaled.view())?;
        stage.lap("leaves");
        progress.step("fit UMAP");
        let umap = embed(&forest, leaves.view(), &features.frequency, settings)?;
        stage.lap("fit umap");
        // What a later apply will say of the same customers, not the fit's own embedding: they
        // differ where two customers share all their leaves.
        let points = matrix::points(umap.transform(leaves.view())?.view());
        stage.lap("transform");
        (umap, points)
    };
    progress.step("k-means");
    let kmeans = clustering.kmeans().fit(points.view())?;
    let labels = kmeans.predict(points.view())?;
    let order = Profile::order(&features.gross_revenue, &labels.to_vec(), clustering.k);
    let kmeans = kmeans.reordered(&order)?;
    let labels = kmeans.predict(points.view())?;
    stage.lap("k-means");
    Ok(Fitted {
        scaler,
        forest,
        umap,
        kmeans,
        points,
        labels,
    })
}

/// The embedding of customers by their `leaves`, shape `(n_customers, n_trees)`, and their
/// frequencies in the same order.
pub(crate) fn embed(
    forest: &Forest,
    leaves: ArrayView2<u32>,
    frequency: &[f64],
    settings: &Settings,
) -> Result<Umap> {
    let umap = umap(settings);
    Ok(match settings.embedding.start {
        settings::Start::Spectral => umap.fit(leaves)?,
        settings::Start::Prediction => {
            let predicted = forest.predict_leaves(leaves)?;
            let start = start::points(predicted.view(), frequency, umap.seed);
            umap.fit_from(leaves, start.view())?
        }
    })
}

/// How customers are embedded.
pub(crate) fn umap(settings: &Settings) -> UmapParams {
    let embedding = &settings.embedding;
    UmapParams {
        metric: match embedding.metric {
            settings::Metric::Hamming => Metric::Hamming,
            settings::Metric::Euclidean => Metric::Euclidean,
        },
        n_neighbors: embedding.n_neighbors,
        min_dist: embedding.min_dist,
        seed: settings.clustering.seed,
        n_components: 2,
        ..UmapParams::default()
    }
}

/// Scaler and forest, and the features as the scaler has them, shape `(n_customers, 4)`. A
/// large fit's trees are grown on some of the customers each.
pub(crate) fn forest(
    features: &Features,
    settings: &Settings,
    is_large: bool,
) -> Result<(MinMaxScaler, Forest, Array2<f64>)> {
    let matrix = matrix::features(features)?;
    let scaler = MinMaxScaler::fit(matrix.view())?;
    let scaled = scaler.transform(matrix.view())?;
    let target = matrix::target(features, settings.embedding.target)?;
    let forest = ForestParams {
        trees: settings.embedding.trees,
        seed: settings.clustering.seed,
        splitter: cuts::splitter(settings, matrix.view(), target.view(), &scaler)?,
        most_rows: is_large.then_some(large::TREE_ROWS),
        ..ForestParams::default()
    };
    let forest = forest.fit(scaled.view(), target.view())?;
    Ok((scaler, forest, scaled))
}
