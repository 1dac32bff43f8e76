//! Every file of the catalogue of bad input goes through the handlers as an upload does, and
//! ends as the catalogue says: in one clear error and nothing left behind, or with every row
//! accounted for.

mod document;
mod memory;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use insiders::local::LocalS3;
use insiders::pipeline;
use serde_json::Value;
use shared::contracts::{Layout, Mode, ObjectRef, Part, Request, RunState};
use shared::progress::Silent;
use shared::settings::Settings;
use shared::store::Store;

#[path = "../../../tests/bad-input/mod.rs"]
mod inputs;

use inputs::{Case, Depth, Expect};
use table::{Entry, Table};

/// Small models: what is looked at is whether there are any.
const SMALL: &str = "[embedding]\ntrees = 20\n[clustering]\nn_init = 5\n";
/// A line of a log, not a page.
const LONGEST_ERROR: usize = 1_200;

#[test]
fn every_file_of_the_catalogue_ends_as_it_says() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cases: Vec<Case> = inputs::all();
    assert!(cases.len() >= 100, "{} files", cases.len());
    let mut table = Table::default();
    for case in &cases {
        let (entry, bytes) = match case.depth {
            Depth::Watched(_) => continue,
            Depth::Preprocess | Depth::Whole => runtime.block_on(in_process(case)),
        };
        table.add(case, bytes, entry);
    }
    table.print();
    table.assert_good("files of the catalogue");
}

/// Runs a case on a store of its own; the bytes of its file, too.
async fn in_process(case: &Case) -> (Entry, usize) {
    let dir = tempfile::tempdir().unwrap();
    let s3 = LocalS3::start(dir.path()).await.unwrap();
    let store = pipeline::store(&s3);
    let key = format!("uploads/{}", case.name);
    let bytes = Bytes::from(case.bytes());
    let size = bytes.len();
    store.put(&key, "text/csv", bytes).await.unwrap();
    let before = files(dir.path());
    let ran = run(case, &store, &key).await;
    let entry = match ran {
        Ok((state, quality)) => done(case, &state, &quality),
        Err(error) => {
            let mut entry = refused(case, &key, error.name(), &error.to_string());
            let left: Vec<_> = files(dir.path())
                .into_iter()
                .filter(|f| !before.contains(f))
                .collect();
            entry.check(left.is_empty(), || format!("it leaves {left:?}"));
            entry
        }
    };
    s3.stop().await;
    (entry, size)
}

async fn run(case: &Case, store: &Store, key: &str) -> shared::Result<(RunState, Value)> {
    let models = if case.depth == Depth::Whole {
        SMALL
    } else {
        ""
    };
    let settings = Settings::parse(&format!("{models}{}", case.settings), &case.name)?;
    let preprocess = preprocess_to_parquet::Context {
        store: store.clone(),
        settings: Some(settings),
        progress: Arc::new(Silent),
        spark: None,
    };
    let request = Request {
        source: ObjectRef {
            bucket: store.bucket().to_owned(),
            key: key.to_owned(),
            version: None,
        },
        mode: Mode::Auto,
        as_of: None,
        force_publish: false,
        fill_history: false,
        scale: shared::contracts::Scale::default(),
    };
    let mut state = preprocess_to_parquet::handle(&preprocess, request).await?;
    let quality = store
        .get(&Layout::new(&state.run.run_id).key(Part::Quality))
        .await?;
    if case.depth == Depth::Whole {
        let embed = embed_and_cluster::Context {
            store: store.clone(),
            progress: Arc::new(Silent),
            memory: None,
        };
        state = embed_and_cluster::handle(&embed, state).await?;
    }
    Ok((state, serde_json::from_slice(&quality).unwrap()))
}

/// Holds a run that went through against what is expected of it.
fn done(case: &Case, state: &RunState, quality: &Value) -> Entry {
    let counts = &state.counts;
    let by = |rows: &Value| -> BTreeMap<String, u64> {
        let rows = rows.as_object().unwrap().iter();
        rows.map(|(name, rows)| (name.clone(), rows.as_u64().unwrap()))
            .filter(|&(_, rows)| rows > 0)
            .collect()
    };
    let (dropped, unread) = (
        by(&quality["dropped"]),
        by(&quality["quarantined_by_reason"]),
    );
    let mut entry = Entry::done(counts.rows_kept, &dropped, &unread);
    let sum = |rows: &BTreeMap<String, u64>| rows.values().sum::<u64>();
    let accounted = counts.rows_kept + sum(&dropped) + sum(&unread);
    entry.check(counts.rows_read == accounted, || {
        format!("{} rows read, {accounted} accounted for", counts.rows_read)
    });
    if case.depth == Depth::Whole {
        let figures = state.quality.as_ref().map(|q| (q.silhouette, q.inertia));
        entry.check(
            figures
                .is_some_and(|(silhouette, inertia)| silhouette.is_finite() && inertia.is_finite()),
            || format!("silhouette and inertia are {figures:?}"),
        );
    }
    match &case.expect {
        Expect::Refused(words) => entry.check(false, || format!("it should be refused: {words:?}")),
        Expect::Done {
            kept,
            dropped: drops,
            quarantined,
        } => {
            let named = |rows: &[(&str, u64)]| -> BTreeMap<String, u64> {
                rows.iter()
                    .map(|&(name, rows)| (name.to_owned(), rows))
                    .collect()
            };
            let expected = (*kept, named(drops), named(quarantined));
            entry.check(expected == (counts.rows_kept, dropped, unread), || {
                format!("expected are {expected:?}")
            });
        }
    }
    entry
}

/// Holds an error against what is expected: `object` is what it has to name.
fn refused(case: &Case, object: &str, name: &str, error: &str) -> Entry {
    let mut entry = Entry::refused(error);
    entry.check(name == "Insiders.BadInput", || {
        format!("the error is {name}")
    });
    entry.check(error.contains(object), || {
        "the object is not named".to_owned()
    });
    entry.check(!error.chars().any(char::is_control), || {
        "it is not one printable line".to_owned()
    });
    entry.check(error.len() <= LONGEST_ERROR, || {
        format!("it has {} bytes", error.len())
    });
    match &case.expect {
        Expect::Refused(words) => {
            for word in words {
                entry.check(error.contains(word), || format!("'{word}' is not in it"));
            }
        }
        Expect::Done { kept, .. } => entry.check(false, || format!("{kept} rows should be kept")),
    }
    entry
}

/// Every file beneath a folder that is data: not the server's own notes.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![dir.join(".store")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found
}
