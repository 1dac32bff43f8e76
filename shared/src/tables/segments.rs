//! `segments.parquet`: features, embedding and segment of each customer.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;

use super::features::{append, batches, column, columns, fields, reals, texts, wrong_type};
use super::{read_batches, value};
use crate::features::Features;
use crate::{Error, Result};

/// The table by column.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SegmentRows {
    /// The customers' features.
    pub features: Features,
    /// First coordinate of the embedding.
    pub embedding_x: Vec<f64>,
    /// Second coordinate of the embedding.
    pub embedding_y: Vec<f64>,
    /// Segment's number, the same in every run and refit.
    pub label: Vec<i32>,
    /// Segment's name.
    pub segment: Vec<String>,
}

/// Columns of the table.
pub fn segments_schema() -> SchemaRef {
    let mut all = fields();
    all.extend([
        Field::new("embedding_x", DataType::Float64, false),
        Field::new("embedding_y", DataType::Float64, false),
        Field::new("label", DataType::Int32, false),
        Field::new("segment", DataType::Utf8, false),
    ]);
    Arc::new(Schema::new(all))
}

/// The rows as batches of [`segments_schema`].
pub fn segments_batches(rows: &SegmentRows) -> impl Iterator<Item = Result<RecordBatch>> {
    let schema = segments_schema();
    batches(rows.features.len()).map(move |range| {
        let real = |column: &[f64]| -> ArrayRef {
            let values = column.get(range.clone()).unwrap_or_default();
            Arc::new(Float64Array::from_iter_values(values.iter().copied()))
        };
        let labels = rows.label.get(range.clone()).unwrap_or_default();
        let names = rows.segment.get(range.clone()).unwrap_or_default();
        let mut all = columns(&rows.features, range.clone());
        all.push(real(&rows.embedding_x));
        all.push(real(&rows.embedding_y));
        all.push(Arc::new(Int32Array::from_iter_values(
            labels.iter().copied(),
        )));
        all.push(Arc::new(StringArray::from_iter_values(names)));
        RecordBatch::try_new(Arc::clone(&schema), all).map_err(|e| Error::Internal(e.to_string()))
    })
}

/// Reads the table back. `object` names it in errors. One that was written before there were
/// values has none.
pub fn read_segments(bytes: Bytes, object: &str) -> Result<SegmentRows> {
    let mut rows = SegmentRows::default();
    for batch in read_batches(bytes, object)? {
        let batch = batch?;
        append(&mut rows.features, &batch, object)?;
        value::append_if_there(&mut rows.features.value, &batch, object)?;
        for (name, to) in [
            ("embedding_x", &mut rows.embedding_x),
            ("embedding_y", &mut rows.embedding_y),
        ] {
            to.extend(reals(&column(&batch, name, object)?, name, object)?);
        }
        let labels = column(&batch, "label", object)?;
        let labels = labels
            .as_primitive_opt::<Int32Type>()
            .ok_or_else(|| wrong_type("label", object))?;
        rows.label.extend_from_slice(labels.values());
        rows.segment.extend(texts(
            &column(&batch, "segment", object)?,
            "segment",
            object,
        )?);
    }
    Ok(rows)
}
