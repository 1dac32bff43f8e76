//! Who changed segment since the run that readers see: a table beside the run's members, and
//! its matrix.

use std::collections::HashMap;

use shared::segments::Flow;
use shared::{Error, Result};

use crate::names::{RunId, Table};
use crate::run::PublishRun;
use crate::session::{Session, millis};

const OPERATION: &str = "finding who changed segment";

/// What became of the customers since the run that readers saw before. The manifest's
/// migrations are another comparison: with the run of the moment before, from the artifacts.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    /// The run before.
    pub from_run_id: String,
    /// In this run and not in the one before.
    pub entered: Flow,
    /// In the run before and not in this one.
    pub left: Flow,
    /// In another segment than before.
    pub moved: Flow,
    /// In the same segment as before.
    pub stayed: Flow,
}

/// What there is in the staging table of moves, if there is a run to compare with.
#[derive(Debug)]
pub(crate) struct Moves {
    /// The run before.
    pub(crate) base: Option<RunId>,
    cells: Vec<Cell>,
}

/// One cell of the matrix.
#[derive(Debug)]
struct Cell {
    from: Option<i32>,
    to: Option<i32>,
    from_segment: Option<String>,
    to_segment: Option<String>,
    customers: i64,
    gross_revenue: f64,
}

/// The run to compare with: the current one; where that is `run` itself, the one that it was
/// compared with before, if it is still there.
pub(crate) async fn base(session: &Session, run: &RunId) -> Result<Option<RunId>> {
    let sql = "SELECT b.run_id FROM insiders.current_run c \
               JOIN insiders.runs r ON r.run_id = c.run_id \
               JOIN insiders.runs b ON b.run_id = \
               CASE WHEN c.run_id = $1 THEN r.previous_run_id ELSE c.run_id END \
               WHERE b.retired_at IS NULL";
    let row = session.optional(OPERATION, sql, &[&run.as_str()]).await?;
    row.map(|row| RunId::parse(session.get(&row, 0)?))
        .transpose()
}

/// Fills the staging table of moves from the staging table of members, in the transaction
/// that is open.
pub(crate) async fn build(session: &Session, run: &PublishRun, rows: u64) -> Result<Moves> {
    let id = &run.run_id;
    let staging = Table::Moves.staging(id);
    let drop = format!("DROP TABLE IF EXISTS insiders.{staging}");
    session.batch(OPERATION, &drop).await?;
    let Some(base) = base(session, id).await? else {
        return Ok(Moves {
            base: None,
            cells: Vec::new(),
        });
    };
    // One process, so that sums of revenue have one order. The CHECK saves a scan when the
    // table is attached.
    let create = format!(
        "SET LOCAL statement_timeout = {timeout}; SET LOCAL work_mem = '64MB'; \
         SET LOCAL max_parallel_workers_per_gather = 0; \
         CREATE TABLE insiders.{staging} (LIKE insiders.segment_moves INCLUDING ALL); \
         ALTER TABLE insiders.{staging} ALTER run_id SET DEFAULT '{id}', \
         ALTER customer_id SET STATISTICS 0, \
         ADD CONSTRAINT one_run CHECK (run_id = '{id}')",
        timeout = millis(session.limits.load),
    );
    session.batch(OPERATION, &create).await?;
    let before = names(session, &base).await?;
    let now: HashMap<i32, String> = run
        .profile
        .segments
        .iter()
        .map(|segment| (segment.label.cast_signed(), segment.segment.clone()))
        .collect();
    fill(session, id, &base, [&before, &now]).await?;
    // Hash, because an id may be longer than an entry of a B-tree.
    let finish = format!(
        "CREATE INDEX {staging}_customer ON insiders.{staging} USING hash (customer_id); \
         CREATE INDEX {staging}_labels ON insiders.{staging} (to_label, from_label); \
         ANALYZE insiders.{staging}"
    );
    session.batch(OPERATION, &finish).await?;
    let cells = count(session, id, [&before, &now]).await?;
    let counted: i64 = cells
        .iter()
        .filter(|cell| cell.to.is_some())
        .map(|cell| cell.customers)
        .sum();
    if counted.cast_unsigned() != rows {
        return Err(Error::Corrupt {
            object: format!("the moves of run {id} on {}", session.place()),
            reason: format!("they tell of {counted} customers, the run has {rows}"),
        });
    }
    Ok(Moves {
        base: Some(base),
        cells,
    })
}

async fn names(session: &Session, run: &RunId) -> Result<HashMap<i32, String>> {
    let sql = "SELECT label, segment FROM insiders.segment_profiles WHERE run_id = $1";
    let rows = session.rows(OPERATION, sql, &[&run.as_str()]).await?;
    rows.iter()
        .map(|row| Ok((session.get(row, 0)?, session.get(row, 1)?)))
        .collect()
}

async fn fill(
    session: &Session,
    run: &RunId,
    base: &RunId,
    names: [&HashMap<i32, String>; 2],
) -> Result<()> {
    let sql = format!(
        "INSERT INTO insiders.{moves} \
         (customer_id, from_label, from_segment, to_label, to_segment, gross_revenue) \
         SELECT coalesce(t.customer_id, f.customer_id), f.label, fn.segment, t.label, tn.segment, \
         coalesce(t.gross_revenue, f.gross_revenue) \
         FROM insiders.{now} t FULL JOIN insiders.{before} f ON f.customer_id = t.customer_id \
         LEFT JOIN unnest($1::int[], $2::text[]) AS fn (label, segment) ON fn.label = f.label \
         LEFT JOIN unnest($3::int[], $4::text[]) AS tn (label, segment) ON tn.label = t.label \
         WHERE f.label IS DISTINCT FROM t.label",
        moves = Table::Moves.staging(run),
        now = Table::Members.staging(run),
        before = Table::Members.partition(base),
    );
    let [before, now] = names.map(|names| {
        names
            .iter()
            .map(|(&label, name)| (label, name.as_str()))
            .unzip::<i32, &str, Vec<i32>, Vec<&str>>()
    });
    session
        .execute(OPERATION, &sql, &[&before.0, &before.1, &now.0, &now.1])
        .await
        .map(drop)
}

async fn count(
    session: &Session,
    run: &RunId,
    [before, now]: [&HashMap<i32, String>; 2],
) -> Result<Vec<Cell>> {
    let sql = format!(
        "SELECT from_label, to_label, customers, gross_revenue \
         FROM insiders.count_moves('insiders.{}', 'insiders.{}')",
        Table::Members.staging(run),
        Table::Moves.staging(run),
    );
    let rows = session.rows(OPERATION, &sql, &[]).await?;
    rows.iter()
        .map(|row| {
            let (from, to): (Option<i32>, Option<i32>) =
                (session.get(row, 0)?, session.get(row, 1)?);
            Ok(Cell {
                from,
                to,
                from_segment: from.and_then(|label| before.get(&label).cloned()),
                to_segment: to.and_then(|label| now.get(&label).cloned()),
                customers: session.get(row, 2)?,
                gross_revenue: session.get(row, 3)?,
            })
        })
        .collect()
}

/// Records the matrix of a run, in place of an earlier one.
pub(crate) async fn record(session: &Session, run: &RunId, moves: &Moves) -> Result<()> {
    let sql = "DELETE FROM insiders.segment_matrix WHERE run_id = $1";
    session.execute(OPERATION, sql, &[&run.as_str()]).await?;
    let cells = &moves.cells;
    let sql = "INSERT INTO insiders.segment_matrix (run_id, from_label, from_segment, to_label, \
               to_segment, customers, gross_revenue) SELECT $1, * FROM unnest($2::int[], \
               $3::text[], $4::int[], $5::text[], $6::bigint[], $7::float8[])";
    let column = |text: fn(&Cell) -> Option<&str>| cells.iter().map(text).collect::<Vec<_>>();
    let from: Vec<Option<i32>> = cells.iter().map(|cell| cell.from).collect();
    let to: Vec<Option<i32>> = cells.iter().map(|cell| cell.to).collect();
    let customers: Vec<i64> = cells.iter().map(|cell| cell.customers).collect();
    let revenue: Vec<f64> = cells.iter().map(|cell| cell.gross_revenue).collect();
    session
        .execute(
            OPERATION,
            sql,
            &[
                &run.as_str(),
                &from,
                &column(|cell| cell.from_segment.as_deref()),
                &to,
                &column(|cell| cell.to_segment.as_deref()),
                &customers,
                &revenue,
            ],
        )
        .await
        .map(drop)
}

/// A run's matrix in four figures; `None` for a run that was compared with no other.
pub(crate) async fn summary(session: &Session, run: &RunId) -> Result<Option<Moved>> {
    let sql = "SELECT r.previous_run_id, \
               CASE WHEN x.from_label IS NULL THEN 'entered' WHEN x.to_label IS NULL THEN 'left' \
               WHEN x.from_label = x.to_label THEN 'stayed' ELSE 'moved' END, \
               sum(x.customers)::bigint, sum(x.gross_revenue) \
               FROM insiders.segment_matrix x JOIN insiders.runs r ON r.run_id = x.run_id \
               WHERE x.run_id = $1 AND r.previous_run_id IS NOT NULL GROUP BY 1, 2";
    let mut found: Option<Moved> = None;
    for row in session.rows(OPERATION, sql, &[&run.as_str()]).await? {
        let from_run_id = session.get(&row, 0)?;
        let sum = found.get_or_insert(Moved {
            from_run_id,
            entered: Flow::default(),
            left: Flow::default(),
            moved: Flow::default(),
            stayed: Flow::default(),
        });
        let kind: &str = session.get(&row, 1)?;
        let flow = match kind {
            "entered" => &mut sum.entered,
            "left" => &mut sum.left,
            "moved" => &mut sum.moved,
            _ => &mut sum.stayed,
        };
        *flow = Flow {
            customers: session.get::<i64>(&row, 2)?.cast_unsigned(),
            gross_revenue: session.get(&row, 3)?,
        };
    }
    Ok(found)
}
