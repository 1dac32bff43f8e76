//! A run's place among the others: `runs/index.json`, and who moved since the run before.

use bytes::Bytes;
use shared::contracts::{AsOf, IndexedRun, Layout, Manifest, Part, RunIndex, RunState, ShardTable};
use shared::segments::{Member, Migrations};
use shared::store::{ETag, Store};
use shared::tables::{SegmentRows, read_segments};
use shared::{Error, Result};

use crate::write::as_of;
use crate::{report, shards};

/// Times that a lost race for the index is run again.
const ATTEMPTS: usize = 20;

/// Whether the run's models are not the champion, so that readers do not see it.
pub(crate) fn is_held(state: &RunState) -> bool {
    state.promotion.as_ref().is_some_and(|p| !p.promoted)
}

/// Who moved since the run before.
pub(crate) async fn migrations(
    store: &Store,
    run_id: &str,
    as_of: AsOf,
    rows: &SegmentRows,
    members: &[u32],
) -> Result<Option<Migrations>> {
    let (runs, _) = read_index(store).await?;
    match runs.before(run_id, as_of) {
        Some(before) => since(store, before, rows, members).await,
        None => Ok(None),
    }
}

/// Gives a complete run its place among the others; a challenger's has none. The run after
/// it, if there is one already, is compared with it from now on.
pub(crate) async fn enter(store: &Store, state: &RunState) -> Result<()> {
    if is_held(state) {
        return Ok(());
    }
    let run_id = &state.run.run_id;
    let run = IndexedRun {
        run_id: run_id.clone(),
        as_of: as_of(state)?,
        model_version: state.run.model_version.clone(),
    };
    let runs = add(store, run).await?;
    match runs.after(run_id) {
        Some(next) => compare(store, &runs, next).await,
        None => Ok(()),
    }
}

/// A run that is complete already: the run before it may be another by now.
pub(crate) async fn again(store: &Store, state: &RunState) -> Result<()> {
    enter(store, state).await?;
    if is_held(state) {
        return Ok(());
    }
    let (runs, _) = read_index(store).await?;
    match runs.get(&state.run.run_id) {
        Some(run) => compare(store, &runs, run).await,
        None => Ok(()),
    }
}

async fn add(store: &Store, run: IndexedRun) -> Result<RunIndex> {
    let mut lost = None;
    for _ in 0..ATTEMPTS {
        let (known, etag) = read_index(store).await?;
        let mut next = known.clone();
        next.add(run.clone());
        if next == known {
            return Ok(next);
        }
        let json = serde_json::to_vec_pretty(&next).map_err(|e| Error::Internal(e.to_string()))?;
        let json = Bytes::from(json);
        let written = store.put_if(Layout::INDEX, "application/json", json, etag.as_ref());
        match written.await {
            Err(e @ Error::Conflict { .. }) => lost = Some(e),
            other => return other.map(|()| next),
        }
    }
    Err(lost.unwrap_or_else(|| Error::Internal("the index was not written".to_owned())))
}

/// Makes the manifest of `run` tell of who moved since the run that is before it now.
async fn compare(store: &Store, runs: &RunIndex, run: &IndexedRun) -> Result<()> {
    let Some(before) = runs.before(&run.run_id, run.as_of) else {
        return Ok(());
    };
    let key = Layout::new(&run.run_id).key(Part::Manifest);
    let Some((bytes, etag)) = store.get_optional(&key).await? else {
        return Ok(());
    };
    let mut manifest = Manifest::read(&bytes, &run.run_id)?;
    let known = manifest.migrations.as_ref().map(|m| m.since.as_str());
    if known == Some(&before.run_id) {
        return Ok(());
    }
    let Some(rows) = segments(store, &manifest).await? else {
        return Ok(());
    };
    manifest.migrations = since(store, before, &rows, &labels(&rows)).await?;
    if manifest.artifacts.contains_key(Part::Report.file_name()) {
        report::redraw(store, &mut manifest, &rows).await?;
    }
    let json = serde_json::to_vec_pretty(&manifest).map_err(|e| Error::Internal(e.to_string()))?;
    let json = Bytes::from(json);
    let written = store.put_if(&key, "application/json", json, Some(&etag));
    match written.await {
        // the publisher was faster: what it wrote is not to be lost
        Err(Error::Conflict { .. }) => Ok(()),
        other => other,
    }
}

/// Who moved since an earlier run; nothing can be said if that one has been deleted.
async fn since(
    store: &Store,
    before: &IndexedRun,
    rows: &SegmentRows,
    members: &[u32],
) -> Result<Option<Migrations>> {
    let Some(earlier) = segments_of(store, &before.run_id).await? else {
        return Ok(None);
    };
    Ok(Some(Migrations::between(
        &before.run_id,
        before.as_of,
        table(&earlier, &labels(&earlier)),
        table(rows, members),
    )))
}

fn labels(rows: &SegmentRows) -> Vec<u32> {
    let labels = rows.label.iter();
    labels.map(|label| label.cast_unsigned()).collect()
}

fn table<'a>(rows: &'a SegmentRows, segments: &'a [u32]) -> impl Iterator<Item = Member<'a>> {
    let features = &rows.features;
    let ids = features.customer_id.iter().zip(segments);
    ids.zip(&features.gross_revenue)
        .map(|((customer_id, &segment), &gross_revenue)| Member {
            customer_id,
            segment,
            gross_revenue,
        })
}

/// The segments of another run; `None` if it has been deleted.
async fn segments_of(store: &Store, run_id: &str) -> Result<Option<SegmentRows>> {
    let key = Layout::new(run_id).key(Part::Manifest);
    let Some((bytes, _)) = store.get_optional(&key).await? else {
        return Ok(None);
    };
    segments(store, &Manifest::read(&bytes, run_id)?).await
}

/// A run's rows in the order of the ids, of one table or of all shards; `None` where there is
/// neither.
pub(crate) async fn segments(store: &Store, manifest: &Manifest) -> Result<Option<SegmentRows>> {
    let listed = |part: Part| manifest.artifacts.get(part.file_name());
    if let Some(artifact) = listed(Part::Segments) {
        let bytes = store.get_verified(artifact).await?;
        return read_segments(bytes, &artifact.key).map(Some);
    }
    let Some(list) = listed(Part::ScoredShards) else {
        return Ok(None);
    };
    let run_id = &manifest.run.run_id;
    let shards = store.shards(list, run_id, ShardTable::Segments).await?;
    Ok(Some(shards::rows(store, &shards).await?.0))
}

async fn read_index(store: &Store) -> Result<(RunIndex, Option<ETag>)> {
    let Some((bytes, etag)) = store.get_optional(Layout::INDEX).await? else {
        return Ok((RunIndex::default(), None));
    };
    Ok((RunIndex::read(&bytes)?, Some(etag)))
}

pub(crate) fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8], key: &str) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|e| Error::Corrupt {
        object: key.to_owned(),
        reason: e.to_string(),
    })
}
