//! One file a verb.

mod backfill;
mod demo;
mod erase;
mod evaluate;
mod explore;
mod generate;
mod models;
mod place;
mod psql;
mod report;
mod run;
mod runs;
mod upload;

use crate::Failure;
use crate::args::{Args, Command};

/// Does what the command line says.
pub async fn execute(args: Args) -> Result<(), Failure> {
    match args.command {
        Command::Demo(args) => demo::demo(args).await,
        Command::Run(args) => run::run(args).await,
        Command::Backfill(args) => backfill::backfill(args).await,
        Command::Evaluate(args) => evaluate::evaluate(args).await,
        Command::Explore(args) => explore::explore(args).await,
        Command::Generate(args) => generate::generate(&args),
        Command::Models(args) => models::models(args).await,
        Command::Report(args) => report::report(args).await,
        Command::Runs(args) => runs::runs(args).await,
        Command::Erase(args) => erase::erase(args).await,
        Command::Psql(args) => psql::psql(args).await,
    }
}
