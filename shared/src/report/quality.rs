//! From rows to customers: what was kept, dropped and quarantined.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::columns::{Check, ColumnProfile};
use crate::contracts::Manifest;
use crate::{Error, Result};

/// Samples of each reason.
const SAMPLES: usize = 3;

/// Where rows that could not be read are, never what they say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Defects(BTreeMap<String, Vec<Defect>>);

/// A row that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Defect {
    /// Key of the upload.
    pub object: String,
    /// Its line.
    pub line: u64,
    /// The column, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
}

impl Defects {
    /// Takes the first rows of each reason from a batch of `quarantine.parquet`; `object`
    /// names the table in errors.
    pub fn add(&mut self, batch: &RecordBatch, object: &str) -> Result<()> {
        let wrong = |name: &str| Error::Corrupt {
            object: object.to_owned(),
            reason: format!("it has no column '{name}' of the expected type"),
        };
        let text = |name: &str| {
            let column = batch.column_by_name(name);
            let column = column.and_then(|column| column.as_string_opt::<i32>());
            column.ok_or_else(|| wrong(name))
        };
        let (objects, columns, reasons) = (text("object")?, text("column")?, text("reason")?);
        let lines = batch.column_by_name("line");
        let lines = lines.and_then(|lines| lines.as_primitive_opt::<UInt64Type>());
        let lines = lines.ok_or_else(|| wrong("line"))?;
        let rows = objects.iter().zip(lines).zip(columns).zip(reasons);
        for (((object, line), column), reason) in rows {
            let (Some(object), Some(line), Some(reason)) = (object, line, reason) else {
                continue;
            };
            if !self.0.contains_key(reason) {
                self.0.insert(reason.to_owned(), Vec::new());
            }
            let samples = self.0.get_mut(reason);
            if let Some(samples) = samples.filter(|samples| samples.len() < SAMPLES) {
                samples.push(Defect {
                    object: object.to_owned(),
                    line,
                    column: column.map(str::to_owned),
                });
            }
        }
        Ok(())
    }

    fn of(&self, reason: &str) -> Vec<Defect> {
        self.0.get(reason).cloned().unwrap_or_default()
    }
}

/// Rows by what became of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataQuality {
    /// Data rows in the source.
    pub rows: u64,
    /// Rows that stayed after every rule.
    pub kept: u64,
    /// Rows dropped, by rule, the most first.
    pub dropped: Vec<Count>,
    /// Rows that could not be read.
    pub quarantined: u64,
    /// Largest share of them that the settings allow.
    pub max_quarantined_share: f64,
    /// They by reason, the most first, each with where some of them are.
    pub reasons: Vec<ReasonCount>,
    /// They by column, the most first.
    pub columns: Vec<Count>,
    /// Rows later than the run's moment.
    pub after_as_of: u64,
    /// Rows before the window.
    pub before_window: u64,
    /// The columns of the rows that were read.
    pub profile: Vec<Column>,
    /// What differs from the run before in the export.
    pub checks: Vec<Check>,
    /// Least and greatest quantity, price and date of the rows that were read.
    pub ranges: Value,
}

/// A column in figures. Its values stay where they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its canonical name.
    pub name: String,
    /// Rows without a value.
    pub nulls: u64,
    /// Different values, where they could be counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distinct: Option<u64>,
}

/// A name and how many there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Name of the rule or the column.
    pub name: String,
    /// Rows.
    pub rows: u64,
}

/// A reason for which rows could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReasonCount {
    /// The reason's code.
    pub name: String,
    /// Rows.
    pub rows: u64,
    /// Where some of them are.
    pub samples: Vec<Defect>,
}

/// What is read of `quality.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Told {
    dropped: BTreeMap<String, u64>,
    quarantined_by_reason: BTreeMap<String, u64>,
    quarantined_by_column: BTreeMap<String, u64>,
    column_profile: BTreeMap<String, ColumnProfile>,
    ranges: Value,
}

impl DataQuality {
    pub(super) fn of(manifest: &Manifest, quality: &Value, defects: &Defects) -> Result<Self> {
        let told = Told::deserialize(quality).map_err(|e| Error::Corrupt {
            object: "quality.json".to_owned(),
            reason: e.to_string(),
        })?;
        let counts = &manifest.counts;
        let reasons = sorted(told.quarantined_by_reason).into_iter();
        let columns = told.column_profile.into_iter();
        Ok(Self {
            rows: counts.rows_read,
            kept: counts.rows_kept,
            dropped: sorted(told.dropped),
            quarantined: counts.rows_quarantined,
            max_quarantined_share: manifest.run.settings.cleaning.max_quarantined_share,
            reasons: reasons
                .map(|Count { name, rows }| ReasonCount {
                    samples: defects.of(&name),
                    name,
                    rows,
                })
                .collect(),
            columns: sorted(told.quarantined_by_column),
            after_as_of: counts.rows_after_as_of,
            before_window: counts.rows_before_window,
            profile: columns
                .map(|(name, column)| Column {
                    name,
                    nulls: column.nulls,
                    distinct: column.distinct,
                })
                .collect(),
            checks: manifest.checks.clone(),
            ranges: told.ranges,
        })
    }
}

/// What there is any of, the most first.
fn sorted(counts: BTreeMap<String, u64>) -> Vec<Count> {
    let some = counts.into_iter().filter(|(_, rows)| *rows > 0);
    let mut counts: Vec<Count> = some.map(|(name, rows)| Count { name, rows }).collect();
    counts.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.name.cmp(&b.name)));
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::QuarantineBuilder;
    use crate::transactions::quarantine::{self, Reason};

    #[test]
    fn samples_say_where_and_never_what() {
        let mut rows = QuarantineBuilder::default();
        rows.begin("uploads/a.csv");
        for line in 2..9 {
            let defect = quarantine::Defect {
                reason: if line == 5 { Reason::Nul } else { Reason::Date },
                column: (line != 5).then_some("invoice_date"),
            };
            rows.push(line, defect, "536365,secret");
        }
        let mut defects = Defects::default();
        defects.add(&rows.finish().unwrap(), "q").unwrap();
        let lines: Vec<u64> = defects.of("date").iter().map(|d| d.line).collect();
        assert_eq!(lines, [2, 3, 4]);
        assert_eq!(defects.of("nul")[0].column, None);
        assert!(!serde_json::to_string(&defects).unwrap().contains("secret"));
    }
}
