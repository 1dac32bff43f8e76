//! What a run leaves: its tables and its manifest.

use bytes::Bytes;
use serde::Serialize;
use shared::contracts::{Artifact, AsOf, Layout, Manifest, Part, Quality, RunState};
use shared::evaluation::Drift;
use shared::failpoint::reach;
use shared::measure::Stage;
use shared::segments::next_step::NextStep;
use shared::segments::{Profile, Segment};
use shared::store::Store;
use shared::tables::{SegmentRows, TableWriter, segments_batches, segments_schema};
use shared::{Error, Result};

use crate::score::{Scored, numbers};
use crate::{order, report};

const PARQUET: &str = "application/vnd.apache.parquet";

/// What a run's manifest and page tell of, besides its state.
pub(crate) struct Told {
    pub(crate) profile: Profile,
    pub(crate) quality: Quality,
    pub(crate) drift: Vec<Drift>,
    pub(crate) rows: SegmentRows,
    /// By row, the number of the segment.
    pub(crate) members: Vec<u32>,
    pub(crate) stage: Stage,
}

/// Writes the run's table and what is told of it.
pub(crate) async fn run(store: &Store, state: RunState, scored: Scored) -> Result<RunState> {
    let segments = named(&state, &scored.segments);
    let labels = scored.labels.to_vec();
    let profile = Profile::of(&scored.features, &labels, &segments)
        .with_rules(&segments, &scored.ruled.measured);
    let mut stage = scored.stage;
    let members = numbers(&labels, &segments)?;
    let rows = rows(
        scored.features,
        scored.points.view(),
        &labels,
        &segments,
        scored.ruled.steps,
    )?;
    stage.lap("profile");
    let key = Layout::new(&state.run.run_id).key(Part::Segments);
    let table = table(store, &key, &rows).await?;
    reach("embed: segments written")?;
    let told = Told {
        profile,
        quality: scored.quality,
        drift: scored.drift,
        rows,
        members,
        stage,
    };
    tell(store, state, (Part::Segments, table), told).await
}

/// The segments by the names that people gave them, where they gave any.
pub(crate) fn named(state: &RunState, segments: &[Segment]) -> Vec<Segment> {
    let given = state.run.names.iter().map(|s| (s.id, s.name.clone()));
    Segment::renamed(segments, &given.collect())
}

/// Writes a table of segments.
pub(crate) async fn table(store: &Store, key: &str, rows: &SegmentRows) -> Result<Artifact> {
    let mut table = TableWriter::new(Vec::new(), segments_schema())?;
    for batch in segments_batches(rows) {
        table.write(&batch?)?;
    }
    let (bytes, count) = table.finish()?;
    let table = store.put(key, PARQUET, Bytes::from(bytes)).await?;
    Ok(Artifact {
        rows: Some(count),
        ..table
    })
}

/// Writes what is told of a run's segments, then the manifest that makes the run exist.
pub(crate) async fn tell(
    store: &Store,
    mut state: RunState,
    segments: (Part, Artifact),
    told: Told,
) -> Result<RunState> {
    let run_id = state.run.run_id.clone();
    let layout = Layout::new(&run_id);
    let Told {
        profile,
        quality,
        drift,
        rows,
        members,
        mut stage,
    } = told;
    let as_of = as_of(&state)?;
    // of a challenger nothing: nobody sees its segments
    let migrations = if order::is_held(&state) {
        None
    } else {
        order::migrations(store, &run_id, as_of, &rows, &members).await?
    };
    let profiled = put_json(store, &layout.key(Part::Profile), &profile).await?;
    reach("embed: profile written")?;
    let metrics = put_json(store, &layout.key(Part::Metrics), &quality).await?;
    reach("embed: metrics written")?;
    for (part, artifact) in [
        segments,
        (Part::Profile, profiled),
        (Part::Metrics, metrics),
    ] {
        let name = part.file_name().to_owned();
        state.artifacts.insert(name, artifact);
    }
    stage.lap("write");
    let count = rows.features.len() as u64;
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
    reach("embed: page written")?;
    put_json(store, &layout.key(Part::Manifest), &manifest).await?;
    reach("embed: manifest written")?;
    order::enter(store, &state).await?;
    reach("embed: run listed")?;
    tracing::info!(
        run_id,
        customers = count,
        silhouette = quality.silhouette,
        inertia = quality.inertia,
        "embedded and clustered"
    );
    Ok(state)
}

pub(crate) fn as_of(state: &RunState) -> Result<AsOf> {
    state
        .as_of
        .ok_or_else(|| Error::config("event", "it has no as_of: the first stage sets it"))
}

pub(crate) fn rows(
    features: shared::features::Features,
    points: ndarray::ArrayView2<f64>,
    labels: &[u32],
    segments: &[Segment],
    next_step: Vec<NextStep>,
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
        next_step,
    })
}

pub(crate) async fn put_json(store: &Store, key: &str, value: &impl Serialize) -> Result<Artifact> {
    let json = serde_json::to_vec_pretty(value).map_err(|e| Error::Internal(e.to_string()))?;
    store.put(key, "application/json", Bytes::from(json)).await
}
