//! The columns of RFM and lifetime value.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float64Type, Int32Type, Int64Type};
use arrow_array::{ArrayRef, Float64Array, PrimitiveArray, RecordBatch, StringArray};
use arrow_schema::{DataType, Field};

use super::features::{column, texts, wrong_type};
use crate::value::{Group, Value};
use crate::{Error, Result};

/// The first of the columns: where it is missing, all are.
const FIRST: &str = "purchases";

pub(super) fn fields() -> [Field; 8] {
    [
        Field::new(FIRST, DataType::Int64, false),
        Field::new("rfm_recency", DataType::Int32, false),
        Field::new("rfm_frequency", DataType::Int32, false),
        Field::new("rfm_monetary", DataType::Int32, false),
        Field::new("rfm_group", DataType::Utf8, false),
        Field::new("p_alive", DataType::Float64, true),
        Field::new("expected_purchases", DataType::Float64, true),
        Field::new("clv", DataType::Float64, true),
    ]
}

pub(super) fn columns(value: &Value, rows: Range<usize>) -> [ArrayRef; 8] {
    fn whole<T: ArrowPrimitiveType>(column: &[T::Native], rows: &Range<usize>) -> ArrayRef {
        let cells = column.get(rows.clone()).unwrap_or_default().iter();
        Arc::new(PrimitiveArray::<T>::from_iter_values(cells.copied()))
    }
    let real = |column: &[Option<f64>]| -> ArrayRef {
        let cells = column.get(rows.clone()).unwrap_or_default().iter();
        Arc::new(cells.copied().collect::<Float64Array>())
    };
    let groups = value.rfm_group.get(rows.clone()).unwrap_or_default();
    [
        whole::<Int64Type>(&value.purchases, &rows),
        whole::<Int32Type>(&value.rfm_recency, &rows),
        whole::<Int32Type>(&value.rfm_frequency, &rows),
        whole::<Int32Type>(&value.rfm_monetary, &rows),
        Arc::new(StringArray::from_iter_values(
            groups.iter().map(|group| group.name()),
        )),
        real(&value.p_alive),
        real(&value.expected_purchases),
        real(&value.clv),
    ]
}

/// Appends what a table has, if it was written since there are values.
pub(super) fn append_if_there(value: &mut Value, batch: &RecordBatch, object: &str) -> Result<()> {
    match batch.column_by_name(FIRST) {
        Some(_) => append(value, batch, object),
        None => Ok(()),
    }
}

/// Appends the rows of a table.
///
/// # Errors
/// [`Error::Corrupt`] for one that was written before there were values.
pub(super) fn append(value: &mut Value, batch: &RecordBatch, object: &str) -> Result<()> {
    if batch.column_by_name(FIRST).is_none() {
        return Err(Error::Corrupt {
            object: object.to_owned(),
            reason: format!(
                "column '{FIRST}' is missing: an older version wrote it, start the run again"
            ),
        });
    }
    whole::<Int64Type>(&mut value.purchases, batch, FIRST, object)?;
    for (name, to) in [
        ("rfm_recency", &mut value.rfm_recency),
        ("rfm_frequency", &mut value.rfm_frequency),
        ("rfm_monetary", &mut value.rfm_monetary),
    ] {
        whole::<Int32Type>(to, batch, name, object)?;
    }
    let groups = column(batch, "rfm_group", object)?;
    for name in texts(&groups, "rfm_group", object)? {
        let group = Group::named(&name).ok_or_else(|| Error::Corrupt {
            object: object.to_owned(),
            reason: format!("'{name}' is no RFM group"),
        })?;
        value.rfm_group.push(group);
    }
    for (name, to) in [
        ("p_alive", &mut value.p_alive),
        ("expected_purchases", &mut value.expected_purchases),
        ("clv", &mut value.clv),
    ] {
        let from = batch.column_by_name(name).ok_or_else(|| Error::Corrupt {
            object: object.to_owned(),
            reason: format!("column '{name}' is missing"),
        })?;
        let from = from
            .as_primitive_opt::<Float64Type>()
            .ok_or_else(|| wrong_type(name, object))?;
        to.extend(from.iter());
    }
    Ok(())
}

fn whole<T: ArrowPrimitiveType>(
    to: &mut Vec<T::Native>,
    batch: &RecordBatch,
    name: &str,
    object: &str,
) -> Result<()> {
    let from = column(batch, name, object)?;
    let from = from
        .as_primitive_opt::<T>()
        .ok_or_else(|| wrong_type(name, object))?;
    to.extend_from_slice(from.values());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{TableWriter, features_batches, read_features, read_segments};
    use super::*;
    use crate::features::Features;

    fn features() -> Features {
        Features {
            customer_id: vec!["a".to_owned(), "b".to_owned()],
            is_guest: vec![false, true],
            gross_revenue: vec![1.5, 2.0],
            recency_days: vec![1, 2],
            quantity_of_products: vec![3, 4],
            returns: vec![0, 1],
            frequency: vec![0.5, 0.0],
            value: Value {
                purchases: vec![3, 1],
                rfm_recency: vec![5, 4],
                rfm_frequency: vec![5, 1],
                rfm_monetary: vec![2, 3],
                rfm_group: vec![Group::Champions, Group::PotentialLoyalists],
                p_alive: vec![Some(0.75), None],
                expected_purchases: vec![Some(2.5), None],
                clv: vec![Some(12.5), None],
            },
        }
    }

    /// The table with the first `columns` of its columns.
    fn written(columns: usize) -> bytes::Bytes {
        let features = features();
        let (schema, batches) = features_batches(&features, 0..features.len());
        let kept: Vec<usize> = (0..columns).collect();
        let schema = std::sync::Arc::new(schema.project(&kept).unwrap());
        let mut table = TableWriter::new(Vec::new(), schema).unwrap();
        for batch in batches {
            table
                .write(&batch.unwrap().project(&kept).unwrap())
                .unwrap();
        }
        table.finish().unwrap().0.into()
    }

    #[test]
    fn values_are_read_back_with_what_is_not_known() {
        assert_eq!(read_features(written(15), "t").unwrap(), features());
    }

    #[test]
    fn a_table_of_before_is_known_as_one() {
        let error = read_features(written(7), "t").unwrap_err().to_string();
        assert!(error.contains("older version"), "{error}");
        // An earlier run's segments are read for who moved: its values are not asked for.
        let error = read_segments(written(7), "t").unwrap_err().to_string();
        assert!(error.contains("embedding_x"), "{error}");
        let error = read_features(written(14), "t").unwrap_err().to_string();
        assert!(error.contains("'clv' is missing"), "{error}");
    }
}
