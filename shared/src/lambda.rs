//! The glue between a handler and the Lambda runtime: logs, figures, and errors that a state
//! machine's `Retry` and `Catch` can tell apart by name.

mod log;
mod serving;

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::{Deserialize, Serialize};

use crate::measure::Stage;
use crate::metrics::{self, Figures};
use crate::progress::Progress;
use crate::{Error, Result};

/// A variable of the function's environment.
pub fn required_env(name: &str) -> Result<String> {
    std::env::var(name).map_err(|_| {
        Error::config(
            "environment",
            format!("{name} is not set; the template sets it"),
        )
    })
}

/// Bytes of memory that this function has; `None` outside of Lambda.
pub fn memory() -> Option<u64> {
    let mb = std::env::var("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").ok()?;
    mb.parse::<u64>().ok()?.checked_mul(1 << 20)
}

/// The one function of this process.
#[derive(Debug)]
pub struct Function {
    stage: &'static str,
    began: Instant,
}

impl Function {
    /// Sets up the log of the function that is `stage`. Call it first: from here the time
    /// until the function is ready is counted.
    pub fn start(stage: &'static str) -> Self {
        let began = Instant::now();
        // The template's stage: `dev`, `prod`.
        let deployment = std::env::var("STAGE").unwrap_or_default();
        serving::begin(stage, deployment);
        log::init();
        Self { stage, began }
    }

    /// Serves `handler` until the runtime ends the process. `handler` says which run an event
    /// is about by [`Log`] as soon as it knows.
    pub async fn serve<In, Out, F, Fut>(self, handler: F) -> Result<(), lambda_runtime::Error>
    where
        In: for<'de> Deserialize<'de> + Send,
        Out: Serialize + Send,
        F: Fn(In) -> Fut + Send,
        Fut: Future<Output = Result<Out>> + Send,
    {
        let ready = self.began.elapsed().as_secs_f64();
        let is_cold = AtomicBool::new(true);
        let (stage, is_cold) = (self.stage, &is_cold);
        lambda_runtime::run(service_fn(|event: LambdaEvent<In>| {
            let context = &event.context;
            serving::next(&context.request_id, context.xray_trace_id.as_deref());
            let start = if is_cold.swap(false, Ordering::Relaxed) {
                vec![("ColdStart", 1.0), ("InitSeconds", ready)]
            } else {
                vec![("ColdStart", 0.0)]
            };
            let measured = Stage::start(stage);
            let running = handler(event.payload);
            async move {
                let answer = running.await;
                let figures = metrics::of_invocation(&measured.finish(0, 0), start);
                emit(&[figures]);
                answer.map_err(|error| {
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
}

/// Writes figures of the run that is being served.
pub fn emit(figures: &[Figures]) {
    log::write(&metrics::embedded(figures, &serving::fields()));
}

/// Watches a stage for its log: from when the run is known, each line names it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Log;

impl Progress for Log {
    fn run(&self, run_id: &str) {
        serving::run(run_id);
    }
    fn bytes(&self, _done: u64, _total: u64) {}
    fn step(&self, name: &str) {
        tracing::debug!(step = name, "step");
    }
}
