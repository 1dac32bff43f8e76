//! The Lambda function `publish-to-rds`.

// The SDK nests its futures deeply.
#![recursion_limit = "256"]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use publish_to_rds::{Context, Database, Iam, Limits, handle};

use shared::contracts::RunState;
use shared::lambda::{Function, Log, emit, required_env};
use shared::metrics::Figures;
use shared::progress::Progress;
use shared::store::Store;

/// A function is ended after fifteen minutes: before that, it is to say what it waited for.
const SESSION: Duration = Duration::from_secs(14 * 60 + 30);

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let function = Function::start("publish-to-rds");
    let ca_file = std::env::var_os("DATABASE_CA_FILE").map(PathBuf::from);
    let database = Database::parse(&required_env("DATABASE_URL")?)?.with_ca_file(ca_file);
    let mut database = match std::env::var("DATABASE_AUTH").as_deref() {
        Ok("iam") => {
            let region = required_env("AWS_REGION")?;
            // Lambda puts the role's credentials there and keeps them fresh.
            let role = EnvironmentVariableCredentialsProvider::new();
            database.with_iam(Iam::new(&region, role))?
        }
        Ok("password") | Err(_) => database,
        Ok(other) => {
            let reason = format!("DATABASE_AUTH is '{other}', neither iam nor password");
            return Err(shared::Error::config("environment", reason).into());
        }
    };
    database.limits.session = SESSION;
    if let Ok(text) = std::env::var("PUBLISH_CONNECTIONS") {
        database.limits.connections = Limits::parse_connections(&text)?;
    }
    let store = Store::from_env(&required_env("BUCKET")?).await;
    let context = &Context {
        store,
        database,
        progress: Arc::new(Log),
    };
    function
        .serve(move |state: RunState| async move {
            Log.run(&state.run.run_id);
            let store = context.store.bucket_of(&state.run.bucket);
            let context = Context {
                store,
                ..context.clone()
            };
            let published = handle(&context, state).await?;
            let customers = published.publication.customers as f64;
            emit(&[Figures::new(vec![("CustomersPublished", customers)])]);
            Ok(published)
        })
        .await
}
