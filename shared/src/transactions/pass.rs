//! One pass over all uploads of a run: read, judge, accumulate.

use std::io::BufRead;

use super::ahead::{self, Read};
use super::clean::Rules;
use super::line::{Line, LineReader, moment_of, seconds_of};
use super::nobody;
use super::quarantine::{Defect, Reason};
use super::reader::{Sink, byte_order_mark, header};
use super::records::Records;
use crate::contracts::{AsOf, Counts};
use crate::erasure::Tombstones;
use crate::features::{Customers, Features, QualityReport, Tally, UploadRows};
use crate::settings::Settings;
use crate::value::Value;
use crate::{Error, Result};

const SECONDS_A_DAY: i64 = 86_400;

/// What all uploads gave.
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

/// The state between rows. What it gives depends on the rows alone, not on how they are split
/// into uploads nor, unless guests are numbered, on their order.
#[derive(Debug)]
pub struct Pass<'a> {
    settings: &'a Settings,
    as_of: Option<AsOf>,
    since: i64,
    until: i64,
    erased: Option<&'a Tombstones>,
    rules: Rules,
    customers: Customers<'a>,
    tally: Tally,
    uploads: Vec<UploadRows>,
    /// Columns of the first upload.
    source_columns: Vec<String>,
    /// Where the first row that can't be read is.
    first_bad: Option<String>,
}

impl<'a> Pass<'a> {
    /// No rows yet. Lines after `as_of` will be left out, and those of customers who were
    /// `erased`.
    pub fn new(
        settings: &'a Settings,
        as_of: Option<AsOf>,
        erased: Option<&'a Tombstones>,
    ) -> Result<Self> {
        Ok(Self {
            settings,
            as_of,
            since: i64::MIN,
            until: as_of
                .and_then(|as_of| seconds_of(as_of.0))
                .unwrap_or(i64::MAX),
            erased,
            rules: Rules::new(&settings.cleaning)?,
            customers: Customers::new(&settings.cleaning, erased),
            tally: Tally::default(),
            uploads: Vec::new(),
            source_columns: Vec::new(),
            first_bad: None,
        })
    }

    /// Leaves out lines more than `days` before `moment`, too.
    pub fn within(mut self, moment: AsOf, days: u32) -> Result<Self> {
        let end = seconds_of(moment.0).ok_or_else(|| out_of_range(moment))?;
        self.since = end.saturating_sub(i64::from(days) * SECONDS_A_DAY);
        Ok(self)
    }

    /// The last kept purchase so far.
    pub fn last_purchase(&self) -> Option<AsOf> {
        self.customers.last_purchase().and_then(moment_of).map(AsOf)
    }

    /// Reads an upload to its end. `object` names it in errors and in quarantine.
    pub fn upload(
        &mut self,
        mut source: impl BufRead + Send,
        object: &str,
        sink: &mut impl Sink,
    ) -> Result<()> {
        let settings = self.settings;
        let (encoding, _) = byte_order_mark(&mut source, object, settings.source.encoding)?;
        let mut records = Records::new(source, settings.source.delimiter as u8);
        let header = header(&mut records, object, settings, encoding)?;
        if self.uploads.is_empty() {
            self.source_columns.clone_from(&header.names);
        }
        let reader = LineReader::new(header, settings)?;
        self.customers.begin(object);
        sink.begin(object);
        let before = (self.tally.rows, self.tally.kept(), self.tally.quarantined());
        ahead::each(records, reader, encoding, object, |number, read| {
            self.tally.rows += 1;
            match read {
                Read::Line(line) => self.line(number, &line, sink),
                Read::Defect(defect, raw) => self.defect(number, defect, raw, object, sink),
            }
        })?;
        self.uploads.push(UploadRows {
            object: object.to_owned(),
            rows: self.tally.rows - before.0,
            kept: self.tally.kept() - before.1,
            quarantined: self.tally.quarantined() - before.2,
        });
        Ok(())
    }

    fn defect(
        &mut self,
        number: u64,
        defect: Defect,
        raw: &str,
        object: &str,
        sink: &mut impl Sink,
    ) -> Result<()> {
        if self
            .erased
            .is_some_and(|erased| erased.are_mentioned_in(raw))
        {
            self.tally.dropped.erased += 1;
            return Ok(());
        }
        self.tally.quarantine(number, defect);
        self.first_bad.get_or_insert_with(|| object.to_owned());
        sink.quarantined(number, defect, raw)
    }

    fn line(&mut self, number: u64, line: &Line<'_>, sink: &mut impl Sink) -> Result<()> {
        if line.seconds > self.until {
            self.tally.after_as_of += 1;
            return Ok(());
        }
        if line.seconds < self.since {
            self.tally.before_window += 1;
            return Ok(());
        }
        let owner = self.customers.attribute(line, number)?;
        if owner.is_some_and(|owner| self.customers.is_erased(owner)) {
            self.tally.dropped.erased += 1;
            return Ok(());
        }
        self.tally.profile(line);
        let Some(owner) = owner else {
            self.tally.dropped.no_customer_id += 1;
            return Ok(());
        };
        self.customers.meet(owner);
        let is_excluded = self.customers.is_excluded(owner);
        if !self.rules.keep(line, is_excluded, &mut self.tally.dropped) {
            return Ok(());
        }
        let counter = match line.quantity {
            1.. => &mut self.tally.purchases,
            0 => &mut self.tally.zeros,
            _ => &mut self.tally.returns,
        };
        *counter += 1;
        self.customers.add(owner, line)?;
        let (customer_id, is_guest) = self.customers.id(owner);
        sink.kept(line, customer_id, is_guest)
    }

    /// Refuses uploads without a row, and those of which too many can't be read.
    pub fn check(&self) -> Result<()> {
        if self.tally.rows == 0 {
            let reason = "there is a header but not one row";
            return Err(Error::bad_input(self.object(), reason));
        }
        let limit = self.settings.cleaning.max_quarantined_share;
        check_share(
            &self.object(),
            self.first_bad.as_deref(),
            &self.tally,
            limit,
        )
    }

    /// One upload's name, or what stands for several.
    fn object(&self) -> String {
        match self.uploads.as_slice() {
            [only] => only.object.clone(),
            uploads => format!("the history of {} uploads", uploads.len()),
        }
    }

    /// Ends the pass.
    ///
    /// # Errors
    /// [`Error::BadInput`] if too many rows can't be read, or no customer is left.
    pub fn finish(self) -> Result<Outcome> {
        self.check()?;
        let tally = &self.tally;
        let nobody = || Error::bad_input(self.object(), nobody::reason(tally));
        let Some(moment) = self.as_of.or_else(|| self.last_purchase()) else {
            return Err(nobody());
        };
        let seconds = seconds_of(moment.0).ok_or_else(|| out_of_range(moment))?;
        let (mut features, purchases) = self.customers.features(seconds)?;
        if features.is_empty() {
            return Err(nobody());
        }
        let (rfm, worth) = (&self.settings.rfm, &self.settings.value);
        let (value, report) = Value::of(&features, &purchases, rfm, worth);
        features.value = value;
        let counts = Counts {
            rows_read: tally.rows,
            rows_kept: tally.kept(),
            rows_dropped: tally.dropped.total(),
            rows_quarantined: tally.quarantined(),
            rows_after_as_of: tally.after_as_of,
            rows_before_window: tally.before_window,
            customers: features.len() as u64,
            guests: features.guests() as u64,
        };
        check_sum(&counts)?;
        let quality = QualityReport::new(
            tally,
            &self.customers,
            &features,
            self.rules.stock_codes_met(),
            &self.source_columns,
            self.uploads,
            report,
        );
        Ok(Outcome {
            features,
            quality,
            counts,
            as_of: moment,
        })
    }
}

fn out_of_range(moment: AsOf) -> Error {
    Error::config("as-of", format!("{moment} is out of range"))
}

/// A few bad rows are quarantined; too many mean that the export itself is wrong.
fn check_share(object: &str, first_bad: Option<&str>, tally: &Tally, limit: f64) -> Result<()> {
    let share = tally.quarantined() as f64 / tally.rows as f64;
    if share <= limit {
        return Ok(());
    }
    let place = first_bad
        .filter(|&place| place != object)
        .map_or_else(String::new, |place| format!("{place}, "));
    let first = tally
        .first_defect()
        .map_or_else(String::new, |(line, defect)| {
            let column = defect
                .column
                .map_or_else(String::new, |column| format!(", column {column}"));
            format!(
                "; the first is {place}line {line}{column}: {}{}",
                defect.reason.text(),
                advice(defect.reason)
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

/// The setting that may be wrong where many rows have this defect.
fn advice(reason: Reason) -> &'static str {
    match reason {
        Reason::Date => ": is source.date_format right?",
        Reason::Encoding => ": is source.encoding right?",
        Reason::FieldCount => ": is source.delimiter right?",
        _ => "",
    }
}

/// No row is lost: checked at run time too.
fn check_sum(counts: &Counts) -> Result<()> {
    let accounted = counts.rows_kept
        + counts.rows_dropped
        + counts.rows_quarantined
        + counts.rows_after_as_of
        + counts.rows_before_window;
    if accounted == counts.rows_read {
        return Ok(());
    }
    Err(Error::Internal(format!(
        "{} rows were read but {accounted} are accounted for",
        counts.rows_read
    )))
}
