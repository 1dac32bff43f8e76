//! Removes persons from the database for good.

use std::collections::BTreeMap;

use serde::Serialize;
use shared::{Error, Result};

use crate::database::Database;
use crate::migrate::{self, MIGRATIONS};
use crate::session::{Session, millis};

const OPERATION: &str = "erasing customers";

/// What an erasure did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// Rows that were removed, by table; tables without one are left out.
    pub rows: BTreeMap<String, u64>,
    /// Customers who were not erased before.
    pub tombstones: u64,
}

impl Erased {
    /// Rows that were removed from all tables.
    pub fn rows_removed(&self) -> u64 {
        self.rows.values().sum()
    }
}

/// Removes these customers, given by their ids as they are in the views, from every run that
/// is kept or is on its way, in one transaction. Each leaves a tombstone, the SHA-256 of the
/// id, so that no later publication brings the customer back; so does one who is not there.
///
/// Then the tables are vacuumed, so that the rows are gone from their files too. That part
/// is best effort: a reader's long transaction holds it up until autovacuum comes by.
pub async fn erase(database: &Database, customer_ids: &[String]) -> Result<Erased> {
    if customer_ids.iter().any(|id| id.contains('\0')) {
        let reason = "a customer's id has a NUL character, which no customer in Postgres has";
        return Err(Error::config("customer ids", reason));
    }
    let session = Session::open(database).await?;
    let result = run(&session, customer_ids).await;
    session.close().await;
    result
}

async fn run(session: &Session, customer_ids: &[String]) -> Result<Erased> {
    migrate::apply(session, MIGRATIONS).await?;
    session.allow_load_from_now(OPERATION).await?;
    let sql = "SELECT table_name, removed, added FROM insiders.erase($1)";
    let mut erased = Erased::default();
    for row in session.rows(OPERATION, sql, &[&customer_ids]).await? {
        let (removed, added): (i64, i64) = (session.get(&row, 1)?, session.get(&row, 2)?);
        if removed > 0 {
            let table = session.get(&row, 0)?;
            erased.rows.insert(table, removed.cast_unsigned());
        }
        erased.tombstones += added.cast_unsigned();
    }
    tracing::info!(
        rows = erased.rows_removed(),
        tombstones = erased.tombstones,
        "erased customers"
    );
    let limit = format!("SET lock_timeout = {}", millis(session.limits.prune_lock));
    session.batch(OPERATION, &limit).await?;
    for table in erased.rows.keys() {
        // Without the option, a few entries of an index are left for later.
        let vacuum = format!("VACUUM (INDEX_CLEANUP ON) insiders.\"{table}\"");
        if let Err(error) = session.batch(OPERATION, &vacuum).await {
            tracing::warn!(table, error = %error, "the space of erased rows is left to autovacuum");
        }
    }
    Ok(erased)
}
