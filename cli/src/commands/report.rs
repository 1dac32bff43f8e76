//! `insiders report`.

use embed_and_cluster::{rebuild, refresh};
use publish_to_rds::RunId;
use shared::Error;
use shared::contracts::{Layout, RunIndex};
use shared::store::Store;

use super::place::with_store;
use super::run::file_error;
use crate::args::ReportArgs;
use crate::{Failure, output};

/// Makes a run's page again.
pub(super) async fn report(args: ReportArgs) -> Result<(), Failure> {
    let (asked, file) = (args.run_id, args.output);
    let bucket = args.place.bucket.clone();
    let dir = args.place.dir.clone();
    let said = with_store(&args.place, |store| async move {
        let run_id = match asked {
            Some(id) => RunId::parse(&id)?.as_str().to_owned(),
            None => latest(&store).await?,
        };
        if let Some(path) = file {
            let (page, _) = rebuild(&store, &run_id).await?;
            std::fs::write(&path, page).map_err(|e| file_error(&path, e))?;
            return Ok(path.display().to_string());
        }
        let key = refresh(&store, &run_id).await?.key;
        Ok(match bucket {
            Some(bucket) => format!("s3://{bucket}/{key}"),
            None => dir.join(key).display().to_string(),
        })
    })
    .await?;
    output::result(&format!("report: {said}"));
    Ok(())
}

/// The run of the latest moment.
async fn latest(store: &Store) -> Result<String, Failure> {
    let index = store.get_optional(Layout::INDEX).await?;
    let index = index.map(|(bytes, _)| RunIndex::read(&bytes)).transpose()?;
    let last = index.and_then(|index| index.runs.into_iter().next_back());
    let run = last.ok_or_else(|| Error::NotFound {
        what: "a run".to_owned(),
        hint: "make one with insiders run".to_owned(),
    })?;
    Ok(run.run_id)
}
