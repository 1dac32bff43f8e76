//! Scores one shard.

use std::sync::Arc;

use shared::bundle::Bundle;
use shared::contracts::{Layout, Part, RunState, Shard, ShardTable};
use shared::failpoint::reach;
use shared::measure::Stage;
use shared::tables::read_features;
use shared::{Error, Result};

use super::{Prepared, ScoredShard};
use crate::apply::apply;
use crate::handler::{Context, artifact};
use crate::order::parse;
use crate::ruled::steps;
use crate::write;

/// Gives each customer of a shard their segment and their next step; gives the shard's number.
/// Doing it again gives the same bytes.
///
/// # Errors
/// [`Error::Config`] for a shard of another run, [`Error::Corrupt`] for damaged tables or models.
pub(crate) async fn score(context: &Context, state: RunState, shard: Shard) -> Result<u32> {
    let store = &context.store;
    let mut stage = Stage::start("embed-and-cluster: shard");
    let (run_id, number) = (&state.run.run_id, shard.number);
    let layout = Layout::new(run_id);
    shard
        .must_be(number, run_id, ShardTable::Features)
        .map_err(|reason| Error::config("event", reason))?;
    let features = read_features(store.get_verified(&shard.table).await?, &shard.table.key)?;
    let prepared = artifact(&state, Part::Prepared)?;
    let prepared: Prepared = parse(&store.get_verified(prepared).await?, &prepared.key)?;
    let bundle = Bundle::load(store, &state.run.model_version).await?;
    let segments = write::named(&state, &bundle.manifest.segments);
    stage.lap("load");
    reach("embed: shard loaded")?;
    let progress = Arc::clone(&context.progress);
    let scored = tokio::task::spawn_blocking(move || {
        let applied = apply((&bundle).into(), &features, progress.as_ref(), &mut stage)?;
        let labels = applied.labels.to_vec();
        let steps = steps(&prepared.rules, &features, &labels, &prepared.scales);
        stage.lap("next steps");
        let rows = write::rows(features, applied.points.view(), &labels, &segments, steps)?;
        Ok::<_, Error>((rows, stage))
    });
    let (rows, mut stage) = scored.await.map_err(|e| Error::Internal(e.to_string()))??;
    let table = write::table(store, &layout.shard(ShardTable::Segments, number), &rows).await?;
    stage.lap("write");
    reach("embed: shard written")?;
    let count = table.rows.unwrap_or_default();
    let scored = ScoredShard {
        shard: Shard { number, table },
        stage: stage.finish(count, count),
    };
    write::put_json(store, &layout.shard(ShardTable::Scored, number), &scored).await?;
    reach("embed: shard recorded")?;
    Ok(number)
}
