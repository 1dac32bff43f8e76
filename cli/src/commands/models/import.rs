//! `insiders models import`.

use std::collections::BTreeMap;
use std::path::Path;

use shared::Error;
use shared::bundle::{Bundle, Cause, champion, promote, reserve};
use shared::import::{DESCRIPTION, Description, Imported};
use shared::settings::Settings;
use shared::store::Store;

use crate::args::ImportArgs;
use crate::commands::run::{file_error, settings};
use crate::local::LocalS3;
use crate::{Failure, output, pipeline};

/// Makes a bundle of an exported folder.
pub(super) async fn import(args: ImportArgs) -> Result<(), Failure> {
    let given = args.config.as_deref().map(settings).transpose()?;
    let imported = read(&args.folder)?;
    std::fs::create_dir_all(&args.dir).map_err(|e| file_error(&args.dir, e))?;
    let s3 = LocalS3::start(&args.dir).await?;
    let stored = store(&pipeline::store(&s3), imported, given, args.promote).await;
    s3.stop().await;
    output::result(&stored?);
    Ok(())
}

fn read(folder: &Path) -> Result<Imported, Failure> {
    let file = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).map_err(|e| file_error(&path, e))
    };
    let description = file(DESCRIPTION)?;
    // Parsed first: only names that it may list are opened.
    let listed = Description::parse(&description)?.files;
    let files: Result<BTreeMap<_, _>, Failure> = listed
        .into_keys()
        .map(|name| Ok((name.clone(), file(&name)?)))
        .collect();
    Ok(Imported::read(&description, &files?)?)
}

/// Stores the bundle; says what was done.
async fn store(
    store: &Store,
    imported: Imported,
    given: Option<Settings>,
    wanted: bool,
) -> Result<String, Failure> {
    let settings = match given {
        Some(settings) => settings,
        None => preprocess_to_parquet::settings_of(store).await?,
    };
    let clusters = if imported.kmeans.is_some() {
        "k-means as exported"
    } else {
        "k-means fitted to the imported embedding, as none was exported"
    };
    // Beside a champion the segments are others than its own: they get numbers of their own.
    let free = match champion(store).await? {
        Some(_) => {
            let most = imported
                .kmeans
                .as_ref()
                .map_or(settings.clustering.k, |kmeans| kmeans.centroids().nrows());
            let most = u32::try_from(most).map_err(|e| Error::Internal(e.to_string()))?;
            reserve(store, None, most).await?
        }
        None => 0,
    };
    let made = tokio::task::spawn_blocking(move || imported.into_bundle(&settings, free));
    let mut bundle = made.await.map_err(|e| Error::Internal(e.to_string()))??;
    bundle.save(store).await?;
    // a version that was there already keeps its segments
    let manifest = &Bundle::describe(store, &bundle.manifest.version).await?;
    let version = &manifest.version;
    let current = champion(store).await?.map(|(champion, _)| champion.version);
    let place = match current {
        Some(current) if current == *version => "it is the champion already".to_owned(),
        Some(current) if !wanted => {
            format!("the champion is still {current}; --promote makes this one it")
        }
        current => {
            promote(store, manifest, Cause::Import, None).await?;
            match current {
                Some(current) => format!("it is the champion now, {current} was before"),
                None => "it is the champion, as there was none".to_owned(),
            }
        }
    };
    Ok(format!(
        "model {version}: {} trees, {} training customers, {} segments (silhouette {:.3}), {clusters}\n{place}",
        manifest.embedding.trees,
        manifest.training_customers,
        manifest.segments.len(),
        manifest.quality.silhouette,
    ))
}
