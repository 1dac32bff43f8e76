//! How good the segments are: of a fit, and of what refits on parts of the customers make
//! of it.

use std::collections::BTreeMap;

use serde::Serialize;
use shared::bundle::Bundle;
use shared::evaluation::{
    adjusted_rand_index, best_jaccard, by_overlap, eta_squared, trustworthiness,
};
use shared::features::Features;
use shared::measure::Stage;
use shared::progress::Progress;
use shared::segments::{Profile, Segment, names, quality};
use shared::settings::{self, Settings};
use shared::{Error, Result};

use crate::apply::{Models, apply};
use crate::explained::{Explained, explained};
use crate::fit::fit;
use crate::matrix;
use crate::resample::{self, Resample, aligned, common, enough};
use crate::score::numbers;

/// Neighbours that the trustworthiness looks at.
const NEIGHBORS: usize = 15;
/// Customers that the trustworthiness looks at.
const MOST_ROWS: usize = 10_000;

/// What `insiders evaluate` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// The defaults that the settings started from.
    pub profile: settings::Profile,
    /// The stored model that was measured; absent if one was fitted for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Customers.
    pub customers: usize,
    /// Segments that have customers.
    pub segments: u32,
    /// Mean silhouette in the embedding.
    pub silhouette: f64,
    /// Sum of squared distances to the centroids in the embedding.
    pub inertia: f64,
    /// Share of the variance of log revenue that lies between the segments.
    pub eta_squared: f64,
    /// Trustworthiness of the embedding as a picture of the leaves, 15 neighbours.
    pub trustworthiness: f64,
    /// The segment of the highest mean revenue.
    pub first_segment: FirstSegment,
    /// What one must do to be in a segment, and how true that is.
    pub rules: Explained,
    /// Resamples of 80% of the customers, the whole pipeline refitted on each.
    pub resamples: usize,
    /// Adjusted Rand index between a resample's segments and the whole's, on the customers
    /// of the resample: the mean.
    pub stability_ari: f64,
    /// The lowest of them.
    pub stability_ari_lowest: f64,
    /// The same between resamples, on the customers that both have: the mean over all pairs.
    pub stability_ari_pairs: f64,
    /// Stability of each segment: the mean Jaccard similarity to the most similar segment
    /// of a resample.
    pub segment_stability: Vec<SegmentStability>,
    /// Share of the customers left out of a resample whom its models give the segment that
    /// the whole fit, which includes them, gives them.
    pub held_out_agreement: f64,
    /// Adjusted Rand index of the same.
    pub held_out_ari: f64,
    /// Share of the training customers who get their own segment when scored again.
    pub training_agreement: f64,
}

/// The segment of the highest mean revenue, as shares of the whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FirstSegment {
    /// Of the customers.
    pub customers_share: f64,
    /// Of the revenue.
    pub revenue_share: f64,
    /// Mean revenue of its customers.
    pub mean_revenue: f64,
}

/// One segment's stability.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentStability {
    /// Its name.
    pub segment: String,
    /// Mean Jaccard similarity.
    pub jaccard: f64,
}

/// Measures a stored model on `features`, or else a fit made with `settings`. Refits
/// always use `settings`.
pub fn evaluate(
    features: &Features,
    settings: &Settings,
    stored: Option<&Bundle>,
    resamples: usize,
    progress: &dyn Progress,
) -> Result<Evaluation> {
    enough(features, settings)?;
    let mut stage = Stage::start("evaluate");
    let fitted = match stored {
        Some(_) => None,
        None => Some(fit(features, settings, progress, &mut stage)?),
    };
    let models = match (stored, &fitted) {
        (Some(bundle), _) => Models::from(bundle),
        (None, Some(fitted)) => Models::from(fitted),
        (None, None) => return Err(Error::Internal("there are no models".to_owned())),
    };
    let whole = apply(models, features, progress, &mut stage)?;
    let seed = settings.clustering.seed;
    let quality = quality(
        models.kmeans,
        whole.points.view(),
        whole.labels.view(),
        seed,
    )?;
    let labels = whole.labels.to_vec();
    progress.step("trustworthiness");
    let trust = trustworthiness(
        whole.leaves.view(),
        models.umap.metric(),
        whole.points.view(),
        NEIGHBORS,
        MOST_ROWS,
        seed,
    )?;
    let segments = stored.map_or_else(
        || Segment::first(names(features, &labels, settings.clustering.k)),
        |bundle| bundle.manifest.segments.clone(),
    );
    let profile = Profile::of(features, &labels, &segments);
    let numbers = numbers(&labels, &segments)?;
    let rules = stored.map_or(&[][..], |bundle| &bundle.manifest.rules);
    let rules = explained(models, rules, features, &labels, &segments, seed)?;
    let first = profile.segments.first();
    let refits = resample::resamples(features, settings, resamples, progress)?;
    let stability = stability(&labels, &refits);
    Ok(Evaluation {
        profile: settings.profile,
        model: stored.map(|bundle| bundle.manifest.version.clone()),
        customers: features.len(),
        segments: quality.segments,
        silhouette: quality.silhouette,
        inertia: quality.inertia,
        eta_squared: eta_squared(&labels, &features.log_revenue()),
        trustworthiness: trust,
        first_segment: FirstSegment {
            customers_share: first.map_or(0.0, |s| s.share),
            revenue_share: first.map_or(0.0, |s| s.revenue_share),
            mean_revenue: first.map_or(0.0, |s| s.gross_revenue),
        },
        rules,
        resamples,
        stability_ari: stability.mean,
        stability_ari_lowest: stability.lowest,
        stability_ari_pairs: stability.pairs,
        segment_stability: segment_stability(&profile, &numbers, &refits),
        held_out_agreement: stability.held_out_agreement,
        held_out_ari: stability.held_out_ari,
        training_agreement: training_agreement(models)?,
    })
}

/// Share of the training customers who get the segment of their fitted point when they are
/// scored as if they were new.
fn training_agreement(models: Models) -> Result<f64> {
    let fitted = matrix::points(models.umap.embedding());
    let again = matrix::points(models.umap.transform(models.umap.leaves())?.view());
    let (fitted, again) = (
        models.kmeans.predict(fitted.view())?,
        models.kmeans.predict(again.view())?,
    );
    let same = fitted.iter().zip(&again).filter(|(a, b)| a == b).count();
    Ok(same as f64 / fitted.len().max(1) as f64)
}

#[derive(Default)]
struct Stability {
    mean: f64,
    lowest: f64,
    pairs: f64,
    held_out_agreement: f64,
    held_out_ari: f64,
}

fn stability(labels: &[u32], refits: &[Resample]) -> Stability {
    let with_whole: Vec<(Vec<u32>, Vec<u32>)> =
        refits.iter().map(|r| aligned(labels, &r.inside)).collect();
    let index = |(a, b): &(Vec<u32>, Vec<u32>)| adjusted_rand_index(a, b);
    let indices: Vec<f64> = with_whole.iter().map(index).collect();
    let mut pairs = Vec::new();
    for (i, a) in refits.iter().enumerate() {
        for b in refits.iter().take(i) {
            pairs.push(index(&common(&a.inside, &b.inside)));
        }
    }
    let mut agreements = Vec::new();
    let mut outside = Vec::new();
    for (refit, (whole, own)) in refits.iter().zip(&with_whole) {
        let names = by_overlap(own, whole);
        let (whole, own) = aligned(labels, &refit.outside);
        let same = whole
            .iter()
            .zip(&own)
            .filter(|(whole, own)| names.get(own) == Some(whole));
        agreements.push(same.count() as f64 / whole.len().max(1) as f64);
        outside.push(adjusted_rand_index(&whole, &own));
    }
    Stability {
        mean: mean(&indices),
        lowest: indices.iter().copied().fold(1.0, f64::min),
        pairs: mean(&pairs),
        held_out_agreement: mean(&agreements),
        held_out_ari: mean(&outside),
    }
}

fn segment_stability(
    profile: &Profile,
    labels: &[u32],
    refits: &[Resample],
) -> Vec<SegmentStability> {
    let similar: Vec<BTreeMap<u32, f64>> = refits
        .iter()
        .map(|refit| {
            let (whole, own) = aligned(labels, &refit.inside);
            best_jaccard(&whole, &own)
        })
        .collect();
    let segments = profile.segments.iter();
    segments
        .map(|segment| {
            let of_label = |s: &BTreeMap<u32, f64>| s.get(&segment.label).copied();
            let found: Vec<f64> = similar.iter().filter_map(of_label).collect();
            SegmentStability {
                segment: segment.segment.clone(),
                jaccard: mean(&found),
            }
        })
        .collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
