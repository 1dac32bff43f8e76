//! The pass over the bytes, on threads that may block: one reads and judges, one encodes
//! transactions; the runtime fetches and uploads beside them.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use arrow_array::RecordBatch;
use shared::contracts::{Artifact, Layout, Part, Run};
use shared::erasure::Tombstones;
use shared::failpoint::reach;
use shared::progress::Progress;
use shared::store::{ObjectWriter, Pending, Store};
use shared::tables::{QuarantineBuilder, TableWriter, TransactionsBuilder};
use shared::transactions::pass::{Outcome, Pass};
use shared::transactions::reader::Nowhere;
use shared::{Error, Result};

use crate::sink::Tables;
use crate::uploads::{Upload, Uploads};

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

    /// Makes both visible under their keys; nobody asks for them before the run's manifest.
    pub(crate) async fn commit(self) -> Result<[Artifact; 2]> {
        let transactions = match self.transactions.commit().await {
            Ok(artifact) => reach("preprocess: transactions committed").map(|()| artifact),
            Err(error) => Err(error),
        };
        match transactions {
            Ok(transactions) => Ok([transactions, self.quarantine.commit().await?]),
            Err(error) => {
                self.quarantine.abort().await;
                Err(error)
            }
        }
    }

    /// Leaves nothing behind.
    pub(crate) async fn abort(self) {
        self.transactions.abort().await;
        self.quarantine.abort().await;
    }
}

/// Reads the run's uploads to their end.
pub(crate) async fn run(
    store: &Store,
    run: &Run,
    uploads: Vec<Upload>,
    erased: Option<Tombstones>,
    progress: Arc<dyn Progress>,
) -> Result<(Outcome, Written)> {
    let layout = Layout::new(&run.run_id);
    let transactions = store.writer(&layout.key(Part::Transactions), Written::PARQUET);
    let quarantine = store.writer(&layout.key(Part::Quarantine), Written::PARQUET);
    let uploads = Uploads::new(store, uploads, progress);
    let run = run.clone();
    let blocking = tokio::task::spawn_blocking(move || {
        on_threads(&uploads, &run, erased.as_ref(), transactions, quarantine)
    });
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
    uploads: &Uploads,
    run: &Run,
    erased: Option<&Tombstones>,
    transactions: ObjectWriter,
    quarantine: ObjectWriter,
) -> Finished {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(BATCHES_IN_FLIGHT);
        let encoder = scope.spawn(move || encode(&receiver, transactions));
        let (outcome, quarantine) = match Tables::new(sender, quarantine) {
            Err(error) => (Err(error), Err(Error::Internal("no quarantine".to_owned()))),
            Ok(mut tables) => {
                let outcome = read(uploads, run, erased, &mut tables);
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

/// Where a window counts back from a moment that nobody gave, that is the last kept purchase,
/// which is not known before the end: then all is read once more beforehand.
fn read(
    uploads: &Uploads,
    run: &Run,
    erased: Option<&Tombstones>,
    tables: &mut Tables,
) -> Result<Outcome> {
    let settings = &run.settings;
    let mut pass = Pass::new(settings, run.as_of, erased)?;
    if let Some(days) = settings.source.window_days {
        let moment = match run.as_of {
            Some(as_of) => Some(as_of),
            None => {
                let mut before = Pass::new(settings, None, erased)?;
                uploads.read(&mut before, &mut Nowhere)?;
                before.last_purchase()
            }
        };
        if let Some(moment) = moment {
            pass = pass.within(moment, days)?;
        }
    }
    uploads.read(&mut pass, tables)?;
    pass.finish()
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
