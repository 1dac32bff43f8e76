//! Rows on their way into a run's staging table, as a binary COPY.

use std::pin::{Pin, pin};

use arrow_array::RecordBatch;
use bytes::{Bytes, BytesMut};
use futures::{SinkExt, Stream, StreamExt};
use shared::{Error, Result};
use tokio_postgres::CopyInSink;

use crate::digest::{RowDigest, names};
use crate::encode::{HEADER, Rows, TRAILER};
use crate::failure;
use crate::names::Table;
use crate::run::PublishRun;
use crate::session::Session;
use crate::tally::Tally;
use crate::tombstones::Tombstones;

pub(crate) const OPERATION: &str = "loading the rows";
/// Bytes of a message of the COPY.
const CHUNK: usize = 64 << 10;

/// What was sent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sent {
    /// Of the rows that were sent.
    pub(crate) digest: RowDigest,
    /// Rows that came, those of customers who were erased included.
    pub(crate) rows_read: u64,
    /// Bytes of the longest id that was sent.
    pub(crate) longest_id: usize,
}

impl Sent {
    /// Adds what was sent elsewhere.
    pub(crate) fn add(&mut self, other: &Self) {
        self.digest.join(&other.digest);
        self.rows_read += other.rows_read;
        self.longest_id = self.longest_id.max(other.longest_id);
    }
}

/// A COPY into the staging table of a run. Where it is dropped before its [`end`](Self::end),
/// Postgres is told to forget it.
pub(crate) struct Copy<'a> {
    session: &'a Session,
    run: &'a PublishRun,
    /// Name in errors of the table that the rows are from.
    object: &'a str,
    tombstones: &'a Tombstones,
    sink: Pin<Box<CopyInSink<Bytes>>>,
    copy: BytesMut,
    sent: Sent,
}

impl<'a> Copy<'a> {
    /// Begins the COPY. `options` are more of its options.
    pub(crate) async fn begin(
        session: &'a Session,
        run: &'a PublishRun,
        object: &'a str,
        tombstones: &'a Tombstones,
        options: &str,
    ) -> Result<Self> {
        let sql = format!(
            "COPY insiders.{} ({}) FROM STDIN (FORMAT binary{options})",
            Table::Members.staging(&run.run_id),
            names()
        );
        let sink = session
            .answer(OPERATION, session.client().copy_in(&sql))
            .await?
            .map_err(|e| session.failed(OPERATION, &e))?;
        let mut copy = BytesMut::with_capacity(2 * CHUNK);
        copy.extend_from_slice(HEADER);
        Ok(Self {
            session,
            run,
            object,
            tombstones,
            sink: Box::pin(sink),
            copy,
            sent: Sent::default(),
        })
    }

    /// What was sent so far.
    pub(crate) fn sent(&self) -> &Sent {
        &self.sent
    }

    /// Sends the rows but for those of customers who were erased. After each batch, `watch` is
    /// told how many rows came.
    pub(crate) async fn rows<S>(
        &mut self,
        batches: S,
        tally: &mut Tally<'_>,
        mut watch: impl FnMut(&Sent),
    ) -> Result<()>
    where
        S: Stream<Item = Result<RecordBatch>>,
    {
        let mut batches = pin!(batches);
        let mut bytes = Vec::new();
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            let rows = Rows::of(&batch, self.object)?;
            for row in 0..rows.len() {
                let id = rows.customer_id(row).as_bytes();
                if id.contains(&0) {
                    return Err(Error::bad_input(
                        self.object,
                        "a customer's id has a NUL character, which Postgres can't store: remove it from the export",
                    ));
                }
                tally.count(rows.label(row), rows.segment(row))?;
                self.sent.rows_read += 1;
                if self.tombstones.contains(id) {
                    continue;
                }
                self.sent.longest_id = self.sent.longest_id.max(id.len());
                rows.send(row, &mut self.copy, &mut self.sent.digest, &mut bytes);
                if self.copy.len() >= CHUNK {
                    let chunk = self.copy.split().freeze();
                    let limit = self.session.limits.statement;
                    let sent = self.sink.send(chunk);
                    let taken = self.session.answer_within(limit, OPERATION, sent).await?;
                    taken.map_err(|e| failed(self.session, &e))?;
                    self.copy.reserve(2 * CHUNK);
                }
            }
            watch(&self.sent);
        }
        Ok(())
    }

    /// No more rows: Postgres takes them, in the transaction that is open.
    pub(crate) async fn end(mut self) -> Result<Sent> {
        self.copy.extend_from_slice(TRAILER);
        let last = self.copy.freeze();
        let end = async {
            self.sink.send(last).await?;
            self.sink.as_mut().finish().await
        };
        let stored = self.session.answer(OPERATION, end).await?;
        let stored = stored.map_err(|e| failed(self.session, &e))?;
        let sent = self.sent;
        if stored == sent.digest.rows {
            return Ok(sent);
        }
        Err(Error::Corrupt {
            object: format!(
                "the copy of run {} on {}",
                self.run.run_id,
                self.session.place()
            ),
            reason: format!("{} rows were sent, {stored} arrived", sent.digest.rows),
        })
    }
}

fn failed(session: &Session, error: &tokio_postgres::Error) -> Error {
    if failure::is_unencodable(error) {
        let reason = "its encoding can't hold a customer's id: make it with encoding UTF8";
        Error::config(format!("database {}", session.place()), reason)
    } else {
        session.failed(OPERATION, error)
    }
}
