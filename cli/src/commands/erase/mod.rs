//! `insiders erase`: after it, nothing that is kept knows these people, and no later upload
//! brings them back. Each step can be done again: a command that was interrupted is repeated.

mod report;
mod runs;
mod tables;
mod uploads;

use publish_to_rds::Erased;
use shared::Error;
use shared::erasure::{Ids, bury};
use shared::settings::Settings;
use shared::store::Store;

use self::report::Report;
use super::run::settings;
use super::runs::with_database;
use crate::args::{DatabaseArgs, EraseArgs};
use crate::local::{self, LocalS3};
use crate::{Failure, output, pipeline};

/// Removes people from the bucket and the database.
pub(super) async fn erase(args: EraseArgs) -> Result<(), Failure> {
    let given = args.config.as_deref().map(settings).transpose()?;
    let report = if let Some(bucket) = &args.bucket {
        everywhere(&Store::from_env(bucket).await, &args, given).await?
    } else {
        let dir = &args.database.dir;
        if !dir.join(".store").exists() {
            let what = format!("a store in {}", dir.display());
            let hint = "give the --dir of the runs, or a --bucket".to_owned();
            return Err(Error::NotFound { what, hint }.into());
        }
        let s3 = LocalS3::start(dir).await?;
        let report = everywhere(&pipeline::store(&s3), &args, given).await;
        s3.stop().await;
        report?
    };
    if args.json {
        let json =
            serde_json::to_string_pretty(&report).map_err(|e| Error::Internal(e.to_string()))?;
        output::result(&json);
    } else {
        output::result(&report.text());
    }
    Ok(())
}

/// The tombstones first: a run that begins meanwhile leaves these people out. Then what most
/// readers see, and what everything was made of last.
async fn everywhere(
    store: &Store,
    args: &EraseArgs,
    given: Option<Settings>,
) -> Result<Report, Failure> {
    let settings = match given {
        Some(settings) => settings,
        None => preprocess_to_parquet::settings_of(store).await?,
    };
    let ids = Ids::new(&args.customers, settings.cleaning.guests)?;
    let mut report = Report::new(ids.len(), bury(store, &ids, &local::random()?).await?);
    report.database = database(&args.database, args.bucket.is_some(), &ids).await?;
    if report.database.is_none() {
        report.note("no database: give --database-url if segments were published elsewhere");
    }
    let excluded = &settings.cleaning.excluded_customers;
    if excluded.iter().any(|id| ids.holds(id)) {
        report.note(
            "cleaning.excluded_customers of the settings, or their default, names one of them: \
             set it without",
        );
    }
    runs::erase(store, &ids, &mut report).await?;
    uploads::erase(store, &ids, &settings, &mut report).await?;
    Ok(report)
}

/// Removes people from the database that was named, or from the folder's own.
async fn database(
    args: &DatabaseArgs,
    is_elsewhere: bool,
    ids: &Ids,
) -> Result<Option<Erased>, Failure> {
    let has_own = !is_elsewhere && args.dir.join("postgres").exists();
    if args.database_url.is_none() && !has_own {
        return Ok(None);
    }
    let ids: Vec<String> = ids.iter().map(str::to_owned).collect();
    let erased = with_database(args, async |database| {
        publish_to_rds::erase(database, &ids).await
    });
    erased.await.map(Some)
}
