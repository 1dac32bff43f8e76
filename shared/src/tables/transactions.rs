//! `transactions.parquet`: the lines that count.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::builder::{
    BooleanBuilder, Decimal128Builder, Int64Builder, StringBuilder, TimestampSecondBuilder,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::settings::Decimal;
use crate::transactions::line::Line;
use crate::{Error, Result};

/// Collects lines into batches.
#[derive(Debug)]
pub struct TransactionsBuilder {
    schema: SchemaRef,
    invoice_no: StringBuilder,
    stock_code: StringBuilder,
    description: StringBuilder,
    quantity: Int64Builder,
    invoice_date: TimestampSecondBuilder,
    unit_price: Decimal128Builder,
    customer_id: StringBuilder,
    is_guest: BooleanBuilder,
    country: StringBuilder,
    rows: usize,
}

/// Prices are exact: `DECIMAL(38, 18)`.
const PRICE: DataType = DataType::Decimal128(38, Decimal::SCALE.cast_signed() as i8);
/// Parquet knows milliseconds and finer; a date in the shop's own time has no zone.
const MOMENT: DataType = DataType::Timestamp(TimeUnit::Second, None);

impl Default for TransactionsBuilder {
    fn default() -> Self {
        Self {
            schema: Self::schema(),
            invoice_no: StringBuilder::new(),
            stock_code: StringBuilder::new(),
            description: StringBuilder::new(),
            quantity: Int64Builder::new(),
            invoice_date: TimestampSecondBuilder::new(),
            unit_price: Decimal128Builder::new().with_data_type(PRICE),
            customer_id: StringBuilder::new(),
            is_guest: BooleanBuilder::new(),
            country: StringBuilder::new(),
            rows: 0,
        }
    }
}

impl TransactionsBuilder {
    /// Columns of the table.
    pub fn schema() -> SchemaRef {
        let text = |name| Field::new(name, DataType::Utf8, false);
        Arc::new(Schema::new(vec![
            text("invoice_no"),
            text("stock_code"),
            text("description"),
            Field::new("quantity", DataType::Int64, false),
            Field::new("invoice_date", MOMENT, false),
            Field::new("unit_price", PRICE, false),
            text("customer_id"),
            Field::new("is_guest", DataType::Boolean, false),
            text("country"),
        ]))
    }

    /// Adds a line.
    pub fn push(&mut self, line: &Line<'_>, customer_id: &str, is_guest: bool) {
        self.invoice_no.append_value(line.invoice_no);
        self.stock_code.append_value(line.stock_code);
        self.description
            .append_value(line.description.unwrap_or_default());
        self.quantity.append_value(line.quantity);
        self.invoice_date.append_value(line.seconds);
        self.unit_price.append_value(line.unit_price.0);
        self.customer_id.append_value(customer_id);
        self.is_guest.append_value(is_guest);
        self.country.append_value(line.country);
        self.rows += 1;
    }

    /// Lines since the last batch.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The lines so far as a batch; the builder is empty again.
    pub fn finish(&mut self) -> Result<RecordBatch> {
        self.rows = 0;
        let columns: Vec<arrow_array::ArrayRef> = vec![
            Arc::new(self.invoice_no.finish()),
            Arc::new(self.stock_code.finish()),
            Arc::new(self.description.finish()),
            Arc::new(self.quantity.finish()),
            Arc::new(self.invoice_date.finish()),
            Arc::new(self.unit_price.finish()),
            Arc::new(self.customer_id.finish()),
            Arc::new(self.is_guest.finish()),
            Arc::new(self.country.finish()),
        ];
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .map_err(|e| Error::Internal(e.to_string()))
    }
}
