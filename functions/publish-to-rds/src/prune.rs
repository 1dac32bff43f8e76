//! Drops old runs and what dead attempts left behind. Never the current run, and never at
//! the price of readers: whoever holds a run open keeps it until a later publication.
//!
//! A run goes in steps, each of which may be the last of this attempt: it is marked as
//! retired (so that nothing makes it current again), its partitions are detached, its tables
//! and records are dropped.

use shared::Result;

use crate::names::{PRUNE_LOCK, RunId, SWITCH_LOCK, Table};
use crate::session::{Session, millis};

const OPERATION: &str = "dropping old runs";

/// Keeps the current run and the latest of the others, `keep` in all. Best effort: what
/// can't be dropped now is logged and left for the next publication.
pub(crate) async fn prune(session: &Session, keep: usize) {
    match try_prune(session, keep).await {
        Ok(0) => {}
        Ok(dropped) => tracing::info!(dropped, "dropped old runs"),
        Err(error) => tracing::warn!(error = %error, "old runs are left for the next publication"),
    }
}

async fn try_prune(session: &Session, keep: usize) -> Result<u64> {
    if !session.try_lock(OPERATION, PRUNE_LOCK).await? {
        return Ok(0);
    }
    let limit = format!("SET lock_timeout = {}", millis(session.limits.prune_lock));
    session.batch(OPERATION, &limit).await?;
    retire(session, keep).await?;
    detach_pending(session).await?;
    let mut dropped = 0;
    for run in retired(session).await? {
        // Whoever holds this lock is publishing the run anew.
        if session.try_lock(OPERATION, run.lock()).await? {
            let result = drop_run(session, &run).await;
            session.unlock(OPERATION, run.lock()).await?;
            result?;
            dropped += 1;
        }
    }
    drop_leftovers(session).await?;
    session.unlock(OPERATION, PRUNE_LOCK).await?;
    Ok(dropped)
}

async fn retire(session: &Session, keep: usize) -> Result<()> {
    let others = i64::try_from(keep.saturating_sub(1)).unwrap_or(i64::MAX);
    session
        .transaction(OPERATION, async {
            session.lock_in_transaction(OPERATION, SWITCH_LOCK).await?;
            let sql = "UPDATE insiders.runs SET retired_at = now() WHERE run_id IN ( \
                       SELECT r.run_id FROM insiders.runs r \
                       WHERE r.retired_at IS NULL \
                       AND r.run_id <> (SELECT c.run_id FROM insiders.current_run c) \
                       ORDER BY r.as_of DESC, r.published_at DESC, r.run_id OFFSET $1)";
            session.execute(OPERATION, sql, &[&others]).await.map(drop)
        })
        .await
}

async fn retired(session: &Session) -> Result<Vec<RunId>> {
    let sql = "SELECT run_id FROM insiders.runs WHERE retired_at IS NOT NULL \
               ORDER BY retired_at, run_id";
    let rows = session.rows(OPERATION, sql, &[]).await?;
    rows.iter()
        .map(|row| RunId::parse(session.get(row, 0)?))
        .collect()
}

/// Drops one retired run for a publisher that needs its place, or says why it can't be yet.
/// The publisher holds the run's lock.
pub(crate) async fn finish(session: &Session, run: &RunId) -> Result<()> {
    session.lock(OPERATION, PRUNE_LOCK).await?;
    let result = match detach_pending(session).await {
        Ok(()) => drop_run(session, run).await,
        Err(error) => Err(error),
    };
    session.unlock(OPERATION, PRUNE_LOCK).await?;
    result
}

/// Finishes what an earlier attempt began to detach: Postgres detaches one partition at a
/// time.
async fn detach_pending(session: &Session) -> Result<()> {
    if session.major() < 14 {
        return Ok(());
    }
    let sql = "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
               WHERE i.inhdetachpending AND i.inhparent = to_regclass('insiders.' || $1)";
    for table in Table::ALL {
        for row in session.rows(OPERATION, sql, &[&table.name()]).await? {
            detach(session, table, session.get(&row, 0)?, "FINALIZE").await?;
        }
    }
    Ok(())
}

async fn detach(session: &Session, table: Table, partition: &str, how: &str) -> Result<()> {
    let detach = format!(
        "ALTER TABLE insiders.{} DETACH PARTITION insiders.\"{partition}\" {how}",
        table.name()
    );
    session.batch(OPERATION, &detach).await
}

/// Drops a retired run from wherever an earlier attempt got to.
async fn drop_run(session: &Session, run: &RunId) -> Result<()> {
    let sql = "SELECT FROM pg_inherits WHERE inhparent = to_regclass('insiders.' || $1) \
               AND inhrelid = to_regclass('insiders.' || $2)";
    for table in Table::ALL {
        let partition = table.partition(run);
        let found = session
            .optional(OPERATION, sql, &[&table.name(), &partition])
            .await?;
        if found.is_some() {
            // The plain form waits for readers with new readers waiting behind it; the lock
            // timeout ends that soon.
            let how = if session.major() >= 14 {
                "CONCURRENTLY"
            } else {
                ""
            };
            detach(session, table, &partition, how).await?;
        }
    }
    let [members, moves] = Table::ALL.map(|table| table.partition(run));
    let sql = format!(
        "BEGIN; DROP TABLE IF EXISTS insiders.{members}, insiders.{moves}; \
         DELETE FROM insiders.runs WHERE run_id = '{run}' AND retired_at IS NOT NULL; COMMIT"
    );
    let result = session.batch(OPERATION, &sql).await;
    if result.is_err() {
        let _ = session.batch(OPERATION, "ROLLBACK").await;
    }
    result
}

/// Drops what an attempt left behind.
pub(crate) async fn discard(session: &Session, run: &RunId) -> Result<()> {
    let [members, moves] = Table::ALL.map(|table| table.staging(run));
    let drop = format!("DROP TABLE IF EXISTS insiders.{members}, insiders.{moves}");
    session.batch("dropping an unfinished load", &drop).await
}

/// Drops loads that nobody works on any more.
async fn drop_leftovers(session: &Session) -> Result<()> {
    let sql = "SELECT DISTINCT n.parts[1] FROM pg_class c, LATERAL regexp_match(c.relname, \
               '^segment_(?:members|moves)_([0-9a-f]{20})_new$') AS n (parts) \
               WHERE c.relnamespace = to_regnamespace('insiders') AND c.relkind = 'r' \
               AND n.parts IS NOT NULL";
    for row in session.rows(OPERATION, sql, &[]).await? {
        let run = RunId::parse(session.get(&row, 0)?)?;
        if session.try_lock(OPERATION, run.lock()).await? {
            let result = discard(session, &run).await;
            session.unlock(OPERATION, run.lock()).await?;
            result?;
        }
    }
    Ok(())
}
