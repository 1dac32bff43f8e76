//! `insiders evaluate`.

use std::path::Path;
use std::sync::Arc;

use embed_and_cluster::Evaluation;
use shared::Error;
use shared::bundle::{Bundle, champion};
use shared::contracts::{Mode, ObjectRef, Part, Request};
use shared::features::Features;
use shared::progress::Progress;
use shared::settings::Settings;
use shared::store::Store;
use shared::tables::read_features;

use super::run::{file_error, settings};
use super::upload;
use crate::args::EvaluateArgs;
use crate::local::LocalS3;
use crate::pipeline;
use crate::watch::Watch;
use crate::{Failure, output};

/// Measures the segments of an export.
pub(crate) async fn evaluate(args: EvaluateArgs) -> Result<(), Failure> {
    let chosen = match (&args.config, args.profile) {
        (Some(path), _) => Some(settings(path)?),
        (None, profile) => profile.map(|profile| Settings::of(profile.into())),
    };
    let input = upload::Input::open(&args.input)?;
    let (settings, stored) = match chosen {
        Some(settings) => (settings, None),
        None => of_folder(&args.dir).await?,
    };
    let watch = Arc::new(Watch::default());
    let measured = measure(input, settings, stored, args.resamples, watch.clone()).await;
    watch.clear();
    let measured = measured?;
    if args.json {
        let json =
            serde_json::to_string_pretty(&measured).map_err(|e| Error::Internal(e.to_string()))?;
        output::result(&json);
    } else {
        output::evaluation(&measured);
    }
    Ok(())
}

/// The settings of a folder, and its champion if there is one; the champion was fitted
/// with settings of its own.
async fn of_folder(dir: &Path) -> Result<(Settings, Option<Bundle>), Failure> {
    if !dir.is_dir() {
        return Ok((Settings::default(), None));
    }
    let s3 = LocalS3::start(dir).await?;
    let store = pipeline::store(&s3);
    let found = read_folder(&store).await;
    s3.stop().await;
    Ok(found?)
}

pub(super) async fn read_folder(store: &Store) -> shared::Result<(Settings, Option<Bundle>)> {
    let mut settings = preprocess_to_parquet::settings_of(store).await?;
    let Some((champion, _)) = champion(store).await? else {
        return Ok((settings, None));
    };
    let bundle = Bundle::load(store, &champion.version).await?;
    settings.embedding = bundle.manifest.embedding.clone();
    settings.clustering = bundle.manifest.clustering.clone();
    Ok((settings, Some(bundle)))
}

async fn measure(
    input: upload::Input,
    settings: Settings,
    stored: Option<Bundle>,
    resamples: usize,
    progress: Arc<Watch>,
) -> Result<Evaluation, Failure> {
    let dir = tempfile::tempdir().map_err(|e| file_error(&std::env::temp_dir(), e))?;
    let features = features(dir.path(), input, settings.clone(), progress.clone()).await?;
    let measured = tokio::task::spawn_blocking(move || {
        let stored = stored.as_ref();
        embed_and_cluster::evaluate(&features, &settings, stored, resamples, progress.as_ref())
    });
    Ok(measured
        .await
        .map_err(|e| Error::Internal(e.to_string()))??)
}

/// The features of an export, by the first stage itself in a folder of its own.
pub(super) async fn features(
    dir: &Path,
    input: upload::Input,
    settings: Settings,
    progress: Arc<dyn Progress>,
) -> Result<Features, Failure> {
    let s3 = LocalS3::start(dir).await?;
    let store = pipeline::store(&s3);
    let found = async {
        let key = upload::upload(&s3, input, progress.as_ref()).await?;
        let request = Request {
            source: ObjectRef {
                bucket: store.bucket().to_owned(),
                key,
                version: None,
            },
            mode: Mode::Fit,
            as_of: None,
            force_publish: false,
            fill_history: false,
            scale: shared::contracts::Scale::default(),
        };
        let context = preprocess_to_parquet::Context {
            store: store.clone(),
            settings: Some(settings),
            progress,
            spark: None,
        };
        let state = preprocess_to_parquet::handle(&context, request).await?;
        let artifact = state.artifacts.get(Part::Features.file_name());
        let artifact = artifact
            .ok_or_else(|| Error::Internal("the first stage left no features".to_owned()))?;
        Ok(read_features(
            store.get_verified(artifact).await?,
            &artifact.key,
        )?)
    };
    let found = found.await;
    s3.stop().await;
    found
}
