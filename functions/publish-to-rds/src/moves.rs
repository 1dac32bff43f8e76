//! Who changed segment since the run before: a table beside the run's members, and its matrix.

use std::collections::HashMap;

use shared::segments::Flow;
use shared::{Error, Result};
use tokio_postgres::types::ToSql;

use crate::names::{RunId, Table};
use crate::partition::attach;
use crate::place;
use crate::run::PublishRun;
use crate::session::Session;
use crate::stored::is_attached;

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

/// Fills the staging table of moves from the staging table of members, in the transaction
/// that is open.
pub(crate) async fn build(
    session: &Session,
    run: &PublishRun,
    base: Option<RunId>,
    rows: u64,
) -> Result<Moves> {
    let id = &run.run_id;
    let staging = Table::Moves.staging(id);
    let drop = format!("DROP TABLE IF EXISTS insiders.{staging}");
    session.batch(OPERATION, &drop).await?;
    let Some(base) = base else {
        return Ok(Moves {
            base: None,
            cells: Vec::new(),
        });
    };
    let now: HashMap<i32, String> = run
        .profile
        .segments
        .iter()
        .map(|segment| (segment.label.cast_signed(), segment.segment.clone()))
        .collect();
    limit(session).await?;
    stage(session, id).await?;
    let tables = Tables {
        before: Table::Members.partition(&base),
        now: Table::Members.staging(id),
        moves: staging.clone(),
    };
    let cells = compare(session, &tables, &names(session, &base).await?, &now).await?;
    index(session, &staging).await?;
    let moves = Moves {
        base: Some(base),
        cells,
    };
    moves.expect(rows, id, session)?;
    Ok(moves)
}

/// Compares the earliest of the later runs with `run`, which is history by now, in the
/// transaction that is open. Its rows are replaced, not its table: readers are not kept
/// waiting.
pub(crate) async fn compare_next(session: &Session, run: &PublishRun) -> Result<()> {
    let Some(next) = place::after(session, run).await? else {
        return Ok(());
    };
    // Whoever holds it publishes that run anew and has a table of the same name.
    if !session
        .try_lock_in_transaction(OPERATION, next.lock())
        .await?
    {
        return Err(Error::Unavailable {
            service: "Postgres",
            operation: format!("{OPERATION} on {}", session.place()),
            reason: format!("the run after it, {next}, is being published; try again"),
        });
    }
    let is_there = is_attached(session.major(), Table::Moves, &next);
    let row = session
        .one(OPERATION, &format!("SELECT {is_there}"), &[])
        .await?;
    let is_there: bool = session.get(&row, 0)?;
    let moves = if is_there {
        Table::Moves.partition(&next)
    } else {
        Table::Moves.staging(&next)
    };
    limit(session).await?;
    if is_there {
        let empty = format!("DELETE FROM insiders.{moves}");
        session.batch(OPERATION, &empty).await?;
    } else {
        let drop = format!("DROP TABLE IF EXISTS insiders.{moves}");
        session.batch(OPERATION, &drop).await?;
        stage(session, &next).await?;
    }
    let tables = Tables {
        before: Table::Members.partition(&run.run_id),
        now: Table::Members.partition(&next),
        moves: moves.clone(),
    };
    let [before, now] = [
        names(session, &run.run_id).await?,
        names(session, &next).await?,
    ];
    let cells = compare(session, &tables, &before, &now).await?;
    if !is_there {
        index(session, &moves).await?;
        attach(session, OPERATION, Table::Moves, &next).await?;
    }
    let sql = "UPDATE insiders.runs SET previous_run_id = $2 WHERE run_id = $1 \
               RETURNING customers";
    let ids: [&(dyn ToSql + Sync); 2] = [&next.as_str(), &run.run_id.as_str()];
    let row = session.one(OPERATION, sql, &ids).await?;
    let moves = Moves {
        base: Some(run.run_id.clone()),
        cells,
    };
    moves.expect(session.get::<i64>(&row, 0)?.cast_unsigned(), &next, session)?;
    record(session, &next, &moves).await
}

impl Moves {
    /// Refuses a matrix of other customers than the run's.
    fn expect(&self, rows: u64, run: &RunId, session: &Session) -> Result<()> {
        let there = self.cells.iter().filter(|cell| cell.to.is_some());
        let counted: i64 = there.map(|cell| cell.customers).sum();
        if counted.cast_unsigned() == rows {
            return Ok(());
        }
        Err(Error::Corrupt {
            object: format!("the moves of run {run} on {}", session.place()),
            reason: format!("they tell of {counted} customers, the run has {rows}"),
        })
    }
}

/// One process, so that sums of revenue have one order.
async fn limit(session: &Session) -> Result<()> {
    session.allow_load_in_transaction(OPERATION).await?;
    let sql = "SET LOCAL work_mem = '64MB'; SET LOCAL max_parallel_workers_per_gather = 0";
    session.batch(OPERATION, sql).await
}

/// Creates the staging table of a run's moves. The CHECK saves a scan when it is attached.
async fn stage(session: &Session, run: &RunId) -> Result<()> {
    let staging = Table::Moves.staging(run);
    let create = format!(
        "CREATE TABLE insiders.{staging} (LIKE insiders.segment_moves INCLUDING ALL); \
         ALTER TABLE insiders.{staging} ALTER run_id SET DEFAULT '{run}', \
         ALTER customer_id SET STATISTICS 0, \
         ADD CONSTRAINT one_run CHECK (run_id = '{run}')"
    );
    session.batch(OPERATION, &create).await
}

/// Hash, because an id may be longer than an entry of a B-tree.
async fn index(session: &Session, staging: &str) -> Result<()> {
    let finish = format!(
        "CREATE INDEX {staging}_customer ON insiders.{staging} USING hash (customer_id); \
         CREATE INDEX {staging}_labels ON insiders.{staging} (to_label, from_label); \
         ANALYZE insiders.{staging}"
    );
    session.batch(OPERATION, &finish).await
}

/// Tables of a comparison, without the schema.
struct Tables {
    before: String,
    now: String,
    moves: String,
}

async fn names(session: &Session, run: &RunId) -> Result<HashMap<i32, String>> {
    let sql = "SELECT label, segment FROM insiders.segment_profiles WHERE run_id = $1";
    let rows = session.rows(OPERATION, sql, &[&run.as_str()]).await?;
    rows.iter()
        .map(|row| Ok((session.get(row, 0)?, session.get(row, 1)?)))
        .collect()
}

/// Fills the table of moves and counts the matrix, with the segments' names before and now.
async fn compare(
    session: &Session,
    tables: &Tables,
    before: &HashMap<i32, String>,
    now: &HashMap<i32, String>,
) -> Result<Vec<Cell>> {
    let Tables {
        before: earlier,
        now: later,
        moves,
    } = tables;
    let sql = format!(
        "INSERT INTO insiders.{moves} \
         (customer_id, from_label, from_segment, to_label, to_segment, gross_revenue) \
         SELECT coalesce(t.customer_id, f.customer_id), f.label, fn.segment, t.label, tn.segment, \
         coalesce(t.gross_revenue, f.gross_revenue) \
         FROM insiders.{later} t FULL JOIN insiders.{earlier} f ON f.customer_id = t.customer_id \
         LEFT JOIN unnest($1::int[], $2::text[]) AS fn (label, segment) ON fn.label = f.label \
         LEFT JOIN unnest($3::int[], $4::text[]) AS tn (label, segment) ON tn.label = t.label \
         WHERE f.label IS DISTINCT FROM t.label"
    );
    let columns = [before, now].map(|names| {
        names
            .iter()
            .map(|(&label, name)| (label, name.as_str()))
            .unzip::<i32, &str, Vec<i32>, Vec<&str>>()
    });
    let [(labels, texts), (now_labels, now_texts)] = &columns;
    session
        .execute(OPERATION, &sql, &[labels, texts, now_labels, now_texts])
        .await?;
    let sql = format!(
        "SELECT from_label, to_label, customers, gross_revenue \
         FROM insiders.count_moves('insiders.{later}', 'insiders.{moves}')"
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
