//! Publishes one run: load, check, switch.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use futures::{FutureExt, Stream};
use shared::contracts::Publication;
use shared::failpoint::reach;
use shared::progress::Progress;
use shared::{Error, Result};

use crate::database::Database;
use crate::digest::RowDigest;
use crate::laps::Laps;
use crate::load::{Load, Loaded, Source, Whole};
use crate::migrate::{self, MIGRATIONS};
use crate::moves::Moved;
use crate::names::Table;
use crate::place;
use crate::run::PublishRun;
use crate::session::Session;
use crate::shards::{ShardRows, Shards};
use crate::stored::{self, Stored};
use crate::switch::{self, Rows, Staged};
use crate::{check, moves, profile, prune};

/// What became of a publication.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What readers see of the run now.
    pub publication: Publication,
    /// Whether the database is another than before.
    pub changed: bool,
    /// Who changed segment since the run that readers saw before this one.
    pub migrations: Option<Moved>,
    /// Rows that came.
    pub rows_read: u64,
    /// Those of them that were left out, because the customer was erased.
    pub erased: u64,
    /// Seconds by step.
    pub steps: BTreeMap<String, f64>,
}

/// Publishes `run`, whose rows are `batches` (columns of `segments.parquet`).
///
/// Readers of the views see the run that was current before until the one transaction that
/// makes this one current; from then on they see this one, whole. Whatever fails before
/// leaves them where they were. With [`fill_history`](PublishRun::fill_history) a run older
/// than the current one joins the history, and readers go on seeing the current one.
///
/// A run that is in the database already, with the rows of the same file, is left as it is,
/// and `batches` is not polled. If it is not the current one it does not become it, so that
/// a repeated event never takes back what somebody else published or rolled back to; with
/// [`force`](PublishRun::force) it does.
pub async fn publish_rows<S>(
    database: &Database,
    run: &PublishRun,
    batches: S,
    progress: &dyn Progress,
) -> Result<Outcome>
where
    S: Stream<Item = Result<RecordBatch>>,
{
    // Boxed: of the two ways one is taken, and neither belongs on the caller's stack.
    Box::pin(publish_source(database, run, Whole(batches), progress)).await
}

/// The same for a run whose rows are in shards, which are loaded several at a time
/// ([`Limits::connections`](crate::Limits::connections)). Whatever the shards are, the same rows
/// are the same run: another sharding of a run that is there is loaded, but changes nothing.
pub async fn publish_shards<S>(
    database: &Database,
    run: &PublishRun,
    shards: Vec<ShardRows<S>>,
    progress: &dyn Progress,
) -> Result<Outcome>
where
    S: Stream<Item = Result<RecordBatch>> + Send + 'static,
{
    // Boxed, so that whoever spawns a publication need not be shown that it may be sent.
    let publishing = publish_source(database, run, Shards(shards), progress);
    publishing.boxed().await
}

async fn publish_source(
    database: &Database,
    run: &PublishRun,
    rows: impl Source,
    progress: &dyn Progress,
) -> Result<Outcome> {
    progress.step("connect to Postgres");
    let session = Session::open(database).await?;
    let load = Load {
        session: &session,
        database,
        run,
        progress,
    };
    let result = Box::pin(publish(&load, rows)).await;
    session.close().await;
    result
}

/// Brings the schema up to date without publishing anything.
pub async fn migrate(database: &Database) -> Result<()> {
    migrate_to(database, MIGRATIONS).await
}

/// Brings the schema to the last of `migrations`.
pub async fn migrate_to(database: &Database, migrations: &[migrate::Migration]) -> Result<()> {
    let session = Session::open(database).await?;
    let result = migrate::apply(&session, migrations).await;
    session.close().await;
    result
}

async fn publish(load: &Load<'_>, rows: impl Source) -> Result<Outcome> {
    let Load {
        session,
        run,
        progress,
        ..
    } = *load;
    let mut laps = Laps::start();
    reach("publish: connected")?;
    migrate::apply(session, MIGRATIONS).await?;
    reach("publish: migrated")?;
    session
        .lock(
            "waiting for another publisher of the run",
            run.run_id.lock(),
        )
        .await?;
    let mut found = stored::find(session, &run.run_id).await?;
    if found.as_ref().is_some_and(|stored| stored.retired) {
        prune::finish(session, &run.run_id).await?;
        found = None;
    }
    let found = found.filter(|stored| stored.attached);
    laps.lap("prepare");
    reach("publish: prepared")?;
    if let Some(stored) = &found
        && stored.segments_sha256 == run.segments_sha256
    {
        return keep(session, run, stored, laps).await;
    }
    place::find(session, run).await?;
    progress.step("load into Postgres");
    let loaded = rows.load(load).await?;
    laps.lap("load");
    if let Some(copied) = loaded.copied {
        laps.note("copy", copied);
    }
    reach("publish: loaded")?;
    let result = check_and_switch(load, loaded, found, laps).await;
    if result.is_err()
        && let Err(error) = prune::discard(session, &run.run_id).await
    {
        tracing::debug!(error = %error, "the load is left for the next attempt to drop");
    }
    result
}

/// The run is there: nothing changes, but for the pointer if forced.
async fn keep(
    session: &Session,
    run: &PublishRun,
    stored: &Stored,
    mut laps: Laps,
) -> Result<Outcome> {
    let moves = run.force && !stored.current;
    if moves {
        switch::switch(session, run, &Rows::InPlace).await?;
        laps.lap("switch");
    } else if !stored.current {
        tracing::info!(
            run_id = %run.run_id,
            "the run was published before and is not the current one; force_publish would make it so"
        );
    }
    Ok(Outcome {
        publication: Publication {
            customers: stored.customers,
            row_digest: stored.row_digest.clone(),
            current: stored.current || moves,
        },
        changed: moves,
        migrations: moves::summary(session, &run.run_id).await?,
        rows_read: 0,
        erased: 0,
        steps: laps.steps,
    })
}

async fn check_and_switch(
    load: &Load<'_>,
    loaded: Loaded,
    found: Option<Stored>,
    mut laps: Laps,
) -> Result<Outcome> {
    let Load {
        session,
        run,
        progress,
        ..
    } = *load;
    progress.step("check the rows");
    let sent = loaded.digest;
    let (there, compared) = match loaded.stored {
        Some(there) => (there, None),
        None if found.is_none() => check::and_compare(load, sent.rows).await?,
        None => (
            RowDigest::stored(session, &Table::Members.staging(&run.run_id)).await?,
            None,
        ),
    };
    if there != sent {
        loaded.tombstones.expect_unchanged(session).await?;
    }
    sent.expect(there, &run.run_id, session.place())?;
    laps.lap("check");
    reach("publish: checked")?;
    if let Some(stored) = &found {
        // Another file under the same run. The same rows in it change nothing.
        if stored.row_digest == sent.text() {
            prune::discard(session, &run.run_id).await?;
            let mut kept = keep(session, run, stored, laps).await?;
            (kept.rows_read, kept.erased) = (loaded.rows_read, loaded.erased);
            return Ok(kept);
        }
        if !run.force {
            return Err(Error::Conflict {
                what: format!("run {} on {}", run.run_id, session.place()),
                reason: format!(
                    "it was published with other rows (digest {}, now {}); set force_publish in the request, or give --force-publish, to replace them",
                    stored.row_digest,
                    sent.text()
                ),
            });
        }
    }
    progress.step("find who changed segment");
    let compared = match compared {
        Some(compared) => compared,
        None => check::compare(session, run, sent.rows).await?,
    };
    let profile = if loaded.erased == 0 {
        run.profile.clone()
    } else {
        profile::without_erased(session, run).await?
    };
    laps.lap("compare");
    reach("publish: compared")?;
    progress.step("switch readers over");
    let staged = Staged {
        digest: sent,
        profile,
        moves: compared,
        tombstones: loaded.tombstones,
    };
    let current = switch::switch(session, run, &Rows::Staged(staged)).await?;
    laps.lap("switch");
    reach("publish: switched")?;
    prune::prune(session, run.keep_runs).await;
    laps.lap("prune");
    reach("publish: pruned")?;
    Ok(Outcome {
        publication: Publication {
            customers: sent.rows,
            row_digest: sent.text(),
            current,
        },
        changed: true,
        migrations: moves::summary(session, &run.run_id).await?,
        rows_read: loaded.rows_read,
        erased: loaded.erased,
        steps: laps.steps,
    })
}
