//! What was loaded is held against what was sent, and compared with the run before.

use shared::Result;

use crate::digest::RowDigest;
use crate::load::Load;
use crate::moves::{self, Moves};
use crate::names::Table;
use crate::place;
use crate::run::PublishRun;
use crate::session::Session;

/// From so many rows on, another connection is worth its while to check them.
const BESIDE: u64 = 200_000;

/// Computes the digest of what Postgres holds, and for a large run compares it by another
/// connection with the run before meanwhile.
pub(crate) async fn and_compare(load: &Load<'_>, rows: u64) -> Result<(RowDigest, Option<Moves>)> {
    let Load { session, run, .. } = *load;
    let staging = &Table::Members.staging(&run.run_id);
    if rows < BESIDE {
        return Ok((RowDigest::stored(session, staging).await?, None));
    }
    let other = match session.another(load.database).await {
        Ok(other) => other,
        Err(error) => {
            tracing::info!(error = %error, "checking the rows by one connection");
            return Ok((RowDigest::stored(session, staging).await?, None));
        }
    };
    let (there, compared) = tokio::join!(
        RowDigest::stored(&other, staging),
        compare(session, run, rows)
    );
    other.close().await;
    Ok((there?, Some(compared?)))
}

/// Compares with the run that readers see now.
pub(crate) async fn compare(session: &Session, run: &PublishRun, rows: u64) -> Result<Moves> {
    let operation = "comparing with the run before";
    let compared = async {
        let place = place::find(session, run).await?;
        let before = place::before(session, run, &place).await?;
        moves::build(session, run, before, rows).await
    };
    session.transaction(operation, compared).await
}
