//! Sessions that load shards side by side: all end before whoever waits for them goes on, and
//! where one fails, the others are told to stop.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::vec::IntoIter;

use arrow_array::RecordBatch;
use futures::Stream;
use futures::future::join_all;
use shared::failpoint::reach;
use shared::{Error, Result};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio_postgres::error::SqlState;

use crate::copy::{Copy, OPERATION, Sent};
use crate::names::Table;
use crate::run::PublishRun;
use crate::session::Session;
use crate::shards::ShardRows;
use crate::tally::Tally;
use crate::tombstones::Tombstones;

/// How often whoever waits looks around.
const TICK: Duration = Duration::from_millis(100);

/// What there is to load, for all.
pub(crate) struct Work<S> {
    run: PublishRun,
    /// The staging table by its number: another attempt may make one of the same name.
    table: u32,
    tombstones: Tombstones,
    left: Mutex<IntoIter<ShardRows<S>>>,
    rows_read: AtomicU64,
}

/// What one session has loaded.
pub(crate) struct Done {
    pub(crate) session: Session,
    pub(crate) sent: Sent,
    /// Customers by segment.
    pub(crate) counted: HashMap<i32, u64>,
}

impl<S> Work<S> {
    pub(crate) fn new(
        run: &PublishRun,
        table: u32,
        tombstones: Tombstones,
        shards: Vec<ShardRows<S>>,
    ) -> Self {
        Self {
            run: run.clone(),
            table,
            tombstones,
            left: Mutex::new(shards.into_iter()),
            rows_read: AtomicU64::new(0),
        }
    }

    /// Rows that came so far.
    pub(crate) fn rows_read(&self) -> u64 {
        self.rows_read.load(Ordering::Relaxed)
    }

    fn next(&self) -> Option<ShardRows<S>> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.next()
    }
}

impl<S> Work<S>
where
    S: Stream<Item = Result<RecordBatch>> + Send + 'static,
{
    /// Loads one shard after the other until none is left.
    async fn load(&self, session: &Session) -> Result<(Sent, HashMap<i32, u64>)> {
        let mut tally = Tally::new(&self.run)?;
        let mut sent = Sent::default();
        while let Some(shard) = self.next() {
            let work = self.shard(session, shard, &mut tally);
            sent.add(&session.transaction(OPERATION, work).await?);
            reach("publish: shard loaded")?;
        }
        Ok((sent, tally.counted()))
    }

    /// Loads one shard, in the transaction that is open.
    async fn shard(
        &self,
        session: &Session,
        shard: ShardRows<S>,
        tally: &mut Tally<'_>,
    ) -> Result<Sent> {
        let ShardRows { key, rows, batches } = shard;
        session.allow_load_in_transaction(OPERATION).await?;
        self.hold_table(session).await?;
        let mut copy = Copy::begin(session, &self.run, &key, &self.tombstones, "").await?;
        reach("publish: shard begun")?;
        let mut before = 0;
        let watch = |sent: &Sent| {
            let more = sent.rows_read - before;
            self.rows_read.fetch_add(more, Ordering::Relaxed);
            before = sent.rows_read;
        };
        copy.rows(batches, tally, watch).await?;
        let came = copy.sent().rows_read;
        if came != rows {
            return Err(Error::Corrupt {
                object: key,
                reason: format!("it has {came} rows, {} says {rows}", self.run.segments_key),
            });
        }
        let sent = copy.end().await?;
        reach("publish: shard sent")?;
        Ok(sent)
    }

    /// Keeps the staging table from being dropped, and makes sure that it is this attempt's.
    /// Whoever publishes the run next may have made another, if the session that has the
    /// run's lock lost its connection and this one did not.
    async fn hold_table(&self, session: &Session) -> Result<()> {
        let staging = Table::Members.staging(&self.run.run_id);
        let lock = format!("LOCK TABLE insiders.{staging} IN ROW EXCLUSIVE MODE");
        let locked = session.client().batch_execute(&lock);
        match session.answer(OPERATION, locked).await? {
            Err(e) if e.code() == Some(&SqlState::UNDEFINED_TABLE) => {
                return Err(self.replaced(session));
            }
            locked => locked.map_err(|e| session.failed(OPERATION, &e))?,
        }
        let sql = format!("SELECT 'insiders.{staging}'::regclass::oid = $1");
        let row = session.one(OPERATION, &sql, &[&self.table]).await?;
        if session.get(&row, 0)? {
            Ok(())
        } else {
            Err(self.replaced(session))
        }
    }

    fn replaced(&self, session: &Session) -> Error {
        Error::Unavailable {
            service: "Postgres",
            operation: format!("{OPERATION} on {}", session.place()),
            reason: format!(
                "somebody else publishes run {} by now; try again",
                self.run.run_id
            ),
        }
    }
}

/// Why it came to an end.
enum Failure {
    Error(Error),
    Panic(JoinError),
}

/// Loads all shards by these sessions, each in a task of its own, and looks around meanwhile.
/// The first failure, one that `look` finds among them, ends them all: a connection whose COPY
/// is under way is closed, and Postgres takes back what came by it.
pub(crate) async fn all<S>(
    work: &Arc<Work<S>>,
    sessions: Vec<Session>,
    look: impl Fn() -> Result<()>,
) -> Result<Vec<Done>>
where
    S: Stream<Item = Result<RecordBatch>> + Send + 'static,
{
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    for session in sessions {
        tasks.spawn(one(session, Arc::clone(work), stopped.clone()));
    }
    let mut tick = tokio::time::interval(TICK);
    let mut done = Vec::new();
    let mut failure = None;
    while !tasks.is_empty() {
        let failed = tokio::select! {
            Some(ended) = tasks.join_next() => match ended {
                Ok(Ok(loaded)) => {
                    done.extend(loaded);
                    continue;
                }
                Ok(Err(error)) => Failure::Error(error),
                Err(error) => Failure::Panic(error),
            },
            _ = tick.tick() => match look() {
                Ok(()) => continue,
                Err(error) => Failure::Error(error),
            },
        };
        failure.get_or_insert(failed);
        stop.send_replace(true);
    }
    let Some(failure) = failure else {
        return Ok(done);
    };
    join_all(done.into_iter().map(|done| done.session.close())).await;
    match failure {
        Failure::Error(error) => Err(error),
        Failure::Panic(error) if error.is_panic() => {
            std::panic::resume_unwind(error.into_panic());
        }
        Failure::Panic(error) => Err(Error::Internal(format!("{OPERATION}: {error}"))),
    }
}

/// Waits until the connection has ended: whoever waits for rows does not notice.
async fn lost(session: &Session) -> Error {
    let mut tick = tokio::time::interval(TICK);
    loop {
        tick.tick().await;
        if let Err(error) = session.expect_open(OPERATION) {
            return error;
        }
    }
}

/// Loads until nothing is left, or until it is told to stop: then there is nothing to tell.
async fn one<S>(
    session: Session,
    work: Arc<Work<S>>,
    mut stopped: watch::Receiver<bool>,
) -> Result<Option<Done>>
where
    S: Stream<Item = Result<RecordBatch>> + Send + 'static,
{
    let loaded = tokio::select! {
        biased;
        loaded = work.load(&session) => loaded.map(Some),
        lost = lost(&session) => Err(lost),
        _ = stopped.wait_for(|stop| *stop) => Ok(None),
    };
    match loaded {
        Ok(Some((sent, counted))) => Ok(Some(Done {
            session,
            sent,
            counted,
        })),
        ended => {
            session.close().await;
            ended.map(|_| None)
        }
    }
}
