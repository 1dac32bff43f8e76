//! The three handlers in a row, as the state machine runs them.

use std::path::Path;
use std::sync::Arc;

use shared::contracts::{Layout, Manifest, Part, Request};
use shared::progress::Progress;
use shared::segments::Profile;
use shared::settings::Settings;
use shared::store::{Endpoint, Patience, Store};
use shared::{Error, Result};

use crate::local::{Install, LocalPostgres, LocalS3};
use crate::{Failure, output};

/// Where a run publishes.
#[derive(Debug, Clone)]
pub enum Target {
    /// Nowhere.
    Nothing,
    /// A server that somebody else runs.
    Url(String),
    /// A server of our own, under the run's folder.
    Embedded {
        /// Whether its binaries may be installed.
        install: bool,
    },
}

/// What a run left.
#[derive(Debug)]
pub struct Finished {
    /// Its record.
    pub manifest: Manifest,
    /// Its segments.
    pub profile: Profile,
    /// Why history that was to be filled in was not.
    pub not_published: Option<Error>,
}

/// The store of a folder, served in process.
pub fn store(s3: &LocalS3) -> Store {
    let endpoint = Endpoint {
        url: s3.endpoint().to_owned(),
        region: s3.region().to_owned(),
        access_key: s3.access_key().to_owned(),
        secret_key: s3.secret_key().to_owned(),
        patience: Patience::default(),
    };
    Store::at(&endpoint, s3.bucket())
}

/// Runs the three stages. Postgres starts while the first two work.
pub async fn run(
    store: &Store,
    dir: &Path,
    request: Request,
    settings: Option<Settings>,
    target: &Target,
    progress: Arc<dyn Progress>,
) -> Result<Finished, Failure> {
    let preprocess = preprocess_to_parquet::Context {
        store: store.clone(),
        settings,
        progress: Arc::clone(&progress),
        spark: None,
    };
    let embed = embed_and_cluster::Context {
        store: store.clone(),
        progress: Arc::clone(&progress),
        memory: None,
    };
    let (force, fill_history) = (request.force_publish, request.fill_history);
    let computed = async {
        let state = preprocess_to_parquet::handle(&preprocess, request).await?;
        let in_shards = state.artifacts.contains_key(Part::Shards.file_name());
        if in_shards && !state.already_complete {
            return embed_and_cluster::handle_shards(&embed, state).await;
        }
        embed_and_cluster::handle(&embed, state).await
    };
    // Both are waited for: a server that is starting is stopped in order.
    let (computed, server) = tokio::join!(computed, server(dir, target));
    let published = match (computed, server) {
        (Ok(mut state), Ok(server)) => {
            let run_id = state.run.run_id.clone();
            state.run.force_publish = force;
            state.run.fill_history = fill_history;
            let published = match database(target, server.as_ref()) {
                Ok(None) => Ok(None),
                // readers go on seeing the champion's run
                Ok(Some(_)) if state.promotion.as_ref().is_some_and(|p| !p.promoted) => Ok(None),
                Ok(Some(database)) => {
                    progress.step("publish");
                    let publish = publish_to_rds::Context {
                        store: store.clone(),
                        database,
                        progress,
                    };
                    match publish_to_rds::handle(&publish, state).await {
                        Err(error @ Error::Superseded { .. }) if fill_history => Ok(Some(error)),
                        published => published.map(|_| None),
                    }
                }
                Err(error) => Err(error),
            };
            stop(server)
                .await
                .and(published.map_err(Failure::from))
                .map(|not_published| (run_id, not_published))
        }
        (Err(error), server) => {
            if let Ok(server) = server {
                stop(server).await?;
            }
            Err(error.into())
        }
        (Ok(_), Err(error)) => Err(error),
    };
    let (run_id, not_published) = published?;
    let layout = Layout::new(&run_id);
    Ok(Finished {
        manifest: read(store, &layout.key(Part::Manifest)).await?,
        profile: profile(store, &run_id).await?,
        not_published,
    })
}

async fn server(dir: &Path, target: &Target) -> Result<Option<LocalPostgres>, Failure> {
    let Target::Embedded { install } = target else {
        return Ok(None);
    };
    let install = if *install {
        Install::IfAllowed(&output::notice)
    } else {
        Install::Never
    };
    Ok(Some(LocalPostgres::start(dir, install).await?))
}

async fn stop(server: Option<LocalPostgres>) -> Result<(), Failure> {
    match server {
        Some(server) => Ok(server.stop().await?),
        None => Ok(()),
    }
}

fn database(
    target: &Target,
    server: Option<&LocalPostgres>,
) -> Result<Option<publish_to_rds::Database>> {
    let url = match (target, server) {
        (Target::Url(url), _) => url.as_str(),
        (_, Some(server)) => server.url(),
        (_, None) => return Ok(None),
    };
    let ca_file = std::env::var_os("DATABASE_CA_FILE").map(Into::into);
    publish_to_rds::Database::parse(url).map(|database| Some(database.with_ca_file(ca_file)))
}

/// The segments of a run.
pub(crate) async fn profile(store: &Store, run_id: &str) -> Result<Profile> {
    read(store, &Layout::new(run_id).key(Part::Profile)).await
}

async fn read<T: serde::de::DeserializeOwned>(store: &Store, key: &str) -> Result<T> {
    serde_json::from_slice(&store.get(key).await?).map_err(|e| Error::Corrupt {
        object: key.to_owned(),
        reason: e.to_string(),
    })
}
