//! Writing and reading Parquet, the same way everywhere.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::reader::ChunkReader;
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::{Error, Result};

/// Rows of a row group: what a writer holds in memory.
const ROW_GROUP: usize = 128 << 10;
/// What is said of a table on which the decoder gave up.
const UNDECODABLE: &str = "it can't be decoded";
/// Rows of a batch that is read.
const READ_BATCH: usize = 16 << 10;

/// Writes batches as zstd-compressed Parquet. The bytes depend on the rows and the batches
/// alone.
#[derive(Debug)]
pub struct TableWriter<W: Write + Send> {
    writer: ArrowWriter<W>,
    rows: u64,
}

impl<W: Write + Send> TableWriter<W> {
    /// A table of `schema` into `sink`.
    pub fn new(sink: W, schema: SchemaRef) -> Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP))
            .set_created_by("insiders".to_owned())
            .build();
        let writer = ArrowWriter::try_new(sink, schema, Some(properties)).map_err(failed)?;
        Ok(Self { writer, rows: 0 })
    }

    /// Appends rows.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        self.writer.write(batch).map_err(failed)
    }

    /// Writes the footer; gives back the sink and the number of rows.
    pub fn finish(self) -> Result<(W, u64)> {
        let rows = self.rows;
        Ok((self.writer.into_inner().map_err(failed)?, rows))
    }
}

/// The batches of a table in memory or in a file, of which a page of each column is held at
/// a time. `object` names it in errors. The decoder panics on some damaged bytes: where panics
/// unwind, that is an error like any other.
pub fn read_batches<R: ChunkReader + 'static>(
    table: R,
    object: &str,
) -> Result<impl Iterator<Item = Result<RecordBatch>> + Send + use<R>> {
    let object = object.to_owned();
    let damaged = move |e: &dyn std::fmt::Display| Error::Corrupt {
        object: object.clone(),
        reason: e.to_string().replace('\n', " "),
    };
    let open = || {
        ParquetRecordBatchReaderBuilder::try_new(table)?
            .with_batch_size(READ_BATCH)
            .build()
    };
    let mut reader = catch_unwind(AssertUnwindSafe(open))
        .map_err(|_| damaged(&UNDECODABLE))?
        .map_err(|e| damaged(&e))?;
    let mut is_over = false;
    Ok(std::iter::from_fn(move || {
        if is_over {
            return None;
        }
        match catch_unwind(AssertUnwindSafe(|| reader.next())) {
            Ok(batch) => Some(batch?.map_err(|e| damaged(&e))),
            Err(_) => {
                is_over = true;
                Some(Err(damaged(&UNDECODABLE)))
            }
        }
    }))
}

fn failed(error: ::parquet::errors::ParquetError) -> Error {
    // The sink's own error where there is one: an upload that failed can be tried again.
    if let ::parquet::errors::ParquetError::External(source) = error {
        return match source.downcast::<std::io::Error>() {
            Ok(io) => io
                .downcast::<Error>()
                .unwrap_or_else(|io| Error::Internal(io.to_string())),
            Err(other) => Error::Internal(other.to_string()),
        };
    }
    Error::Internal(format!("writing Parquet: {error}"))
}
