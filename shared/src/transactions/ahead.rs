//! Reads and parses records on a thread of its own, ahead of who judges and adds them up.
//!
//! Both halves take about as long, so that two cores take half the time. Rows come in the order
//! of the source, so what becomes of them does not depend on threads.

use std::io::BufRead;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, ScopedJoinHandle};

use super::decompress;
use super::encoding;
use super::line::{Line, LineReader};
use super::quarantine::{Defect, Reason};
use super::records::{Record, Records, Shape};
use crate::settings::{Decimal, Encoding};
use crate::{Error, Result};

/// Rows that go from one thread to the other together, some hundred KB; fewer if they are long,
/// so that long rows take no more memory.
const BATCH: usize = 2048;
const BATCH_BYTES: usize = 512 << 10;
const BATCHES_IN_FLIGHT: usize = 2;
/// Fields of a line that are texts.
const TEXTS: usize = 5;

/// Rows and their texts, one after the other.
#[derive(Debug, Default)]
struct Batch {
    text: String,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    line: u64,
    /// Where its texts begin, and where each ends.
    start: usize,
    ends: [usize; TEXTS],
    read: Result<Numbers, Defect>,
}

/// What a line has besides texts.
#[derive(Debug)]
struct Numbers {
    quantity: i64,
    seconds: i64,
    unit_price: Decimal,
    amount: Decimal,
    has_description: bool,
    has_customer: bool,
}

/// A row as it was read.
pub(super) enum Read<'a> {
    Line(Line<'a>),
    /// What is wrong with it, and its text as far as it is text.
    Defect(Defect, &'a str),
}

/// Reads `records` to their end: `work` gets each row's physical line and what was read.
pub(super) fn each<R: BufRead + Send>(
    records: Records<R>,
    reader: LineReader,
    encoding: Encoding,
    object: &str,
    mut work: impl FnMut(u64, Read<'_>) -> Result<()>,
) -> Result<()> {
    thread::scope(|scope| {
        let (sender, batches) = sync_channel(BATCHES_IN_FLIGHT);
        let (back, used) = channel();
        let reading = scope.spawn(move || {
            let mut ahead = Ahead {
                reader,
                encoding,
                sender,
                used,
                batch: Batch::default(),
            };
            ahead.read(records, object)
        });
        let worked = judge(&batches, &back, &mut work);
        // A reader that waits for room learns that nobody wants more.
        drop(batches);
        let read = ended(reading);
        worked.and(read)
    })
}

fn ended(reading: ScopedJoinHandle<'_, Result<()>>) -> Result<()> {
    let stopped = |_| Err(Error::Internal("the reader stopped".to_owned()));
    reading.join().unwrap_or_else(stopped)
}

fn judge(
    batches: &Receiver<Batch>,
    back: &Sender<Batch>,
    work: &mut impl FnMut(u64, Read<'_>) -> Result<()>,
) -> Result<()> {
    for batch in batches {
        for row in &batch.rows {
            work(row.line, row.of(&batch.text))?;
        }
        // The reader may have come to its end.
        let _ = back.send(batch);
    }
    Ok(())
}

/// The half that reads.
struct Ahead {
    reader: LineReader,
    encoding: Encoding,
    sender: SyncSender<Batch>,
    /// Batches to fill again.
    used: Receiver<Batch>,
    batch: Batch,
}

impl Ahead {
    fn read(&mut self, mut records: Records<impl BufRead>, object: &str) -> Result<()> {
        loop {
            let record = match records.next() {
                Ok(record) => record,
                Err(e) => {
                    self.send();
                    return Err(decompress::unreadable(object, e));
                }
            };
            let Some(record) = record else {
                self.send();
                return Ok(());
            };
            self.batch.push(&mut self.reader, &record, self.encoding);
            if self.batch.is_full() && !self.send() {
                return Ok(());
            }
        }
    }

    /// Whether anybody wants more.
    fn send(&mut self) -> bool {
        let mut empty = self.used.try_recv().unwrap_or_default();
        empty.text.clear();
        empty.rows.clear();
        self.sender
            .send(std::mem::replace(&mut self.batch, empty))
            .is_ok()
    }
}

impl Batch {
    fn is_full(&self) -> bool {
        self.rows.len() >= BATCH || self.text.len() >= BATCH_BYTES
    }

    fn push(&mut self, reader: &mut LineReader, record: &Record<'_>, encoding: Encoding) {
        let text = encoding::decode(record.raw, encoding);
        let read = match (record.shape, &text) {
            (Shape::UnclosedQuote, _) => Err(Defect::of_row(Reason::UnclosedQuote)),
            (Shape::TooLong, _) => Err(Defect::of_row(Reason::TooLong)),
            (_, None) => Err(Defect::of_row(Reason::Encoding)),
            (_, Some(text)) if memchr::memchr(0, text.as_bytes()).is_some() => {
                Err(Defect::of_row(Reason::Nul))
            }
            (shape, Some(text)) => reader.read(text, shape),
        };
        let start = self.text.len();
        let (texts, read) = match &read {
            Ok(line) => (
                [
                    line.invoice_no,
                    line.stock_code,
                    line.description.unwrap_or_default(),
                    line.customer_id.unwrap_or_default(),
                    line.country,
                ],
                Ok(Numbers {
                    quantity: line.quantity,
                    seconds: line.seconds,
                    unit_price: line.unit_price,
                    amount: line.amount,
                    has_description: line.description.is_some(),
                    has_customer: line.customer_id.is_some(),
                }),
            ),
            Err(defect) => {
                self.text
                    .push_str(&encoding::decode_lossy(record.raw, encoding));
                ([""; TEXTS], Err(*defect))
            }
        };
        let ends = texts.map(|text| {
            self.text.push_str(text);
            self.text.len()
        });
        self.rows.push(Row {
            line: record.line,
            start,
            ends,
            read,
        });
    }
}

impl Row {
    fn of<'a>(&self, text: &'a str) -> Read<'a> {
        let mut from = self.start;
        let [invoice_no, stock_code, description, customer_id, country] = self.ends.map(|end| {
            let text = text.get(from..end).unwrap_or_default();
            from = end;
            text
        });
        match &self.read {
            Ok(numbers) => Read::Line(Line {
                invoice_no,
                stock_code,
                description: numbers.has_description.then_some(description),
                quantity: numbers.quantity,
                seconds: numbers.seconds,
                unit_price: numbers.unit_price,
                amount: numbers.amount,
                customer_id: numbers.has_customer.then_some(customer_id),
                country,
            }),
            // The text of a row that can't be read stands where the first of a line's would.
            Err(defect) => Read::Defect(*defect, invoice_no),
        }
    }
}
