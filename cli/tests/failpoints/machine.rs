//! The state machine: three stages in a row, each of which may be tried again with the event
//! that it had.

use std::future::Future;
use std::sync::Arc;

use publish_to_rds::Published;
use shared::Error;
use shared::contracts::{Request, RunState};
use shared::progress::Silent;
use shared::settings::Settings;

use crate::world::Services;

/// How an attempt ended before its end.
#[derive(Debug)]
pub(crate) enum Ended {
    Error(Error),
    Panic,
}

/// A run in progress: what each finished stage gave.
pub(crate) struct Machine {
    request: Request,
    settings: Settings,
    preprocessed: Option<RunState>,
    embedded: Option<RunState>,
}

impl Machine {
    pub(crate) fn new(request: Request, settings: Settings) -> Self {
        Self {
            request,
            settings,
            preprocessed: None,
            embedded: None,
        }
    }

    /// Goes on from the first stage that has not ended.
    pub(crate) async fn go_on(&mut self, services: &Services) -> Result<Published, Ended> {
        let store = services.store.clone();
        let progress = Arc::new(Silent);
        let preprocessed = if let Some(state) = &self.preprocessed {
            state.clone()
        } else {
            let context = preprocess_to_parquet::Context {
                store: store.clone(),
                settings: Some(self.settings.clone()),
                progress: progress.clone(),
                spark: None,
            };
            let request = self.request.clone();
            let stage = async move { preprocess_to_parquet::handle(&context, request).await };
            self.preprocessed.insert(apart(stage).await?).clone()
        };
        let embedded = if let Some(state) = &self.embedded {
            state.clone()
        } else {
            let context = embed_and_cluster::Context {
                store: store.clone(),
                progress: progress.clone(),
                memory: None,
            };
            let stage = async move { embed_and_cluster::handle(&context, preprocessed).await };
            self.embedded.insert(apart(stage).await?).clone()
        };
        let context = publish_to_rds::Context {
            store,
            database: services.database.clone(),
            progress,
        };
        apart(async move { publish_to_rds::handle(&context, embedded).await }).await
    }
}

/// A stage as a task of its own, whose panic is not ours.
async fn apart<T: Send + 'static>(
    stage: impl Future<Output = shared::Result<T>> + Send + 'static,
) -> Result<T, Ended> {
    match tokio::spawn(stage).await {
        Ok(result) => result.map_err(Ended::Error),
        Err(_) => Err(Ended::Panic),
    }
}
