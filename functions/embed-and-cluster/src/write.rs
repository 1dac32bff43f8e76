//! What a run leaves: its tables, its manifest, and its place among the runs.

use bytes::Bytes;
use serde::Serialize;
use shared::contracts::{Artifact, AsOf, IndexedRun, Layout, Manifest, Part, RunIndex, RunState};
use shared::segments::{Member, Migrations, Profile, Segment};
use shared::store::{ETag, Store};
use shared::tables::{SegmentRows, TableWriter, read_segments, segments_batches, segments_schema};
use shared::{Error, Result};

use crate::report;
use crate::score::{Scored, numbers};

const PARQUET: &str = "application/vnd.apache.parquet";
/// Times that a lost race for the index is run again.
const ATTEMPTS: usize = 20;

/// Writes the run's tables, then the manifest that makes the run exist.
pub(crate) async fn run(store: &Store, mut state: RunState, scored: Scored) -> Result<RunState> {
    let run_id = state.run.run_id.clone();
    let layout = Layout::new(&run_id);
    let given = state.run.names.iter().map(|s| (s.id, s.name.clone()));
    let given = given.collect();
    let segments = Segment::renamed(&scored.segments, &given);
    let profile = Profile::of(&scored.features, &scored.labels.to_vec(), &segments);
    let (quality, drift, mut stage) = (scored.quality.clone(), scored.drift.clone(), scored.stage);
    let members = numbers(&scored.labels.to_vec(), &segments)?;
    let rows = rows(
        scored.features,
        scored.points.view(),
        &scored.labels.to_vec(),
        &segments,
    )?;
    stage.lap("profile");
    let as_of = as_of(&state)?;
    // of a challenger nothing: nobody sees its segments
    let migrations = match read_index(store).await?.0.before(&run_id, as_of) {
        Some(before) if !held(&state) => since(store, before, &rows, &members).await?,
        _ => None,
    };

    let mut table = TableWriter::new(Vec::new(), segments_schema())?;
    for batch in segments_batches(&rows) {
        table.write(&batch?)?;
    }
    let (bytes, count) = table.finish()?;
    let key = layout.key(Part::Segments);
    let table = store.put(&key, PARQUET, Bytes::from(bytes)).await?;
    let table = Artifact {
        rows: Some(count),
        ..table
    };
    let profiled = put_json(store, &layout.key(Part::Profile), &profile).await?;
    let metrics = put_json(store, &layout.key(Part::Metrics), &quality).await?;
    for (part, artifact) in [
        (Part::Segments, table),
        (Part::Profile, profiled),
        (Part::Metrics, metrics),
    ] {
        let name = part.file_name().to_owned();
        state.artifacts.insert(name, artifact);
    }
    stage.lap("write");
    state.stages.push(stage.finish(count, count));
    state.quality = Some(quality.clone());
    let mut manifest = Manifest::of(&state, quality.clone(), as_of);
    manifest.drift = drift;
    manifest.migrations = migrations;
    let page = report::page(store, &manifest, &profile, &rows).await?;
    let page = report::put(store, &run_id, page).await?;
    for artifacts in [&mut state.artifacts, &mut manifest.artifacts] {
        artifacts.insert(Part::Report.file_name().to_owned(), page.clone());
    }
    put_json(store, &layout.key(Part::Manifest), &manifest).await?;
    index(store, &state).await?;
    tracing::info!(
        run_id,
        customers = count,
        silhouette = quality.silhouette,
        inertia = quality.inertia,
        "embedded and clustered"
    );
    Ok(state)
}

fn as_of(state: &RunState) -> Result<AsOf> {
    state
        .as_of
        .ok_or_else(|| Error::config("event", "it has no as_of: the first stage sets it"))
}

fn rows(
    features: shared::features::Features,
    points: ndarray::ArrayView2<f64>,
    labels: &[u32],
    segments: &[Segment],
) -> Result<SegmentRows> {
    let label = numbers(labels, segments)?;
    let label = label.into_iter().map(i32::try_from);
    let label = label.collect::<std::result::Result<Vec<_>, _>>();
    let name = |&label: &u32| {
        let segment = segments.get(label as usize);
        segment.map(|segment| segment.name.clone())
    };
    Ok(SegmentRows {
        features,
        embedding_x: points.column(0).to_vec(),
        embedding_y: points.column(1).to_vec(),
        label: label.map_err(|e| Error::Internal(e.to_string()))?,
        segment: labels.iter().filter_map(name).collect(),
    })
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
    segments(store, &parse(&bytes, &key)?).await
}

pub(crate) async fn segments(store: &Store, manifest: &Manifest) -> Result<Option<SegmentRows>> {
    let Some(artifact) = manifest.artifacts.get(Part::Segments.file_name()) else {
        return Ok(None);
    };
    let bytes = store.get_verified(artifact).await?;
    read_segments(bytes, &artifact.key).map(Some)
}

/// Whether the run's models are not the champion, so that readers do not see it.
fn held(state: &RunState) -> bool {
    state.promotion.as_ref().is_some_and(|p| !p.promoted)
}

/// Gives a complete run its place among the others; a challenger's has none.
pub(crate) async fn index(store: &Store, state: &RunState) -> Result<()> {
    if held(state) {
        return Ok(());
    }
    let run = IndexedRun {
        run_id: state.run.run_id.clone(),
        as_of: as_of(state)?,
        model_version: state.run.model_version.clone(),
    };
    let mut lost = None;
    for _ in 0..ATTEMPTS {
        let (known, etag) = read_index(store).await?;
        let mut next = known.clone();
        next.add(run.clone());
        if next == known {
            return Ok(());
        }
        let json = serde_json::to_vec_pretty(&next).map_err(|e| Error::Internal(e.to_string()))?;
        let json = Bytes::from(json);
        let written = store.put_if(Layout::INDEX, "application/json", json, etag.as_ref());
        match written.await {
            Err(e @ Error::Conflict { .. }) => lost = Some(e),
            other => return other,
        }
    }
    Err(lost.unwrap_or_else(|| Error::Internal("the index was not written".to_owned())))
}

/// A run that is complete already: the run before it may be another by now, as when the
/// history was filled in since.
pub(crate) async fn again(store: &Store, state: &RunState) -> Result<()> {
    if held(state) {
        return Ok(());
    }
    index(store, state).await?;
    let key = Layout::new(&state.run.run_id).key(Part::Manifest);
    let (bytes, etag) = store.get_tagged(&key).await?;
    let mut manifest: Manifest = parse(&bytes, &key)?;
    let (runs, _) = read_index(store).await?;
    let Some(before) = runs.before(&state.run.run_id, manifest.effective_as_of) else {
        return Ok(());
    };
    let known = manifest.migrations.as_ref().map(|m| m.since.as_str());
    if known == Some(&before.run_id) {
        return Ok(());
    }
    let Some(rows) = segments(store, &manifest).await? else {
        return Ok(());
    };
    manifest.migrations = since(store, before, &rows, &labels(&rows)).await?;
    let json = serde_json::to_vec_pretty(&manifest).map_err(|e| Error::Internal(e.to_string()))?;
    let json = Bytes::from(json);
    let written = store.put_if(&key, "application/json", json, Some(&etag));
    match written.await {
        // the publisher was faster: what it wrote is not to be lost
        Err(Error::Conflict { .. }) => Ok(()),
        other => other,
    }
}

pub(crate) async fn read_index(store: &Store) -> Result<(RunIndex, Option<ETag>)> {
    let Some((bytes, etag)) = store.get_optional(Layout::INDEX).await? else {
        return Ok((RunIndex::default(), None));
    };
    Ok((parse(&bytes, Layout::INDEX)?, Some(etag)))
}

pub(crate) fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8], key: &str) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|e| Error::Corrupt {
        object: key.to_owned(),
        reason: e.to_string(),
    })
}

async fn put_json(store: &Store, key: &str, value: &impl Serialize) -> Result<Artifact> {
    let json = serde_json::to_vec_pretty(value).map_err(|e| Error::Internal(e.to_string()))?;
    store.put(key, "application/json", Bytes::from(json)).await
}
