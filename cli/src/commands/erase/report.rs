//! What an erasure did.

use std::collections::BTreeMap;
use std::fmt::Write;

use publish_to_rds::Erased;
use serde::Serialize;

/// Counts by object; no id.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// People who were to be erased.
    customers: usize,
    /// Those of them who had no tombstone in the bucket before.
    new_tombstones: usize,
    /// What the database lost, where there is one.
    pub(super) database: Option<Erased>,
    /// Rows and records removed, by object.
    removed: BTreeMap<String, u64>,
    /// Objects whose bytes are other ones now.
    rewritten: u64,
    /// Former versions of objects that were removed for good.
    versions_removed: u64,
    /// What is left to do by hand.
    notes: Vec<String>,
}

impl Report {
    pub(super) fn new(customers: usize, new_tombstones: usize) -> Self {
        Self {
            customers,
            new_tombstones,
            database: None,
            removed: BTreeMap::new(),
            rewritten: 0,
            versions_removed: 0,
            notes: Vec::new(),
        }
    }

    /// An object was written anew, without so many rows.
    pub(super) fn rewrote(&mut self, key: &str, rows: u64) {
        self.rewritten += 1;
        if rows > 0 {
            *self.removed.entry(key.to_owned()).or_default() += rows;
        }
    }

    /// A former version of an object is gone.
    pub(super) fn removed_version(&mut self) {
        self.versions_removed += 1;
    }

    /// Something is left to do by hand.
    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        // Writing to a String can't fail.
        let mut text = format!(
            "{} customers, {} of them new among the tombstones\n",
            self.customers, self.new_tombstones
        );
        if let Some(database) = &self.database {
            for (table, rows) in &database.rows {
                let _ = writeln!(text, "{rows:>10}  insiders.{table}");
            }
        }
        for (key, rows) in &self.removed {
            let _ = writeln!(text, "{rows:>10}  {key}");
        }
        let rows: u64 = self.removed.values().sum();
        let _ = write!(
            text,
            "{} rows removed from the database, {rows} from the bucket; {} objects written anew, \
             {} former versions removed",
            self.database.as_ref().map_or(0, Erased::rows_removed),
            self.rewritten,
            self.versions_removed
        );
        for note in &self.notes {
            let _ = write!(text, "\nleft to you: {note}");
        }
        text
    }
}
