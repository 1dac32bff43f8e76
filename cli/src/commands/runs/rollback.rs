//! `insiders runs rollback`.

use publish_to_rds::RunId;

use super::{json, with_database};
use crate::args::RollbackArgs;
use crate::{Failure, output};

/// Makes a kept run the one that readers see.
pub(super) async fn rollback(args: RollbackArgs) -> Result<(), Failure> {
    let run = RunId::parse(&args.run_id)?;
    let done = with_database(&args.database, async |database| {
        publish_to_rds::rollback(database, &run).await
    })
    .await?;
    if args.json {
        output::result(&json(&done)?);
    } else if done.from_run_id == done.run_id {
        output::result(&format!("run {} is the one that readers see", done.run_id));
    } else {
        output::result(&format!(
            "readers see run {} in place of {}; the next newer run is published as ever",
            done.run_id, done.from_run_id
        ));
    }
    Ok(())
}
