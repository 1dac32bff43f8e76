//! Rows of `segments.parquet` in the binary form of Postgres' COPY.

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float64Type, Int32Type, Int64Type};
use arrow_array::{
    Array, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use bytes::{BufMut, BytesMut};
use shared::{Error, Result};

use crate::digest::{COLUMNS, OPTIONAL, RowDigest};

/// What a binary COPY begins with: signature, flags, length of the extension.
pub(crate) const HEADER: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What it ends with.
pub(crate) const TRAILER: &[u8; 2] = &[0xff, 0xff];

/// One batch by column; checked once, so that no row can fail but for its id.
pub(crate) struct Rows<'a> {
    customer_id: &'a StringArray,
    is_guest: &'a BooleanArray,
    gross_revenue: &'a Float64Array,
    recency_days: &'a Int64Array,
    quantity_of_products: &'a Int64Array,
    returns: &'a Int64Array,
    frequency: &'a Float64Array,
    embedding_x: &'a Float64Array,
    embedding_y: &'a Float64Array,
    label: &'a Int32Array,
    value: Value<'a>,
    step: Step<'a>,
    segment: &'a StringArray,
}

/// The way to the first segment.
struct Step<'a> {
    next_step: &'a StringArray,
    pieces: &'a Int64Array,
    spend: &'a Float64Array,
    keep: &'a StringArray,
}

/// RFM and lifetime value.
struct Value<'a> {
    purchases: &'a Int64Array,
    rfm_recency: &'a Int32Array,
    rfm_frequency: &'a Int32Array,
    rfm_monetary: &'a Int32Array,
    rfm_group: &'a StringArray,
    p_alive: &'a Float64Array,
    expected_purchases: &'a Float64Array,
    clv: &'a Float64Array,
}

impl<'a> Rows<'a> {
    /// Checks names, types and the absence of nulls where there may be none. `object` names the table in errors.
    pub(crate) fn of(batch: &'a RecordBatch, object: &str) -> Result<Self> {
        let found = Find { batch, object };
        Ok(Self {
            customer_id: found.text("customer_id")?,
            is_guest: found.column("is_guest", |array| array.as_boolean_opt())?,
            gross_revenue: found.number::<Float64Type>("gross_revenue")?,
            recency_days: found.number::<Int64Type>("recency_days")?,
            quantity_of_products: found.number::<Int64Type>("quantity_of_products")?,
            returns: found.number::<Int64Type>("returns")?,
            frequency: found.number::<Float64Type>("frequency")?,
            embedding_x: found.number::<Float64Type>("embedding_x")?,
            embedding_y: found.number::<Float64Type>("embedding_y")?,
            label: found.number::<Int32Type>("label")?,
            value: Value {
                purchases: found.number::<Int64Type>("purchases")?,
                rfm_recency: found.number::<Int32Type>("rfm_recency")?,
                rfm_frequency: found.number::<Int32Type>("rfm_frequency")?,
                rfm_monetary: found.number::<Int32Type>("rfm_monetary")?,
                rfm_group: found.text("rfm_group")?,
                p_alive: found.real_or_null("p_alive")?,
                expected_purchases: found.real_or_null("expected_purchases")?,
                clv: found.real_or_null("clv")?,
            },
            step: Step {
                next_step: found.nullable("next_step", |array| array.as_string_opt())?,
                pieces: found.nullable("next_step_pieces", |array| array.as_primitive_opt())?,
                spend: found.real_or_null("next_step_spend")?,
                keep: found.nullable("keep", |array| array.as_string_opt())?,
            },
            segment: found.text("segment")?,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.customer_id.len()
    }

    pub(crate) fn customer_id(&self, row: usize) -> &str {
        self.customer_id.value(row)
    }

    pub(crate) fn label(&self, row: usize) -> i32 {
        self.label.value(row)
    }

    pub(crate) fn segment(&self, row: usize) -> &str {
        self.segment.value(row)
    }

    /// Appends a row to `copy` and adds it to `digest`. `bytes` is scratch space.
    pub(crate) fn send(
        &self,
        row: usize,
        copy: &mut BytesMut,
        digest: &mut RowDigest,
        bytes: &mut Vec<u8>,
    ) {
        bytes.clear();
        copy.put_i16((COLUMNS.len() + OPTIONAL.len()) as i16);
        let mut field = |value: &[u8]| {
            copy.put_i32(value.len() as i32);
            copy.put_slice(value);
            bytes.extend_from_slice(value);
        };
        // In the order of COLUMNS.
        field(self.customer_id(row).as_bytes());
        field(&[u8::from(self.is_guest.value(row))]);
        field(&self.gross_revenue.value(row).to_be_bytes());
        field(&self.recency_days.value(row).to_be_bytes());
        field(&self.quantity_of_products.value(row).to_be_bytes());
        field(&self.returns.value(row).to_be_bytes());
        field(&self.frequency.value(row).to_be_bytes());
        field(&self.embedding_x.value(row).to_be_bytes());
        field(&self.embedding_y.value(row).to_be_bytes());
        field(&self.label(row).to_be_bytes());
        let mut optional = |value: Option<&[u8]>| {
            let from = copy.len();
            copy.put_i32(value.map_or(-1, |value| value.len() as i32));
            copy.put_slice(value.unwrap_or_default());
            bytes.extend_from_slice(copy.get(from..).unwrap_or_default());
        };
        let (value, step) = (&self.value, &self.step);
        // In the order of OPTIONAL.
        optional(Some(&value.purchases.value(row).to_be_bytes()));
        optional(Some(&value.rfm_recency.value(row).to_be_bytes()));
        optional(Some(&value.rfm_frequency.value(row).to_be_bytes()));
        optional(Some(&value.rfm_monetary.value(row).to_be_bytes()));
        optional(Some(value.rfm_group.value(row).as_bytes()));
        for column in [value.p_alive, value.expected_purchases, value.clv] {
            optional(real(column, row).as_ref().map(|bytes| bytes.as_slice()));
        }
        optional(text(step.next_step, row));
        let pieces = step.pieces.is_valid(row);
        let pieces = pieces.then(|| step.pieces.value(row).to_be_bytes());
        optional(pieces.as_ref().map(|bytes| bytes.as_slice()));
        optional(real(step.spend, row).as_ref().map(|bytes| bytes.as_slice()));
        optional(text(step.keep, row));
        digest.add(bytes);
    }
}

fn real(column: &Float64Array, row: usize) -> Option<[u8; 8]> {
    let there = column.is_valid(row);
    there.then(|| column.value(row).to_be_bytes())
}

fn text(column: &StringArray, row: usize) -> Option<&[u8]> {
    column.is_valid(row).then(|| column.value(row).as_bytes())
}

/// Columns by name.
struct Find<'a, 'o> {
    batch: &'a RecordBatch,
    object: &'o str,
}

impl<'a> Find<'a, '_> {
    fn column<T>(
        &self,
        name: &str,
        cast: impl Fn(&'a dyn Array) -> Option<&'a T>,
    ) -> Result<&'a T> {
        let column = self.nullable(name, cast)?;
        let nulls = self.batch.column_by_name(name).map_or(0, Array::null_count);
        if nulls > 0 {
            return Err(self.damaged(format!("column '{name}' has nulls")));
        }
        Ok(column)
    }

    fn nullable<T>(
        &self,
        name: &str,
        cast: impl Fn(&'a dyn Array) -> Option<&'a T>,
    ) -> Result<&'a T> {
        let column = self
            .batch
            .column_by_name(name)
            .ok_or_else(|| self.damaged(format!("column '{name}' is missing")))?;
        cast(column.as_ref()).ok_or_else(|| {
            self.damaged(format!(
                "column '{name}' is of an unexpected type, {}",
                column.data_type()
            ))
        })
    }

    fn damaged(&self, reason: String) -> Error {
        Error::Corrupt {
            object: self.object.to_owned(),
            reason,
        }
    }

    fn real_or_null(&self, name: &str) -> Result<&'a Float64Array> {
        self.nullable(name, |array| array.as_primitive_opt::<Float64Type>())
    }

    fn text(&self, name: &str) -> Result<&'a StringArray> {
        self.column(name, |array| array.as_string_opt())
    }

    fn number<T: ArrowPrimitiveType>(
        &self,
        name: &str,
    ) -> Result<&'a arrow_array::PrimitiveArray<T>> {
        self.column(name, |array| array.as_primitive_opt::<T>())
    }
}
