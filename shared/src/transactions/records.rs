//! Splits text into records: physical lines, joined where a quoted field spans several.
//!
//! The rules are those of RFC 4180 as pandas and the csv crate read it: a quote opens a
//! quoted field only at the field's start, `""` inside it is one quote, and what follows the
//! closing quote up to the delimiter is taken as it is.

use std::io::{self, BufRead};

use memchr::memchr;

/// A longer record is no invoice line; a quote that was never closed must not swallow the
/// rest of the file, nor a file without line ends the memory.
pub const MAX_RECORD: usize = 64 << 10;

/// One record, without its line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The bytes as they stand in the file.
    pub raw: &'a [u8],
    /// Physical line on which it begins, from 1.
    pub line: u64,
    /// Where it begins, in bytes from the start of the source.
    pub start: u64,
    /// Where it ends, behind its line end.
    pub end: u64,
    /// Whether it can be split into fields.
    pub shape: Shape,
}

/// Whether a record can be split into fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// No quote anywhere: fields are what stands between delimiters.
    Plain,
    /// At least one quote, all of them closed.
    Quoted,
    /// A quote that is not closed within [`MAX_RECORD`] bytes: the first line alone.
    UnclosedQuote,
    /// More than [`MAX_RECORD`] bytes: the first [`MAX_RECORD`] of them.
    TooLong,
}

/// Reads records one after the other into a buffer of its own.
#[derive(Debug)]
pub struct Records<R> {
    source: R,
    delimiter: u8,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    line: u64,
    /// Bytes of the source before `start`.
    passed: u64,
    at_end: bool,
    /// The start of a line that was too long to hold.
    prefix: Vec<u8>,
}

impl<R: BufRead> Records<R> {
    /// Records of `source`, whose fields are separated by `delimiter`.
    pub fn new(source: R, delimiter: u8) -> Self {
        Self {
            source,
            delimiter,
            buffer: vec![0; 4 * MAX_RECORD],
            start: 0,
            end: 0,
            line: 1,
            passed: 0,
            at_end: false,
            prefix: Vec::new(),
        }
    }

    /// The next record that is not a blank line.
    pub fn next(&mut self) -> io::Result<Option<Record<'_>>> {
        loop {
            let Some(found) = self.find()? else {
                return Ok(None);
            };
            let (line, begin) = (self.line, self.passed);
            let (from, to) = (self.start, self.start + found.length);
            self.pass(found.consumed);
            self.line += found.lines;
            if found.shape == Shape::TooLong {
                // Kept apart: passing over the rest of the line overwrites the buffer.
                self.prefix.clear();
                self.prefix.extend_from_slice(
                    self.buffer.get(from..from + MAX_RECORD).unwrap_or_default(),
                );
                self.skip_line()?;
                return Ok(Some(Record {
                    raw: &self.prefix,
                    line,
                    start: begin,
                    end: self.passed,
                    shape: Shape::TooLong,
                }));
            }
            let raw = trim_carriage_returns(self.buffer.get(from..to).unwrap_or_default());
            if !raw.is_empty() {
                return Ok(Some(Record {
                    raw: trim_carriage_returns(self.buffer.get(from..to).unwrap_or_default()),
                    line,
                    start: begin,
                    end: self.passed,
                    shape: found.shape,
                }));
            }
        }
    }

    fn pass(&mut self, bytes: usize) {
        self.start += bytes;
        self.passed += bytes as u64;
    }

    /// Finds the record that begins at `start`, reading more as needed.
    fn find(&mut self) -> io::Result<Option<Found>> {
        let mut quotes = Quotes::default();
        // Bytes of the record that have been looked at, and its physical lines so far.
        let (mut seen, mut lines, mut first_line) = (0, 0, None);
        loop {
            let window = self
                .buffer
                .get(self.start + seen..self.end)
                .unwrap_or_default();
            if let Some(newline) = memchr(b'\n', window) {
                let piece = window.get(..=newline).unwrap_or_default();
                lines += 1;
                let open = quotes.feed(piece, self.delimiter);
                seen += newline + 1;
                // However the bytes came, a record that is too long is the same one.
                let fits = seen - 1 <= MAX_RECORD;
                if !open {
                    if !fits {
                        return Ok(Some(first_line.unwrap_or(TOO_LONG)));
                    }
                    let shape = quotes.shape();
                    return Ok(Some(Found {
                        length: seen - 1,
                        consumed: seen,
                        lines,
                        shape,
                    }));
                }
                if fits {
                    first_line.get_or_insert(Found {
                        length: seen - 1,
                        consumed: seen,
                        lines: 1,
                        shape: Shape::UnclosedQuote,
                    });
                    continue;
                }
            }
            if self.end - self.start > MAX_RECORD {
                return Ok(Some(first_line.unwrap_or(TOO_LONG)));
            }
            if self.at_end {
                let rest = self.end - self.start;
                if rest == 0 {
                    return Ok(None);
                }
                let tail = self
                    .buffer
                    .get(self.start + seen..self.end)
                    .unwrap_or_default();
                let open = quotes.feed(tail, self.delimiter);
                let whole = Found {
                    length: rest,
                    consumed: rest,
                    lines: lines + 1,
                    shape: if open {
                        Shape::UnclosedQuote
                    } else {
                        quotes.shape()
                    },
                };
                return Ok(Some(if open {
                    first_line.unwrap_or(whole)
                } else {
                    whole
                }));
            }
            self.fill()?;
        }
    }

    /// Moves what is left to the front and reads more behind it.
    fn fill(&mut self) -> io::Result<()> {
        if self.buffer.len() - self.end < MAX_RECORD {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let available = loop {
            match self.source.fill_buf() {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        let n = available.len().min(self.buffer.len() - self.end);
        if n == 0 {
            self.at_end = true;
            return Ok(());
        }
        if let (Some(to), Some(from)) = (
            self.buffer.get_mut(self.end..self.end + n),
            available.get(..n),
        ) {
            to.copy_from_slice(from);
        }
        self.source.consume(n);
        self.end += n;
        Ok(())
    }

    /// Passes over the rest of a line that is too long to hold.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let window = self.buffer.get(self.start..self.end).unwrap_or_default();
            if let Some(newline) = memchr(b'\n', window) {
                self.pass(newline + 1);
                self.line += 1;
                return Ok(());
            }
            self.pass(self.end - self.start);
            if self.at_end {
                return Ok(());
            }
            self.fill()?;
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Found {
    length: usize,
    consumed: usize,
    lines: u64,
    shape: Shape,
}

/// The start of a line that is too long; the rest is to be passed over.
const TOO_LONG: Found = Found {
    length: 0,
    consumed: MAX_RECORD,
    lines: 0,
    shape: Shape::TooLong,
};

/// All of them: a text that went through a text mode twice ends its lines in CR CR LF, which
/// pandas and the csv crate take for a line and a blank one.
fn trim_carriage_returns(mut line: &[u8]) -> &[u8] {
    while let Some(shorter) = line.strip_suffix(b"\r") {
        line = shorter;
    }
    line
}

/// Whether a quoted field is open, over the pieces of one record.
#[derive(Debug, Default)]
struct Quotes {
    state: State,
    any: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    FieldStart,
    Unquoted,
    Quoted,
    /// Behind a quote inside a quoted field: its end, or the first half of `""`.
    QuoteInQuoted,
}

impl Quotes {
    /// Takes in the next piece; true if a quoted field is still open behind it.
    fn feed(&mut self, piece: &[u8], delimiter: u8) -> bool {
        if !self.any && memchr(b'"', piece).is_none() {
            return false;
        }
        self.any = true;
        for &byte in piece {
            self.state = match (self.state, byte) {
                (State::Quoted, b'"') => State::QuoteInQuoted,
                (State::Quoted, _) | (State::QuoteInQuoted | State::FieldStart, b'"') => {
                    State::Quoted
                }
                (_, b) if b == delimiter => State::FieldStart,
                _ => State::Unquoted,
            };
        }
        self.state == State::Quoted
    }

    fn shape(&self) -> Shape {
        if self.any {
            Shape::Quoted
        } else {
            Shape::Plain
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8], chunk: usize) -> Vec<(String, u64, Shape)> {
        let mut records = Records::new(io::BufReader::with_capacity(chunk, text), b',');
        let mut found = Vec::new();
        while let Some(record) = records.next().unwrap() {
            let raw = String::from_utf8_lossy(record.raw).into_owned();
            found.push((raw, record.line, record.shape));
        }
        found
    }

    fn check(text: &str, expected: &[(&str, u64, Shape)]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|&(raw, line, shape)| (raw.to_owned(), line, shape))
            .collect();
        for chunk in [1, 2, 3, 7, 1 << 16] {
            assert_eq!(all(text.as_bytes(), chunk), expected, "chunk {chunk}");
        }
    }

    #[test]
    fn lines_end_with_or_without_carriage_return_and_blank_ones_are_passed_over() {
        use Shape::Plain;
        check(
            "a,b\r\n\r\n\nc,d\ne,f",
            &[("a,b", 1, Plain), ("c,d", 4, Plain), ("e,f", 5, Plain)],
        );
        check(
            "a,b\r\r\n\r\r\nc,\"d\r\"\r\r\ne,f\r\r",
            &[
                ("a,b", 1, Plain),
                ("c,\"d\r\"", 3, Shape::Quoted),
                ("e,f", 4, Plain),
            ],
        );
        check("", &[]);
        check("\n\r\n", &[]);
    }

    #[test]
    fn a_quoted_field_may_span_lines() {
        check(
            "a,\"b\nc\",d\ne,5\" nail\n\"x\"\"y\n\",z",
            &[
                ("a,\"b\nc\",d", 1, Shape::Quoted),
                ("e,5\" nail", 3, Shape::Quoted),
                ("\"x\"\"y\n\",z", 4, Shape::Quoted),
            ],
        );
    }

    #[test]
    fn a_quote_that_is_never_closed_costs_its_own_line_only() {
        check(
            "a,b\nc,\"d\ne,f\ng,h\n",
            &[
                ("a,b", 1, Shape::Plain),
                ("c,\"d", 2, Shape::UnclosedQuote),
                ("e,f", 3, Shape::Plain),
                ("g,h", 4, Shape::Plain),
            ],
        );
        let long = format!("c,\"d\n{}", "e,f\n".repeat(MAX_RECORD));
        let found = all(long.as_bytes(), 1 << 16);
        assert_eq!(found.len(), MAX_RECORD + 1);
        assert_eq!(found[0], ("c,\"d".to_owned(), 1, Shape::UnclosedQuote));
    }

    #[test]
    fn what_is_too_long_does_not_depend_on_the_pieces_it_comes_in() {
        for length in [MAX_RECORD, MAX_RECORD + 1] {
            let line = "x".repeat(length);
            let quoted = format!("\"{}", "y".repeat(length - 1));
            let text = format!("{line}\na\n{quoted}\nb\n");
            let shapes = |chunk| -> Vec<Shape> {
                let found = all(text.as_bytes(), chunk);
                found.into_iter().map(|(_, _, shape)| shape).collect()
            };
            let expected = if length > MAX_RECORD {
                [Shape::TooLong, Shape::Plain, Shape::TooLong, Shape::Plain]
            } else {
                [
                    Shape::Plain,
                    Shape::Plain,
                    Shape::UnclosedQuote,
                    Shape::Plain,
                ]
            };
            for chunk in [1, 4096, 1 << 20] {
                assert_eq!(shapes(chunk), expected, "{length} in pieces of {chunk}");
            }
        }
    }

    #[test]
    fn a_line_without_end_is_passed_over_in_bounded_memory() {
        let text = format!("a\n{}\nb\n", "x".repeat(10 * MAX_RECORD));
        for chunk in [4096, 1 << 20] {
            let found = all(text.as_bytes(), chunk);
            assert_eq!(found[1].0, "x".repeat(MAX_RECORD), "its start is kept");
            let lines: Vec<_> = found
                .iter()
                .map(|(_, line, shape)| (*line, *shape))
                .collect();
            assert_eq!(
                lines,
                [(1, Shape::Plain), (2, Shape::TooLong), (3, Shape::Plain)]
            );
        }
    }
}
