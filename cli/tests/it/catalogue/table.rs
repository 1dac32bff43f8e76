//! What became of each file.

use std::collections::BTreeMap;

/// One file's row.
pub(super) struct Entry {
    outcome: &'static str,
    said: String,
    /// What is not as it should be.
    wrong: Vec<String>,
}

impl Entry {
    pub(super) fn refused(error: &str) -> Self {
        Self {
            outcome: "refused",
            said: error.to_owned(),
            wrong: Vec::new(),
        }
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
        Self {
            outcome: match (dropped.is_empty(), quarantined.is_empty()) {
                (_, false) => "quarantined",
                (false, true) => "dropped",
                (true, true) => "kept",
            },
            said: format!(
                "{kept} kept{}{}",
                list("dropped", dropped),
                list("quarantined", quarantined)
            ),
            wrong: Vec::new(),
        }
    }

    /// Notes what is wrong unless it `holds`.
    pub(super) fn check(&mut self, holds: bool, wrong: impl FnOnce() -> String) {
        if !holds {
            self.wrong.push(wrong());
        }
    }

    pub(super) fn note(&mut self, text: &str) {
        self.said.push_str(text);
    }
}

/// All rows, in the catalogue's order.
#[derive(Default)]
pub(super) struct Table {
    rows: Vec<(String, Entry)>,
}

impl Table {
    pub(super) fn add(&mut self, name: &str, entry: Entry) {
        self.rows.push((name.to_owned(), entry));
    }

    pub(super) fn print(&self) {
        let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
        for (name, entry) in &self.rows {
            println!("{name:<52} {:<12} {}", entry.outcome, entry.said);
            *outcomes.entry(entry.outcome).or_default() += 1;
        }
        println!("{} files: {outcomes:?}", self.rows.len());
    }

    /// Fails with every row that is not as it should be.
    pub(super) fn assert_good(&self) {
        let bad: Vec<String> = self
            .rows
            .iter()
            .filter(|(_, entry)| !entry.wrong.is_empty())
            .map(|(name, entry)| format!("{name}: {}\n    {}", entry.said, entry.wrong.join("; ")))
            .collect();
        assert!(
            bad.is_empty(),
            "{} of {} files:\n{}",
            bad.len(),
            self.rows.len(),
            bad.join("\n")
        );
    }
}
