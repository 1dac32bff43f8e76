//! What became of each file.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::document;
use super::inputs::Case;
use crate::parts::tally;

/// One file's row.
pub(super) struct Entry {
    outcome: &'static str,
    said: String,
    /// What is measured, and so differs from run to run.
    note: String,
    /// What is not as it should be.
    wrong: Vec<String>,
}

impl Entry {
    pub(super) fn refused(error: &str) -> Self {
        Self::of("refused", error.to_owned())
    }

    pub(super) fn done(
        kept: u64,
        dropped: &BTreeMap<String, u64>,
        quarantined: &BTreeMap<String, u64>,
    ) -> Self {
        let list = |what: &str, rows: &BTreeMap<String, u64>| -> String {
            let rows = rows.iter();
            rows.map(|(name, rows)| format!(", {rows} {what} ({name})"))
                .collect()
        };
        let outcome = match (dropped.is_empty(), quarantined.is_empty()) {
            (_, false) => "quarantined",
            (false, true) => "dropped",
            (true, true) => "kept",
        };
        let (dropped, quarantined) = (list("dropped", dropped), list("quarantined", quarantined));
        Self::of(outcome, format!("{kept} kept{dropped}{quarantined}"))
    }

    fn of(outcome: &'static str, said: String) -> Self {
        Self {
            outcome,
            said,
            note: String::new(),
            wrong: Vec::new(),
        }
    }

    /// Notes what is wrong unless it `holds`.
    pub(super) fn check(&mut self, holds: bool, wrong: impl FnOnce() -> String) {
        if !holds {
            self.wrong.push(wrong());
        }
    }

    pub(super) fn note(&mut self, text: String) {
        self.note = text;
    }
}

struct Row {
    theme: &'static str,
    name: String,
    /// What the file is.
    about: String,
    entry: Entry,
}

/// All rows, in the catalogue's order.
#[derive(Default)]
pub(super) struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// The row of a file of so many bytes.
    pub(super) fn add(&mut self, case: &Case, bytes: usize, entry: Entry) {
        let mut about = if case.about.is_empty() {
            document::size(bytes)
        } else {
            document::cell(&case.about)
        };
        if !case.settings.is_empty() {
            let settings = case.settings.trim().replace('\n', " ");
            let _ = write!(about, "; {}", document::cell(&settings)); // to a String
        }
        self.rows.push(Row {
            theme: case.theme,
            name: case.name.clone(),
            about,
            entry,
        });
    }

    pub(super) fn print(&self) {
        for Row { name, entry, .. } in &self.rows {
            let Entry {
                outcome,
                said,
                note,
                ..
            } = entry;
            println!("{name:<52} {outcome:<12} {said}{note}");
        }
        println!("{}", self.summary());
    }

    fn summary(&self) -> String {
        let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
        for row in &self.rows {
            *outcomes.entry(row.entry.outcome).or_default() += 1;
        }
        let counts: Vec<String> = outcomes
            .iter()
            .map(|(outcome, files)| format!("{files} {outcome}"))
            .collect();
        format!("{} files: {}", self.rows.len(), counts.join(", "))
    }

    /// Fails with every row that is not as it should be, and where the document's `part` has
    /// other rows.
    pub(super) fn assert_good(&self, part: &str) {
        let bad: Vec<String> = self
            .rows
            .iter()
            .filter(|row| !row.entry.wrong.is_empty())
            .map(|Row { name, entry, .. }| {
                format!("{name}: {}\n    {}", entry.said, entry.wrong.join("; "))
            })
            .collect();
        assert!(
            bad.is_empty(),
            "{} of {} files:\n{}",
            bad.len(),
            self.rows.len(),
            bad.join("\n")
        );
        tally(
            "a bad file ends in one error, or with every row accounted for",
            part,
            self.rows.len(),
            &self.summary(),
        );
        document::hold(part, &self.markdown());
    }

    fn markdown(&self) -> String {
        let mut text = format!("{}.\n", self.summary());
        let mut theme = "";
        for row in &self.rows {
            if row.theme != theme {
                theme = row.theme;
                let head =
                    "| file | what it is | outcome | what is said |\n| --- | --- | --- | --- |";
                let _ = write!(text, "\n### {theme}\n{head}\n"); // to a String
            }
            let Row {
                name, about, entry, ..
            } = row;
            // Every error begins with the object that it is about.
            let object = format!("uploads/{name}");
            let said = entry.said.split_once(&object);
            let said = said.map_or(entry.said.as_str(), |(_, after)| {
                after.trim_start_matches([':', ',', ' '])
            });
            let (outcome, said) = (entry.outcome, document::cell(said));
            let _ = writeln!(text, "| {name} | {about} | {outcome} | {said} |"); // to a String
        }
        text
    }
}
