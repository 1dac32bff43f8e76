//! Where a run belongs among those that are kept.

use shared::{Error, Result};

use crate::names::RunId;
use crate::run::PublishRun;
use crate::session::Session;

const OPERATION: &str = "finding the run's place";

/// Where a run belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Readers shall see it, in place of the run that they see now, if any.
    Front(Option<RunId>),
    /// Readers go on seeing a later run: this one is history.
    Beneath,
}

/// Finds the run's place, or refuses it: a run older than the current one, unless it is
/// forced or fills in the history; one that retention would drop at once. Asked before the
/// rows are loaded, to save the work, and again under the lock, to be sure.
pub(crate) async fn find(session: &Session, run: &PublishRun) -> Result<Place> {
    let sql = "SELECT r.run_id, to_char(r.as_of, 'YYYY-MM-DD\"T\"HH24:MI:SS'), \
               r.as_of > $1::text::timestamp \
               FROM insiders.current_run c JOIN insiders.runs r ON r.run_id = c.run_id";
    let as_of = run.as_of.to_string();
    let Some(row) = session.optional(OPERATION, sql, &[&as_of]).await? else {
        return Ok(Place::Front(None));
    };
    let current = RunId::parse(session.get(&row, 0)?)?;
    let is_newer: bool = session.get(&row, 2)?;
    if !is_newer || run.force {
        return Ok(Place::Front(Some(current)));
    }
    if run.fill_history {
        expect_kept(session, run).await?;
        return Ok(Place::Beneath);
    }
    let current_as_of: &str = session.get(&row, 1)?;
    Err(superseded(
        session,
        run,
        format!(
            "its as-of {as_of} is older than {current_as_of}, the as-of of the current run {current}; set fill_history in the request to publish it as history, or force_publish (--force-publish) to show it to readers all the same"
        ),
    ))
}

/// Refuses a run that retention would drop as soon as it is there.
async fn expect_kept(session: &Session, run: &PublishRun) -> Result<()> {
    let sql = "SELECT count(*) FROM insiders.runs r WHERE r.retired_at IS NULL \
               AND r.as_of > $1::text::timestamp AND r.run_id <> $2 \
               AND r.run_id <> (SELECT c.run_id FROM insiders.current_run c)";
    let (as_of, id) = (run.as_of.to_string(), run.run_id.as_str());
    let row = session.one(OPERATION, sql, &[&as_of, &id]).await?;
    let later: i64 = session.get(&row, 0)?;
    if usize::try_from(later).is_ok_and(|later| later + 1 < run.keep_runs) {
        return Ok(());
    }
    Err(superseded(
        session,
        run,
        format!(
            "{} runs later than its as-of {as_of} are kept, and publish.keep_runs is {}; raise it to keep this one too",
            later + 1,
            run.keep_runs
        ),
    ))
}

fn superseded(session: &Session, run: &PublishRun, reason: String) -> Error {
    Error::Superseded {
        what: format!("run {} on {}", run.run_id, session.place()),
        reason,
    }
}

/// The run to compare with. At the front that is the current one; where that is `run` itself,
/// the one that it was compared with before, if it is still there. Beneath it is the latest of
/// the earlier ones.
pub(crate) async fn before(
    session: &Session,
    run: &PublishRun,
    place: &Place,
) -> Result<Option<RunId>> {
    let id = run.run_id.as_str();
    let row = match place {
        Place::Front(_) => {
            let sql = "SELECT b.run_id FROM insiders.current_run c \
                       JOIN insiders.runs r ON r.run_id = c.run_id \
                       JOIN insiders.runs b ON b.run_id = \
                       CASE WHEN c.run_id = $1 THEN r.previous_run_id ELSE c.run_id END \
                       WHERE b.retired_at IS NULL";
            session.optional(OPERATION, sql, &[&id]).await?
        }
        Place::Beneath => {
            let sql = "SELECT b.run_id FROM insiders.runs b WHERE b.retired_at IS NULL \
                       AND b.run_id <> $1 AND b.as_of < $2::text::timestamp \
                       ORDER BY b.as_of DESC, b.published_at DESC, b.run_id LIMIT 1";
            let as_of = run.as_of.to_string();
            session.optional(OPERATION, sql, &[&id, &as_of]).await?
        }
    };
    row.map(|row| RunId::parse(session.get(&row, 0)?))
        .transpose()
}

/// The earliest of the later runs: it is compared with this one from now on.
pub(crate) async fn after(session: &Session, run: &PublishRun) -> Result<Option<RunId>> {
    let sql = "SELECT r.run_id FROM insiders.runs r WHERE r.retired_at IS NULL \
               AND r.run_id <> $1 AND r.as_of > $2::text::timestamp \
               ORDER BY r.as_of, r.published_at, r.run_id LIMIT 1";
    let (id, as_of) = (run.run_id.as_str(), run.as_of.to_string());
    let row = session.optional(OPERATION, sql, &[&id, &as_of]).await?;
    row.map(|row| RunId::parse(session.get(&row, 0)?))
        .transpose()
}
