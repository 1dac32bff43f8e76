//! The stage as a function of its request.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use shared::bundle::Champion;
use shared::contracts::{Artifact, Layout, Manifest, ModelAction, Part, Request, Run, RunState};
use shared::failpoint::reach;
use shared::measure::Stage;
use shared::models::ModelError;
use shared::progress::Progress;
use shared::settings::Settings;
use shared::store::Store;
use shared::{Error, Result};

use crate::pass;
use crate::plan::{Planned, plan};
use crate::{checks, features, spark, uploads};

/// What the stage needs; built once a process.
#[derive(Clone)]
pub struct Context {
    /// The bucket of the artifacts.
    pub store: Store,
    /// Settings in place of the bucket's `config/insiders.toml`.
    pub settings: Option<Settings>,
    /// Who is watching.
    pub progress: Arc<dyn Progress>,
    /// The folder of the Spark job's program, `infra/spark`; `None` where there is no Spark.
    pub spark: Option<PathBuf>,
}

/// Runs the stage.
///
/// # Errors
/// [`Error::BadInput`] if the source is no export, has too many rows that can't be read, or
/// too few customers; nothing is visible then. [`Error::NotFound`] for a missing source.
pub async fn handle(context: &Context, request: Request) -> Result<RunState> {
    let mut stage = Stage::start("preprocess-to-parquet");
    let Planned {
        run,
        champion,
        erased,
    } = plan(context, &request).await?;
    let run_id = run.run_id.clone();
    context.progress.run(&run_id);
    let layout = Layout::new(&run_id);
    tracing::info!(
        run_id = run.run_id,
        source = run.source.key,
        bytes = run.source.size,
        "run"
    );
    if let Some((manifest, _)) = context
        .store
        .get_optional(&layout.key(Part::Manifest))
        .await?
    {
        return complete(&manifest, run, champion.as_ref());
    }
    stage.lap("plan");
    reach("preprocess: planned")?;

    let uploads = uploads::of_run(&context.store, &run).await?;
    if let Some(job) = spark::job(context, &request, &run, &uploads).await? {
        return Ok(RunState {
            spark: Some(job),
            ..RunState::begun(run)
        });
    }
    context.progress.step("read and clean");
    let progress = Arc::clone(&context.progress);
    let (outcome, written) = pass::run(&context.store, &run, uploads, erased, progress).await?;
    stage.lap("read");
    let quality =
        serde_json::to_vec_pretty(&outcome.quality).map_err(|e| Error::Internal(e.to_string()))?;
    let checked =
        match reach("preprocess: read").and_then(|()| enough(&run, outcome.features.len())) {
            Ok(()) => checks::against_last(&context.store, &run, outcome.as_of, &quality).await,
            Err(error) => Err(error),
        };
    let checks = match checked {
        Ok(checks) => checks,
        Err(error) => {
            written.abort().await;
            return Err(error);
        }
    };
    context.progress.step("write features");
    let mut artifacts = BTreeMap::new();
    let mut add = |part: Part, artifact: Artifact| {
        artifacts.insert(part.file_name().to_owned(), artifact);
    };
    let [transactions, quarantine] = written.commit().await?;
    add(Part::Transactions, transactions);
    add(Part::Quarantine, quarantine);
    reach("preprocess: tables committed")?;
    let scale = &run.settings.scale;
    let shards = request.scale.shards(scale, outcome.counts.customers);
    let (part, table) = features::write(&context.store, &run_id, &outcome.features, shards).await?;
    add(part, table);
    reach("preprocess: features written")?;
    let key = layout.key(Part::Quality);
    add(
        Part::Quality,
        context
            .store
            .put(&key, "application/json", Bytes::from(quality))
            .await?,
    );
    stage.lap("write");
    reach("preprocess: quality written")?;

    let counts = outcome.counts;
    tracing::info!(
        rows = counts.rows_read,
        kept = counts.rows_kept,
        quarantined = counts.rows_quarantined,
        customers = counts.customers,
        "preprocessed"
    );
    Ok(RunState {
        as_of: Some(outcome.as_of),
        stages: vec![stage.finish(counts.rows_read, counts.customers)],
        checks,
        counts,
        artifacts,
        ..RunState::begun(run)
    })
}

/// The bucket's own settings, or the defaults.
///
/// # Errors
/// [`Error::Config`] for settings that are wrong.
pub async fn settings_of(store: &Store) -> Result<Settings> {
    let Some((bytes, _)) = store.get_optional(Layout::SETTINGS).await? else {
        return Ok(Settings::default());
    };
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Error::config(Layout::SETTINGS, "it is not utf-8"))?;
    Settings::parse(text, Layout::SETTINGS)
}

/// A run that is there already: the same work, so the same result. Models that stayed
/// challengers then may have become champion since.
fn complete(manifest: &[u8], run: Run, champion: Option<&Champion>) -> Result<RunState> {
    let manifest = Manifest::read(manifest, &run.run_id)?;
    let is_champion = champion.is_some_and(|c| c.version == run.model_version);
    Ok(RunState {
        promotion: manifest.promotion.filter(|_| !is_champion),
        already_complete: true,
        as_of: Some(manifest.effective_as_of),
        checks: manifest.checks,
        counts: manifest.counts,
        quality: Some(manifest.quality),
        artifacts: manifest.artifacts,
        stages: manifest.stages,
        ..RunState::begun(run)
    })
}

/// A fit needs a customer for each segment.
pub(crate) fn enough(run: &Run, have: usize) -> Result<()> {
    let need = run.settings.clustering.k;
    if run.action == ModelAction::Fit && have < need {
        let reason = ModelError::TooFewCustomers { have, need }.to_string();
        return Err(Error::bad_input(&run.source.key, reason));
    }
    Ok(())
}
