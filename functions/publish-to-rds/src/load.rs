//! Loads a run's rows into a table of their own, which no reader sees.

use std::pin::pin;

use arrow_array::RecordBatch;
use bytes::{Bytes, BytesMut};
use futures::{SinkExt, Stream, StreamExt};
use shared::failpoint::reach;
use shared::progress::Progress;
use shared::{Error, Result};
use tokio_postgres::CopyInSink;

use crate::digest::{RowDigest, names};
use crate::encode::{HEADER, Rows, TRAILER};
use crate::failure;
use crate::names::Table;
use crate::run::{PublishRun, Tally};
use crate::session::Session;
use crate::tombstones::Tombstones;

const OPERATION: &str = "loading the rows";
/// Bytes of a message of the COPY.
const CHUNK: usize = 64 << 10;
/// Ids up to this many bytes fit into an entry of a B-tree, whatever they are made of.
const BTREE_BYTES: usize = 2_500;

/// What was loaded.
pub(crate) struct Loaded {
    /// Digest of what was sent.
    pub(crate) digest: RowDigest,
    /// Rows that came.
    pub(crate) rows_read: u64,
    /// Those of them that were left out, because the customer was erased.
    pub(crate) erased: u64,
    /// Who was erased until then.
    pub(crate) tombstones: Tombstones,
}

/// Creates the staging table and fills it, in one transaction: an attempt that dies on the
/// way leaves nothing.
///
/// A table that is created and filled in one transaction takes its rows frozen: no vacuum
/// has to touch them again, and an index-only scan is one from the start. Nobody else can
/// see them before the run is attached and made current.
pub(crate) async fn load<S>(
    session: &Session,
    run: &PublishRun,
    batches: S,
    progress: &dyn Progress,
) -> Result<Loaded>
where
    S: Stream<Item = Result<RecordBatch>>,
{
    let operation = OPERATION;
    let staging = Table::Members.staging(&run.run_id);
    session
        .transaction(operation, async {
            session.allow_load_in_transaction(operation).await?;
            // No id gets into the planner's samples: whoever is erased would stay there.
            // run_id is a default, so that it is not sent with every row; the CHECK tells
            // Postgres that all rows belong to the partition, so that attaching reads none.
            let create = format!(
                "DROP TABLE IF EXISTS insiders.{staging}; \
                 CREATE TABLE insiders.{staging} (LIKE insiders.segment_members INCLUDING ALL); \
                 ALTER TABLE insiders.{staging} ALTER run_id SET DEFAULT '{run_id}', \
                 ALTER customer_id SET STATISTICS 0, \
                 ADD CONSTRAINT one_run CHECK (run_id = '{run_id}')",
                run_id = run.run_id,
            );
            session.batch(operation, &create).await?;
            let tombstones = Tombstones::read(session).await?;
            let columns = names();
            let copy =
                format!("COPY insiders.{staging} ({columns}) FROM STDIN (FORMAT binary, FREEZE)");
            let sink = session
                .answer(operation, session.client().copy_in(&copy))
                .await?
                .map_err(|e| session.failed(operation, &e))?;
            reach("publish: copy begun")?;
            let sent = send(session, run, batches, &tombstones, sink, progress).await?;
            reach("publish: rows sent")?;
            let key = if sent.longest_id <= BTREE_BYTES {
                "PRIMARY KEY (customer_id)"
            } else {
                "EXCLUDE USING hash (customer_id WITH =)"
            };
            let finish = format!(
                "ALTER TABLE insiders.{staging} ADD CONSTRAINT {staging}_key {key}; \
                 CREATE INDEX {staging}_label ON insiders.{staging} (label); \
                 ANALYZE insiders.{staging}"
            );
            let finished = session.client().batch_execute(&finish);
            session.answer(operation, finished).await?.map_err(|e| {
                if failure::is_duplicate(&e) {
                    Error::Corrupt {
                        object: run.segments_key.clone(),
                        reason: "a customer is there twice".to_owned(),
                    }
                } else {
                    session.failed(operation, &e)
                }
            })?;
            Ok(Loaded {
                digest: sent.digest,
                rows_read: sent.rows_read,
                erased: sent.rows_read - sent.digest.rows,
                tombstones,
            })
        })
        .await
}

/// What was sent.
struct Sent {
    digest: RowDigest,
    rows_read: u64,
    longest_id: usize,
}

async fn send<S>(
    session: &Session,
    run: &PublishRun,
    batches: S,
    tombstones: &Tombstones,
    sink: CopyInSink<Bytes>,
    progress: &dyn Progress,
) -> Result<Sent>
where
    S: Stream<Item = Result<RecordBatch>>,
{
    let failed = |e: tokio_postgres::Error| {
        if failure::is_unencodable(&e) {
            let reason = "its encoding can't hold a customer's id: make it with encoding UTF8";
            Error::config(format!("database {}", session.place()), reason)
        } else {
            session.failed(OPERATION, &e)
        }
    };
    let mut sink = pin!(sink);
    let mut batches = pin!(batches);
    let mut tally = Tally::new(run)?;
    let mut sent = Sent {
        digest: RowDigest::default(),
        rows_read: 0,
        longest_id: 0,
    };
    let mut copy = BytesMut::with_capacity(2 * CHUNK);
    let mut bytes = Vec::new();
    copy.extend_from_slice(HEADER);
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        let rows = Rows::of(&batch, &run.segments_key)?;
        for row in 0..rows.len() {
            let id = rows.customer_id(row).as_bytes();
            if id.contains(&0) {
                return Err(Error::bad_input(
                    &run.segments_key,
                    "a customer's id has a NUL character, which Postgres can't store: remove it from the export",
                ));
            }
            tally.count(rows.label(row), rows.segment(row))?;
            sent.rows_read += 1;
            if tombstones.contains(id) {
                continue;
            }
            sent.longest_id = sent.longest_id.max(id.len());
            rows.send(row, &mut copy, &mut sent.digest, &mut bytes);
            if copy.len() >= CHUNK {
                let sent = sink.send(copy.split().freeze());
                let limit = session.limits.statement;
                let taken = session.answer_within(limit, OPERATION, sent).await?;
                taken.map_err(failed)?;
                copy.reserve(2 * CHUNK);
            }
        }
        let share = sent.rows_read as f64 / run.customers.max(1) as f64;
        progress.bytes(
            (share * run.segments_bytes as f64) as u64,
            run.segments_bytes,
        );
    }
    // A table with too few rows must not get as far as an index.
    tally.finish(sent.rows_read)?;
    if sent.digest.rows == 0 {
        return Err(Error::bad_input(
            &run.segments_key,
            "all of its customers were erased: there is nothing to publish",
        ));
    }
    copy.extend_from_slice(TRAILER);
    let end = async {
        sink.send(copy.freeze()).await?;
        sink.finish().await
    };
    let stored = session.answer(OPERATION, end).await?.map_err(failed)?;
    if stored == sent.digest.rows {
        Ok(sent)
    } else {
        Err(Error::Corrupt {
            object: format!("the copy of run {} on {}", run.run_id, session.place()),
            reason: format!("{} rows were sent, {stored} arrived", sent.digest.rows),
        })
    }
}
