//! The one pass over the bytes, on threads that may block: one reads and judges, one
//! encodes transactions; the runtime fetches and uploads beside them.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use arrow_array::RecordBatch;
use shared::contracts::{Layout, Part, Run};
use shared::progress::Progress;
use shared::store::{ObjectReader, ObjectWriter, Pending, Store};
use shared::tables::{QuarantineBuilder, TableWriter, TransactionsBuilder};
use shared::transactions::decompress;
use shared::transactions::reader::{Outcome, read};
use shared::{Error, Result};

use crate::sink::Tables;

/// Batches between the two threads.
const BATCHES_IN_FLIGHT: usize = 2;

/// The tables of the pass; nobody sees them before they are committed.
pub(crate) struct Written {
    pub(crate) transactions: Pending,
    pub(crate) quarantine: Pending,
}

impl Written {
    /// Content type of the tables.
    pub(crate) const PARQUET: &'static str = "application/vnd.apache.parquet";

    /// Leaves nothing behind.
    pub(crate) async fn abort(self) {
        self.transactions.abort().await;
        self.quarantine.abort().await;
    }
}

/// Reads the run's source to its end.
pub(crate) async fn run(
    store: &Store,
    run: &Run,
    progress: Arc<dyn Progress>,
) -> Result<(Outcome, Written)> {
    let layout = Layout::new(&run.run_id);
    let transactions = store.writer(&layout.key(Part::Transactions), Written::PARQUET);
    let quarantine = store.writer(&layout.key(Part::Quarantine), Written::PARQUET);
    let source = Watched {
        reader: store.reader(&run.source),
        done: 0,
        total: run.source.size,
        progress,
    };
    let run = run.clone();
    let blocking =
        tokio::task::spawn_blocking(move || on_threads(source, &run, transactions, quarantine));
    let finished = blocking.await.map_err(|e| Error::Internal(e.to_string()))?;

    // Both tables are finished before either error is looked at, so that an upload that has
    // begun is taken back whatever happened to the other.
    let transactions = pending(finished.transactions).await;
    let quarantine = pending(finished.quarantine).await;
    match (finished.outcome, transactions, quarantine) {
        (Ok(outcome), Ok(transactions), Ok(quarantine)) => Ok((
            outcome,
            Written {
                transactions,
                quarantine,
            },
        )),
        (outcome, transactions, quarantine) => {
            let mut errors = Vec::new();
            for table in [transactions, quarantine] {
                match table {
                    Ok(pending) => pending.abort().await,
                    Err(error) => errors.push(error),
                }
            }
            // An upload that failed is why the pass stopped, not the other way round.
            let cause = errors.into_iter().next().or(outcome.err());
            Err(cause.unwrap_or_else(|| Error::Internal("the pass failed".to_owned())))
        }
    }
}

async fn pending(table: Result<(ObjectWriter, u64)>) -> Result<Pending> {
    let (writer, rows) = table?;
    writer.finish(Some(rows)).await
}

struct Finished {
    outcome: Result<Outcome>,
    transactions: Result<(ObjectWriter, u64)>,
    quarantine: Result<(ObjectWriter, u64)>,
}

fn on_threads(
    source: Watched,
    run: &Run,
    transactions: ObjectWriter,
    quarantine: ObjectWriter,
) -> Finished {
    let object = run.source.key.clone();
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(BATCHES_IN_FLIGHT);
        let encoder = scope.spawn(move || encode(&receiver, transactions));
        let (outcome, quarantine) = match Tables::new(sender, quarantine, &object) {
            Err(error) => (Err(error), Err(Error::Internal("no quarantine".to_owned()))),
            Ok(mut tables) => {
                let outcome = decompress::text(source, &object)
                    .and_then(|text| read(text, &object, &run.settings, run.as_of, &mut tables));
                let (flushed, quarantine) = tables.finish();
                (
                    outcome.and_then(|outcome| flushed.map(|()| outcome)),
                    quarantine,
                )
            }
        };
        let transactions = encoder
            .join()
            .unwrap_or_else(|_| Err(Error::Internal("the encoder stopped".to_owned())));
        Finished {
            outcome,
            transactions,
            quarantine,
        }
    })
}

/// Encodes batches until the other thread is done.
fn encode(batches: &Receiver<RecordBatch>, sink: ObjectWriter) -> Result<(ObjectWriter, u64)> {
    let mut table = TableWriter::new(sink, TransactionsBuilder::schema())?;
    for batch in batches {
        table.write(&batch)?;
    }
    table.finish()
}

/// The table of quarantined rows.
pub(crate) fn quarantine_table(sink: ObjectWriter) -> Result<TableWriter<ObjectWriter>> {
    TableWriter::new(sink, QuarantineBuilder::schema())
}

/// Tells who is watching how far the source has been read.
struct Watched {
    reader: ObjectReader,
    done: u64,
    total: u64,
    progress: Arc<dyn Progress>,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        self.done += n as u64;
        self.progress.bytes(self.done, self.total);
        Ok(n)
    }
}
