//! The stage as a function of what the first one left.

use std::sync::Arc;

use shared::bundle::{Bundle, Sample, champion};
use shared::contracts::{Artifact, Layout, ModelAction, Part, Run, RunState};
use shared::failpoint::reach;
use shared::features::Features;
use shared::measure::Stage;
use shared::progress::Progress;
use shared::store::Store;
use shared::tables::read_features;
use shared::{Error, Result};

use crate::sample::{self, Sampler};
use crate::score::score;
use crate::{order, settle, write};

/// What the stage needs; built once a process.
#[derive(Clone)]
pub struct Context {
    /// The bucket of the artifacts.
    pub store: Store,
    /// Who is watching.
    pub progress: Arc<dyn Progress>,
    /// Bytes of memory that a fit may take; `None` for as many as it needs.
    pub memory: Option<u64>,
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
    let mut stage = Stage::start("embed-and-cluster");
    let source = artifact(&state, Part::Features)?.clone();
    let features = read_features(store.get_verified(&source).await?, &source.key)?;
    let mut stored = stored(store, &state.run).await?;
    reach("embed: loaded")?;
    let most = sample::most(&state.run.settings, context.memory);
    if stored.applied.is_none() && features.len() > most {
        let mut sampler = Sampler::new(most, state.run.settings.clustering.seed);
        sampler.add(&features);
        let sampled = sampler.finish();
        stage = train(context, &state.run, &source, sampled, stored, stage).await?;
        stored = Stored {
            applied: Some(Bundle::load(store, &state.run.model_version).await?),
            predecessor: None,
        };
    }

    let (run, progress) = (state.run.clone(), Arc::clone(&context.progress));
    let scored = tokio::task::spawn_blocking(move || {
        score(features, stored, &run, progress.as_ref(), stage)
    });
    let mut scored = scored.await.map_err(|e| Error::Internal(e.to_string()))??;

    reach("embed: scored")?;
    context.progress.step("write segments");
    let mut state = state;
    if let Some(made) = scored.made.take() {
        settle::save(store, &state.run, &source, &scored, *made).await?;
    }
    if let Some((promotion, models)) = settle::promote(store, &state.run).await? {
        scored.segments = models.segments;
        state.promotion = Some(promotion);
    }
    write::run(store, state, scored).await
}

/// Fits models to some customers and stores them.
pub(crate) async fn train(
    context: &Context,
    run: &Run,
    source: &Artifact,
    (customers, sample): (Features, Sample),
    stored: Stored,
    stage: Stage,
) -> Result<Stage> {
    let (asked, progress) = (run.clone(), Arc::clone(&context.progress));
    let fitted = tokio::task::spawn_blocking(move || {
        score(customers, stored, &asked, progress.as_ref(), stage)
    });
    let mut scored = fitted.await.map_err(|e| Error::Internal(e.to_string()))??;
    if let Some(mut made) = scored.made.take() {
        made.sample = (sample.customers < sample.of).then_some(sample);
        settle::save(&context.store, run, source, &scored, *made).await?;
    }
    Ok(scored.stage)
}

pub(crate) async fn stored(store: &Store, run: &Run) -> Result<Stored> {
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

pub(crate) fn artifact(state: &RunState, part: Part) -> Result<&Artifact> {
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
