//! The Lambda function `preprocess-to-parquet`.

// The SDK nests its futures deeply.
#![recursion_limit = "256"]

use std::sync::Arc;

use preprocess_to_parquet::{Context, figures, handle_event};
use serde_json::Value;
use shared::lambda::{Function, Log, emit, required_env};
use shared::store::Store;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let function = Function::start("preprocess-to-parquet");
    let store = Store::from_env(&required_env("BUCKET")?).await;
    let context = &Context {
        store,
        settings: None,
        progress: Arc::new(Log),
        spark: std::env::var_os("SPARK_JOB").map(Into::into),
    };
    function
        .serve(move |event: Value| async move {
            let state = handle_event(context, event).await?;
            if let Some(state) = &state {
                emit(&figures(&context.store, state).await);
            }
            Ok(state)
        })
        .await
}
