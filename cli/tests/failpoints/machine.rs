//! The state machine: stages in a row, and the steps of a stage in shards, each of which may be
//! tried again with the event that it had.

use std::future::Future;
use std::sync::Arc;

use embed_and_cluster::{Answer, Event, handle_event};
use publish_to_rds::Published;
use serde_json::{Value, json};
use shared::Error;
use shared::contracts::{Part, Request, RunState, ShardTable, Shards};
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
    prepared: Option<RunState>,
    shards_scored: usize,
    embedded: Option<RunState>,
}

impl Machine {
    pub(crate) fn new(request: Request, settings: Settings) -> Self {
        Self {
            request,
            settings,
            preprocessed: None,
            prepared: None,
            shards_scored: 0,
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
            let in_shards = preprocessed
                .artifacts
                .contains_key(Part::Shards.file_name());
            let state = if in_shards && !preprocessed.already_complete {
                self.in_shards(services, preprocessed).await?
            } else {
                embed(services, json!(preprocessed)).await?
            };
            self.embedded.insert(state).clone()
        };
        let context = publish_to_rds::Context {
            store,
            database: services.database.clone(),
            progress,
        };
        apart(async move { publish_to_rds::handle(&context, embedded).await }).await
    }

    /// Prepares, scores every shard and merges.
    async fn in_shards(&mut self, services: &Services, run: RunState) -> Result<RunState, Ended> {
        let list = run.artifacts[Part::Shards.file_name()].clone();
        let Shards(shards) = services
            .store
            .shards(&list, &run.run.run_id, ShardTable::Features)
            .await
            .unwrap();
        let prepared = if let Some(state) = &self.prepared {
            state.clone()
        } else {
            let event = json!({ "step": "prepare", "state": run });
            self.prepared.insert(embed(services, event).await?).clone()
        };
        for shard in &shards[self.shards_scored..] {
            let event = json!({ "step": "shard", "state": prepared, "shard": shard });
            ask(services, event).await?;
            self.shards_scored += 1;
        }
        embed(services, json!({ "step": "merge", "state": prepared })).await
    }
}

/// Asks the second stage as the state machine does, by an event.
async fn embed(services: &Services, event: Value) -> Result<RunState, Ended> {
    match ask(services, event).await? {
        Answer::State(state) => Ok(*state),
        Answer::Shard { number } => panic!("the run's state was expected, not shard {number}"),
    }
}

async fn ask(services: &Services, event: Value) -> Result<Answer, Ended> {
    let context = embed_and_cluster::Context {
        store: services.store.clone(),
        progress: Arc::new(Silent),
        memory: None,
    };
    let event = Event::parse(event).unwrap();
    apart(async move { handle_event(&context, event).await }).await
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
