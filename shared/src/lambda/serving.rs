//! What the process is busy with. Lambda gives a process one event at a time, so it is one
//! value a process: a span would be lost on the threads of rayon and of the encoders.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};

#[derive(Default)]
struct Serving {
    stage: &'static str,
    deployment: String,
    run_id: Option<String>,
    request_id: Option<String>,
    xray_trace_id: Option<String>,
}

static SERVING: Mutex<Option<Serving>> = Mutex::new(None);

fn serving() -> MutexGuard<'static, Option<Serving>> {
    SERVING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The process is the function `stage` of `deployment`.
pub(super) fn begin(stage: &'static str, deployment: String) {
    *serving() = Some(Serving {
        stage,
        deployment,
        ..Serving::default()
    });
}

/// The next event; its run is not known yet.
pub(super) fn next(request_id: &str, trace: Option<&str>) {
    if let Some(serving) = serving().as_mut() {
        serving.run_id = None;
        serving.request_id = Some(request_id.to_owned());
        serving.xray_trace_id = trace.map(|header| root(header).to_owned());
    }
}

/// The event is about run `run_id`.
pub(super) fn run(run_id: &str) {
    if let Some(serving) = serving().as_mut() {
        serving.run_id = Some(run_id.to_owned());
    }
}

/// What every line says: `null` for what is not known yet. `Stage` is the metrics'
/// dimension, `stage` the function.
pub(super) fn fields() -> Map<String, Value> {
    let mut fields = Map::new();
    if let Some(serving) = serving().as_ref() {
        fields.insert("stage".to_owned(), serving.stage.into());
        fields.insert("Stage".to_owned(), serving.deployment.clone().into());
        fields.insert("run_id".to_owned(), serving.run_id.clone().into());
        fields.insert("request_id".to_owned(), serving.request_id.clone().into());
        let trace = serving.xray_trace_id.clone();
        fields.insert("xray_trace_id".to_owned(), trace.into());
    }
    fields
}

/// The trace's own id out of `Root=1-…;Parent=…;Sampled=1`.
fn root(header: &str) -> &str {
    header
        .split(';')
        .find_map(|part| part.trim().strip_prefix("Root="))
        .unwrap_or(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_known_by_its_root() {
        let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        assert_eq!(root(header), "1-5759e988-bd862e3fe1be46a994272793");
        assert_eq!(root("1-5759e988-bd86"), "1-5759e988-bd86");
    }

    #[test]
    fn a_new_event_forgets_the_run_of_the_last() {
        begin("embed-and-cluster", "dev".to_owned());
        next("r1", None);
        run("abc");
        assert_eq!(fields()["run_id"], "abc");
        next("r2", Some("Root=1-2"));
        let fields = fields();
        assert_eq!(fields["run_id"], Value::Null);
        assert_eq!(fields["request_id"], "r2");
        assert_eq!(fields["xray_trace_id"], "1-2");
        assert_eq!(
            (&fields["stage"], &fields["Stage"]),
            (&"embed-and-cluster".into(), &"dev".into())
        );
    }
}
