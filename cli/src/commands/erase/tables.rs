//! The tables of a run that know customers.

use bytes::Bytes;
use shared::contracts::{Artifact, Layout, Manifest, Part, ShardTable, Shards};
use shared::store::{Store, sha256};
use shared::{Error, Result};

use super::runs::Journal;

/// Tables of every run, and the column that knows customers.
const WHOLE: [(Part, &str); 4] = [
    (Part::Transactions, "customer_id"),
    (Part::Quarantine, "raw"),
    (Part::Features, "customer_id"),
    (Part::Segments, "customer_id"),
];
/// Lists of tables of runs in shards.
const LISTS: [(Part, ShardTable); 2] = [
    (Part::Shards, ShardTable::Features),
    (Part::ScoredShards, ShardTable::Segments),
];

/// A table.
pub(super) struct Table {
    /// Its key within the run's folder.
    pub(super) name: String,
    pub(super) key: String,
    pub(super) column: &'static str,
    /// What the manifest, or the list that it names, says of it.
    pub(super) recorded: Option<Artifact>,
    /// Whether something records it at all, once the run is complete.
    pub(super) is_recorded: bool,
    /// Whether its rows are customers with their segments.
    pub(super) has_segments: bool,
}

/// A list of tables, as it is stored.
pub(super) struct List {
    part: Part,
    shards: Shards,
}

/// The tables of a run, and the lists that some of them are in.
pub(super) async fn of_run(
    store: &Store,
    run_id: &str,
    manifest: Option<&Manifest>,
    journal: &Journal,
) -> Result<(Vec<Table>, Vec<List>)> {
    let layout = Layout::new(run_id);
    let folder = format!("{}/", Layout::run(run_id));
    let recorded = |name: &str| manifest.and_then(|manifest| manifest.artifacts.get(name));
    let mut tables: Vec<Table> = WHOLE
        .iter()
        .map(|&(part, column)| Table {
            name: part.file_name().to_owned(),
            key: layout.key(part),
            column,
            recorded: recorded(part.file_name()).cloned(),
            is_recorded: true,
            has_segments: part == Part::Segments,
        })
        .collect();
    let mut lists = Vec::new();
    for (part, kind) in LISTS {
        let key = layout.key(part);
        let Some(bytes) = store.table(&key).await? else {
            continue;
        };
        let known = [
            recorded(part.file_name()),
            journal.tables.get(part.file_name()),
        ];
        let found = sha256(&bytes);
        let is_known = known.into_iter().flatten().any(|list| list.sha256 == found);
        if manifest.is_some() && !is_known {
            let reason = format!("its SHA-256 is {found}, which the run's manifest does not have");
            return Err(Error::Corrupt {
                object: key,
                reason,
            });
        }
        let shards = Shards::read(&bytes, &key, run_id, kind)?;
        tables.extend(shards.0.iter().map(|shard| Table {
            name: relative(&shard.table.key, &folder),
            key: shard.table.key.clone(),
            column: "customer_id",
            recorded: Some(shard.table.clone()),
            is_recorded: true,
            has_segments: kind == ShardTable::Segments,
        }));
        lists.push(List { part, shards });
    }
    // What Spark left, and shards that no list names yet: nothing records them.
    for key in store.keys(&folder).await? {
        let name = relative(&key, &folder);
        if name.ends_with(".parquet") && tables.iter().all(|table| table.name != name) {
            let is_raw = name.contains("quarantine/");
            tables.push(Table {
                column: if is_raw { "raw" } else { "customer_id" },
                name,
                key,
                recorded: None,
                is_recorded: false,
                has_segments: false,
            });
        }
    }
    Ok((tables, lists))
}

fn relative(key: &str, folder: &str) -> String {
    key.strip_prefix(folder).unwrap_or(key).to_owned()
}

impl List {
    /// The list as it is once the tables are what `journal` awaits; `None` if that is the same.
    pub(super) fn after(
        mut self,
        run_id: &str,
        journal: &Journal,
    ) -> Result<Option<(Part, Artifact, Bytes)>> {
        let folder = format!("{}/", Layout::run(run_id));
        let mut has_changed = false;
        for shard in &mut self.shards.0 {
            if let Some(awaited) = journal.tables.get(&relative(&shard.table.key, &folder)) {
                has_changed |= *awaited != shard.table;
                shard.table = awaited.clone();
            }
        }
        if !has_changed {
            return Ok(None);
        }
        let json = serde_json::to_vec(&self.shards).map_err(|e| Error::Internal(e.to_string()))?;
        let artifact = Artifact {
            key: Layout::new(run_id).key(self.part),
            bytes: json.len() as u64,
            sha256: sha256(&json),
            rows: Some(self.shards.rows()),
        };
        Ok(Some((self.part, artifact, Bytes::from(json))))
    }
}
