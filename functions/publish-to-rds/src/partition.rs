//! A run's tables become partitions, and cease to be.

use shared::Result;

use crate::names::{RunId, Table};
use crate::session::Session;
use crate::stored::is_attached;

/// The staging table becomes the run's partition, in the transaction that is open. Readers
/// are not in the way, nor are they kept waiting: attaching takes no lock that conflicts with
/// reading, and needs no scan.
pub(crate) async fn attach(
    session: &Session,
    operation: &str,
    table: Table,
    run: &RunId,
) -> Result<()> {
    remove(session, operation, table, run).await?;
    let (parent, partition, staging) = (table.name(), table.partition(run), table.staging(run));
    let mut steps = format!("ALTER TABLE insiders.{staging} RENAME TO {partition};");
    for index in table.indexes() {
        steps.push_str(&format!(
            "ALTER INDEX insiders.{staging}_{index} RENAME TO {partition}_{index};"
        ));
    }
    steps.push_str(&format!(
        "COMMENT ON TABLE insiders.{partition} IS 'Rows of {parent} of run {run}.'; \
         ALTER TABLE insiders.{parent} \
         ATTACH PARTITION insiders.{partition} FOR VALUES IN ('{run}')"
    ));
    session.batch(operation, &steps).await
}

/// Drops the run's partition, if it has one, in the transaction that is open. That is the
/// case for the same run with other rows, by force: the one case that waits for readers.
pub(crate) async fn remove(
    session: &Session,
    operation: &str,
    table: Table,
    run: &RunId,
) -> Result<()> {
    let (parent, partition) = (table.name(), table.partition(run));
    let sql = format!("SELECT {}", is_attached(session.major(), table, run));
    let row = session.one(operation, &sql, &[]).await?;
    let mut steps = String::new();
    if session.get(&row, 0)? {
        steps = format!("ALTER TABLE insiders.{parent} DETACH PARTITION insiders.{partition};");
    }
    steps.push_str(&format!("DROP TABLE IF EXISTS insiders.{partition}"));
    session.batch(operation, &steps).await
}
