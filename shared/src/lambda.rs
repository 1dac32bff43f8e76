//! The glue between a handler and the Lambda runtime: logs, and errors that a state
//! machine's `Retry` and `Catch` can tell apart by name.

use std::future::Future;

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use crate::{Error, Result};

/// JSON lines on standard output, as CloudWatch reads them; `RUST_LOG` sets the level.
pub fn init_tracing() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .init();
}

/// A variable of the function's environment.
pub fn required_env(name: &str) -> Result<String> {
    std::env::var(name).map_err(|_| {
        Error::config(
            "environment",
            format!("{name} is not set; the template sets it"),
        )
    })
}

/// Serves `handler` until the runtime ends the process.
pub async fn serve<In, Out, F, Fut>(handler: F) -> Result<(), lambda_runtime::Error>
where
    In: for<'de> Deserialize<'de> + Send,
    Out: Serialize + Send,
    F: Fn(In) -> Fut + Send,
    Fut: Future<Output = Result<Out>> + Send,
{
    lambda_runtime::run(service_fn(|event: LambdaEvent<In>| {
        let running = handler(event.payload);
        async move {
            running.await.map_err(|error| {
                tracing::error!(error = %error, name = error.name(), "the stage failed");
                Diagnostic {
                    error_type: error.name().to_owned(),
                    error_message: error.to_string(),
                }
            })
        }
    }))
    .await
}
