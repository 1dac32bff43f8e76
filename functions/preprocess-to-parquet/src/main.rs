//! The Lambda function `preprocess-to-parquet`.

// The SDK nests its futures deeply.
#![recursion_limit = "256"]

use std::sync::Arc;

use preprocess_to_parquet::{Context, handle_event};
use serde_json::Value;
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
        settings: None,
        progress: Arc::new(Silent),
    };
    let deployment = &std::env::var("STAGE").unwrap_or_default();
    serve(move |event: Value| async move {
        let state = handle_event(context, event).await?;
        if let Some(state) = &state {
            metrics::emit(deployment, &state.run.run_id, &metrics::of_rows(state));
        }
        Ok(state)
    })
    .await
}
