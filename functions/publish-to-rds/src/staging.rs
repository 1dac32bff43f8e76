//! The table that a run's rows are loaded into, which no reader sees.

use shared::{Error, Result};

use crate::copy::OPERATION;
use crate::failure;
use crate::names::Table;
use crate::run::PublishRun;
use crate::session::Session;

/// Ids up to this many bytes fit into an entry of a B-tree, whatever they are made of.
const BTREE_BYTES: usize = 2_500;

/// How a customer is found, and kept from being there twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// A B-tree, which the ids fit into.
    Primary,
    /// Hashes of the ids.
    Hash,
}

impl Key {
    /// The one for ids up to so many bytes.
    pub(crate) fn of(longest_id: usize) -> Self {
        if longest_id <= BTREE_BYTES {
            Self::Primary
        } else {
            Self::Hash
        }
    }

    /// SQL: the constraint.
    pub(crate) fn constraint(self) -> &'static str {
        match self {
            Self::Primary => "PRIMARY KEY (customer_id)",
            Self::Hash => "EXCLUDE USING hash (customer_id WITH =)",
        }
    }
}

/// SQL that creates it anew, whatever an earlier attempt left of it.
///
/// No id gets into the planner's samples: whoever is erased would stay there. `run_id` is a
/// default, so that it is not sent with every row; the CHECK tells Postgres that all rows
/// belong to the partition, so that attaching reads none.
pub(crate) fn create(run: &PublishRun) -> String {
    let staging = Table::Members.staging(&run.run_id);
    format!(
        "DROP TABLE IF EXISTS insiders.{staging}; \
         CREATE TABLE insiders.{staging} (LIKE insiders.segment_members INCLUDING ALL); \
         ALTER TABLE insiders.{staging} ALTER run_id SET DEFAULT '{run_id}', \
         ALTER customer_id SET STATISTICS 0, \
         ADD CONSTRAINT one_run CHECK (run_id = '{run_id}')",
        run_id = run.run_id,
    )
}

/// Builds indexes by `sql`, which may find that a customer is there twice.
pub(crate) async fn index(session: &Session, run: &PublishRun, sql: &str) -> Result<()> {
    let built = session.client().batch_execute(sql);
    session.answer(OPERATION, built).await?.map_err(|e| {
        if failure::is_duplicate(&e) {
            Error::Corrupt {
                object: run.segments_key.clone(),
                reason: "a customer is there twice".to_owned(),
            }
        } else {
            session.failed(OPERATION, &e)
        }
    })
}

/// Refuses a run that nobody is left of.
pub(crate) fn expect_customers(run: &PublishRun, rows: u64) -> Result<()> {
    if rows > 0 {
        return Ok(());
    }
    Err(Error::bad_input(
        &run.segments_key,
        "all of its customers were erased: there is nothing to publish",
    ))
}
