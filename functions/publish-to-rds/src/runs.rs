//! The runs that are kept, and going back to one of them.

use serde::Serialize;
use shared::{Error, Result};
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;

use crate::database::Database;
use crate::migrate::{self, MIGRATIONS};
use crate::names::{RunId, SWITCH_LOCK};
use crate::session::Session;

/// A run that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptRun {
    /// The run.
    pub run_id: String,
    /// Its moment, in the shop's own time.
    pub as_of: String,
    /// When it was published, in UTC.
    pub published_at: String,
    /// Its customers.
    pub customers: u64,
    /// The model that placed them.
    pub model_version: String,
    /// The export that it read.
    pub source: String,
    /// Whether readers see it.
    pub current: bool,
}

/// What going back did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rollback {
    /// The run that readers see now.
    pub run_id: String,
    /// The one that they saw before; the same where nothing changed.
    pub from_run_id: String,
    /// Number of the move in the log of the pointer.
    pub move_id: i64,
}

/// The runs of a database by moment; none where nothing was ever published.
pub async fn kept_runs(database: &Database) -> Result<Vec<KeptRun>> {
    let session = Session::open(database).await?;
    let result = list(&session).await;
    session.close().await;
    result
}

/// Makes a kept run the one that readers see, whatever its moment. Later publications go on
/// as ever: what is refused is a run older than the one that is visible then.
pub async fn rollback(database: &Database, run: &RunId) -> Result<Rollback> {
    let session = Session::open(database).await?;
    let result = go_back(&session, run).await;
    session.close().await;
    result
}

async fn list(session: &Session) -> Result<Vec<KeptRun>> {
    let operation = "listing the runs";
    let sql = "SELECT to_regclass('insiders.runs') IS NULL";
    if session.get(&session.one(operation, sql, &[]).await?, 0)? {
        return Ok(Vec::new());
    }
    migrate::apply(session, MIGRATIONS).await?;
    let sql = "SELECT run_id, to_char(as_of, 'YYYY-MM-DD\"T\"HH24:MI:SS'), \
               to_char(published_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), \
               customers, model_version, source, is_current FROM insiders.kept_runs \
               ORDER BY as_of, published_at, run_id";
    let rows = session.rows(operation, sql, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(KeptRun {
                run_id: session.get(row, 0)?,
                as_of: session.get(row, 1)?,
                published_at: session.get(row, 2)?,
                customers: session.get::<i64>(row, 3)?.cast_unsigned(),
                model_version: session.get(row, 4)?,
                source: session.get(row, 5)?,
                current: session.get(row, 6)?,
            })
        })
        .collect()
}

async fn go_back(session: &Session, run: &RunId) -> Result<Rollback> {
    let operation = format!("going back to run {run}");
    migrate::apply(session, MIGRATIONS).await?;
    let (from_run_id, moved) = session
        .transaction(&operation, async {
            session.lock_in_transaction(&operation, SWITCH_LOCK).await?;
            let current = "SELECT run_id FROM insiders.current_run";
            let from = session.optional(&operation, current, &[]).await?;
            let from: Option<String> = from.map(|row| session.get(&row, 0)).transpose()?;
            let moved = move_back(session, &operation, run).await?;
            Ok((from.unwrap_or_default(), moved))
        })
        .await?;
    Ok(Rollback {
        run_id: run.to_string(),
        from_run_id,
        move_id: session.get(&moved, 0)?,
    })
}

async fn move_back(session: &Session, operation: &str, run: &RunId) -> Result<Row> {
    let sql = "SELECT insiders.rollback_to($1)";
    let moved = session
        .answer(operation, session.client().query_one(sql, &[&run.as_str()]))
        .await?;
    moved.map_err(|e| {
        if e.code() == Some(&SqlState::NO_DATA_FOUND) {
            Error::NotFound {
                what: format!("run {run} on {}", session.place()),
                hint: "insiders runs list shows those that are kept".to_owned(),
            }
        } else {
            session.failed(operation, &e)
        }
    })
}
