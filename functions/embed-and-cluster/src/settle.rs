//! What becomes of the models of a fit: numbers for their segments, a bundle, the champion's place.

use shared::bundle::{Bundle, BundleManifest, promote_after, reserve};
use shared::contracts::{Artifact, ModelAction, Promotion, Run};
use shared::failpoint::reach;
use shared::segments::Segment;
use shared::store::Store;
use shared::{Error, Result};

use crate::score::{Made, Scored};
use crate::succession;

/// Stores what a fit made, unless another attempt was first: of two at once the first one's
/// stands.
pub(crate) async fn save(
    store: &Store,
    run: &Run,
    source: &Artifact,
    scored: &Scored,
    made: Made,
) -> Result<()> {
    let mut bundle = bundle(store, run, source, scored, made).await?;
    reach("embed: numbers reserved")?;
    bundle.save(store).await?;
    reach("embed: models saved")
}

/// Makes the stored models of a fit the champion if they may be; says what became of them. An
/// apply has none.
pub(crate) async fn promote(
    store: &Store,
    run: &Run,
) -> Result<Option<(Promotion, BundleManifest)>> {
    let manifest = match run.action {
        ModelAction::Fit => Bundle::describe(store, &run.model_version).await?,
        ModelAction::Apply => return Ok(None),
    };
    let predecessor = manifest.lineage.as_ref().map(|l| l.predecessor.as_str());
    let mut reason = Promotion::missed(&manifest.gates);
    if reason.is_none() {
        let moved = promote_after(store, &manifest, predecessor, &run.run_id).await?;
        reason = moved.map(|other| {
            let before = predecessor.unwrap_or("none");
            format!("the champion is {other} now, it was measured against {before}")
        });
    }
    reach("embed: champion moved")?;
    if let Some(reason) = &reason {
        tracing::warn!(
            run_id = run.run_id,
            model = run.model_version,
            reason,
            "the fit stays a challenger"
        );
    }
    let promotion = Promotion {
        promoted: reason.is_none(),
        champion: predecessor.map(str::to_owned),
        gates: manifest.gates.clone(),
        reason,
        sample: manifest.sample,
    };
    Ok(Some((promotion, manifest)))
}

async fn bundle(
    store: &Store,
    run: &Run,
    source: &Artifact,
    scored: &Scored,
    made: Made,
) -> Result<Bundle> {
    let (segments, lineage, gates) = match &made.succession {
        None => (Segment::first(made.described.clone()), None, Vec::new()),
        Some(succession) => {
            let new = succession.matching.unmatched();
            let new = u32::try_from(new).map_err(|e| Error::Internal(e.to_string()))?;
            let free = if new == 0 {
                0
            } else {
                reserve(store, Some(&run.model_version), new).await?
            };
            let (segments, lineage) = succession.segments(&made.described, free);
            let gates = succession::judge(&scored.quality, succession, &segments, run)?;
            (segments, Some(lineage), gates)
        }
    };
    Ok(made.bundle(run, source, scored, segments, lineage, gates))
}
