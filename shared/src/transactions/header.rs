//! Finds the configured columns in an export's first record.

use super::fields::Fields;
use super::records::Shape;
use crate::columns::simple;
use crate::settings::Columns;
use crate::{Error, Result};

/// Where each column stands, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub struct Header {
    pub invoice_no: usize,
    pub stock_code: usize,
    pub description: usize,
    pub quantity: usize,
    pub invoice_date: usize,
    pub unit_price: usize,
    pub customer_id: usize,
    pub country: usize,
    /// Every column's name as the export has it, in its order.
    pub names: Vec<String>,
}

/// More columns than any export has.
const MAX_COLUMNS: usize = 1000;

impl Header {
    /// Reads the header `record` of `object`.
    pub fn read(
        record: &str,
        shape: Shape,
        delimiter: u8,
        columns: &Columns,
        object: &str,
    ) -> Result<Self> {
        let mut fields = Fields::default();
        let count = fields.split(record, delimiter, shape, MAX_COLUMNS);
        if count > MAX_COLUMNS {
            let reason = format!("the header has {count} columns, more than {MAX_COLUMNS}");
            return Err(Error::bad_input(object, reason));
        }
        let names: Vec<String> = (0..count)
            .map(|i| fields.get(record, i).trim().to_owned())
            .collect();
        let find = |column: &str| {
            let mut places = names.iter().enumerate().filter(|(_, name)| *name == column);
            match (places.next(), places.next()) {
                (Some((index, _)), None) => Ok(index),
                (None, _) if names.iter().any(|name| is_value(name)) => Err(Error::bad_input(
                    object,
                    format!(
                        "column '{column}' is missing and the first line holds values: put the \
                         columns' names there"
                    ),
                )),
                (None, _) => Err(Error::bad_input(
                    object,
                    format!(
                        "column '{column}' is missing; found {}{}",
                        list(&names),
                        advice(column, &names, record, delimiter)
                    ),
                )),
                (Some(_), Some(_)) => Err(Error::bad_input(
                    object,
                    format!(
                        "column '{column}' stands there twice: remove one, or set the other's \
                         name under source.columns"
                    ),
                )),
            }
        };
        Ok(Self {
            invoice_no: find(&columns.invoice_no)?,
            stock_code: find(&columns.stock_code)?,
            description: find(&columns.description)?,
            quantity: find(&columns.quantity)?,
            invoice_date: find(&columns.invoice_date)?,
            unit_price: find(&columns.unit_price)?,
            customer_id: find(&columns.customer_id)?,
            country: find(&columns.country)?,
            names,
        })
    }

    /// Fields of every record.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are no columns.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// Whether this is a number or a date and no column's name: a row that an error must not show.
fn is_value(name: &str) -> bool {
    name.bytes().any(|byte| byte.is_ascii_digit()) && !name.chars().any(char::is_alphabetic)
}

/// Names for an error: printable, on one line, not too many.
fn list(names: &[String]) -> String {
    let mut text: Vec<String> = names
        .iter()
        .take(20)
        .map(|name| {
            let shown: String = name
                .chars()
                .take(40)
                .map(|c| if c.is_control() { '\u{fffd}' } else { c })
                .collect();
            format!("'{shown}'")
        })
        .collect();
    if names.len() > text.len() {
        text.push(format!("and {} more", names.len() - text.len()));
    }
    text.join(", ")
}

fn advice(column: &str, names: &[String], record: &str, delimiter: u8) -> String {
    let like = |name: &&String| simple(name) == simple(column);
    if let Some(name) = names.iter().find(like) {
        let found = list(std::slice::from_ref(name));
        return format!(": is it {found}? set its name under source.columns");
    }
    let count = names.len();
    let other = [b';', b'\t', b'|', b','].into_iter().find(|&candidate| {
        candidate != delimiter && record.bytes().filter(|&byte| byte == candidate).count() >= 2
    });
    match other {
        Some(other) if count <= 2 => {
            let shown = char::from(other).escape_default();
            format!(": the delimiter looks like '{shown}', set source.delimiter")
        }
        _ => ": set its name under source.columns".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(record: &str) -> Result<Header> {
        Header::read(record, Shape::Plain, b',', &Columns::default(), "f.csv")
    }

    #[test]
    fn columns_stand_in_any_order_among_others() {
        let header = read(
            "Country,CustomerID,UnitPrice,x,InvoiceDate,Quantity, Description ,StockCode,InvoiceNo",
        )
        .unwrap();
        assert_eq!(
            (header.country, header.invoice_no, header.description),
            (0, 8, 6)
        );
        assert_eq!(header.len(), 9);
    }

    #[test]
    fn a_missing_column_is_named_with_what_was_found() {
        let error = read("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,CustomerID,Country")
            .unwrap_err()
            .to_string();
        assert!(error.contains("'UnitPrice' is missing"), "{error}");
        assert!(error.contains("'CustomerID'"), "{error}");
    }

    #[test]
    fn a_column_of_nearly_the_name_is_asked_about() {
        let error = read(
            "Invoice_No,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
        )
        .unwrap_err()
        .to_string();
        assert!(error.contains("is it 'Invoice_No'?"), "{error}");
    }

    #[test]
    fn a_wrong_delimiter_is_recognised() {
        let error = read("InvoiceNo;StockCode;Description;Quantity")
            .unwrap_err()
            .to_string();
        assert!(error.contains("the delimiter looks like ';'"), "{error}");
    }

    #[test]
    fn a_column_that_stands_there_twice_is_refused() {
        let error = read("InvoiceNo,StockCode,Description,Quantity,Quantity,InvoiceDate,UnitPrice,CustomerID,Country").unwrap_err();
        assert!(error.to_string().contains("'Quantity' stands there twice"));
    }
}
