//! Drops old runs and what dead attempts left behind. Never the current run, and never at
//! the price of readers: whoever holds a run open keeps it until a later publication.
//!
//! A run goes in steps, each of which may be the last of this attempt: it is marked as
//! retired (so that nothing makes it current again), its partition is detached, its table
//! and records are dropped.

use shared::Result;

use crate::names::{PRUNE_LOCK, RunId, SWITCH_LOCK};
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

/// Drops a retired run from wherever an earlier attempt got to.
pub(crate) async fn drop_run(session: &Session, run: &RunId) -> Result<()> {
    let partition = run.partition();
    let concurrent = session.major() >= 14;
    let pending = if concurrent {
        "inhdetachpending"
    } else {
        "false"
    };
    let sql = format!(
        "SELECT {pending} FROM pg_inherits \
         WHERE inhparent = to_regclass('insiders.segment_members') \
         AND inhrelid = to_regclass('insiders.' || $1)"
    );
    let detach = |how: &str| {
        format!("ALTER TABLE insiders.segment_members DETACH PARTITION insiders.{partition} {how}")
    };
    if let Some(row) = session.optional(OPERATION, &sql, &[&partition]).await? {
        let how = match (session.get::<bool>(&row, 0)?, concurrent) {
            (true, _) => "FINALIZE",
            (false, true) => "CONCURRENTLY",
            (false, false) => "",
        };
        session.batch(OPERATION, &detach(how)).await?;
    }
    let sql = format!(
        "BEGIN; DROP TABLE IF EXISTS insiders.{partition}; \
         DELETE FROM insiders.runs WHERE run_id = '{run}' AND retired_at IS NOT NULL; COMMIT"
    );
    let result = session.batch(OPERATION, &sql).await;
    if result.is_err() {
        let _ = session.batch(OPERATION, "ROLLBACK").await;
    }
    result
}

/// Drops loads that nobody works on any more.
async fn drop_leftovers(session: &Session) -> Result<()> {
    let sql = "SELECT substring(c.relname FROM '^segment_members_([0-9a-f]{20})_new$') \
               FROM pg_class c WHERE c.relnamespace = to_regnamespace('insiders') \
               AND c.relkind = 'r' AND c.relname ~ '^segment_members_[0-9a-f]{20}_new$'";
    for row in session.rows(OPERATION, sql, &[]).await? {
        let run = RunId::parse(session.get(&row, 0)?)?;
        if session.try_lock(OPERATION, run.lock()).await? {
            let drop = format!("DROP TABLE IF EXISTS insiders.{}", run.staging());
            let result = session.batch(OPERATION, &drop).await;
            session.unlock(OPERATION, run.lock()).await?;
            result?;
        }
    }
    Ok(())
}
