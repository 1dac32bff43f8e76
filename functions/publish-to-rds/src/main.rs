//! The Lambda function `publish-to-rds`.

// The SDK nests its futures deeply.
#![recursion_limit = "256"]

use std::path::PathBuf;
use std::sync::Arc;

use publish_to_rds::{Context, Database, handle};
use shared::contracts::RunState;
use shared::lambda::{init_tracing, required_env, serve};
use shared::progress::Silent;
use shared::store::Store;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    init_tracing();
    let ca_file = std::env::var_os("DATABASE_CA_FILE").map(PathBuf::from);
    let database = Database::parse(&required_env("DATABASE_URL")?)?.with_ca_file(ca_file);
    let store = Store::from_env(&required_env("BUCKET")?).await;
    let context = &Context {
        store,
        database,
        progress: Arc::new(Silent),
    };
    serve(move |state: RunState| async move {
        let store = context.store.bucket_of(&state.run.bucket);
        handle(
            &Context {
                store,
                ..context.clone()
            },
            state,
        )
        .await
    })
    .await
}
