//! The stage as a function of what the first one left.

use std::sync::Arc;

use shared::bundle::{Bundle, champion, promote_after, reserve};
use shared::contracts::{Artifact, Layout, ModelAction, Part, Promotion, Run, RunState};
use shared::failpoint::reach;
use shared::measure::Stage;
use shared::progress::Progress;
use shared::segments::Segment;
use shared::store::Store;
use shared::tables::read_features;
use shared::{Error, Result};

use crate::score::{Made, Scored, score};
use crate::{order, succession, write};

/// What the stage needs; built once a process.
#[derive(Clone)]
pub struct Context {
    /// The bucket of the artifacts.
    pub store: Store,
    /// Who is watching.
    pub progress: Arc<dyn Progress>,
}

/// The models that a run has to begin with.
pub(crate) struct Stored {
    /// To be applied: always for an apply; for a fit where an earlier attempt of the same fit
    /// has stored them already, since a bundle never changes.
    pub(crate) applied: Option<Bundle>,
    /// The champion that a fit is measured against.
    pub(crate) predecessor: Option<Bundle>,
}

/// Runs the stage.
///
/// # Errors
/// [`Error::BadInput`] by way of the models for too few customers, [`Error::Corrupt`] for
/// damaged artifacts or bundles; the run does not exist then.
pub async fn handle(context: &Context, state: RunState) -> Result<RunState> {
    let store = &context.store;
    if state.already_complete {
        reach("embed: complete already")?;
        order::again(store, &state).await?;
        return Ok(state);
    }
    let stage = Stage::start("embed-and-cluster");
    let source = artifact(&state, Part::Features)?.clone();
    let features = read_features(store.get_verified(&source).await?, &source.key)?;
    let stored = stored(store, &state.run).await?;
    reach("embed: loaded")?;

    let (run, progress) = (state.run.clone(), Arc::clone(&context.progress));
    let scored = tokio::task::spawn_blocking(move || {
        score(features, stored, &run, progress.as_ref(), stage)
    });
    let mut scored = scored.await.map_err(|e| Error::Internal(e.to_string()))??;

    reach("embed: scored")?;
    context.progress.step("write segments");
    let mut state = state;
    state.promotion = settle(store, &state.run, &source, &mut scored).await?;
    write::run(store, state, scored).await
}

async fn stored(store: &Store, run: &Run) -> Result<Stored> {
    let version = &run.model_version;
    let applied = if run.action == ModelAction::Apply || Bundle::exists(store, version).await? {
        Some(Bundle::load(store, version).await?)
    } else {
        None
    };
    let predecessor = match (&applied, champion(store).await?) {
        (None, Some((champion, _))) => Some(Bundle::load(store, &champion.version).await?),
        _ => None,
    };
    Ok(Stored {
        applied,
        predecessor,
    })
}

fn artifact(state: &RunState, part: Part) -> Result<&Artifact> {
    let artifact = state.artifacts.get(part.file_name()).ok_or_else(|| {
        Error::config(
            "event",
            format!("it lists no artifact '{}'", part.file_name()),
        )
    })?;
    let expected = Layout::new(&state.run.run_id).key(part);
    if artifact.key == expected && Layout::is_name(&state.run.run_id) {
        return Ok(artifact);
    }
    let reason = format!(
        "{} of run {:?} can't be the object {:?}",
        part.file_name(),
        state.run.run_id,
        artifact.key
    );
    Err(Error::config("event", reason))
}

/// Stores what a fit made, and makes it the champion if it may be; says what became of it.
async fn settle(
    store: &Store,
    run: &Run,
    source: &Artifact,
    scored: &mut Scored,
) -> Result<Option<Promotion>> {
    if let Some(made) = scored.made.take() {
        let mut bundle = bundle(store, run, source, scored, *made).await?;
        scored.segments.clone_from(&bundle.manifest.segments);
        reach("embed: numbers reserved")?;
        bundle.save(store).await?;
        reach("embed: models saved")?;
    }
    // read back: of two attempts at once the first one's stands
    let manifest = match run.action {
        ModelAction::Fit => Bundle::describe(store, &run.model_version).await?,
        ModelAction::Apply => return Ok(None),
    };
    scored.segments.clone_from(&manifest.segments);
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
    Ok(Some(Promotion {
        promoted: reason.is_none(),
        champion: predecessor.map(str::to_owned),
        gates: manifest.gates.clone(),
        reason,
    }))
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
