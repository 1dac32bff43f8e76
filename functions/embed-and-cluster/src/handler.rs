//! The stage as a function of what the first one left.

use std::sync::Arc;

use bytes::Bytes;
use ndarray::{Array1, Array2};
use serde::Serialize;
use shared::bundle::{Bundle, BundleManifest, FEATURES, TARGET, promote};
use shared::contracts::{
    Artifact, AsOf, Layout, Manifest, ModelAction, Part, Quality, Run, RunState,
};
use shared::features::Features;
use shared::measure::Stage;
use shared::progress::Progress;
use shared::segments::{Profile, names, quality};
use shared::store::Store;
use shared::tables::{SegmentRows, TableWriter, read_features, segments_batches, segments_schema};
use shared::{Error, Result};

use crate::{apply, fit};

/// What the stage needs; built once a process.
#[derive(Clone)]
pub struct Context {
    /// The bucket of the artifacts.
    pub store: Store,
    /// Who is watching.
    pub progress: Arc<dyn Progress>,
}

/// What the models said, ready to be written.
struct Scored {
    rows: SegmentRows,
    profile: Profile,
    quality: Quality,
    bundle: Option<Bundle>,
    stage: Stage,
}

/// Runs the stage.
///
/// # Errors
/// [`Error::BadInput`] by way of the models for too few customers, [`Error::Corrupt`] for
/// damaged artifacts or bundles; the run does not exist then.
pub async fn handle(context: &Context, state: RunState) -> Result<RunState> {
    if state.already_complete {
        return Ok(state);
    }
    let stage = Stage::start("embed-and-cluster");
    let store = &context.store;
    let source = artifact(&state, Part::Features)?.clone();
    let features = read_features(store.get_verified(&source).await?, &source.key)?;
    let stored = stored_bundle(store, &state.run).await?;

    let (run, progress) = (state.run.clone(), Arc::clone(&context.progress));
    let scored = tokio::task::spawn_blocking(move || {
        score(features, stored, &run, &source, progress.as_ref(), stage)
    });
    let mut scored = scored.await.map_err(|e| Error::Internal(e.to_string()))??;

    context.progress.step("write segments");
    write(store, state, &mut scored).await
}

/// The models to apply: always for an apply; for a fit where an earlier attempt of the same
/// fit has stored them already, since a bundle never changes.
async fn stored_bundle(store: &Store, run: &Run) -> Result<Option<Bundle>> {
    let version = &run.model_version;
    if run.action == ModelAction::Fit && !Bundle::exists(store, version).await? {
        return Ok(None);
    }
    Bundle::load(store, version).await.map(Some)
}

fn artifact(state: &RunState, part: Part) -> Result<&Artifact> {
    state.artifacts.get(part.file_name()).ok_or_else(|| {
        Error::config(
            "event",
            format!("it lists no artifact '{}'", part.file_name()),
        )
    })
}

fn score(
    features: Features,
    stored: Option<Bundle>,
    run: &Run,
    source: &Artifact,
    progress: &dyn Progress,
    mut stage: Stage,
) -> Result<Scored> {
    stage.lap("load");
    let (points, labels, segments, fitted) = if let Some(bundle) = stored {
        let applied = apply::apply((&bundle).into(), &features, progress, &mut stage)?;
        (
            applied.points,
            applied.labels,
            bundle.manifest.segments.clone(),
            Err(bundle),
        )
    } else {
        let mut fitted = fit::fit(&features, &run.settings, progress, &mut stage)?;
        let points = std::mem::take(&mut fitted.points);
        let labels = std::mem::take(&mut fitted.labels);
        (points, labels, names(run.settings.clustering.k), Ok(fitted))
    };
    let kmeans = match &fitted {
        Ok(fitted) => &fitted.kmeans,
        Err(bundle) => &bundle.kmeans,
    };
    progress.step("silhouette");
    let seed = run.settings.clustering.seed;
    let quality = quality(kmeans, points.view(), labels.view(), seed)?;
    stage.lap("silhouette");
    let bundle = fitted.ok().map(|fitted| Bundle {
        manifest: bundle_manifest(run, source, &features, &segments, &quality),
        scaler: fitted.scaler,
        forest: fitted.forest,
        umap: fitted.umap,
        kmeans: fitted.kmeans,
    });
    let profile = Profile::of(&features, &labels.to_vec(), &segments);
    let rows = rows(features, &points, &labels, &segments)?;
    stage.lap("profile");
    Ok(Scored {
        rows,
        profile,
        quality,
        bundle,
        stage,
    })
}

fn bundle_manifest(
    run: &Run,
    source: &Artifact,
    features: &Features,
    segments: &[String],
    quality: &Quality,
) -> BundleManifest {
    BundleManifest {
        schema_version: BundleManifest::SCHEMA_VERSION,
        version: run.model_version.clone(),
        features: FEATURES.iter().map(|&name| name.to_owned()).collect(),
        target: TARGET.to_owned(),
        embedding: run.settings.embedding.clone(),
        clustering: run.settings.clustering.clone(),
        source: run.source.clone(),
        training_sha256: source.sha256.clone(),
        training_customers: features.len() as u64,
        segments: segments.to_vec(),
        quality: quality.clone(),
        files: std::collections::BTreeMap::new(),
    }
}

fn rows(
    features: Features,
    points: &Array2<f64>,
    labels: &Array1<u32>,
    names: &[String],
) -> Result<SegmentRows> {
    let mut segment = Vec::with_capacity(labels.len());
    let mut label = Vec::with_capacity(labels.len());
    for &number in labels {
        let name = names.get(number as usize).ok_or_else(|| {
            Error::Internal(format!(
                "segment {number} has no name among {}",
                names.len()
            ))
        })?;
        segment.push(name.clone());
        label.push(i32::try_from(number).map_err(|e| Error::Internal(e.to_string()))?);
    }
    Ok(SegmentRows {
        features,
        embedding_x: points.column(0).to_vec(),
        embedding_y: points.column(1).to_vec(),
        label,
        segment,
    })
}

/// Writes the run's tables, then the models, then the manifest that makes the run exist.
async fn write(store: &Store, mut state: RunState, scored: &mut Scored) -> Result<RunState> {
    let run_id = state.run.run_id.clone();
    let layout = Layout::new(&run_id);
    let mut table = TableWriter::new(Vec::new(), segments_schema())?;
    for batch in segments_batches(&scored.rows) {
        table.write(&batch?)?;
    }
    let (bytes, rows) = table.finish()?;
    let key = layout.key(Part::Segments);
    let segments = store
        .put(&key, "application/vnd.apache.parquet", Bytes::from(bytes))
        .await?;
    let segments = Artifact {
        rows: Some(rows),
        ..segments
    };
    let profile = put_json(store, &layout.key(Part::Profile), &scored.profile).await?;
    let metrics = put_json(store, &layout.key(Part::Metrics), &scored.quality).await?;
    for (part, artifact) in [
        (Part::Segments, segments),
        (Part::Profile, profile),
        (Part::Metrics, metrics),
    ] {
        state
            .artifacts
            .insert(part.file_name().to_owned(), artifact);
    }
    if let Some(bundle) = &mut scored.bundle {
        bundle.save(store).await?;
    }
    if state.run.action == ModelAction::Fit {
        promote(store, &state.run.model_version, &run_id).await?;
    }
    scored.stage.lap("write");
    let stage = std::mem::replace(&mut scored.stage, Stage::start(""));
    state.stages.push(stage.finish(rows, rows));
    state.quality = Some(scored.quality.clone());
    let as_of: AsOf = state
        .as_of
        .ok_or_else(|| Error::config("event", "it has no as_of: the first stage sets it"))?;
    let manifest = Manifest::of(&state, scored.quality.clone(), as_of);
    put_json(store, &layout.key(Part::Manifest), &manifest).await?;
    tracing::info!(
        run_id,
        customers = rows,
        silhouette = scored.quality.silhouette,
        inertia = scored.quality.inertia,
        "embedded and clustered"
    );
    Ok(state)
}

async fn put_json(store: &Store, key: &str, value: &impl Serialize) -> Result<Artifact> {
    let json = serde_json::to_vec_pretty(value).map_err(|e| Error::Internal(e.to_string()))?;
    store.put(key, "application/json", Bytes::from(json)).await
}
