//! `features.parquet`: one row a customer.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;

use super::{read_batches, value};
use crate::features::Features;
use crate::{Error, Result};

/// Rows of a batch that is written.
const BATCH: usize = 64 << 10;

/// Columns of the table.
pub(super) fn fields() -> Vec<Field> {
    vec![
        Field::new("customer_id", DataType::Utf8, false),
        Field::new("is_guest", DataType::Boolean, false),
        Field::new("gross_revenue", DataType::Float64, false),
        Field::new("recency_days", DataType::Int64, false),
        Field::new("quantity_of_products", DataType::Int64, false),
        Field::new("returns", DataType::Int64, false),
        Field::new("frequency", DataType::Float64, false),
    ]
    .into_iter()
    .chain(value::fields())
    .collect()
}

pub(super) fn columns(features: &Features, rows: Range<usize>) -> Vec<ArrayRef> {
    let ids = features.customer_id.get(rows.clone()).unwrap_or_default();
    let guests = features.is_guest.get(rows.clone()).unwrap_or_default();
    let whole = |column: &[i64]| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(
            column.get(rows.clone()).unwrap_or_default().iter().copied(),
        ))
    };
    let real = |column: &[f64]| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(
            column.get(rows.clone()).unwrap_or_default().iter().copied(),
        ))
    };
    let mut all: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(ids)),
        Arc::new(BooleanArray::from(guests.to_vec())),
        real(&features.gross_revenue),
        whole(&features.recency_days),
        whole(&features.quantity_of_products),
        whole(&features.returns),
        real(&features.frequency),
    ];
    all.extend(value::columns(&features.value, rows));
    all
}

/// Ranges of rows that make the batches of `rows`.
pub(super) fn batches(rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = rows.end;
    rows.step_by(BATCH)
        .map(move |from| from..end.min(from + BATCH))
}

/// Some of the features as a schema and batches.
pub fn features_batches(
    features: &Features,
    rows: Range<usize>,
) -> (SchemaRef, impl Iterator<Item = Result<RecordBatch>>) {
    let schema: SchemaRef = Arc::new(Schema::new(fields()));
    let of_batch = Arc::clone(&schema);
    let batches = batches(rows).map(move |rows| {
        RecordBatch::try_new(Arc::clone(&of_batch), columns(features, rows))
            .map_err(|e| Error::Internal(e.to_string()))
    });
    (schema, batches)
}

/// Reads features back. `object` names the table in errors.
pub fn read_features(bytes: Bytes, object: &str) -> Result<Features> {
    let mut features = Features::default();
    for batch in read_batches(bytes, object)? {
        let batch = batch?;
        append(&mut features, &batch, object)?;
        value::append(&mut features.value, &batch, object)?;
    }
    Ok(features)
}

pub(super) fn append(features: &mut Features, batch: &RecordBatch, object: &str) -> Result<()> {
    let column = |name: &str| column(batch, name, object);
    features
        .customer_id
        .extend(texts(&column("customer_id")?, "customer_id", object)?);
    let guests = column("is_guest")?;
    let guests = guests
        .as_boolean_opt()
        .ok_or_else(|| wrong_type("is_guest", object))?;
    features.is_guest.extend(guests.values().iter());
    for (name, to) in [
        ("recency_days", &mut features.recency_days),
        ("quantity_of_products", &mut features.quantity_of_products),
        ("returns", &mut features.returns),
    ] {
        let from = column(name)?;
        let from = from
            .as_primitive_opt::<Int64Type>()
            .ok_or_else(|| wrong_type(name, object))?;
        to.extend_from_slice(from.values());
    }
    for (name, to) in [
        ("gross_revenue", &mut features.gross_revenue),
        ("frequency", &mut features.frequency),
    ] {
        to.extend_from_slice(&reals(&column(name)?, name, object)?);
    }
    Ok(())
}

/// A column without nulls.
pub(super) fn column(batch: &RecordBatch, name: &str, object: &str) -> Result<ArrayRef> {
    let column = batch.column_by_name(name).ok_or_else(|| Error::Corrupt {
        object: object.to_owned(),
        reason: format!("column '{name}' is missing"),
    })?;
    if column.null_count() > 0 {
        return Err(Error::Corrupt {
            object: object.to_owned(),
            reason: format!("column '{name}' has nulls"),
        });
    }
    Ok(Arc::clone(column))
}

pub(super) fn texts(column: &ArrayRef, name: &str, object: &str) -> Result<Vec<String>> {
    let column = column
        .as_string_opt::<i32>()
        .ok_or_else(|| wrong_type(name, object))?;
    Ok(column.iter().flatten().map(str::to_owned).collect())
}

pub(super) fn reals(column: &ArrayRef, name: &str, object: &str) -> Result<Vec<f64>> {
    let column = column
        .as_primitive_opt::<Float64Type>()
        .ok_or_else(|| wrong_type(name, object))?;
    if column.values().iter().any(|value| !value.is_finite()) {
        return Err(Error::Corrupt {
            object: object.to_owned(),
            reason: format!("column '{name}' has a value that is not a finite number"),
        });
    }
    Ok(column.values().to_vec())
}

pub(super) fn wrong_type(name: &str, object: &str) -> Error {
    Error::Corrupt {
        object: object.to_owned(),
        reason: format!("column '{name}' has another type than expected"),
    }
}
