//! The Lambda function `embed-and-cluster`.

// The SDK nests its futures deeply.
#![recursion_limit = "256"]

use std::sync::Arc;

use embed_and_cluster::{Context, figures, handle};
use shared::contracts::RunState;
use shared::lambda::{Function, Log, emit, required_env};
use shared::progress::Progress;
use shared::store::Store;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let function = Function::start("embed-and-cluster");
    let store = Store::from_env(&required_env("BUCKET")?).await;
    let context = &Context {
        store,
        progress: Arc::new(Log),
    };
    function
        .serve(move |state: RunState| async move {
            Log.run(&state.run.run_id);
            let state = handle(context, state).await?;
            emit(&figures(&context.store, &state).await);
            Ok(state)
        })
        .await
}
