//! What the database already has of a run.

use shared::Result;

use crate::names::{RunId, Table};
use crate::session::Session;

/// A run that was published.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) customers: u64,
    pub(crate) row_digest: String,
    pub(crate) segments_sha256: String,
    /// Whether its rows are there for readers.
    pub(crate) attached: bool,
    /// Whether retention began to drop it.
    pub(crate) retired: bool,
    /// Whether readers see it.
    pub(crate) current: bool,
}

/// SQL: whether the run has a whole partition of `table`. One that is being detached is one
/// no longer; servers before 14 don't know that state.
pub(crate) fn is_attached(major: i32, table: Table, run: &RunId) -> String {
    let whole = if major >= 14 {
        "NOT i.inhdetachpending"
    } else {
        "true"
    };
    format!(
        "EXISTS (SELECT FROM pg_inherits i WHERE {whole} \
         AND i.inhparent = to_regclass('insiders.{}') \
         AND i.inhrelid = to_regclass('insiders.{}'))",
        table.name(),
        table.partition(run)
    )
}

/// Looks a run up.
pub(crate) async fn find(session: &Session, run: &RunId) -> Result<Option<Stored>> {
    let sql = format!(
        "SELECT r.customers, r.row_digest, r.segments_sha256, {}, r.retired_at IS NOT NULL, \
         EXISTS (SELECT FROM insiders.current_run c WHERE c.run_id = r.run_id) \
         FROM insiders.runs r WHERE r.run_id = $1",
        is_attached(session.major(), Table::Members, run)
    );
    let row = session
        .optional("looking the run up", &sql, &[&run.as_str()])
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Stored {
        customers: session.get::<i64>(&row, 0)?.cast_unsigned(),
        row_digest: session.get(&row, 1)?,
        segments_sha256: session.get(&row, 2)?,
        attached: session.get(&row, 3)?,
        retired: session.get(&row, 4)?,
        current: session.get(&row, 5)?,
    }))
}
