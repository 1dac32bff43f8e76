//! Tells of all shards.

use std::collections::BTreeMap;

use ndarray::{Array1, Array2};
use shared::bundle::Bundle;
use shared::contracts::{
    Layout, ModelAction, Part, Run, RunState, ShardTable, Shards, StageReport,
};
use shared::failpoint::reach;
use shared::measure::Stage;
use shared::segments::next_step::Purchase;
use shared::segments::rules::Measured;
use shared::segments::{Profile, Segment, quality};
use shared::tables::SegmentRows;
use shared::{Error, Result};

use super::{Prepared, ScoredShard, rows};
use crate::handler::{Context, artifact};
use crate::order::parse;
use crate::ruled::tell;
use crate::write::{self, Told};

/// Draws up profile, figures and page of a run whose shards are all scored, and makes it exist.
///
/// # Errors
/// [`Error::NotFound`] for a shard that is not scored, [`Error::Corrupt`] for one that is not what
/// was recorded of it.
pub(crate) async fn merge(context: &Context, mut state: RunState) -> Result<RunState> {
    let store = &context.store;
    let mut stage = Stage::start("embed-and-cluster: merge");
    let run = state.run.clone();
    let list = artifact(&state, Part::Shards)?;
    let features = store
        .shards(list, &run.run_id, ShardTable::Features)
        .await?;
    let (scored, took) = recorded(context, &run.run_id, &features).await?;
    let prepared = artifact(&state, Part::Prepared)?;
    let prepared: Prepared = parse(&store.get_verified(prepared).await?, &prepared.key)?;
    let bundle = Bundle::load(store, &run.model_version).await?;
    let (rows, purchases) = rows(store, &scored).await?;
    stage.lap("load");
    reach("embed: shards merged")?;
    let segments = write::named(&state, &bundle.manifest.segments);
    context.progress.step("silhouette");
    let key = Layout::new(&run.run_id).key(Part::ScoredShards);
    let told = tokio::task::spawn_blocking(move || {
        told(rows, &purchases, &prepared, &bundle, &segments, &run, stage)
    });
    let told = told.await.map_err(|e| Error::Internal(e.to_string()))??;
    let list = store.put_shards(&key, &scored).await?;
    reach("embed: segments written")?;
    state.stages.push(took);
    write::tell(store, state, (Part::ScoredShards, list), told).await
}

/// The scored shards, as each was recorded, and what all of them took.
async fn recorded(
    context: &Context,
    run_id: &str,
    features: &Shards,
) -> Result<(Shards, StageReport)> {
    let layout = Layout::new(run_id);
    let mut shards = Shards::default();
    let mut reports = Vec::with_capacity(features.0.len());
    for (number, of) in (0..).zip(&features.0) {
        let key = layout.shard(ShardTable::Scored, number);
        let scored: ScoredShard = parse(&context.store.get(&key).await?, &key)?;
        let wrong = |reason: String| Error::Corrupt {
            object: key.clone(),
            reason,
        };
        let is_own = scored.shard.must_be(number, run_id, ShardTable::Segments);
        is_own.map_err(wrong)?;
        let (rows, expected) = (scored.shard.table.rows, of.table.rows);
        if rows != expected {
            return Err(wrong(format!(
                "it has {rows:?} rows, its features {expected:?}"
            )));
        }
        reports.push(scored.stage);
        shards.0.push(scored.shard);
    }
    Ok((shards, together(&reports)))
}

/// One report of all shards: the longest's time, the largest's memory, the price of all.
fn together(reports: &[StageReport]) -> StageReport {
    let largest = |of: fn(&StageReport) -> f64| reports.iter().map(of).fold(0.0, f64::max);
    StageReport {
        stage: format!("embed-and-cluster: {} shards", reports.len()),
        seconds: largest(|report| report.seconds),
        peak_memory_bytes: reports.iter().filter_map(|r| r.peak_memory_bytes).max(),
        rows_in: reports
            .iter()
            .map(|r| r.rows_in)
            .fold(0, u64::saturating_add),
        rows_out: reports
            .iter()
            .map(|r| r.rows_out)
            .fold(0, u64::saturating_add),
        steps: BTreeMap::new(),
        estimated_cost_usd: reports.iter().map(|r| r.estimated_cost_usd).sum(),
    }
}

fn told(
    rows: SegmentRows,
    purchases: &[Option<Purchase>],
    prepared: &Prepared,
    bundle: &Bundle,
    segments: &[Segment],
    run: &Run,
    mut stage: Stage,
) -> Result<Told> {
    let seed = run.settings.clustering.seed;
    let labels = positions(&rows.label, segments)?;
    let points = [&rows.embedding_x, &rows.embedding_y];
    let points = Array2::from_shape_fn((labels.len(), 2), |(row, axis)| {
        points
            .get(axis)
            .and_then(|column| column.get(row))
            .copied()
            .unwrap_or_default()
    });
    let by_row = Array1::from(labels.clone());
    let mut quality = quality(&bundle.kmeans, points.view(), by_row.view(), seed)?;
    stage.lap("silhouette");
    let features = &rows.features;
    let measured = Measured::of(&prepared.rules, features, &labels);
    tell(
        &mut quality,
        bundle.into(),
        &measured,
        features,
        purchases,
        seed,
    )?;
    stage.lap("rules");
    let reference = bundle
        .reference
        .as_ref()
        .filter(|_| run.action == ModelAction::Apply);
    let drift = reference.map_or_else(Vec::new, |reference| reference.drift(features));
    let profile = Profile::of(features, &labels, segments).with_rules(segments, &measured);
    let members = rows.label.iter().map(|label| label.cast_unsigned());
    let members = members.collect();
    stage.lap("profile");
    Ok(Told {
        profile,
        quality,
        drift,
        rows,
        members,
        stage,
    })
}

/// The positions of segments of these numbers.
fn positions(numbers: &[i32], segments: &[Segment]) -> Result<Vec<u32>> {
    let known: BTreeMap<i64, u32> = segments.iter().map(|s| i64::from(s.id)).zip(0..).collect();
    let position = |number: &i32| {
        known.get(&i64::from(*number)).copied().ok_or_else(|| {
            Error::Internal(format!(
                "no segment has the number {number} that a shard has"
            ))
        })
    };
    numbers.iter().map(position).collect()
}
