//! The command line's words.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use jiff::civil::Date;
use shared::contracts::{AsOf, Mode};
use shared::exploration::KRange;
use shared::settings::Profile;

/// Customer segmentation: who are the Insiders, what are they worth, and who are the others.
#[derive(Debug, Parser)]
#[command(name = "insiders", version, max_term_width = 100)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// One verb each.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Generate a shop, run everything on embedded services, show the segments.
    Demo(DemoArgs),
    /// Turn a sales export into segments.
    Run(RunArgs),
    /// Run one export at a range of past moments: the history of segments.
    Backfill(BackfillArgs),
    /// Say how good the segments of an export are, and how stable.
    Evaluate(EvaluateArgs),
    /// Compare numbers of segments, methods and spaces, and recommend one.
    Explore(ExploreArgs),
    /// Write the sales of a shop that does not exist, as CSV.
    Generate(GenerateArgs),
    /// Models: import, compare, promote, go back, name segments.
    Models(ModelsArgs),
    /// Make a run's page again, from its artifacts.
    Report(ReportArgs),
    /// List the runs that Postgres keeps, or go back to one of them.
    Runs(RunsArgs),
    /// Remove people from everything that is kept, for good.
    Erase(EraseArgs),
    /// Start the Postgres server of a folder and talk to it with psql.
    Psql(PsqlArgs),
}

/// `insiders demo`.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// Where everything is kept; not the folder of `run`, so that the made-up shop's models
    /// are never applied to a real one.
    #[arg(long, default_value = "insiders-demo")]
    pub dir: PathBuf,
    /// Invoice lines to generate.
    #[arg(long, default_value_t = 200_000)]
    pub rows: u64,
    /// Where the segments go.
    #[command(flatten)]
    pub publish: PublishArgs,
    /// Print the manifest alone.
    #[arg(long)]
    pub json: bool,
}

/// `insiders run`.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// The export: a file, or s3://bucket/key. Gzip and zstd are read as they are.
    pub input: String,
    /// Where artifacts, models and the embedded Postgres are kept.
    #[arg(long, default_value = "insiders-data")]
    pub dir: PathBuf,
    /// Apply the stored models (auto: fit if there are none) or fit new ones.
    #[arg(long, value_enum, default_value = "auto")]
    pub mode: ModeArg,
    /// Settings, as insiders.toml; by default config/insiders.toml under the folder.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// The run's moment, 2011-12-09 (the end of that day) or 2011-12-09T12:50:00; later
    /// lines are ignored. By default the last purchase.
    #[arg(long)]
    pub as_of: Option<AsOf>,
    /// Score the customers in so many shards, as the state machine does where there are many.
    #[arg(long)]
    pub shards: Option<u32>,
    /// Where the segments go.
    #[command(flatten)]
    pub publish: PublishArgs,
    /// Print the manifest alone.
    #[arg(long)]
    pub json: bool,
}

/// Where the segments are published.
#[derive(Debug, Clone, clap::Args)]
pub struct PublishArgs {
    /// A Postgres server in place of one of our own.
    #[arg(long, conflicts_with = "no_publish")]
    pub database_url: Option<String>,
    /// Do everything but publish; needs no Postgres.
    #[arg(long)]
    pub no_publish: bool,
    /// Publish even if a run with a later moment is in place.
    #[arg(long)]
    pub force_publish: bool,
}

/// `insiders backfill`.
#[derive(Debug, clap::Args)]
pub struct BackfillArgs {
    /// The export: a file, or s3://bucket/key.
    pub input: String,
    /// The first moment: the end of this day.
    #[arg(long)]
    pub from: Date,
    /// The last moment: the end of this day.
    #[arg(long)]
    pub to: Date,
    /// The step between moments; months are counted from the first day.
    #[arg(long, value_enum, default_value = "month")]
    pub every: Every,
    /// Where artifacts, models and the embedded Postgres are kept.
    #[arg(long, default_value = "insiders-data")]
    pub dir: PathBuf,
    /// Settings, as insiders.toml; by default config/insiders.toml under the folder.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Where the segments go.
    #[command(flatten)]
    pub publish: PublishArgs,
}

/// A step between moments.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[allow(missing_docs)] // the names say it
pub enum Every {
    Day,
    Week,
    Month,
}

/// `insiders evaluate`.
#[derive(Debug, clap::Args)]
pub struct EvaluateArgs {
    /// The export: a file, or s3://bucket/key.
    pub input: String,
    /// The folder whose champion is measured, if it has one and neither a profile nor
    /// settings are named; else models are fitted for the purpose. Nothing is written to it.
    #[arg(long, default_value = "insiders-data")]
    pub dir: PathBuf,
    /// Measure a fit of this profile.
    #[arg(long, value_enum, conflicts_with = "config")]
    pub profile: Option<ProfileArg>,
    /// Measure a fit with these settings.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Refits on 80% of the customers each.
    #[arg(long, default_value_t = 20)]
    pub resamples: usize,
    /// Print JSON alone.
    #[arg(long)]
    pub json: bool,
}

/// `insiders explore`.
#[derive(Debug, clap::Args)]
pub struct ExploreArgs {
    /// The export: a file, or s3://bucket/key. Its customers are placed by the champion of the
    /// folder if it has one, else by models fitted for the purpose.
    #[arg(required_unless_present = "run", conflicts_with = "run")]
    pub input: Option<String>,
    /// A run of the folder in place of an export.
    #[arg(long, conflicts_with = "config")]
    pub run: Option<String>,
    /// Where runs and models are, and where the result goes: under explore/.
    #[arg(long, default_value = "insiders-data")]
    pub dir: PathBuf,
    /// Settings, as insiders.toml: models are fitted with them, whatever champion there is.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Numbers of segments, both ends included.
    #[arg(long, default_value = "2..25", value_name = "FROM..TO")]
    pub k: KRange,
    /// Refits on 80% of the customers each, by which a choice's stability is measured.
    #[arg(long, default_value_t = 10)]
    pub resamples: usize,
    /// Mean adjusted Rand index of the refits from which a choice counts as stable.
    #[arg(long, default_value_t = 0.9, value_parser = share)]
    pub stable: f64,
    /// Restarts of k-means.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub restarts: u32,
    /// Most customers to look at, drawn by the seed: hierarchical clustering takes memory in
    /// their square.
    #[arg(long, default_value_t = 6_000, value_parser = clap::value_parser!(u32).range(50..=20_000))]
    pub sample: u32,
    /// Print JSON alone.
    #[arg(long)]
    pub json: bool,
}

/// [`Profile`] as a word of the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[allow(missing_docs)] // documented on Profile
pub enum ProfileArg {
    Default,
    Notebook,
}

impl From<ProfileArg> for Profile {
    fn from(profile: ProfileArg) -> Self {
        match profile {
            ProfileArg::Default => Self::Default,
            ProfileArg::Notebook => Self::Notebook,
        }
    }
}

/// `insiders generate`.
#[derive(Debug, clap::Args)]
pub struct GenerateArgs {
    /// Invoice lines.
    #[arg(long)]
    pub rows: u64,
    /// Customers with an id; by default one for 95 lines.
    #[arg(long)]
    pub customers: Option<u64>,
    /// The same seed gives the same bytes.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Share of rows that can't be read, from 0 to 1.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub dirty: f64,
    /// The file to write.
    #[arg(short, long)]
    pub output: PathBuf,
}

/// `insiders models`.
#[derive(Debug, clap::Args)]
pub struct ModelsArgs {
    /// What to do with models.
    #[command(subcommand)]
    pub verb: ModelsVerb,
}

/// One verb each.
#[derive(Debug, Subcommand)]
pub enum ModelsVerb {
    /// Make a bundle of the models that tools/export_models.py exported.
    Import(ImportArgs),
    /// Every stored version and its place.
    List(ListArgs),
    /// A version's figures, segments and gates.
    Show(ModelArgs),
    /// What differs between two versions.
    Diff(DiffArgs),
    /// Make a version the champion, whatever its gates said.
    Promote(PromoteArgs),
    /// Go back to the champion before.
    Rollback(PlaceArgs),
    /// Give a segment of the champion another name; it outlasts refits.
    Rename(RenameArgs),
}

/// Where artifacts and models are.
#[derive(Debug, Clone, clap::Args)]
pub struct PlaceArgs {
    /// The folder of the runs.
    #[arg(long, default_value = "insiders-data")]
    pub dir: PathBuf,
    /// A bucket in its stead, with credentials and region from the environment.
    #[arg(long, conflicts_with = "dir")]
    pub bucket: Option<String>,
}

/// `insiders models list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Where they are.
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Print JSON alone.
    #[arg(long)]
    pub json: bool,
}

/// `insiders models show`.
#[derive(Debug, clap::Args)]
pub struct ModelArgs {
    /// The version.
    pub version: String,
    /// Where it is.
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Print JSON alone.
    #[arg(long)]
    pub json: bool,
}

/// `insiders models promote`.
#[derive(Debug, clap::Args)]
pub struct PromoteArgs {
    /// The version.
    pub version: String,
    /// Where it is.
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// `insiders models diff`.
#[derive(Debug, clap::Args)]
pub struct DiffArgs {
    /// The one version.
    pub from: String,
    /// The other.
    pub to: String,
    /// Where they are.
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// `insiders models rename`.
#[derive(Debug, clap::Args)]
pub struct RenameArgs {
    /// The segment's number.
    pub segment: u32,
    /// Its new name.
    pub name: String,
    /// Where the models are.
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// `insiders models import`.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// The exported folder.
    pub folder: PathBuf,
    /// Where artifacts and models are kept.
    #[arg(long, default_value = "insiders-data")]
    pub dir: PathBuf,
    /// Settings, for k-means where none was exported; by default config/insiders.toml under
    /// the folder of artifacts.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Make it the champion even if there is one; the first model becomes it anyway.
    #[arg(long)]
    pub promote: bool,
}

/// `insiders report`.
#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    /// The run; by default the one of the latest moment.
    pub run_id: Option<String>,
    /// Where its artifacts are.
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Write the page to this file; by default it takes its place among the artifacts.
    #[arg(short, long)]
    pub output: Option<PathBuf>,
}

/// `insiders runs`.
#[derive(Debug, clap::Args)]
pub struct RunsArgs {
    /// What to do with runs.
    #[command(subcommand)]
    pub verb: RunsVerb,
}

/// One verb each.
#[derive(Debug, Subcommand)]
pub enum RunsVerb {
    /// List the runs that are kept, the oldest moment first.
    List(ListRunsArgs),
    /// Make a kept run the one that readers see, whatever its moment.
    Rollback(RollbackArgs),
}

/// `insiders runs list`.
#[derive(Debug, clap::Args)]
pub struct ListRunsArgs {
    /// Where the runs are.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Print JSON alone.
    #[arg(long)]
    pub json: bool,
}

/// `insiders runs rollback`.
#[derive(Debug, clap::Args)]
pub struct RollbackArgs {
    /// The run.
    pub run_id: String,
    /// Where the runs are.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Print JSON alone.
    #[arg(long)]
    pub json: bool,
}

/// A database that something was published into.
#[derive(Debug, Clone, clap::Args)]
pub struct DatabaseArgs {
    /// The folder of the run, for the Postgres server in it.
    #[arg(long, default_value = "insiders-data")]
    pub dir: PathBuf,
    /// A Postgres server in place of the folder's.
    #[arg(long)]
    pub database_url: Option<String>,
}

/// `insiders erase`.
#[derive(Debug, clap::Args)]
pub struct EraseArgs {
    /// Their customer ids, as segments.parquet has them; behind `--` where one begins with a
    /// dash.
    #[arg(required = true)]
    pub customers: Vec<String>,
    /// Where they were published.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// A bucket on S3 in place of the folder's, by the credentials and region of the
    /// environment.
    #[arg(long)]
    pub bucket: Option<String>,
    /// Settings by which the uploads are read; by default config/insiders.toml there.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Print JSON alone.
    #[arg(long)]
    pub json: bool,
}

/// `insiders psql`.
#[derive(Debug, clap::Args)]
pub struct PsqlArgs {
    /// The folder of the run.
    #[arg(long, default_value = "insiders-data")]
    pub dir: PathBuf,
    /// What psql is given, such as -c 'select * from insiders.segments'.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub args: Vec<String>,
}

/// [`Mode`] as a word of the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[allow(missing_docs)] // documented on Mode
pub enum ModeArg {
    Auto,
    Fit,
    Apply,
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Auto => Self::Auto,
            ModeArg::Fit => Self::Fit,
            ModeArg::Apply => Self::Apply,
        }
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share is a number from 0 to 1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }
}
