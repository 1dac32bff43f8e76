//! What the state machine asks of the function.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::contracts::{RunState, Shard};
use shared::{Error, Result};

use crate::handler::{Context, handle};
use crate::shards;

/// The whole stage, or a step of it where the customers are in shards.
#[derive(Debug)]
pub enum Event {
    /// A run that one function scores.
    Whole(Box<RunState>),
    /// A step of one that many do.
    Step(Box<Step>),
}

/// A step: `{"step": "prepare", "state": …}`.
#[derive(Debug, Deserialize)]
#[serde(tag = "step", rename_all = "lowercase", deny_unknown_fields)]
pub enum Step {
    /// Find what the shards are scored by.
    Prepare {
        /// The run.
        state: RunState,
    },
    /// Score one shard.
    Shard {
        /// The run.
        state: RunState,
        /// Its entry in `shards.json`.
        shard: Shard,
    },
    /// Tell of all shards.
    Merge {
        /// The run.
        state: RunState,
    },
}

/// What the function answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// The run as it is now.
    State(Box<RunState>),
    /// A shard is scored. Its number alone: a state machine's answer holds those of all shards.
    Shard {
        /// Which one.
        number: u32,
    },
}

impl Event {
    /// Reads an event.
    ///
    /// # Errors
    /// [`Error::Config`] for one that is neither a run's state nor a step.
    pub fn parse(event: Value) -> Result<Self> {
        let wrong = |e: serde_json::Error| Error::config("event", e.to_string());
        if event.get("step").is_some() {
            return serde_json::from_value(event).map(Self::Step).map_err(wrong);
        }
        serde_json::from_value(event)
            .map(Self::Whole)
            .map_err(wrong)
    }

    /// The run that it is about.
    pub fn run_id(&self) -> &str {
        let state = match self {
            Self::Whole(state) => state,
            Self::Step(step) => match &**step {
                Step::Prepare { state } | Step::Shard { state, .. } | Step::Merge { state } => {
                    state
                }
            },
        };
        &state.run.run_id
    }
}

/// Does what an event asks.
///
/// # Errors
/// As [`handle`].
pub async fn handle_event(context: &Context, event: Event) -> Result<Answer> {
    let state = match event {
        Event::Whole(state) => handle(context, *state).await?,
        Event::Step(step) => match *step {
            Step::Prepare { state } => shards::prepare(context, state).await?,
            Step::Merge { state } => shards::merge(context, state).await?,
            Step::Shard { state, shard } => {
                let number = shards::score(context, state, shard).await?;
                return Ok(Answer::Shard { number });
            }
        },
    };
    Ok(Answer::State(Box::new(state)))
}

/// All steps of a run in shards, one after the other, in this process.
///
/// # Errors
/// As [`handle`].
pub async fn handle_shards(context: &Context, state: RunState) -> Result<RunState> {
    let list = crate::handler::artifact(&state, shared::contracts::Part::Shards)?;
    let table = shared::contracts::ShardTable::Features;
    let list = context.store.shards(list, &state.run.run_id, table).await?;
    let state = shards::prepare(context, state).await?;
    for shard in list.0 {
        shards::score(context, state.clone(), shard).await?;
    }
    shards::merge(context, state).await
}
