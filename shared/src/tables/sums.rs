//! What Spark leaves of customers: their features, and what their value is worked out from.

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use bytes::Bytes;

use super::features::{append, column, reals, wrong_type};
use super::read_batches;
use crate::features::Features;
use crate::value::{Purchases, Visits};
use crate::{Error, Result};

/// Reads a table of features without values, and in the same order what those are worked out
/// from. `object` names the table in errors.
pub fn read_sums(bytes: Bytes, object: &str) -> Result<(Features, Vec<Purchases>)> {
    let (mut features, mut purchases) = (Features::default(), Vec::new());
    for batch in read_batches(bytes, object)? {
        let batch = batch?;
        let from = features.is_guest.len();
        append(&mut features, &batch, object)?;
        let guests = features.is_guest.get(from..).unwrap_or_default();
        purchases.extend(of(&batch, guests, object)?);
    }
    Ok((features, purchases))
}

fn of(batch: &RecordBatch, guests: &[bool], object: &str) -> Result<Vec<Purchases>> {
    let invoices = counts(batch, "purchases", object)?;
    let repeats = counts(batch, "repeats", object)?;
    let recency = counts(batch, "visit_recency", object)?;
    let age = counts(batch, "visit_age", object)?;
    let mean = column(batch, "mean_value", object)?;
    let mean = reals(&mean, "mean_value", object)?;
    let visits = repeats.into_iter().zip(recency).zip(age);
    let visits = visits.map(|((repeats, recency), age)| Visits {
        repeats,
        recency,
        age,
    });
    let all = guests.iter().zip(invoices).zip(visits).zip(mean);
    Ok(all
        .map(|(((&is_guest, invoices), visits), mean_value)| Purchases {
            is_guest,
            invoices,
            visits,
            mean_value,
        })
        .collect())
}

fn counts(batch: &RecordBatch, name: &str, object: &str) -> Result<Vec<u32>> {
    let column = column(batch, name, object)?;
    let column = column
        .as_primitive_opt::<Int64Type>()
        .ok_or_else(|| wrong_type(name, object))?;
    let counts = column.values().iter().map(|&n| u32::try_from(n));
    let counts: Result<Vec<u32>, _> = counts.collect();
    counts.map_err(|_| Error::Corrupt {
        object: object.to_owned(),
        reason: format!("column '{name}' has a value that is no count"),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};

    use super::super::TableWriter;
    use super::*;

    fn table(repeats: i64) -> Bytes {
        let whole = |n: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![n])) };
        let real = |x: f64| -> ArrayRef { Arc::new(Float64Array::from(vec![x])) };
        let text: ArrayRef = Arc::new(StringArray::from(vec!["7"]));
        let guest: ArrayRef = Arc::new(BooleanArray::from(vec![false]));
        let columns = [
            ("customer_id", text),
            ("is_guest", guest),
            ("gross_revenue", real(2.5)),
            ("recency_days", whole(3)),
            ("quantity_of_products", whole(4)),
            ("returns", whole(1)),
            ("frequency", real(0.5)),
            ("purchases", whole(6)),
            ("repeats", whole(repeats)),
            ("visit_recency", whole(8)),
            ("visit_age", whole(9)),
            ("mean_value", real(1.25)),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut table = TableWriter::new(Vec::new(), batch.schema()).unwrap();
        table.write(&batch).unwrap();
        table.finish().unwrap().0.into()
    }

    #[test]
    fn sums_are_read_and_what_is_no_count_is_refused() {
        let (features, purchases) = read_sums(table(5), "t").unwrap();
        assert_eq!((features.len(), features.gross_revenue[0]), (1, 2.5));
        let visits = Visits {
            repeats: 5,
            recency: 8,
            age: 9,
        };
        assert_eq!((purchases[0].invoices, purchases[0].visits), (6, visits));
        assert_eq!(purchases[0].mean_value, 1.25);
        for wrong in [-1, 1 << 40] {
            let error = read_sums(table(wrong), "t").unwrap_err().to_string();
            assert!(error.contains("'repeats'"), "{error}");
        }
    }
}
