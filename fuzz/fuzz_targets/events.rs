//! What comes as JSON: events, requests, what a stage hands on, and documents in the bucket.
#![no_main]

use std::fmt::Debug;

use fuzz::check;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use shared::bundle::Champion;
use shared::contracts::{Layout, Manifest, Part, Request, RunIndex, RunState, Trigger, UPLOADS};
use shared::erasure::Tombstones;
use shared::history::Ledger;

/// Undoes a form's encoding, a character at a time.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    loop {
        match rest {
            [] => return String::from_utf8(bytes).ok(),
            [b'%', a, b, after @ ..] => {
                let digits = [*a, *b];
                let digits = std::str::from_utf8(&digits).ok()?;
                if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return None;
                }
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                rest = after;
            }
            [b'%', ..] => return None,
            [byte, after @ ..] => {
                bytes.push(if *byte == b'+' { b' ' } else { *byte });
                rest = after;
            }
        }
    }
}

fn event(event: &Value) {
    let trigger = match Trigger::parse(event.clone()) {
        Ok(trigger) => trigger,
        Err(error) => {
            assert_eq!(error.name(), "Insiders.Config");
            return check(&error);
        }
    };
    match &trigger {
        Trigger::Run(request) => {
            let again = Trigger::parse(serde_json::to_value(request).unwrap());
            assert_eq!(again.unwrap(), trigger);
            let notified = event.pointer("/Records/0/s3/object/key");
            if let Some(key) = notified.and_then(Value::as_str) {
                assert_eq!(decoded(key).as_ref(), Some(&request.source.key));
            } else if let Some(key) = event.pointer("/detail/object/key") {
                assert_eq!(key, &Value::from(request.source.key.clone()));
            }
        }
        Trigger::Newest { prefix, .. } => {
            let given = event.pointer("/schedule/prefix").and_then(Value::as_str);
            assert_eq!(prefix, given.unwrap_or(UPLOADS));
        }
        Trigger::Configured { key, .. } => assert!(!key.is_empty()),
        Trigger::Test => {}
    }
}

/// Written and read again it is the same.
fn again<T>(bytes: &[u8]) -> Option<T>
where
    T: serde::Serialize + for<'de> serde::Deserialize<'de> + Debug,
{
    let found: T = serde_json::from_slice(bytes).ok()?;
    let once = serde_json::to_vec(&found).unwrap();
    let read: T = serde_json::from_slice(&once).unwrap();
    assert_eq!(serde_json::to_vec(&read).unwrap(), once);
    Some(found)
}

fn stays_in(key: &str, folder: &str) {
    let name = key.strip_prefix(folder).unwrap();
    assert!(
        !name.contains(['/', '\\', '\0']) && !name.starts_with('.'),
        "{key}"
    );
}

fuzz_target!(|input: &[u8]| {
    let Ok(value) = serde_json::from_slice::<Value>(input) else {
        return;
    };
    event(&value);
    again::<Request>(input);
    again::<Ledger>(input);
    again::<Champion>(input);
    if let Some(state) = again::<RunState>(input)
        && Layout::is_name(&state.run.run_id)
    {
        let folder = format!("runs/{}/", state.run.run_id);
        stays_in(&Layout::new(&state.run.run_id).key(Part::Segments), &folder);
    }
    if let Some(tombstones) = again::<Tombstones>(input) {
        for text in ["", "12346", "a,12346,\"guest-1\",é 7\u{fffd}"] {
            tombstones.are_mentioned_in(text);
        }
    }
    let run_id = value.get("run_id").and_then(Value::as_str).unwrap_or("r");
    if Layout::is_name(run_id) {
        match Manifest::read(input, run_id) {
            Ok(manifest) => {
                assert_eq!(manifest.run.run_id, run_id);
                for artifact in manifest.artifacts.values() {
                    stays_in(&artifact.key, &format!("runs/{run_id}/"));
                }
                let once = serde_json::to_vec(&manifest).unwrap();
                let again = Manifest::read(&once, run_id).unwrap();
                assert_eq!(serde_json::to_vec(&again).unwrap(), once);
            }
            Err(error) => {
                assert_eq!(error.name(), "Insiders.Corrupt");
                check(&error);
            }
        }
    }
    match RunIndex::read(input) {
        Ok(index) => {
            for run in &index.runs {
                let key = Layout::new(&run.run_id).key(Part::Manifest);
                stays_in(&key, &format!("runs/{}/", run.run_id));
                stays_in(&run.run_id, "");
            }
        }
        Err(error) => check(&error),
    }
});
