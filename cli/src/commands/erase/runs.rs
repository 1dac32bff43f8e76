//! The artifacts of the runs.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shared::contracts::{Artifact, Layout, Manifest, Part};
use shared::erasure::{Ids, without};
use shared::features::pick;
use shared::segments::rules::{Measured, Rule};
use shared::segments::{Profile, Segment};
use shared::store::{Pending, Store, sha256};
use shared::tables::{SegmentRows, read_segments};
use shared::{Error, Result};

use super::report::Report;

/// Tables that know customers, and the column that does.
const TABLES: [(Part, &str); 4] = [
    (Part::Transactions, "customer_id"),
    (Part::Quarantine, "raw"),
    (Part::Features, "customer_id"),
    (Part::Segments, "customer_id"),
];
const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";
const PARQUET: &str = "application/vnd.apache.parquet";

/// What a run's tables are about to be, kept beside them until the manifest says the same:
/// whoever finds a table that the manifest does not know can tell it from a damaged one.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Journal {
    tables: BTreeMap<String, Artifact>,
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

    let mut pending = Vec::new();
    let prepared = prepare(
        store,
        &layout,
        manifest.as_ref(),
        &mut journal,
        ids,
        &mut pending,
    );
    let segments = match prepared.await {
        Ok(segments) => segments,
        Err(error) => {
            for (table, _) in pending {
                table.abort().await;
            }
            return Err(error);
        }
    };
    let names_them = manifest.as_ref().is_some_and(|manifest| {
        let excluded = &manifest.run.settings.cleaning.excluded_customers;
        excluded.iter().any(|id| ids.holds(id))
    });
    if journal.tables.is_empty() && !names_them {
        if was_unfinished {
            store.remove(&journal_key, None).await?;
        }
        return Ok(());
    }
    if manifest.is_some() && !journal.tables.is_empty() {
        store.put(&journal_key, JSON, json(&journal)?).await?;
    }
    for (table, removed) in pending {
        let artifact = table.commit().await?;
        report.rewrote(&artifact.key, removed);
    }
    if let Some(manifest) = &mut manifest {
        let before: Option<Profile> = parsed(store, &layout.key(Part::Profile)).await?;
        let has_changed = journal.tables.contains_key(Part::Segments.file_name());
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

/// Writes the tables without these people; nobody sees them yet. Gives the rows of
/// segments.parquet that are left, where there are any.
async fn prepare(
    store: &Store,
    layout: &Layout<'_>,
    manifest: Option<&Manifest>,
    journal: &mut Journal,
    ids: &Ids,
    pending: &mut Vec<(Pending, u64)>,
) -> Result<Option<SegmentRows>> {
    let mut segments = None;
    for (part, column) in TABLES {
        let (key, name) = (layout.key(part), part.file_name());
        let Some(bytes) = store.table(&key).await? else {
            continue;
        };
        let found = sha256(&bytes);
        let recorded = manifest.and_then(|manifest| manifest.artifacts.get(name));
        let awaited = journal.tables.get(name);
        if recorded.is_some_and(|artifact| artifact.sha256 == found) {
            // As the manifest has it: what the journal awaited did not come to pass, or did.
            journal.tables.remove(name);
        } else if manifest.is_some() && awaited.is_none_or(|artifact| artifact.sha256 != found) {
            let reason = format!("its SHA-256 is {found}, which the run's manifest does not have");
            return Err(Error::Corrupt {
                object: key,
                reason,
            });
        }
        if part == Part::Segments {
            segments = Some(left(read_segments(bytes.clone(), &key)?, ids));
        }
        if let Some(table) = table(store, &key, column, bytes, ids).await? {
            let artifact = table.0.artifact().clone();
            journal.tables.insert(name.to_owned(), artifact);
            pending.push(table);
        }
    }
    Ok(segments)
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

fn left(rows: SegmentRows, ids: &Ids) -> SegmentRows {
    let stay: Vec<usize> = (0..)
        .zip(&rows.features.customer_id)
        .filter(|(_, id)| !ids.holds(id))
        .map(|(row, _)| row)
        .collect();
    SegmentRows {
        features: rows.features.select(&stay),
        embedding_x: pick(&rows.embedding_x, &stay),
        embedding_y: pick(&rows.embedding_y, &stay),
        label: pick(&rows.label, &stay),
        segment: pick(&rows.segment, &stay),
        next_step: pick(&rows.next_step, &stay),
    }
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
    for (name, artifact) in &journal.tables {
        let before = manifest.artifacts.insert(name.clone(), artifact.clone());
        let before = before.and_then(|artifact| artifact.rows).unwrap_or(0);
        let rows = before.saturating_sub(artifact.rows.unwrap_or(0));
        removed.insert(name.as_str(), rows);
    }
    let of = |part: Part| removed.get(part.file_name()).copied().unwrap_or(0);
    let (kept, quarantined) = (of(Part::Transactions), of(Part::Quarantine));
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
