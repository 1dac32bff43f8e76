//! `quarantine.parquet`: rows that can't be read.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::builder::{StringBuilder, UInt64Builder};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::transactions::quarantine::Defect;
use crate::{Error, Result};

/// Collects rows into batches.
#[derive(Debug, Default)]
pub struct QuarantineBuilder {
    source: String,
    object: StringBuilder,
    line: UInt64Builder,
    column: StringBuilder,
    reason: StringBuilder,
    raw: StringBuilder,
    rows: usize,
    bytes: usize,
}

impl QuarantineBuilder {
    /// The rows to come are of `source`.
    pub fn begin(&mut self, source: &str) {
        source.clone_into(&mut self.source);
    }

    /// Columns of the table.
    pub fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("object", DataType::Utf8, false),
            Field::new("line", DataType::UInt64, false),
            Field::new("column", DataType::Utf8, true),
            Field::new("reason", DataType::Utf8, false),
            Field::new("raw", DataType::Utf8, false),
        ]))
    }

    /// Adds a row.
    pub fn push(&mut self, line: u64, defect: Defect, raw: &str) {
        self.object.append_value(&self.source);
        self.line.append_value(line);
        self.column.append_option(defect.column);
        self.reason.append_value(defect.reason.code());
        self.raw.append_value(raw);
        self.rows += 1;
        self.bytes += raw.len();
    }

    /// Whether it is time for a batch: rows may be long.
    pub fn is_full(&self) -> bool {
        self.rows >= 16 << 10 || self.bytes >= 4 << 20
    }

    /// The rows so far as a batch; the builder is empty again.
    pub fn finish(&mut self) -> Result<RecordBatch> {
        (self.rows, self.bytes) = (0, 0);
        let columns: Vec<arrow_array::ArrayRef> = vec![
            Arc::new(self.object.finish()),
            Arc::new(self.line.finish()),
            Arc::new(self.column.finish()),
            Arc::new(self.reason.finish()),
            Arc::new(self.raw.finish()),
        ];
        RecordBatch::try_new(Self::schema(), columns).map_err(|e| Error::Internal(e.to_string()))
    }
}
