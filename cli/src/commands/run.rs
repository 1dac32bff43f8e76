//! `insiders run`.

use std::path::Path;
use std::sync::Arc;

use shared::contracts::{Manifest, Request, Scale};
use shared::settings::Settings;

use super::upload;
use crate::args::{PublishArgs, RunArgs};
use crate::local::LocalS3;
use crate::pipeline::{self, Target};
use crate::watch::Watch;
use crate::{Failure, output};

/// Turns an export into segments.
pub(crate) async fn run(args: RunArgs) -> Result<(), Failure> {
    execute(args, false).await
}

/// `run`, where Postgres may be installed if `install` is set.
pub(super) async fn execute(args: RunArgs, install: bool) -> Result<(), Failure> {
    let settings = args.config.as_deref().map(settings).transpose()?;
    let source = upload::Input::open(&args.input)?;
    std::fs::create_dir_all(&args.dir).map_err(|e| file_error(&args.dir, e))?;
    let s3 = LocalS3::start(&args.dir).await?;
    let store = pipeline::store(&s3);
    let watch = Arc::new(Watch::default());
    let finished = async {
        let request = Request {
            source: upload::bring(&s3, source, settings.as_ref(), watch.as_ref()).await?,
            mode: args.mode.into(),
            as_of: args.as_of,
            force_publish: args.publish.force_publish,
            fill_history: false,
            scale: Scale {
                engine: None,
                shards: args.shards,
            },
        };
        let target = target(&args.publish, install);
        pipeline::run(&store, &args.dir, request, settings, &target, watch.clone()).await
    };
    let finished = finished.await;
    watch.clear();
    s3.stop().await;
    let finished = finished?;
    if args.json {
        output::result(&json(&finished.manifest, &args.dir)?);
        return Ok(());
    }
    let how = published(&args);
    output::summary(
        &finished.manifest,
        &finished.profile,
        &args.dir,
        how.as_deref(),
    );
    Ok(())
}

/// The manifest, and where in the folder the run's page is.
fn json(manifest: &Manifest, dir: &Path) -> shared::Result<String> {
    let failed = |e: serde_json::Error| shared::Error::Internal(e.to_string());
    let mut value = serde_json::to_value(manifest).map_err(failed)?;
    if let (Some(path), Some(fields)) = (output::report_path(manifest, dir), value.as_object_mut())
    {
        let path = path.display().to_string();
        fields.insert("report_path".to_owned(), path.into());
    }
    serde_json::to_string_pretty(&value).map_err(failed)
}

/// The settings of a file.
pub(super) fn settings(path: &Path) -> Result<Settings, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| file_error(path, e))?;
    Ok(Settings::parse(&text, &path.display().to_string())?)
}

pub(super) fn target(args: &PublishArgs, install: bool) -> Target {
    match &args.database_url {
        _ if args.no_publish => Target::Nothing,
        Some(url) => Target::Url(url.clone()),
        None => Target::Embedded { install },
    }
}

fn published(args: &RunArgs) -> Option<String> {
    if args.publish.no_publish {
        return None;
    }
    Some(match args.publish.database_url {
        Some(_) => "published: insiders.insiders and insiders.segments of your database".to_owned(),
        None => format!(
            "published: insiders psql --dir {} -c 'select * from insiders.segments'",
            args.dir.display()
        ),
    })
}

/// A failure of a file, by its path.
pub(super) fn file_error(path: &Path, source: std::io::Error) -> Failure {
    Failure::File {
        path: path.display().to_string(),
        source,
    }
}
