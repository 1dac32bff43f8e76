//! Loads a run's rows into a table of their own, which no reader sees.

use std::time::Duration;

use arrow_array::RecordBatch;
use futures::Stream;
use shared::Result;
use shared::failpoint::reach;
use shared::progress::Progress;

use crate::copy::{Copy, OPERATION, Sent};
use crate::database::Database;
use crate::digest::RowDigest;
use crate::names::Table;
use crate::run::PublishRun;
use crate::session::Session;
use crate::staging::{self, Key};
use crate::tally::Tally;
use crate::tombstones::Tombstones;

/// What was loaded.
pub(crate) struct Loaded {
    /// Digest of what was sent.
    pub(crate) digest: RowDigest,
    /// Digest of what Postgres holds, where it was asked already.
    pub(crate) stored: Option<RowDigest>,
    /// How long the rows took, where the indexes were another step.
    pub(crate) copied: Option<Duration>,
    /// Rows that came.
    pub(crate) rows_read: u64,
    /// Those of them that were left out, because the customer was erased.
    pub(crate) erased: u64,
    /// Who was erased until then.
    pub(crate) tombstones: Tombstones,
}

impl Loaded {
    pub(crate) fn of(sent: &Sent, stored: Option<RowDigest>, tombstones: Tombstones) -> Self {
        Self {
            digest: sent.digest,
            stored,
            copied: None,
            rows_read: sent.rows_read,
            erased: sent.rows_read - sent.digest.rows,
            tombstones,
        }
    }
}

/// Who loads what, and who watches.
pub(crate) struct Load<'a> {
    pub(crate) session: &'a Session,
    pub(crate) database: &'a Database,
    pub(crate) run: &'a PublishRun,
    pub(crate) progress: &'a dyn Progress,
}

/// Where the rows come from.
pub(crate) trait Source {
    /// Fills the run's staging table, indexes and all.
    async fn load(self, load: &Load<'_>) -> Result<Loaded>;
}

/// One table.
pub(crate) struct Whole<S>(pub(crate) S);

impl<S> Source for Whole<S>
where
    S: Stream<Item = Result<RecordBatch>>,
{
    /// Creates the staging table and fills it, in one transaction: an attempt that dies on the
    /// way leaves nothing.
    ///
    /// A table that is created and filled in one transaction takes its rows frozen: no vacuum
    /// has to touch them again, and an index-only scan is one from the start. Nobody else can
    /// see them before the run is attached and made current.
    async fn load(self, load: &Load<'_>) -> Result<Loaded> {
        let Load { session, run, .. } = *load;
        let staging = Table::Members.staging(&run.run_id);
        let filled = async {
            session.allow_load_in_transaction(OPERATION).await?;
            session.batch(OPERATION, &staging::create(run)).await?;
            let tombstones = Tombstones::read(session).await?;
            let object = &run.segments_key;
            let mut copy = Copy::begin(session, run, object, &tombstones, ", FREEZE").await?;
            reach("publish: copy begun")?;
            let mut tally = Tally::new(run)?;
            let watch = |sent: &Sent| run.tell(load.progress, sent.rows_read);
            copy.rows(self.0, &mut tally, watch).await?;
            // A table with too few rows must not get as far as an index.
            tally.finish(copy.sent().rows_read)?;
            staging::expect_customers(run, copy.sent().digest.rows)?;
            let sent = copy.end().await?;
            reach("publish: rows sent")?;
            let index = format!(
                "ALTER TABLE insiders.{staging} ADD CONSTRAINT {staging}_key {key}; \
                 CREATE INDEX {staging}_label ON insiders.{staging} (label); \
                 ANALYZE insiders.{staging}",
                key = Key::of(sent.longest_id).constraint()
            );
            staging::index(session, run, &index).await?;
            Ok(Loaded::of(&sent, None, tombstones))
        };
        session.transaction(OPERATION, filled).await
    }
}
