//! Where the rows of the pass go.

use std::sync::mpsc::SyncSender;

use arrow_array::RecordBatch;
use shared::store::ObjectWriter;
use shared::tables::{QuarantineBuilder, TableWriter, TransactionsBuilder};
use shared::transactions::line::Line;
use shared::transactions::quarantine::Defect;
use shared::transactions::reader::Sink;
use shared::{Error, Result};

use crate::pass::quarantine_table;

/// Rows of a batch of transactions.
const BATCH: usize = 16 << 10;

/// Batches of transactions for the encoder, and the quarantine table itself: it is small.
pub(crate) struct Tables {
    transactions: TransactionsBuilder,
    encoder: SyncSender<RecordBatch>,
    rejected: QuarantineBuilder,
    quarantine: TableWriter<ObjectWriter>,
}

impl Tables {
    /// Empty tables.
    pub(crate) fn new(encoder: SyncSender<RecordBatch>, quarantine: ObjectWriter) -> Result<Self> {
        Ok(Self {
            transactions: TransactionsBuilder::default(),
            encoder,
            rejected: QuarantineBuilder::default(),
            quarantine: quarantine_table(quarantine)?,
        })
    }

    fn flush(&mut self) -> Result<()> {
        let batch = self.transactions.finish()?;
        self.encoder
            .send(batch)
            .map_err(|_| Error::Internal("the encoder of transactions stopped".to_owned()))
    }

    /// Hands over what is left, and ends both tables whatever happens.
    pub(crate) fn finish(mut self) -> (Result<()>, Result<(ObjectWriter, u64)>) {
        let flushed = if self.transactions.is_empty() {
            Ok(())
        } else {
            self.flush()
        };
        let rejected = self.rejected.finish();
        let written = rejected.and_then(|batch| self.quarantine.write(&batch));
        (flushed, written.and_then(|()| self.quarantine.finish()))
    }
}

impl Sink for Tables {
    fn begin(&mut self, object: &str) {
        self.rejected.begin(object);
    }

    fn kept(&mut self, line: &Line<'_>, customer_id: &str, is_guest: bool) -> Result<()> {
        self.transactions.push(line, customer_id, is_guest);
        if self.transactions.len() == BATCH {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn quarantined(&mut self, line: u64, defect: Defect, raw: &str) -> Result<()> {
        self.rejected.push(line, defect, raw);
        if self.rejected.is_full() {
            let batch = self.rejected.finish()?;
            self.quarantine.write(&batch)?;
        }
        Ok(())
    }
}
