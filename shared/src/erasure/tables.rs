//! A table without some rows.

use std::io::Write;

use arrow_array::RecordBatch;
use bytes::Bytes;

use crate::tables::{TableWriter, read_batches};
use crate::{Error, Result};

/// A table that was written without some rows.
#[derive(Debug)]
pub struct Kept<W> {
    /// Where it was written.
    pub sink: W,
    /// Rows that are left.
    pub rows: u64,
    /// Rows that were left out.
    pub removed: u64,
}

/// Writes the table in `bytes` without the rows whose text in `column` is refused by
/// `belongs`. With no such row nothing is written and `sink` is not called.
///
/// # Errors
/// [`Error::Corrupt`] for what is no table, or has no such column.
pub fn without<W: Write + Send>(
    bytes: &Bytes,
    object: &str,
    column: &str,
    belongs: impl Fn(&str) -> bool,
    sink: impl FnOnce() -> W,
) -> Result<Option<Kept<W>>> {
    let mut found = false;
    for batch in read_batches(bytes.clone(), object)? {
        found = texts(&batch?, column, object)?
            .iter()
            .flatten()
            .any(&belongs);
        if found {
            break;
        }
    }
    if !found {
        return Ok(None);
    }
    let mut sink = Some(sink);
    let (mut table, mut removed) = (None, 0);
    for batch in read_batches(bytes.clone(), object)? {
        let batch = batch?;
        let table = match (&mut table, sink.take()) {
            (Some(table), _) => table,
            (empty, Some(sink)) => empty.insert(TableWriter::new(sink(), batch.schema())?),
            (None, None) => return Err(Error::Internal("a table was begun twice".to_owned())),
        };
        let texts = texts(&batch, column, object)?;
        let mut from = 0;
        for (row, text) in texts.iter().enumerate() {
            if text.is_some_and(&belongs) {
                write(table, &batch, from, row)?;
                from = row + 1;
                removed += 1;
            }
        }
        write(table, &batch, from, batch.num_rows())?;
    }
    let table = table.ok_or_else(|| Error::Internal("a table lost its rows".to_owned()))?;
    let (sink, rows) = table.finish()?;
    Ok(Some(Kept {
        sink,
        rows,
        removed,
    }))
}

fn write<W: Write + Send>(
    table: &mut TableWriter<W>,
    batch: &RecordBatch,
    from: usize,
    to: usize,
) -> Result<()> {
    if from == to {
        return Ok(());
    }
    table.write(&batch.slice(from, to - from))
}

fn texts<'a>(
    batch: &'a RecordBatch,
    column: &str,
    object: &str,
) -> Result<&'a arrow_array::StringArray> {
    let found = batch.column_by_name(column);
    found
        .and_then(|column| column.as_any().downcast_ref())
        .ok_or_else(|| Error::Corrupt {
            object: object.to_owned(),
            reason: format!("it has no column '{column}' of text"),
        })
}
