//! `insiders runs`.

mod list;
mod rollback;

use publish_to_rds::Database;

use super::psql;
use crate::Failure;
use crate::args::{DatabaseArgs, RunsArgs, RunsVerb};

/// Does what the verb says.
pub(super) async fn runs(args: RunsArgs) -> Result<(), Failure> {
    match args.verb {
        RunsVerb::List(args) => list::list(args).await,
        RunsVerb::Rollback(args) => rollback::rollback(args).await,
    }
}

/// Gives `work` the database that the arguments name; the folder's own server runs for as
/// long as that takes.
pub(super) async fn with_database<T>(
    args: &DatabaseArgs,
    work: impl AsyncFnOnce(&Database) -> shared::Result<T>,
) -> Result<T, Failure> {
    let ca_file = std::env::var_os("DATABASE_CA_FILE").map(Into::into);
    if let Some(url) = &args.database_url {
        let database = Database::parse(url)?.with_ca_file(ca_file);
        return Ok(work(&database).await?);
    }
    let server = psql::start(&args.dir).await?;
    let result = match Database::parse(server.url()) {
        Ok(database) => work(&database).await,
        Err(error) => Err(error),
    };
    server.stop().await?;
    Ok(result?)
}

/// A result as JSON.
fn json(result: &impl serde::Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(result);
    Ok(text.map_err(|e| shared::Error::Internal(e.to_string()))?)
}
