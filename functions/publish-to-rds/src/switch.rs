//! Makes a loaded run the one that readers see, or history: one short transaction, all of it or nothing.

use shared::failpoint::reach;
use shared::segments::Profile;
use shared::{Error, Result};

use crate::digest::RowDigest;
use crate::moves::{self, Moves};
use crate::names::{RunId, SWITCH_LOCK, Table};
use crate::partition::{attach, remove};
use crate::place::{self, Place};
use crate::run::PublishRun;
use crate::session::Session;
use crate::stored::is_attached;
use crate::tombstones::Tombstones;

const OPERATION: &str = "making the run current";

/// The rows that become the run's partition.
pub(crate) enum Rows {
    /// Those in the staging tables.
    Staged(Staged),
    /// Those that are in place already.
    InPlace,
}

/// What was loaded, checked and compared with the run before.
pub(crate) struct Staged {
    pub(crate) digest: RowDigest,
    /// What each segment is like, without those who were erased.
    pub(crate) profile: Profile,
    pub(crate) moves: Moves,
    pub(crate) tombstones: Tombstones,
}

/// Attaches what was loaded, records the run and moves the pointer, or leaves it where the run
/// is history. Gives whether readers see the run.
pub(crate) async fn switch(session: &Session, run: &PublishRun, rows: &Rows) -> Result<bool> {
    session
        .transaction(OPERATION, async {
            session.lock_in_transaction(OPERATION, SWITCH_LOCK).await?;
            let place = place::find(session, run).await?;
            match rows {
                Rows::Staged(staged) => {
                    staged.tombstones.expect_unchanged(session).await?;
                    show(session, run, staged, &place).await?;
                }
                Rows::InPlace => require_in_place(session, run).await?,
            }
            match &place {
                Place::Front(current) => {
                    reach("publish: run written down")?;
                    move_pointer(session, run, current.as_ref()).await?;
                    reach("publish: pointer moved, not committed")?;
                    Ok(true)
                }
                Place::Beneath => {
                    moves::compare_next(session, run).await?;
                    Ok(false)
                }
            }
        })
        .await
}

async fn show(session: &Session, run: &PublishRun, staged: &Staged, place: &Place) -> Result<()> {
    let id = &run.run_id;
    let compared;
    let before = place::before(session, run, place).await?;
    let moves = if before == staged.moves.base {
        &staged.moves
    } else {
        // Somebody else was faster: the run before is another than a moment ago.
        compared = moves::build(session, run, before, staged.digest.rows).await?;
        &compared
    };
    attach(session, OPERATION, Table::Members, id).await?;
    reach("publish: rows attached")?;
    match moves.base {
        Some(_) => attach(session, OPERATION, Table::Moves, id).await?,
        None => remove(session, OPERATION, Table::Moves, id).await?,
    }
    let previous = match place {
        Place::Front(current) => current.as_ref(),
        Place::Beneath => moves.base.as_ref(),
    };
    record(session, run, staged, previous).await?;
    moves::record(session, id, moves).await
}

async fn record(
    session: &Session,
    run: &PublishRun,
    staged: &Staged,
    previous: Option<&RunId>,
) -> Result<()> {
    let digest = &staged.digest;
    let id = run.run_id.as_str();
    let customers = digest.rows.cast_signed();
    let previous = previous.map(RunId::as_str).filter(|other| *other != id);
    let sql = "INSERT INTO insiders.runs (run_id, as_of, source, model_version, customers, \
               row_digest, segments_sha256, previous_run_id, manifest) \
               VALUES ($1, $2::text::timestamp, $3, $4, $5, $6, $7, $8, $9) \
               ON CONFLICT (run_id) DO UPDATE SET as_of = excluded.as_of, \
               customers = excluded.customers, row_digest = excluded.row_digest, \
               segments_sha256 = excluded.segments_sha256, manifest = excluded.manifest, \
               published_at = excluded.published_at, retired_at = NULL, \
               previous_run_id = coalesce(excluded.previous_run_id, runs.previous_run_id)";
    session
        .execute(
            OPERATION,
            sql,
            &[
                &id,
                &run.as_of.to_string(),
                &run.source,
                &run.model_version,
                &customers,
                &digest.text(),
                &run.segments_sha256,
                &previous,
                &run.manifest,
            ],
        )
        .await?;
    let sql = "DELETE FROM insiders.segment_profiles WHERE run_id = $1";
    session.execute(OPERATION, sql, &[&id]).await?;
    for segment in &staged.profile.segments {
        let sql = "INSERT INTO insiders.segment_profiles (run_id, label, segment, customers, \
                   share, gross_revenue, frequency, returns, recency_days, revenue_share, \
                   rule, rule_conditions, rule_precision, rule_recall, rule_coverage, rule_f1) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
        let rule = segment.rule.as_ref();
        let conditions = rule.map(|rule| serde_json::to_value(&rule.rule_conditions));
        let conditions = conditions.transpose();
        let conditions = conditions.map_err(|e| Error::Internal(e.to_string()))?;
        session
            .execute(
                OPERATION,
                sql,
                &[
                    &id,
                    &segment.label.cast_signed(),
                    &segment.segment,
                    &segment.customers.cast_signed(),
                    &segment.share,
                    &segment.gross_revenue,
                    &segment.frequency,
                    &segment.returns,
                    &segment.recency_days,
                    &segment.revenue_share,
                    &rule.map(|rule| rule.rule.as_str()),
                    &conditions,
                    &rule.map(|rule| rule.rule_precision),
                    &rule.map(|rule| rule.rule_recall),
                    &rule.map(|rule| rule.rule_coverage),
                    &rule.map(|rule| rule.rule_f1),
                ],
            )
            .await?;
    }
    Ok(())
}

/// The rows were there a moment ago; retention may have begun to drop them since.
async fn require_in_place(session: &Session, run: &PublishRun) -> Result<()> {
    let sql = format!(
        "SELECT r.retired_at IS NULL AND {} FROM insiders.runs r WHERE r.run_id = $1",
        is_attached(session.major(), Table::Members, &run.run_id)
    );
    let id = run.run_id.as_str();
    let row = session.optional(OPERATION, &sql, &[&id]).await?;
    match row {
        Some(row) if session.get(&row, 0)? => Ok(()),
        _ => Err(Error::Unavailable {
            service: "Postgres",
            operation: format!("{OPERATION} on {}", session.place()),
            reason: "its rows are being dropped; try again".to_owned(),
        }),
    }
}

async fn move_pointer(session: &Session, run: &PublishRun, current: Option<&RunId>) -> Result<()> {
    let id = run.run_id.as_str();
    if current == Some(&run.run_id) {
        return Ok(());
    }
    let sql = "WITH move AS ( \
               INSERT INTO insiders.pointer_history \
               (from_run_id, from_as_of, to_run_id, to_as_of, forced) \
               SELECT f.run_id, f.as_of, t.run_id, t.as_of, $2 FROM insiders.runs t \
               LEFT JOIN (insiders.current_run c JOIN insiders.runs f USING (run_id)) ON true \
               WHERE t.run_id = $1 RETURNING move_id) \
               INSERT INTO insiders.current_run (run_id, move_id) SELECT $1, move_id FROM move \
               ON CONFLICT (only_row) \
               DO UPDATE SET run_id = excluded.run_id, move_id = excluded.move_id";
    let moved = session.execute(OPERATION, sql, &[&id, &run.force]).await?;
    if moved == 1 {
        Ok(())
    } else {
        Err(Error::Internal(format!(
            "the pointer did not move to run {id}"
        )))
    }
}
