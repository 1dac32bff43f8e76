//! The artifacts of the runs.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shared::contracts::{Artifact, Layout, Manifest, Part};
use shared::erasure::{Ids, without};
use shared::segments::rules::{Measured, Rule};
use shared::segments::{Profile, Segment};
use shared::store::{Pending, Store, sha256};
use shared::tables::{SegmentRows, read_segments};
use shared::{Error, Result};

use super::report::Report;
use super::tables::{self, Table};

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";
const PARQUET: &str = "application/vnd.apache.parquet";

/// What a run's tables are about to be, kept beside them until the manifest says the same:
/// whoever finds a table that the manifest does not know can tell it from a damaged one.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Journal {
    pub(super) tables: BTreeMap<String, Artifact>,
    /// Rows taken out of tables that nothing records.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    unrecorded: BTreeMap<String, u64>,
}

impl Journal {
    fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.unrecorded.is_empty()
    }
}

/// A run's tables without these people, which nobody sees yet.
#[derive(Default)]
struct Prepared {
    pending: Vec<(Pending, u64)>,
    lists: Vec<(Artifact, Bytes)>,
}

/// Rewrites what the runs keep of these people, and removes every former version.
pub(super) async fn erase(store: &Store, ids: &Ids, report: &mut Report) -> Result<()> {
    let mut runs = BTreeSet::new();
    for version in store.versions("runs/").await? {
        let id = version.key.split('/').nth(1).unwrap_or_default();
        if !id.is_empty() {
            runs.insert(id.to_owned());
        }
    }
    for run_id in &runs {
        one(store, run_id, ids, report).await?;
    }
    for version in store.versions("runs/").await? {
        // A run's objects have one version that counts; the others may know these people.
        if !version.is_latest {
            store
                .remove(&version.key, version.version.as_deref())
                .await?;
            report.removed_version();
        }
    }
    Ok(())
}

/// One run: its tables, then its manifest.
async fn one(store: &Store, run_id: &str, ids: &Ids, report: &mut Report) -> Result<()> {
    let layout = Layout::new(run_id);
    let journal_key = format!("runs/{run_id}/erasure.json");
    let manifest_key = layout.key(Part::Manifest);
    let mut manifest: Option<Manifest> = parsed(store, &manifest_key).await?;
    let unfinished: Option<Journal> = parsed(store, &journal_key).await?;
    let was_unfinished = unfinished.is_some();
    let mut journal = unfinished.unwrap_or_default();

    let mut written = Prepared::default();
    let prepared = prepare(
        store,
        run_id,
        manifest.as_ref(),
        &mut journal,
        ids,
        &mut written,
    );
    let segments = match prepared.await {
        Ok(segments) => segments,
        Err(error) => {
            for (table, _) in written.pending {
                table.abort().await;
            }
            return Err(error);
        }
    };
    let names_them = manifest.as_ref().is_some_and(|manifest| {
        let excluded = &manifest.run.settings.cleaning.excluded_customers;
        excluded.iter().any(|id| ids.holds(id))
    });
    if journal.is_empty() && !names_them {
        if was_unfinished {
            store.remove(&journal_key, None).await?;
        }
        return Ok(());
    }
    if manifest.is_some() && !journal.is_empty() {
        store.put(&journal_key, JSON, json(&journal)?).await?;
    }
    for (table, removed) in written.pending {
        let artifact = table.commit().await?;
        report.rewrote(&artifact.key, removed);
    }
    for (list, json) in written.lists {
        store.put(&list.key, JSON, json).await?;
        report.rewrote(&list.key, 0);
    }
    if let Some(manifest) = &mut manifest {
        let before: Option<Profile> = parsed(store, &layout.key(Part::Profile)).await?;
        let of_segments = [Part::Segments, Part::ScoredShards];
        let mut of_segments = of_segments.iter().map(|part| part.file_name());
        let has_changed = of_segments.any(|name| journal.tables.contains_key(name));
        let changed = segments.as_ref().filter(|_| has_changed);
        if let Some(rows) = changed {
            let profile = json(&profile(rows, before.as_ref()))?;
            let artifact = store.put(&layout.key(Part::Profile), JSON, profile).await?;
            let name = Part::Profile.file_name();
            manifest.artifacts.insert(name.to_owned(), artifact);
        }
        settle(manifest, &journal, changed, ids);
        if let Some(rows) = &segments {
            let profile = profile(rows, before.as_ref());
            page(store, &layout, manifest, &profile, rows).await?;
        }
        store.put(&manifest_key, JSON, json(manifest)?).await?;
        report.rewrote(&manifest_key, 0);
        store.remove(&journal_key, None).await?;
    } else {
        // Of a run that did not come to its end; it has their points, and nobody reads it.
        let key = layout.key(Part::Report);
        if store.get_optional(&key).await?.is_some() {
            store.remove(&key, None).await?;
        }
    }
    Ok(())
}

/// The run's page, drawn up from what is left. Runs of earlier versions have none.
async fn page(
    store: &Store,
    layout: &Layout<'_>,
    manifest: &mut Manifest,
    profile: &Profile,
    rows: &SegmentRows,
) -> Result<()> {
    let name = Part::Report.file_name();
    if manifest.artifacts.contains_key(name) {
        let page = embed_and_cluster::page(store, manifest, profile, rows).await?;
        let artifact = store.put(&layout.key(Part::Report), HTML, page).await?;
        manifest.artifacts.insert(name.to_owned(), artifact);
    }
    Ok(())
}

/// Writes the tables without these people; nobody sees them yet. Gives the rows of segments that
/// are left, where there are any.
async fn prepare(
    store: &Store,
    run_id: &str,
    manifest: Option<&Manifest>,
    journal: &mut Journal,
    ids: &Ids,
    written: &mut Prepared,
) -> Result<Option<SegmentRows>> {
    let mut segments: Option<SegmentRows> = None;
    let (tables, lists) = tables::of_run(store, run_id, manifest, journal).await?;
    for Table {
        name,
        key,
        column,
        recorded,
        is_recorded,
        has_segments,
    } in tables
    {
        let Some(bytes) = store.table(&key).await? else {
            continue;
        };
        let found = sha256(&bytes);
        let awaited = journal.tables.get(&name);
        if recorded.is_some_and(|artifact| artifact.sha256 == found) {
            // As the manifest has it: what the journal awaited did not come to pass, or did.
            journal.tables.remove(&name);
        } else if is_recorded
            && manifest.is_some()
            && awaited.is_none_or(|artifact| artifact.sha256 != found)
        {
            let reason = format!("its SHA-256 is {found}, which the run's manifest does not have");
            return Err(Error::Corrupt {
                object: key,
                reason,
            });
        }
        if has_segments {
            let rows = left(&read_segments(bytes.clone(), &key)?, ids);
            segments.get_or_insert_default().append(rows);
        }
        if let Some(table) = table(store, &key, column, bytes, ids).await? {
            if is_recorded {
                let artifact = table.0.artifact().clone();
                journal.tables.insert(name, artifact);
            } else {
                journal.unrecorded.insert(name, table.1);
            }
            written.pending.push(table);
        }
    }
    for list in lists {
        if let Some((part, artifact, json)) = list.after(run_id, journal)? {
            let name = part.file_name().to_owned();
            journal.tables.insert(name, artifact.clone());
            written.lists.push((artifact, json));
        }
    }
    Ok(segments.map(|rows| match rows.features.order() {
        Some(order) => rows.select(&order),
        None => rows,
    }))
}

/// One table without these people, if they are in it, and how many rows are theirs.
async fn table(
    store: &Store,
    key: &str,
    column: &'static str,
    bytes: Bytes,
    ids: &Ids,
) -> Result<Option<(Pending, u64)>> {
    let (writer, ids, object) = (store.writer(key, PARQUET), ids.clone(), key.to_owned());
    let written = tokio::task::spawn_blocking(move || {
        let is_theirs = |text: &str| match column {
            "raw" => ids.are_mentioned_in(text),
            _ => ids.holds(text),
        };
        without(&bytes, &object, column, is_theirs, || writer)
    });
    let written = written
        .await
        .map_err(|e| Error::Internal(e.to_string()))??;
    match written {
        Some(kept) => {
            let table = kept.sink.finish(Some(kept.rows)).await?;
            Ok(Some((table, kept.removed)))
        }
        None => Ok(None),
    }
}

fn left(rows: &SegmentRows, ids: &Ids) -> SegmentRows {
    let stay: Vec<usize> = (0..)
        .zip(&rows.features.customer_id)
        .filter(|(_, id)| !ids.holds(id))
        .map(|(row, _)| row)
        .collect();
    rows.select(&stay)
}

/// The profile of those who are left, by the rules of the profile before.
fn profile(rows: &SegmentRows, before: Option<&Profile>) -> Profile {
    let numbers = rows.label.iter().map(|label| label.cast_unsigned());
    let numbers: Vec<u32> = numbers.collect();
    let known: BTreeMap<u32, &String> = numbers.iter().copied().zip(&rows.segment).collect();
    let place: BTreeMap<u32, u32> = known.keys().copied().zip(0..).collect();
    let labels: Vec<u32> = numbers
        .iter()
        .filter_map(|number| place.get(number).copied())
        .collect();
    let segments = known.into_iter().map(|(id, name)| Segment {
        id,
        name: name.clone(),
    });
    let segments: Vec<Segment> = segments.collect();
    let rule = |segment: &Segment| {
        let mut known = before.into_iter().flat_map(|profile| &profile.segments);
        let known = known.find(|profile| profile.label == segment.id)?;
        Some(known.rule.as_ref()?.rule_conditions.clone())
    };
    let rules: Option<Vec<Rule>> = segments.iter().map(rule).collect();
    let profile = Profile::of(&rows.features, &labels, &segments);
    match rules {
        Some(rules) => {
            let measured = Measured::of(&rules, &rows.features, &labels);
            profile.with_rules(&segments, &measured)
        }
        None => profile,
    }
}

/// Brings the manifest in line with the tables.
fn settle(manifest: &mut Manifest, journal: &Journal, segments: Option<&SegmentRows>, ids: &Ids) {
    let mut removed = BTreeMap::new();
    // A shard's table is in a list, which is in the manifest.
    let named = journal
        .tables
        .iter()
        .filter(|(name, _)| !name.contains('/'));
    for (name, artifact) in named {
        let before = manifest.artifacts.insert(name.clone(), artifact.clone());
        let before = before.and_then(|artifact| artifact.rows).unwrap_or(0);
        let rows = before.saturating_sub(artifact.rows.unwrap_or(0));
        removed.insert(name.as_str(), rows);
    }
    let of = |part: Part| removed.get(part.file_name()).copied().unwrap_or(0);
    let by_spark = journal.unrecorded.iter();
    let by_spark = by_spark.filter(|(name, _)| name.contains("transactions/"));
    let by_spark: u64 = by_spark.map(|(_, rows)| rows).sum();
    let (kept, quarantined) = (of(Part::Transactions) + by_spark, of(Part::Quarantine));
    let counts = &mut manifest.counts;
    counts.rows_kept = counts.rows_kept.saturating_sub(kept);
    counts.rows_quarantined = counts.rows_quarantined.saturating_sub(quarantined);
    counts.rows_read = counts.rows_read.saturating_sub(kept + quarantined);
    if let Some(rows) = segments {
        counts.customers = rows.features.len() as u64;
        counts.guests = rows.features.guests() as u64;
        manifest.customers = counts.customers;
        // The database counts and hashes its rows itself: what it said of them is past.
        manifest.publication = None;
    }
    let excluded = &mut manifest.run.settings.cleaning.excluded_customers;
    excluded.retain(|id| !ids.holds(id));
}

async fn parsed<T: DeserializeOwned>(store: &Store, key: &str) -> Result<Option<T>> {
    let Some((bytes, _)) = store.get_optional(key).await? else {
        return Ok(None);
    };
    let parsed = serde_json::from_slice(&bytes).map_err(|e| Error::Corrupt {
        object: key.to_owned(),
        reason: e.to_string(),
    })?;
    Ok(Some(parsed))
}

fn json(value: &impl Serialize) -> Result<Bytes> {
    let json = serde_json::to_vec_pretty(value).map_err(|e| Error::Internal(e.to_string()))?;
    Ok(Bytes::from(json))
}
