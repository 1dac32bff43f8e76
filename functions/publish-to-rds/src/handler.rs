//! The function: artifacts in the store become rows in the database.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use shared::contracts::{
    Artifact, Layout, Manifest, Part, Publication, RunState, ShardTable, Shards,
};
use shared::failpoint::reach;
use shared::measure::Stage;
use shared::progress::Progress;
use shared::segments::Profile;
use shared::store::Store;
use shared::{Error, Result};

use crate::database::Database;
use crate::names::RunId;
use crate::publish::{Outcome, publish_rows, publish_shards};
use crate::read;
use crate::run::{PublishRun, Segments};
use crate::shards::ShardRows;

/// Name of the stage in the manifest.
const STAGE: &str = "publish-to-rds";

/// What the function needs besides its event; built once a process.
#[derive(Clone)]
pub struct Context {
    /// The artifacts.
    pub store: Store,
    /// Where they go.
    pub database: Database,
    /// Who watches.
    pub progress: Arc<dyn Progress>,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("store", &self.store)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

/// The function's answer, and so the state machine's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The run.
    pub run_id: String,
    /// Key of its manifest.
    pub manifest: String,
    /// What readers see of it now.
    pub publication: Publication,
    /// Whether the database changed.
    pub changed: bool,
    /// Customers of the run that were left out, because they were erased.
    #[serde(default)]
    pub erased: u64,
}

/// Publishes a complete run. The manifest in the store says what it is made of; `state`
/// says which run, whether it is forced, and how many are kept.
///
/// Publishing the same run again changes neither the database nor the manifest.
pub async fn handle(context: &Context, state: RunState) -> Result<Published> {
    let stage = Stage::start(STAGE);
    let store = &context.store;
    RunId::parse(&state.run.run_id)?;
    let key = Layout::new(&state.run.run_id).key(Part::Manifest);
    let mut manifest = Manifest::read(&store.get(&key).await?, &state.run.run_id)?;
    if let Some(promotion) = state.promotion.filter(|promotion| !promotion.promoted) {
        return Err(Error::NotPromoted {
            model: state.run.model_version,
            reason: promotion.reason.unwrap_or_default(),
        });
    }
    let profile = artifact(&manifest, Part::Profile, &key)?;
    let profile: Profile = parse(&store.get_verified(profile).await?, &profile.key)?;
    let run = PublishRun::of(&manifest, profile, &state.run)?;
    let publishing = Box::pin(publish(context, run, Segments::of(&manifest)?));
    let outcome = publishing.await?;
    tracing::info!(
        run_id = %state.run.run_id,
        customers = outcome.publication.customers,
        current = outcome.publication.current,
        changed = outcome.changed,
        erased = outcome.erased,
        moved = outcome.migrations.as_ref().map(|m| m.moved.customers),
        entered = outcome.migrations.as_ref().map(|m| m.entered.customers),
        left = outcome.migrations.as_ref().map(|m| m.left.customers),
        "published"
    );
    if outcome.changed || !is_recorded(&manifest, &outcome.publication) {
        record(&mut manifest, stage, &outcome);
        let mut body = serde_json::to_vec_pretty(&manifest)
            .map_err(|e| Error::Internal(format!("{key}: {e}")))?;
        body.push(b'\n');
        reach("publish: not yet recorded")?;
        store
            .put(&key, "application/json", Bytes::from(body))
            .await?;
        reach("publish: recorded")?;
    }
    Ok(Published {
        run_id: state.run.run_id,
        manifest: key,
        publication: outcome.publication,
        changed: outcome.changed,
        erased: outcome.erased,
    })
}

async fn publish(
    context: &Context,
    mut run: PublishRun,
    segments: Segments<'_>,
) -> Result<Outcome> {
    let (store, database) = (&context.store, &context.database);
    let progress = context.progress.as_ref();
    let ahead = database.limits.batches_ahead;
    match segments {
        Segments::Whole(table) => {
            let batches = read::batches(store.file_verified(table), &table.key, ahead);
            reach("publish: artifacts found")?;
            publish_rows(database, &run, batches, progress).await
        }
        Segments::Shards(list) => {
            let body = store.get_verified(list).await?;
            let id = run.run_id.as_str();
            let shards = Shards::read(&body, &list.key, id, ShardTable::Segments)?;
            run.segments_bytes = shards.bytes();
            let shards = shards.0.into_iter().map(|shard| {
                let (store, table) = (store.clone(), shard.table);
                let (key, rows) = (table.key.clone(), table.rows.unwrap_or_default());
                let file = async move { store.file_verified(&table).await };
                let batches = read::batches(file, &key, ahead);
                ShardRows { key, rows, batches }
            });
            let shards = shards.collect();
            reach("publish: artifacts found")?;
            publish_shards(database, &run, shards, progress).await
        }
    }
}

/// Whether the manifest tells of these rows already. Which run is current may have changed
/// since; the manifest tells how it was when the run was published.
fn is_recorded(manifest: &Manifest, now: &Publication) -> bool {
    manifest
        .publication
        .as_ref()
        .is_some_and(|then| then.customers == now.customers && then.row_digest == now.row_digest)
}

fn record(manifest: &mut Manifest, stage: Stage, outcome: &Outcome) {
    let mut report = stage.finish(outcome.rows_read, outcome.publication.customers);
    report.steps.extend(outcome.steps.clone());
    manifest.stages.retain(|earlier| earlier.stage != STAGE);
    manifest.stages.push(report);
    manifest.publication = Some(outcome.publication.clone());
}

fn artifact<'a>(manifest: &'a Manifest, part: Part, key: &str) -> Result<&'a Artifact> {
    let name = part.file_name();
    manifest.artifacts.get(name).ok_or_else(|| Error::Corrupt {
        object: key.to_owned(),
        reason: format!("it has no artifact {name}"),
    })
}

fn parse<T: for<'de> Deserialize<'de>>(body: &[u8], key: &str) -> Result<T> {
    serde_json::from_slice(body).map_err(|e| Error::Corrupt {
        object: key.to_owned(),
        reason: e.to_string(),
    })
}
