//! From features to segments: fits the models or applies stored ones.

use ndarray::{Array1, Array2};
use shared::bundle::{Bundle, BundleManifest, FEATURES, Sample, TARGET};
use shared::contracts::{Artifact, ModelAction, Quality, Run};
use shared::evaluation::{Drift, Gate, Reference};
use shared::features::Features;
use shared::measure::Stage;
use shared::progress::Progress;
use shared::segments::{Lineage, Segment, names, quality};
use shared::{Error, Result};

use crate::apply;
use crate::fit::{self, Fitted};
use crate::handler::Stored;
use crate::ruled::{Ruled, ruled};
use crate::succession::Succession;

/// What the models said.
pub(crate) struct Scored {
    pub(crate) features: Features,
    pub(crate) points: Array2<f64>,
    /// Positions in `segments`.
    pub(crate) labels: Array1<u32>,
    pub(crate) segments: Vec<Segment>,
    pub(crate) quality: Quality,
    pub(crate) drift: Vec<Drift>,
    pub(crate) ruled: Ruled,
    /// Models that were fitted for this run.
    pub(crate) made: Option<Box<Made>>,
    pub(crate) stage: Stage,
}

/// Models of a fit, on their way to a bundle.
pub(crate) struct Made {
    fitted: Fitted,
    reference: Option<Reference>,
    /// Names of the segments by what they are like.
    pub(crate) described: Vec<String>,
    /// Beside the champion, if there is one.
    pub(crate) succession: Option<Succession>,
    /// Whom they were fitted to, where those are not all.
    pub(crate) sample: Option<Sample>,
}

impl Made {
    /// The bundle under the version that the run has for it.
    pub(crate) fn bundle(
        self,
        run: &Run,
        source: &Artifact,
        scored: &Scored,
        segments: Vec<Segment>,
        lineage: Option<Lineage>,
        gates: Vec<Gate>,
    ) -> Bundle {
        let manifest = BundleManifest {
            schema_version: BundleManifest::SCHEMA_VERSION,
            version: run.model_version.clone(),
            features: FEATURES.iter().map(|&name| name.to_owned()).collect(),
            target: TARGET.to_owned(),
            embedding: run.settings.embedding.clone(),
            clustering: run.settings.clustering.clone(),
            source: run.source.clone(),
            training_sha256: source.sha256.clone(),
            training_customers: scored.features.len() as u64,
            sample: self.sample,
            segments,
            rules: scored.ruled.rules.clone(),
            lineage,
            gates,
            quality: scored.quality.clone(),
            files: std::collections::BTreeMap::new(),
        };
        Bundle {
            manifest,
            scaler: self.fitted.scaler,
            forest: self.fitted.forest,
            umap: self.fitted.umap,
            kmeans: self.fitted.kmeans,
            reference: self.reference,
        }
    }
}

/// Scores every customer.
pub(crate) fn score(
    features: Features,
    stored: Stored,
    run: &Run,
    progress: &dyn Progress,
    mut stage: Stage,
) -> Result<Scored> {
    stage.lap("load");
    let seed = run.settings.clustering.seed;
    if let Some(bundle) = stored.applied {
        let applied = apply::apply((&bundle).into(), &features, progress, &mut stage)?;
        progress.step("silhouette");
        let (points, labels) = (applied.points, applied.labels);
        let mut quality = quality(&bundle.kmeans, points.view(), labels.view(), seed)?;
        stage.lap("silhouette");
        let ruled = ruled(
            (&bundle).into(),
            &bundle.manifest.rules,
            &features,
            &labels.to_vec(),
            seed,
            &mut quality,
            progress,
        )?;
        stage.lap("rules");
        let drift = match (run.action, &bundle.reference) {
            (ModelAction::Apply, Some(reference)) => reference.drift(&features),
            // An earlier attempt of this fit made them, of these customers.
            _ => Vec::new(),
        };
        return Ok(Scored {
            features,
            points,
            labels,
            segments: bundle.manifest.segments,
            quality,
            drift,
            ruled,
            made: None,
            stage,
        });
    }
    let mut fitted = fit::fit(&features, &run.settings, progress, &mut stage)?;
    let points = std::mem::take(&mut fitted.points);
    let labels = std::mem::take(&mut fitted.labels);
    progress.step("silhouette");
    let mut quality = quality(&fitted.kmeans, points.view(), labels.view(), seed)?;
    stage.lap("silhouette");
    let by_row = labels.to_vec();
    let models = (&fitted).into();
    let ruled = ruled(
        models,
        &[],
        &features,
        &by_row,
        seed,
        &mut quality,
        progress,
    )?;
    stage.lap("rules");
    let succession = match &stored.predecessor {
        None => None,
        Some(champion) => Some(Succession::of(
            champion,
            &features,
            &by_row,
            &run.settings,
            progress,
            &mut stage,
        )?),
    };
    let made = Made {
        reference: Reference::of(&features),
        described: names(&features, &by_row, run.settings.clustering.k),
        succession,
        sample: None,
        fitted,
    };
    Ok(Scored {
        features,
        points,
        labels,
        segments: Vec::new(),
        quality,
        drift: Vec::new(),
        ruled,
        made: Some(Box::new(made)),
        stage,
    })
}

/// The numbers of the segments at these positions.
pub(crate) fn numbers(labels: &[u32], segments: &[Segment]) -> Result<Vec<u32>> {
    let number = |&label: &u32| {
        let segment = segments.get(label as usize);
        let segment = segment.ok_or_else(|| {
            Error::Internal(format!("no segment {label} among {}", segments.len()))
        })?;
        Ok(segment.id)
    };
    labels.iter().map(number).collect()
}
