//! `segments.parquet`: features, embedding and segment of each customer.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;

use super::features::{append, batches, column, columns, fields, reals, texts, wrong_type};
use super::{read_batches, value};
use crate::features::{Features, pick};
use crate::segments::next_step::{NextStep, Purchase};
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
    /// What would bring the customer into the first segment, or keeps one there.
    pub next_step: Vec<NextStep>,
}

impl SegmentRows {
    /// Takes other customers' rows in behind these.
    pub fn append(&mut self, other: Self) {
        self.features.append(other.features);
        self.embedding_x.extend(other.embedding_x);
        self.embedding_y.extend(other.embedding_y);
        self.label.extend(other.label);
        self.segment.extend(other.segment);
        self.next_step.extend(other.next_step);
    }

    /// The rows at `rows`, in that order; of columns that are empty nothing.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            features: self.features.select(rows),
            embedding_x: pick(&self.embedding_x, rows),
            embedding_y: pick(&self.embedding_y, rows),
            label: pick(&self.label, rows),
            segment: pick(&self.segment, rows),
            next_step: pick(&self.next_step, rows),
        }
    }
}

/// Columns of the table.
pub fn segments_schema() -> SchemaRef {
    let mut all = fields();
    all.extend([
        Field::new("embedding_x", DataType::Float64, false),
        Field::new("embedding_y", DataType::Float64, false),
        Field::new("label", DataType::Int32, false),
        Field::new("segment", DataType::Utf8, false),
        Field::new("next_step", DataType::Utf8, true),
        Field::new("next_step_pieces", DataType::Int64, true),
        Field::new("next_step_spend", DataType::Float64, true),
        Field::new("keep", DataType::Utf8, true),
    ]);
    Arc::new(Schema::new(all))
}

/// The rows as batches of [`segments_schema`].
pub fn segments_batches(rows: &SegmentRows) -> impl Iterator<Item = Result<RecordBatch>> {
    let schema = segments_schema();
    batches(0..rows.features.len()).map(move |range| {
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
        let steps = rows.next_step.get(range).unwrap_or_default();
        all.extend(step_columns(steps));
        RecordBatch::try_new(Arc::clone(&schema), all).map_err(|e| Error::Internal(e.to_string()))
    })
}

fn step_columns(steps: &[NextStep]) -> [ArrayRef; 4] {
    let texts = |of: fn(&NextStep) -> Option<&str>| -> ArrayRef {
        Arc::new(steps.iter().map(of).collect::<StringArray>())
    };
    let purchases = || steps.iter().map(|step| step.purchase);
    [
        texts(|step| step.text.as_deref()),
        Arc::new(
            purchases()
                .map(|p| p.map(|p| p.pieces))
                .collect::<Int64Array>(),
        ),
        Arc::new(
            purchases()
                .map(|p| p.map(|p| p.spend))
                .collect::<Float64Array>(),
        ),
        texts(|step| step.keep.as_deref()),
    ]
}

/// The steps of a batch; none where the table was written before there were any.
fn steps(batch: &RecordBatch, object: &str) -> Result<Vec<NextStep>> {
    let column = |name: &str| batch.column_by_name(name);
    let text = |name: &str| -> Result<Vec<Option<String>>> {
        let Some(column) = column(name) else {
            return Ok(vec![None; batch.num_rows()]);
        };
        let texts = column
            .as_string_opt::<i32>()
            .ok_or_else(|| wrong_type(name, object))?;
        Ok(texts.iter().map(|text| text.map(str::to_owned)).collect())
    };
    let purchases: Vec<Option<Purchase>> = match (
        column("next_step_pieces").map(|c| c.as_primitive_opt::<Int64Type>()),
        column("next_step_spend").map(|c| c.as_primitive_opt::<Float64Type>()),
    ) {
        (None, None) => vec![None; batch.num_rows()],
        (Some(Some(pieces)), Some(Some(spend))) => pieces
            .iter()
            .zip(spend)
            .map(|(pieces, spend)| {
                Some(Purchase {
                    pieces: pieces?,
                    spend: spend?,
                })
            })
            .collect(),
        _ => return Err(wrong_type("next_step_pieces or next_step_spend", object)),
    };
    let texts = text("next_step")?.into_iter().zip(text("keep")?);
    let steps = texts.zip(purchases);
    Ok(steps
        .map(|((text, keep), purchase)| NextStep {
            text,
            purchase,
            keep,
        })
        .collect())
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
        rows.next_step.extend(steps(&batch, object)?);
    }
    Ok(rows)
}
