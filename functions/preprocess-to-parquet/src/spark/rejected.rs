//! The table of rows that can't be read, of the parts that Spark left.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray, UInt64Array};
use bytes::Bytes;
use shared::contracts::{Artifact, Layout, Part};
use shared::store::Store;
use shared::tables::{QuarantineBuilder, TableWriter, read_batches};
use shared::{Error, Result};

use crate::pass::Written;

/// Rows of a batch.
const BATCH: usize = 16 << 10;

/// One row: which upload of the run it is of, its line, column, reason and text.
type Row = (usize, u64, Option<String>, String, String);

/// Writes quarantine.parquet in the order of `objects`, the run's uploads, and of their lines.
///
/// # Errors
/// [`Error::Corrupt`] for tables that are other than they should be, or that have other than `rows`
/// rows.
pub(super) async fn write(
    store: &Store,
    run_id: &str,
    parts: &[String],
    objects: &[&str],
    rows: u64,
) -> Result<Artifact> {
    let mut all = Vec::new();
    for key in parts {
        let Some(bytes) = store.table(key).await? else {
            continue;
        };
        read(bytes, key, objects, &mut all)?;
    }
    let key = Layout::new(run_id).key(Part::Quarantine);
    if all.len() as u64 != rows {
        return Err(Error::Corrupt {
            object: key,
            reason: format!("Spark counted {rows} rows and left {}", all.len()),
        });
    }
    all.sort_unstable();
    let mut table = TableWriter::new(Vec::new(), QuarantineBuilder::schema())?;
    for rows in all.chunks(BATCH) {
        table.write(&batch(rows, objects)?)?;
    }
    let (bytes, count) = table.finish()?;
    let table = store
        .put(&key, Written::PARQUET, Bytes::from(bytes))
        .await?;
    Ok(Artifact {
        rows: Some(count),
        ..table
    })
}

fn read(bytes: Bytes, key: &str, objects: &[&str], all: &mut Vec<Row>) -> Result<()> {
    let wrong = |reason: &str| Error::Corrupt {
        object: key.to_owned(),
        reason: reason.to_owned(),
    };
    for batch in read_batches(bytes, key)? {
        let batch = batch?;
        let text = |name: &str| -> Result<&StringArray> {
            let column = batch.column_by_name(name);
            let text = column.and_then(|column| column.as_string_opt::<i32>());
            text.ok_or_else(|| wrong("a column of text is missing"))
        };
        let lines = batch.column_by_name("line");
        let lines = lines.and_then(|column| column.as_primitive_opt::<Int64Type>());
        let lines = lines.ok_or_else(|| wrong("column 'line' is missing"))?;
        let (object, column) = (text("object")?, text("column")?);
        let (reason, raw) = (text("reason")?, text("raw")?);
        for row in 0..batch.num_rows() {
            let of = objects.iter().position(|name| *name == object.value(row));
            let of = of.ok_or_else(|| wrong("a row is of no upload of the run"))?;
            let line = u64::try_from(lines.value(row)).map_err(|_| wrong("a line is below 0"))?;
            let column = column.is_valid(row).then(|| column.value(row).to_owned());
            let (reason, raw) = (reason.value(row).to_owned(), raw.value(row).to_owned());
            all.push((of, line, column, reason, raw));
        }
    }
    Ok(())
}

fn batch(rows: &[Row], objects: &[&str]) -> Result<RecordBatch> {
    let name = |row: &Row| objects.get(row.0).copied().unwrap_or_default();
    let texts = |of: fn(&Row) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.iter().map(of)))
    };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(rows.iter().map(name))),
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.1))),
        Arc::new(
            rows.iter()
                .map(|row| row.2.as_deref())
                .collect::<StringArray>(),
        ),
        texts(|row| &row.3),
        texts(|row| &row.4),
    ];
    RecordBatch::try_new(QuarantineBuilder::schema(), columns)
        .map_err(|e| Error::Internal(e.to_string()))
}
