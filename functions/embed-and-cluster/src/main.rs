//! The Lambda function `embed-and-cluster`.

// The SDK nests its futures deeply.
#![recursion_limit = "256"]

use std::sync::Arc;

use embed_and_cluster::{Answer, Context, Event, figures, handle_event};
use serde_json::Value;
use shared::lambda::{Function, Log, emit, memory, required_env};
use shared::progress::Progress;
use shared::store::Store;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let function = Function::start("embed-and-cluster");
    let store = Store::from_env(&required_env("BUCKET")?).await;
    let context = &Context {
        store,
        progress: Arc::new(Log),
        memory: memory(),
    };
    function
        .serve(move |event: Value| async move {
            let event = Event::parse(event)?;
            Log.run(event.run_id());
            let answer = handle_event(context, event).await?;
            if let Answer::State(state) = &answer {
                emit(&figures(&context.store, state).await);
            }
            Ok(answer)
        })
        .await
}
