//! A refit beside the champion: which of its segments are which, and whether it may take the
//! champion's place.

use shared::Result;
use shared::bundle::Bundle;
use shared::contracts::{Quality, Run};
use shared::evaluation::{self, Challenge, Drift, Gate, share_shift};
use shared::features::Features;
use shared::measure::Stage;
use shared::progress::Progress;
use shared::segments::{Lineage, Matching, Segment};
use shared::settings::Settings;

use crate::apply::apply;
use crate::resample;
use crate::score::numbers;

/// What a refit is measured by.
pub(crate) struct Succession {
    pub(crate) matching: Matching,
    predecessor: String,
    before: Vec<Segment>,
    /// By customer, the champion's segment and the refit's, by position.
    labels: (Vec<u32>, Vec<u32>),
    stability: Option<f64>,
    drift: Option<Vec<Drift>>,
}

impl Succession {
    /// Scores the customers by the champion too, and refits on parts of them.
    pub(crate) fn of(
        champion: &Bundle,
        features: &Features,
        labels: &[u32],
        settings: &Settings,
        progress: &dyn Progress,
        stage: &mut Stage,
    ) -> Result<Self> {
        let before = apply(champion.into(), features, progress, stage)?
            .labels
            .to_vec();
        let (old, new) = (champion.manifest.segments.len(), settings.clustering.k);
        let matching = Matching::of(&before, labels, old, new)?;
        let count = settings.gates.resamples;
        let refits = if resample::enough(features, settings).is_ok() {
            resample::resamples(features, settings, count, progress)?
        } else {
            Vec::new()
        };
        stage.lap("refits");
        Ok(Self {
            matching,
            predecessor: champion.manifest.version.clone(),
            before: champion.manifest.segments.clone(),
            stability: resample::stability(labels, &refits),
            labels: (before, labels.to_vec()),
            drift: champion.reference.as_ref().map(|r| r.drift(features)),
        })
    }

    /// The refit's segments; new ones are numbered from `free` on.
    pub(crate) fn segments(&self, described: &[String], free: u32) -> (Vec<Segment>, Lineage) {
        let (predecessor, before) = (&self.predecessor, &self.before);
        self.matching.succeed(predecessor, before, described, free)
    }
}

/// The refit against the thresholds of the run.
pub(crate) fn judge(
    quality: &Quality,
    succession: &Succession,
    segments: &[Segment],
    run: &Run,
) -> Result<Vec<Gate>> {
    let before = numbers(&succession.labels.0, &succession.before)?;
    let now = numbers(&succession.labels.1, segments)?;
    let challenge = Challenge {
        silhouette: quality.silhouette,
        stability: succession.stability,
        moved_share: 1.0 - succession.matching.agreement(),
        share_shift: share_shift(&before, &now),
        drift: succession.drift.clone(),
    };
    Ok(evaluation::judge(&challenge, &run.settings.gates))
}
