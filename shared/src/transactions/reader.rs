//! One pass over a source: read, judge, accumulate.

use std::io::BufRead;

use super::clean::Rules;
use super::decompress;
use super::encoding;
use super::header::Header;
use super::line::{Line, LineReader, moment_of, seconds_of};
use super::quarantine::{Defect, Reason};
use super::records::{Record, Records, Shape};
use crate::contracts::{AsOf, Counts};
use crate::features::{Customers, Features, QualityReport, Tally};
use crate::settings::{Encoding, Settings};
use crate::{Error, Result};

/// Takes what the pass produces, row by row.
pub trait Sink {
    /// A line that counts, with its customer's id and whether that is a guest's.
    fn kept(&mut self, line: &Line<'_>, customer_id: &str, is_guest: bool) -> Result<()>;
    /// A row that can't be read. `raw` is its text as far as it is text.
    fn quarantined(&mut self, line: u64, defect: Defect, raw: &str) -> Result<()>;
}

/// What a whole source gave.
#[derive(Debug)]
pub struct Outcome {
    /// One row a customer.
    pub features: Features,
    /// Every count.
    pub quality: QualityReport,
    /// The same, as the manifest has it.
    pub counts: Counts,
    /// The run's moment: as given, or the last kept purchase.
    pub as_of: AsOf,
}

/// Reads `source` to its end. `object` names it in errors.
///
/// # Errors
/// [`Error::BadInput`] for a source that is no export at all, has too many rows that can't
/// be read, or leaves no customer; whatever the source or the sink fail with.
pub fn read(
    mut source: impl BufRead,
    object: &str,
    settings: &Settings,
    as_of: Option<AsOf>,
    sink: &mut impl Sink,
) -> Result<Outcome> {
    let encoding = byte_order_mark(&mut source, object, settings.source.encoding)?;
    let delimiter = settings.source.delimiter as u8;
    let mut records = Records::new(source, delimiter);
    let header = header(&mut records, object, settings, encoding)?;
    let mut pass = Pass {
        reader: LineReader::new(header, settings)?,
        rules: Rules::new(&settings.cleaning)?,
        customers: Customers::new(object, &settings.cleaning),
        tally: Tally::default(),
        encoding,
        until: as_of
            .and_then(|as_of| seconds_of(as_of.0))
            .unwrap_or(i64::MAX),
    };
    while let Some(record) = records
        .next()
        .map_err(|e| decompress::unreadable(object, e))?
    {
        pass.row(&record, sink)?;
    }
    pass.finish(object, settings, as_of)
}

/// A byte order mark wins over the settings.
fn byte_order_mark(source: &mut impl BufRead, object: &str, set: Encoding) -> Result<Encoding> {
    let start = source
        .fill_buf()
        .map_err(|e| decompress::unreadable(object, e))?;
    if start.starts_with(b"\xef\xbb\xbf") {
        source.consume(3);
        return Ok(Encoding::Utf8);
    }
    Ok(set)
}

fn header(
    records: &mut Records<impl BufRead>,
    object: &str,
    settings: &Settings,
    encoding: Encoding,
) -> Result<Header> {
    let first = records
        .next()
        .map_err(|e| decompress::unreadable(object, e))?;
    let Some(record) = first else {
        return Err(Error::bad_input(object, "the file is empty"));
    };
    let refuse = |reason: &str| Error::BadInput {
        object: object.to_owned(),
        line: Some(record.line),
        column: None,
        reason: reason.to_owned(),
    };
    match record.shape {
        Shape::UnclosedQuote => return Err(refuse("the header has a quote that is never closed")),
        Shape::TooLong => {
            return Err(refuse(
                "the header is longer than 64 KiB: is this a CSV file?",
            ));
        }
        Shape::Plain | Shape::Quoted => {}
    }
    let text = encoding::decode_lossy(record.raw, encoding);
    let delimiter = settings.source.delimiter as u8;
    Header::read(
        &text,
        record.shape,
        delimiter,
        &settings.source.columns,
        object,
    )
}

/// The state of a pass.
struct Pass {
    reader: LineReader,
    rules: Rules,
    customers: Customers,
    tally: Tally,
    encoding: Encoding,
    until: i64,
}

impl Pass {
    fn row(&mut self, record: &Record<'_>, sink: &mut impl Sink) -> Result<()> {
        self.tally.rows += 1;
        let text = encoding::decode(record.raw, self.encoding);
        let read = match (record.shape, &text) {
            (Shape::UnclosedQuote, _) => Err(Defect::of_row(Reason::UnclosedQuote)),
            (Shape::TooLong, _) => Err(Defect::of_row(Reason::TooLong)),
            (_, None) => Err(Defect::of_row(Reason::Encoding)),
            (_, Some(text)) if text.contains('\0') => Err(Defect::of_row(Reason::Nul)),
            (shape, Some(text)) => self.reader.read(text, shape),
        };
        let line = match read {
            Ok(line) => line,
            Err(defect) => {
                self.tally.quarantine(record.line, defect);
                let raw = encoding::decode_lossy(record.raw, self.encoding);
                return sink.quarantined(record.line, defect, &raw);
            }
        };
        if line.seconds > self.until {
            self.tally.after_as_of += 1;
            return Ok(());
        }
        self.tally.profile(&line);
        let Some(owner) = self.customers.attribute(&line, record.line)? else {
            self.tally.dropped.no_customer_id += 1;
            return Ok(());
        };
        let is_excluded = self.customers.is_excluded(owner);
        if !self.rules.keep(&line, is_excluded, &mut self.tally.dropped) {
            return Ok(());
        }
        let counter = match line.quantity {
            1.. => &mut self.tally.purchases,
            0 => &mut self.tally.zeros,
            _ => &mut self.tally.returns,
        };
        *counter += 1;
        self.customers.add(owner, &line)?;
        let (customer_id, is_guest) = self.customers.id(owner);
        sink.kept(&line, customer_id, is_guest)
    }

    fn finish(self, object: &str, settings: &Settings, as_of: Option<AsOf>) -> Result<Outcome> {
        let Self {
            reader,
            rules,
            customers,
            tally,
            ..
        } = self;
        if tally.rows == 0 {
            return Err(Error::bad_input(
                object,
                "there is a header but not one row",
            ));
        }
        check_share(object, &tally, settings.cleaning.max_quarantined_share)?;
        let moment = match as_of {
            Some(as_of) => Some(as_of),
            None => customers.last_purchase().and_then(moment_of).map(AsOf),
        };
        let nobody = || {
            let reason = format!(
                "no customer is left: of {} rows {} can't be read, {} are later than the as-of \
                 moment, {} were dropped by the cleaning rules and {} are kept, none a purchase",
                tally.rows,
                tally.quarantined(),
                tally.after_as_of,
                tally.dropped.total(),
                tally.kept(),
            );
            Error::bad_input(object, reason)
        };
        let Some(moment) = moment else {
            return Err(nobody());
        };
        let Some(seconds) = seconds_of(moment.0) else {
            return Err(Error::config("as-of", format!("{moment} is out of range")));
        };
        let features = customers.features(seconds)?;
        if features.is_empty() {
            return Err(nobody());
        }
        let counts = Counts {
            rows_read: tally.rows,
            rows_kept: tally.kept(),
            rows_dropped: tally.dropped.total(),
            rows_quarantined: tally.quarantined(),
            rows_after_as_of: tally.after_as_of,
            customers: features.len() as u64,
            guests: features.guests() as u64,
        };
        check_sum(&counts)?;
        let names = &reader.header().names;
        let quality = QualityReport::new(
            &tally,
            &customers,
            &features,
            rules.stock_codes_met(),
            names,
        );
        Ok(Outcome {
            features,
            quality,
            counts,
            as_of: moment,
        })
    }
}

/// A few bad rows are quarantined; too many mean that the export itself is wrong.
fn check_share(object: &str, tally: &Tally, limit: f64) -> Result<()> {
    let share = tally.quarantined() as f64 / tally.rows as f64;
    if share <= limit {
        return Ok(());
    }
    let first = tally
        .first_defect()
        .map_or_else(String::new, |(line, defect)| {
            let column = defect
                .column
                .map_or_else(String::new, |column| format!(", column {column}"));
            format!(
                "; the first is line {line}{column}: {}",
                defect.reason.text()
            )
        });
    Err(Error::bad_input(
        object,
        format!(
            "{} of {} rows ({:.1}%) can't be read, more than cleaning.max_quarantined_share \
             allows ({:.1}%){first}",
            tally.quarantined(),
            tally.rows,
            share * 100.0,
            limit * 100.0,
        ),
    ))
}

/// No row is lost: checked at run time too.
fn check_sum(counts: &Counts) -> Result<()> {
    let accounted =
        counts.rows_kept + counts.rows_dropped + counts.rows_quarantined + counts.rows_after_as_of;
    if accounted == counts.rows_read {
        return Ok(());
    }
    Err(Error::Internal(format!(
        "{} rows were read but {accounted} are accounted for",
        counts.rows_read
    )))
}
