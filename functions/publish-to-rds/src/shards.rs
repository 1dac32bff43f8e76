//! Loads the shards of a run into its one staging table, several at a time.
//!
//! The session that publishes, which holds the run's lock, creates the table and commits it, so
//! that the others see it. They load a shard in a transaction each. A table that was committed
//! takes no rows frozen; that costs a vacuum later, and the index-only scans until then. What
//! loads frozen is a table of its own for each shard, but a reader who looks for a customer
//! would have to ask all of them, in each run that is kept, and nothing would keep a customer
//! from being in two.

use std::sync::Arc;
use std::time::Instant;

use arrow_array::RecordBatch;
use futures::future::join_all;
use futures::{FutureExt, Stream};
use shared::failpoint::reach;
use shared::{Error, Result};

use crate::copy::{OPERATION, Sent};
use crate::digest::RowDigest;
use crate::load::{Load, Loaded, Source};
use crate::names::Table;
use crate::prune;
use crate::run::PublishRun;
use crate::session::Session;
use crate::staging::{self, Key};
use crate::tally::Tally;
use crate::tombstones::Tombstones;
use crate::workers::{self, Work};

/// One shard of a run.
#[derive(Debug)]
pub struct ShardRows<S> {
    /// Name of its table in errors.
    pub key: String,
    /// Rows that must come.
    pub rows: u64,
    /// The rows; not polled before there is a connection to send them on.
    pub batches: S,
}

/// The shards of a run; no customer is in two.
pub(crate) struct Shards<S>(pub(crate) Vec<ShardRows<S>>);

impl<S> Source for Shards<S>
where
    S: Stream<Item = Result<RecordBatch>> + Send + 'static,
{
    async fn load(self, load: &Load<'_>) -> Result<Loaded> {
        let Load { session, run, .. } = *load;
        let counts = self.0.iter().map(|shard| shard.rows);
        // Before anything is loaded: the list must be this run's.
        let rows = counts.fold(0_u64, u64::saturating_add);
        if rows != run.customers {
            let expected = run.customers;
            return Err(Error::Corrupt {
                object: run.segments_key.clone(),
                reason: format!("its shards have {rows} rows, the manifest says {expected}"),
            });
        }
        // Boxed, so that whoever spawns a publication need not be shown that it may be sent.
        let result = fill(load, self.0).boxed().await;
        if result.is_err()
            && let Err(error) = prune::discard(session, &run.run_id).await
        {
            tracing::debug!(error = %error, "the shards are left for the next attempt to drop");
        }
        result
    }
}

async fn fill<S>(load: &Load<'_>, shards: Vec<ShardRows<S>>) -> Result<Loaded>
where
    S: Stream<Item = Result<RecordBatch>> + Send + 'static,
{
    let Load { session, run, .. } = *load;
    let began = Instant::now();
    let (table, tombstones) = create(session, run).await?;
    reach("publish: staging created")?;
    let sessions = open(load, shards.len()).await?;
    let work = Arc::new(Work::new(run, table, tombstones.clone(), shards));
    let progress = load.progress;
    let look = || {
        run.tell(progress, work.rows_read());
        session.expect_open(OPERATION)
    };
    let done = workers::all(&work, sessions, look).await?;
    let copied = began.elapsed();
    let mut sent = Sent::default();
    let mut tally = Tally::new(run)?;
    let added = done.iter().try_for_each(|done| {
        sent.add(&done.sent);
        tally.add(&done.counted)
    });
    // One of them is enough for what is left.
    let mut idle = done.into_iter().map(|done| done.session);
    let helper = idle.next();
    join_all(idle.map(Session::close)).await;
    added?;
    // A table with too few rows must not get as far as an index.
    tally.finish(sent.rows_read)?;
    staging::expect_customers(run, sent.digest.rows)?;
    reach("publish: shards loaded")?;
    let helper = helper.ok_or_else(|| Error::Internal("nobody loaded a shard".to_owned()))?;
    let stored = finish(session, &helper, run, Key::of(sent.longest_id)).await;
    helper.close().await;
    let mut loaded = Loaded::of(&sent, Some(stored?), tombstones);
    reach("publish: shards indexed")?;
    loaded.copied = Some(copied);
    Ok(loaded)
}

/// Creates the staging table, in place of one that an earlier attempt left. Gives its number,
/// and who was erased until then.
async fn create(session: &Session, run: &PublishRun) -> Result<(u32, Tombstones)> {
    let staging = Table::Members.staging(&run.run_id);
    let created = async {
        session.batch(OPERATION, &staging::create(run)).await?;
        let sql = format!("SELECT 'insiders.{staging}'::regclass::oid");
        let row = session.one(OPERATION, &sql, &[]).await?;
        Ok((session.get(&row, 0)?, Tombstones::read(session).await?))
    };
    session.transaction(OPERATION, created).await
}

/// Connects for as many shards at once as there shall be, or can be: a server or a role may
/// have no more connections to give.
async fn open(load: &Load<'_>, shards: usize) -> Result<Vec<Session>> {
    let number = load.database.limits.connections.min(shards).max(1);
    let mut opening = Vec::with_capacity(number);
    for _ in 0..number {
        opening.push(load.session.another(load.database));
    }
    let mut open = Vec::with_capacity(number);
    let mut refused = None;
    for opened in join_all(opening).await {
        match opened {
            Ok(session) => open.push(session),
            Err(error) => refused = Some(error),
        }
    }
    match refused {
        Some(error) if open.is_empty() => Err(error),
        Some(error) => {
            let connections = open.len();
            tracing::warn!(connections, asked = number, error = %error, "loading by fewer connections");
            Ok(open)
        }
        None => Ok(open),
    }
}

/// Builds the indexes, while another session computes the digest of what Postgres holds.
async fn finish(
    session: &Session,
    helper: &Session,
    run: &PublishRun,
    key: Key,
) -> Result<RowDigest> {
    let staging = Table::Members.staging(&run.run_id);
    // A constraint alone would shut out the other session.
    let (unique, constraint) = match key {
        Key::Primary => (
            format!("CREATE UNIQUE INDEX {staging}_key ON insiders.{staging} (customer_id); "),
            format!("PRIMARY KEY USING INDEX {staging}_key"),
        ),
        Key::Hash => (String::new(), key.constraint().to_owned()),
    };
    let indexes = format!(
        "{unique}CREATE INDEX {staging}_label ON insiders.{staging} (label); \
         ANALYZE insiders.{staging}"
    );
    let constraint =
        format!("ALTER TABLE insiders.{staging} ADD CONSTRAINT {staging}_key {constraint}");
    let (indexed, stored) = tokio::join!(
        build(session, run, &indexes),
        RowDigest::stored(helper, &staging)
    );
    indexed?;
    build(session, run, &constraint).await?;
    stored
}

async fn build(session: &Session, run: &PublishRun, sql: &str) -> Result<()> {
    let built = async {
        session.allow_load_in_transaction(OPERATION).await?;
        staging::index(session, run, sql).await
    };
    session.transaction(OPERATION, built).await
}
