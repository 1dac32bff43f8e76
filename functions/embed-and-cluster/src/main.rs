//! The Lambda function `embed-and-cluster`.

// The SDK nests its futures deeply.
#![recursion_limit = "256"]

use std::sync::Arc;

use embed_and_cluster::{Context, handle};
use shared::contracts::RunState;
use shared::lambda::{init_tracing, required_env, serve};
use shared::metrics;
use shared::progress::Silent;
use shared::store::Store;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    init_tracing();
    let store = Store::from_env(&required_env("BUCKET")?).await;
    let context = &Context {
        store,
        progress: Arc::new(Silent),
    };
    let deployment = &std::env::var("STAGE").unwrap_or_default();
    serve(move |state: RunState| async move {
        let state = handle(context, state).await?;
        metrics::emit(deployment, &state.run.run_id, &metrics::of_segments(&state));
        Ok(state)
    })
    .await
}
