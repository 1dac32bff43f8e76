//! What of an upload is somebody's, and the upload without it: every other byte stays.

use std::io::{self, BufRead, Read, Write};

use super::Ids;
use crate::Result;
use crate::settings::{Encoding, Settings};
use crate::transactions::decompress::unreadable;
use crate::transactions::encoding;
use crate::transactions::fields::Fields;
use crate::transactions::header::Header;
use crate::transactions::reader::byte_order_mark;
use crate::transactions::records::{Record, Records, Shape};

/// Where in a text, in bytes from its start.
pub type Span = (u64, u64);

/// What of a text is somebody's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Their records, in order.
    pub theirs: Vec<Span>,
    /// Lines too long to be looked into here; see [`mentioned_in_spans`].
    pub too_long: Vec<Span>,
}

impl Found {
    /// Looks through `source`, the text of an upload. A record is theirs if its customer is
    /// one of them or, where it can't be taken apart, if it names one.
    pub fn in_text(
        mut source: impl BufRead,
        object: &str,
        settings: &Settings,
        ids: &Ids,
    ) -> Result<Self> {
        let (encoding, mark) = byte_order_mark(&mut source, object, settings.source.encoding)?;
        let delimiter = settings.source.delimiter as u8;
        let mut records = Records::new(source, delimiter);
        let failed = |e| unreadable(object, e);
        let mut found = Self::default();
        let mut judge = Judge {
            ids,
            header: None,
            fields: Fields::default(),
            settings,
            encoding,
        };
        let mut is_first = true;
        while let Some(record) = records.next().map_err(failed)? {
            let span = (mark + record.start, mark + record.end);
            if std::mem::take(&mut is_first) {
                judge.header = header(&record, object, settings, encoding);
                if judge.header.is_some() {
                    continue;
                }
            }
            if judge.is_theirs(&record) {
                found.theirs.push(span);
            } else if record.shape == Shape::TooLong {
                found.too_long.push(span);
            }
        }
        Ok(found)
    }
}

/// The header, if this is the export that the settings know.
fn header(
    record: &Record<'_>,
    object: &str,
    settings: &Settings,
    encoding: Encoding,
) -> Option<Header> {
    let text = encoding::decode_lossy(record.raw, encoding);
    let source = &settings.source;
    let delimiter = source.delimiter as u8;
    match record.shape {
        Shape::Plain | Shape::Quoted => {
            Header::read(&text, record.shape, delimiter, &source.columns, object).ok()
        }
        Shape::UnclosedQuote | Shape::TooLong => None,
    }
}

struct Judge<'a> {
    ids: &'a Ids,
    header: Option<Header>,
    fields: Fields,
    settings: &'a Settings,
    encoding: Encoding,
}

impl Judge<'_> {
    fn is_theirs(&mut self, record: &Record<'_>) -> bool {
        let whole = matches!(record.shape, Shape::Plain | Shape::Quoted);
        let text = encoding::decode(record.raw, self.encoding).filter(|_| whole);
        if let (Some(text), Some(header)) = (text, &self.header) {
            let source = &self.settings.source;
            let (delimiter, columns) = (source.delimiter as u8, header.len());
            let count = self.fields.split(&text, delimiter, record.shape, columns);
            if count == columns && !text.contains('\0') {
                let customer = self.fields.get(&text, header.customer_id).trim();
                let is_nobody =
                    customer.is_empty() || source.null_values.iter().any(|null| null == customer);
                let invoice = self.fields.get(&text, header.invoice_no);
                return self.ids.holds(customer) || is_nobody && self.ids.holds_guest_of(invoice);
            }
        }
        let text = encoding::decode_lossy(record.raw, self.encoding);
        self.ids.are_mentioned_in(&text)
    }
}

/// Bytes that are looked at together.
const CHUNK: usize = 256 << 10;

/// Those of `spans`, which are in order, in which somebody is named.
pub fn mentioned_in_spans(
    mut text: impl Read,
    object: &str,
    encoding: Encoding,
    ids: &Ids,
    spans: &[Span],
) -> Result<Vec<Span>> {
    let failed = |e| unreadable(object, e);
    let mut named = Vec::new();
    let mut at = 0;
    // So much of a chunk is looked at again with the next: an id may lie across both, at
    // most four bytes a character.
    let overlap = 4 * ids.longest() + 8;
    for &(start, end) in spans {
        at += skip(&mut text, start - at).map_err(failed)?;
        let mut window = Vec::new();
        let mut is_named = false;
        while at < end {
            let before = window.len();
            let part = (&mut text).take((end - at).min(CHUNK as u64));
            let mut part = part;
            part.read_to_end(&mut window).map_err(failed)?;
            if window.len() == before {
                break;
            }
            at += (window.len() - before) as u64;
            is_named |= ids.are_mentioned_in(&encoding::decode_lossy(&window, encoding));
            window.drain(..window.len().saturating_sub(overlap));
        }
        if is_named {
            named.push((start, end));
        }
    }
    Ok(named)
}

fn skip(text: &mut impl Read, bytes: u64) -> io::Result<u64> {
    io::copy(&mut text.take(bytes), &mut io::sink())
}

/// Copies `text` without `spans`, which are in order; the bytes copied.
pub(super) fn copy_without(
    mut text: impl Read,
    spans: &[Span],
    to: &mut impl Write,
) -> io::Result<u64> {
    let (mut at, mut copied) = (0, 0);
    for &(start, end) in spans {
        copied += io::copy(&mut (&mut text).take(start - at), to)?;
        skip(&mut text, end - start)?;
        at = end;
    }
    Ok(copied + io::copy(&mut text, to)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Guests;
    use crate::transactions::records::MAX_RECORD;

    const HEADER: &str =
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";

    fn erase(text: &[u8], ids: &[&str]) -> Vec<u8> {
        let ids: Vec<String> = ids.iter().map(|&id| id.to_owned()).collect();
        let ids = Ids::new(&ids, Guests::Invoice).unwrap();
        let settings = Settings::default();
        let mut found = Found::in_text(text, "f", &settings, &ids).unwrap();
        let encoding = settings.source.encoding;
        found
            .theirs
            .extend(mentioned_in_spans(text, "f", encoding, &ids, &found.too_long).unwrap());
        found.theirs.sort_unstable();
        let mut out = Vec::new();
        copy_without(text, &found.theirs, &mut out).unwrap();
        out
    }

    /// `lines` each with whether it is theirs; all others stay byte for byte.
    fn check(head: &str, lines: &[(&str, bool)], ids: &[&str]) {
        let all: String = lines.iter().map(|(line, _)| *line).collect();
        let left: String = lines
            .iter()
            .filter(|(_, theirs)| !theirs)
            .map(|(line, _)| *line)
            .collect();
        let out = erase(format!("{head}{all}").as_bytes(), ids);
        assert_eq!(String::from_utf8(out).unwrap(), format!("{head}{left}"));
    }

    #[test]
    fn their_records_go_and_every_other_byte_stays() {
        let lines = [
            ("1,A,x,1,1/1/2011 9:00,1,12346,UK\r\n", true),
            ("1,A,12346 nails,1,1/1/2011 9:00,1,7,UK\n", false),
            ("\r\n\n", false),
            (
                "1,A,\"two\nlines, \"\"q\"\"\",1,1/1/2011 9:00,1,\" 12346\",UK\n",
                true,
            ),
            ("1,A,x,1,1/1/2011 9:00,1,123467,UK\n", false),
            ("1,A,x,twelve,1/1/2011 9:00,1,12346,UK\n", true),
            ("1,A,x,1,1/1/2011 9:00,1,x,12346,UK\n", true),
            ("C1,A,x,-1,1/1/2011 9:00,1,,UK\n", true),
            ("C1,A,x,-1,1/1/2011 9:00,1,8,UK\n", false),
            ("2,A,x,1,1/1/2011 9:00,1,\"O'Neil, \"\"Ann\"\"\",UK\n", true),
            ("1,A,\"never closed,1,1/1/2011 9:00,1,12346,UK\n", true),
            ("1,A,x,1,1/1/2011 9:00,1,9,UK\n", false),
            ("1,A,x,1,1/1/2011 9:00,1,12346,UK", true),
        ];
        let ids = ["12346", "guest-C1", "O'Neil, \"Ann\""];
        check(&format!("{HEADER}\n"), &lines, &ids);
        check(&format!("\u{feff}{HEADER}\r\n"), &lines, &ids);
    }

    #[test]
    fn a_file_that_is_no_export_loses_the_lines_that_name_them() {
        check(
            "a;b\n",
            &[("12346;1\n", true), ("7;123467\n", false)],
            &["12346"],
        );
    }

    #[test]
    fn a_line_too_long_to_be_one_is_looked_through_to_its_end() {
        let long = "y".repeat(7 * CHUNK);
        let theirs = format!("{long},12346,{}\n", "z".repeat(MAX_RECORD));
        let other = format!("{long},12345\n");
        check(
            &format!("{HEADER}\n"),
            &[(&other, false), (&theirs, true), (&other, false)],
            &["12346"],
        );
    }
}
