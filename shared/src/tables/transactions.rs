//! `transactions.parquet`: the lines that count.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::builder::{
    BooleanBuilder, Decimal128Builder, Int64Builder, StringBuilder, TimestampMillisecondBuilder,
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
    invoice_date: TimestampMillisecondBuilder,
    unit_price: Decimal128Builder,
    customer_id: StringBuilder,
    is_guest: BooleanBuilder,
    country: StringBuilder,
    rows: usize,
}

/// Prices are exact: `DECIMAL(38, 18)`.
const PRICE: DataType = DataType::Decimal128(38, Decimal::SCALE.cast_signed() as i8);
/// Parquet's coarsest timestamp: seconds would be a bare integer to every other reader. A date
/// in the shop's own time has no zone.
const MOMENT: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);

impl Default for TransactionsBuilder {
    fn default() -> Self {
        Self {
            schema: Self::schema(),
            invoice_no: StringBuilder::new(),
            stock_code: StringBuilder::new(),
            description: StringBuilder::new(),
            quantity: Int64Builder::new(),
            invoice_date: TimestampMillisecondBuilder::new(),
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
        // Dates end with the year 9999: a thousand times that is far from overflow.
        self.invoice_date
            .append_value(line.seconds.saturating_mul(1000));
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

#[cfg(test)]
mod tests {
    use ::parquet::file::reader::{FileReader, SerializedFileReader};
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Decimal128Type, TimestampMillisecondType};

    use super::super::{TableWriter, read_batches};
    use super::*;

    /// 9 December 2011, 12:50 is 1,323,435,000 seconds after 1970.
    #[test]
    fn a_date_is_a_timestamp_and_a_price_exact_to_whoever_reads_the_file() {
        let line = Line {
            invoice_no: "1",
            stock_code: "A1",
            description: Some("x"),
            quantity: 2,
            seconds: 1_323_435_000,
            unit_price: "2.55".parse().unwrap(),
            amount: "5.10".parse().unwrap(),
            customer_id: Some("7"),
            country: "UK",
        };
        let mut builder = TransactionsBuilder::default();
        builder.push(&line, "7", false);
        let mut table = TableWriter::new(Vec::new(), TransactionsBuilder::schema()).unwrap();
        table.write(&builder.finish().unwrap()).unwrap();
        let (bytes, rows) = table.finish().unwrap();
        assert_eq!(rows, 1);

        // Without the Arrow schema that our writer embeds, as another program reads it.
        let file = SerializedFileReader::new(bytes::Bytes::from(bytes.clone())).unwrap();
        let column = file.metadata().file_metadata().schema_descr().column(4);
        let logical = format!("{:?}", column.logical_type_ref());
        assert!(logical.contains("Timestamp"), "{logical}");

        let batch = read_batches(bytes::Bytes::from(bytes), "t")
            .unwrap()
            .next()
            .unwrap()
            .unwrap();
        let dates = batch.column(4).as_primitive::<TimestampMillisecondType>();
        assert_eq!(dates.value(0), 1_323_435_000_000);
        let prices = batch.column(5).as_primitive::<Decimal128Type>();
        assert_eq!(prices.value(0), 2_550_000_000_000_000_000);
    }
}
