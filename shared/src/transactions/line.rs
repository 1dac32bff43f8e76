//! Reads the values of one record.

use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use super::fields::Fields;
use super::header::Header;
use super::quarantine::{Defect, Reason};
use super::records::Shape;
use crate::settings::{Decimal, DecimalError, Settings};
use crate::{Error, Result};

/// One invoice line, read but not yet judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub struct Line<'a> {
    pub invoice_no: &'a str,
    pub stock_code: &'a str,
    /// `None` where there is none.
    pub description: Option<&'a str>,
    /// Pieces; negative for returns.
    pub quantity: i64,
    /// Seconds since 1970 in the shop's own time.
    pub seconds: i64,
    /// In the shop's currency.
    pub unit_price: Decimal,
    /// Price times quantity, exact.
    pub amount: Decimal,
    /// `None` where there is none.
    pub customer_id: Option<&'a str>,
    pub country: &'a str,
}

/// A line's amount is below 10¹²: sums of 10⁸ of them stay exact.
const MAX_AMOUNT: i128 = 10_i128.pow(12) * Decimal::ONE;
/// Quantities are below 10¹².
const MAX_QUANTITY: i64 = 1_000_000_000_000;

/// No shop has sold anything before: an earlier year is one of two digits, or none.
const EARLIEST_YEAR: i16 = 1000;

/// Turns records into lines; keeps the buffers and the date that was read last.
#[derive(Debug)]
pub struct LineReader {
    header: Header,
    delimiter: u8,
    null_values: Vec<String>,
    longest_null: usize,
    dates: Dates,
    fields: Fields,
}

impl LineReader {
    /// A reader of records under `header`.
    pub fn new(header: Header, settings: &Settings) -> Result<Self> {
        Ok(Self {
            header,
            delimiter: settings.source.delimiter as u8,
            longest_null: settings
                .source
                .null_values
                .iter()
                .map(String::len)
                .max()
                .unwrap_or(0),
            null_values: settings.source.null_values.clone(),
            dates: Dates::new(&settings.source.date_format)?,
            fields: Fields::default(),
        })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Reads one record's values, or says what is wrong with it.
    pub fn read<'a>(&'a mut self, record: &'a str, shape: Shape) -> Result<Line<'a>, Defect> {
        let columns = self.header.len();
        if self.fields.split(record, self.delimiter, shape, columns) != columns {
            return Err(Defect::of_row(Reason::FieldCount));
        }
        let (header, fields) = (&self.header, &self.fields);
        let field = |index| fields.get(record, index);
        let missing = |column| Defect::of(column, Reason::Missing);
        let present = |text: &'a str| {
            let may_be = text.len() <= self.longest_null;
            let null = may_be && self.null_values.iter().any(|null| null == text);
            (!null && !text.is_empty()).then_some(text)
        };

        let invoice_no = field(header.invoice_no);
        if trim(invoice_no).is_empty() {
            return Err(missing("invoice_no"));
        }
        let quantity = quantity(trim(field(header.quantity)).as_bytes())
            .map_err(|reason| Defect::of("quantity", reason))?;
        let seconds = self
            .dates
            .read(trim(field(header.invoice_date)))
            .map_err(|reason| Defect::of("invoice_date", reason))?;
        let unit_price = price(trim(field(header.unit_price)).as_bytes())
            .map_err(|reason| Defect::of("unit_price", reason))?;
        let amount = unit_price
            .0
            .checked_mul(i128::from(quantity))
            .filter(|amount| amount.abs() < MAX_AMOUNT)
            .ok_or(Defect::of_row(Reason::OutOfRange))?;
        Ok(Line {
            invoice_no,
            stock_code: field(header.stock_code),
            description: present(field(header.description)),
            quantity,
            seconds,
            unit_price,
            amount: Decimal(amount),
            customer_id: present(trim(field(header.customer_id))),
            country: field(header.country),
        })
    }
}

/// `text.trim()`, which looks for all of Unicode's spaces, where there may be any.
fn trim(text: &str) -> &str {
    let is_plain = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    let bytes = text.as_bytes();
    if is_plain(bytes.first()) && is_plain(bytes.last()) {
        text
    } else {
        text.trim()
    }
}

/// A whole number, also written `6.0`.
fn quantity(text: &[u8]) -> Result<i64, Reason> {
    if text.is_empty() {
        return Err(Reason::Missing);
    }
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if (1..=12).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) {
        let value = digits
            .iter()
            .fold(0_i64, |n, &byte| n * 10 + i64::from(byte - b'0'));
        return Ok(if negative { -value } else { value });
    }
    match Decimal::parse(text) {
        Ok(decimal) if decimal.0 % Decimal::ONE == 0 => {
            let whole = i64::try_from(decimal.0 / Decimal::ONE).map_err(|_| Reason::OutOfRange)?;
            if whole.abs() < MAX_QUANTITY {
                Ok(whole)
            } else {
                Err(Reason::OutOfRange)
            }
        }
        Ok(_) | Err(DecimalError::Syntax) => Err(Reason::Quantity),
        Err(DecimalError::NotFinite) => Err(Reason::NotFinite),
        Err(DecimalError::OutOfRange) => Err(Reason::OutOfRange),
    }
}

fn price(text: &[u8]) -> Result<Decimal, Reason> {
    if text.is_empty() {
        return Err(Reason::Missing);
    }
    Decimal::parse(text).map_err(|error| match error {
        DecimalError::Syntax => Reason::UnitPrice,
        DecimalError::NotFinite => Reason::NotFinite,
        DecimalError::OutOfRange => Reason::OutOfRange,
    })
}

/// Reads dates. An invoice's lines share theirs, so the last one is remembered.
#[derive(Debug)]
struct Dates {
    format: String,
    last: String,
    seconds: i64,
}

impl Dates {
    fn new(format: &str) -> Result<Self> {
        let wrong = |reason: String| Error::config("source.date_format", reason);
        let sample = DateTime::constant(2011, 12, 9, 12, 50, 0, 0);
        let text = strtime::format(format, sample)
            .map_err(|e| wrong(format!("'{format}' is no format: {e}")))?;
        let mut dates = Self {
            format: format.to_owned(),
            last: String::new(),
            seconds: 0,
        };
        let day = sample.date().to_datetime(jiff::civil::Time::midnight());
        match dates.read(&text).map(|seconds| seconds.div_euclid(86_400)) {
            Ok(days) if Some(days) == seconds_of(day).map(|s| s.div_euclid(86_400)) => Ok(dates),
            _ => Err(wrong(format!("'{format}' does not hold a whole date"))),
        }
    }

    fn read(&mut self, text: &str) -> Result<i64, Reason> {
        if text == self.last && !text.is_empty() {
            return Ok(self.seconds);
        }
        if text.is_empty() {
            return Err(Reason::Missing);
        }
        let parts = strtime::parse(&self.format, text).map_err(|_| Reason::Date)?;
        let date = parts.to_date().map_err(|_| Reason::Date)?;
        // `%Y` takes the `11` of two digits for the year 11.
        if date.year() < EARLIEST_YEAR {
            return Err(Reason::Date);
        }
        let time = if parts.hour().is_none() {
            jiff::civil::Time::midnight()
        } else {
            parts.to_time().map_err(|_| Reason::Date)?
        };
        let seconds = seconds_of(date.to_datetime(time)).ok_or(Reason::Date)?;
        self.last.clear();
        self.last.push_str(text);
        self.seconds = seconds;
        Ok(seconds)
    }
}

/// Seconds since 1970 of a moment in the shop's own time; a part of a second is left out.
pub fn seconds_of(moment: DateTime) -> Option<i64> {
    let stamp = TimeZone::UTC.to_timestamp(moment).ok()?;
    // Before 1970 both are negative: the second began before.
    Some(stamp.as_second() - i64::from(stamp.subsec_nanosecond() < 0))
}

/// The moment of [`seconds_of`].
pub fn moment_of(seconds: i64) -> Option<DateTime> {
    jiff::Timestamp::from_second(seconds)
        .ok()
        .map(|stamp| TimeZone::UTC.to_datetime(stamp))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str =
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";

    fn reader(format: &str) -> LineReader {
        let mut settings = Settings::default();
        settings.source.date_format = format.to_owned();
        let header =
            Header::read(HEADER, Shape::Plain, b',', &settings.source.columns, "f").unwrap();
        LineReader::new(header, &settings).unwrap()
    }

    fn defect(record: &str) -> (Reason, Option<&'static str>) {
        let shape = if record.contains('"') {
            Shape::Quoted
        } else {
            Shape::Plain
        };
        let defect = reader("%m/%d/%Y %H:%M").read(record, shape).unwrap_err();
        (defect.reason, defect.column)
    }

    #[test]
    fn a_line_is_read() {
        let mut reader = reader("%m/%d/%Y %H:%M");
        let line = reader
            .read(
                "C536379,D,Discount,-1,12/1/2010 9:41,27.5, 14527 ,United Kingdom",
                Shape::Plain,
            )
            .unwrap();
        assert_eq!(line.quantity, -1);
        assert_eq!(line.unit_price, "27.5".parse().unwrap());
        assert_eq!(line.amount, "-27.5".parse().unwrap());
        assert_eq!(line.customer_id, Some("14527"));
        assert_eq!(
            moment_of(line.seconds).unwrap().to_string(),
            "2010-12-01T09:41:00"
        );
    }

    #[test]
    fn missing_description_and_customer_are_no_defect() {
        for null in ["", "NaN", "NULL", "n/a"] {
            let mut reader = reader("%m/%d/%Y %H:%M");
            let record = format!("1,2,{null},1,1/1/2011 0:00,1,{null},UK");
            let line = reader.read(&record, Shape::Plain).unwrap();
            assert_eq!((line.description, line.customer_id), (None, None), "{null}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_column() {
        let row = |quantity: &str, date: &str, price: &str| {
            defect(&format!("1,2,d,{quantity},{date},{price},3,UK"))
        };
        let day = "1/31/2011 0:00";
        assert_eq!(defect("1,2,3"), (Reason::FieldCount, None));
        assert_eq!(defect("1,2,3,4,5,6,7,8,9"), (Reason::FieldCount, None));
        assert_eq!(
            defect(&format!(",2,d,1,{day},1,3,UK")),
            (Reason::Missing, Some("invoice_no"))
        );
        assert_eq!(row("12x", day, "1"), (Reason::Quantity, Some("quantity")));
        assert_eq!(row("1.5", day, "1"), (Reason::Quantity, Some("quantity")));
        assert_eq!(row("", day, "1"), (Reason::Missing, Some("quantity")));
        assert_eq!(
            row("1e15", day, "1"),
            (Reason::OutOfRange, Some("quantity"))
        );
        assert_eq!(
            row("1", "31/1/2011 0:00", "1"),
            (Reason::Date, Some("invoice_date"))
        );
        assert_eq!(
            row("1", "2/31/2011 0:00", "1"),
            (Reason::Date, Some("invoice_date"))
        );
        assert_eq!(
            row("1", "2/29/2011 0:00", "1"),
            (Reason::Date, Some("invoice_date"))
        );
        assert_eq!(
            row("1", "1/31/2011 0:00 x", "1"),
            (Reason::Date, Some("invoice_date"))
        );
        assert_eq!(
            row("1", day, "\"1,5\""),
            (Reason::UnitPrice, Some("unit_price"))
        );
        assert_eq!(
            row("1", day, "NaN"),
            (Reason::NotFinite, Some("unit_price"))
        );
        assert_eq!(
            row("1", day, "1e400"),
            (Reason::OutOfRange, Some("unit_price"))
        );
        assert_eq!(
            row("999999999999", day, "99999999"),
            (Reason::OutOfRange, None)
        );
    }

    #[test]
    fn whole_numbers_may_be_written_as_decimals() {
        assert_eq!(quantity(b"6.0"), Ok(6));
        assert_eq!(quantity(b"-6"), Ok(-6));
        assert_eq!(quantity(b"+1e2"), Ok(100));
    }

    #[test]
    fn date_formats_with_and_without_time() {
        let mut dates = Dates::new("%Y-%m-%d").unwrap();
        assert_eq!(dates.read("1970-01-02"), Ok(86_400));
        assert_eq!(dates.read("1970-01-02"), Ok(86_400));
        assert!(
            Dates::new("%Y-%m-%dT%H:%M:%S")
                .unwrap()
                .read("2011-12-09T12:50:00")
                .is_ok()
        );
        let mut fractions = Dates::new("%Y-%m-%d %H:%M:%S%.f").unwrap();
        assert_eq!(fractions.read("1970-01-01 00:00:00.5"), Ok(0));
        assert_eq!(fractions.read("1969-12-31 23:59:59.5"), Ok(-1));
        assert!(Dates::new("%H:%M").is_err());
        assert!(Dates::new("%!").is_err());
    }
}
