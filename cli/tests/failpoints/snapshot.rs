//! Everything that a run leaves, but for what tells how long it took.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::bundle::{Bundle, champion};
use shared::contracts::{Layout, Manifest, Part, RunIndex};
use shared::store::sha256;

use crate::world::World;

/// Objects by key, answers of the database by query.
pub(crate) type Snapshot = BTreeMap<String, String>;

/// Records of the database, without the moments at which they were made.
const RECORDS: [&str; 6] = [
    "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace('insiders') ORDER BY 1",
    "SELECT run_id, as_of, source, model_version, customers, row_digest, segments_sha256, \
     previous_run_id, retired_at FROM insiders.runs ORDER BY 1",
    "SELECT run_id FROM insiders.current_run",
    "SELECT from_run_id, to_run_id, forced FROM insiders.pointer_history ORDER BY move_id",
    "SELECT * FROM insiders.segment_profiles ORDER BY run_id, label",
    "SELECT * FROM insiders.migration_matrix ORDER BY 1, 2, 3, 4",
];

pub(crate) async fn of(world: &World) -> Snapshot {
    let mut all = Snapshot::new();
    for key in world.services.store.keys("").await.unwrap() {
        let bytes = world.services.store.get(&key).await.unwrap();
        let of_run = key
            .strip_prefix("runs/")
            .and_then(|key| key.split_once('/'));
        let bytes = match of_run {
            Some((_, "manifest.json")) => manifest(&bytes),
            Some((_, "report.html")) => page(&bytes),
            Some((_, part)) if is_scored_shard(part) => scored_shard(&bytes),
            _ => bytes.to_vec(),
        };
        all.insert(key, sha256(&bytes));
    }
    for query in RECORDS {
        all.insert(query.to_owned(), world.ask(query).await.join("\n"));
    }
    all
}

/// A manifest without what its stages took, and without the page's digest.
fn manifest(bytes: &[u8]) -> Vec<u8> {
    let mut manifest: Value = serde_json::from_slice(bytes).unwrap();
    for stage in manifest["stages"].as_array_mut().unwrap() {
        *stage = stage["stage"].take();
    }
    manifest["artifacts"]["report.html"].take();
    serde_json::to_vec(&manifest).unwrap()
}

fn is_scored_shard(part: &str) -> bool {
    part.starts_with("segments/") && part.ends_with(".json")
}

/// What is recorded of a shard without what it took.
fn scored_shard(bytes: &[u8]) -> Vec<u8> {
    let mut shard: Value = serde_json::from_slice(bytes).unwrap();
    shard.as_object_mut().unwrap().remove("stage").unwrap();
    serde_json::to_vec(&shard).unwrap()
}

/// A page without what the stages took.
fn page(bytes: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(bytes).unwrap();
    let (before, after) = text.split_once("\"stages\":[").unwrap();
    let (_, after) = after.split_once(']').unwrap();
    [before, after].concat().into_bytes()
}

/// How two differ, by name.
pub(crate) fn difference(expected: &Snapshot, found: &Snapshot) -> Vec<String> {
    let keys = expected.keys().chain(found.keys());
    let mut differing: Vec<String> = keys
        .filter(|key| expected.get(*key) != found.get(*key))
        .map(|key| {
            let of = |side: &Snapshot| side.get(key).cloned().unwrap_or("nothing".to_owned());
            format!("{key}: {} in place of {}", of(found), of(expected))
        })
        .collect();
    differing.sort();
    differing.dedup();
    differing
}

/// What is there holds together, whenever a run ended: a manifest's artifacts are what it
/// says, every listed run is there, and the champion can be used.
pub(crate) async fn holds_together(world: &World) -> Result<(), String> {
    let store = &world.services.store;
    let keys = store.keys("runs/").await.unwrap();
    let runs = keys.iter().filter_map(|key| key.split('/').nth(1));
    for run in runs.filter(|run| Layout::is_name(run)) {
        let key = Layout::new(run).key(Part::Manifest);
        let Some((bytes, _)) = store.get_optional(&key).await.unwrap() else {
            continue;
        };
        let manifest = Manifest::read(&bytes, run).map_err(|e| e.to_string())?;
        for artifact in manifest.artifacts.values() {
            let read = store.get_verified(artifact).await;
            read.map_err(|e| format!("{key}: {e}"))?;
        }
        let counts = manifest.counts;
        let accounted = counts.rows_kept + counts.rows_dropped + counts.rows_quarantined;
        if accounted != counts.rows_read {
            return Err(format!("{key}: {accounted} of {} rows", counts.rows_read));
        }
    }
    if let Some((index, _)) = store.get_optional(Layout::INDEX).await.unwrap() {
        for run in RunIndex::read(&index).unwrap().runs {
            let key = Layout::new(&run.run_id).key(Part::Manifest);
            if store.get_optional(&key).await.unwrap().is_none() {
                return Err(format!("run {} is listed and not there", run.run_id));
            }
        }
    }
    if let Some((champion, _)) = champion(store).await.map_err(|e| e.to_string())?
        && !champion.version.is_empty()
    {
        let loaded = Bundle::load(store, &champion.version).await;
        loaded.map_err(|e| format!("the champion: {e}"))?;
    }
    Ok(())
}
