//! `insiders runs list`.

use publish_to_rds::kept_runs;

use super::{json, with_database};
use crate::args::ListRunsArgs;
use crate::{Failure, output};

/// Lists the runs that are kept.
pub(super) async fn list(args: ListRunsArgs) -> Result<(), Failure> {
    let runs = with_database(&args.database, async |database| kept_runs(database).await).await?;
    if args.json {
        output::result(&json(&runs)?);
    } else {
        output::runs(&runs);
    }
    Ok(())
}
