//! From whatever event set the function off to the request that its stage takes.

use serde::Deserialize;
use serde_json::Value;
use shared::contracts::{Mode, ObjectRef, Request, RunState, Trigger};

use shared::{Error, Result};

use crate::{Context, gather, handle};

/// A step of a run whose export Spark reads: `{"step": "gather", "state": …}`.
#[derive(Debug, Deserialize)]
#[serde(tag = "step", rename_all = "lowercase", deny_unknown_fields)]
enum Step {
    /// Take in what it left.
    Gather {
        /// The run.
        state: Box<RunState>,
    },
}

/// Runs the stage for an event of S3, EventBridge or the scheduler, or a request. `None`
/// where the event asks for nothing.
pub async fn handle_event(context: &Context, event: Value) -> Result<Option<RunState>> {
    if event.get("step").is_some() {
        let step = serde_json::from_value(event);
        let Step::Gather { state } = step.map_err(|e| Error::config("event", e.to_string()))?;
        context.progress.run(&state.run.run_id);
        return gather(context, *state).await.map(Some);
    }
    let request = match Trigger::parse(event)? {
        Trigger::Test => {
            tracing::info!("a test event: notifications are set up");
            return Ok(None);
        }
        Trigger::Run(request) => request,
        Trigger::Configured { key, mode } => own(context, key, mode),
        Trigger::Newest { prefix, mode } => {
            own(context, context.store.newest(&prefix).await?, mode)
        }
    };
    handle(context, request).await.map(Some)
}

/// A request for an object of the function's own bucket.
fn own(context: &Context, key: String, mode: Mode) -> Request {
    Request {
        source: ObjectRef {
            bucket: context.store.bucket().to_owned(),
            key,
            version: None,
        },
        mode,
        as_of: None,
        force_publish: false,
        fill_history: false,
        scale: shared::contracts::Scale::default(),
    }
}
