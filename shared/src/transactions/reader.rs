//! One upload: its encoding, its header, its records.

use std::io::BufRead;

use super::decompress;
use super::encoding;
use super::header::Header;
use super::line::Line;
use super::pass::Pass;
use super::quarantine::Defect;
use super::records::{Records, Shape};
use crate::contracts::AsOf;
use crate::settings::{Encoding, Settings};
use crate::{Error, Result};

pub use super::pass::Outcome;

/// Takes what the pass produces, row by row.
pub trait Sink {
    /// The rows to come are of this object.
    fn begin(&mut self, _object: &str) {}
    /// A line that counts, with its customer's id and whether that is a guest's.
    fn kept(&mut self, line: &Line<'_>, customer_id: &str, is_guest: bool) -> Result<()>;
    /// A row that can't be read. `raw` is its text as far as it is text.
    fn quarantined(&mut self, line: u64, defect: Defect, raw: &str) -> Result<()>;
}

/// Counts alone are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nowhere;

impl Sink for Nowhere {
    fn kept(&mut self, _line: &Line<'_>, _customer_id: &str, _is_guest: bool) -> Result<()> {
        Ok(())
    }

    fn quarantined(&mut self, _line: u64, _defect: Defect, _raw: &str) -> Result<()> {
        Ok(())
    }
}

/// Reads one `source` to its end. `object` names it in errors.
///
/// # Errors
/// [`Error::BadInput`] for a source that is no export at all, has too many rows that can't
/// be read, or leaves no customer; whatever the source or the sink fail with.
pub fn read(
    source: impl BufRead + Send,
    object: &str,
    settings: &Settings,
    as_of: Option<AsOf>,
    sink: &mut impl Sink,
) -> Result<Outcome> {
    let mut pass = Pass::new(settings, as_of, None)?;
    if let (Some(as_of), Some(days)) = (as_of, settings.source.window_days) {
        pass = pass.within(as_of, days)?;
    }
    pass.upload(source, object, sink)?;
    pass.finish()
}

/// The byte order mark of utf-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// A byte order mark wins over the settings; the encoding, and the bytes of the mark.
pub fn byte_order_mark(
    source: &mut impl BufRead,
    object: &str,
    set: Encoding,
) -> Result<(Encoding, u64)> {
    let start = source
        .fill_buf()
        .map_err(|e| decompress::unreadable(object, e))?;
    // Twice where a program put its own before a text that had one.
    let marks = start.chunks(MARK.len()).take_while(|&bytes| bytes == MARK);
    match marks.count() * MARK.len() {
        0 => Ok((set, 0)),
        length => {
            source.consume(length);
            Ok((Encoding::Utf8, length as u64))
        }
    }
}

pub(super) fn header(
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
    let inside = record.raw.trim_ascii_end();
    if memchr::memchr(b'\r', inside).is_some() && record.shape != Shape::Quoted {
        return Err(refuse(
            "the lines end with a carriage return alone, as on old Macs: save it with \
             line feeds",
        ));
    }
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
