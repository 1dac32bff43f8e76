//! `publish-to-rds`: shows a finished run to everybody who reads Postgres.
//!
//! [`handle`] takes a run's `segments.parquet` and `profile.json` from the store and hands
//! them to [`publish_rows`], or the shards that `segments.json` lists to [`publish_shards`]. It loads them into a table of their own, checks there what
//! arrived, and makes them the current run in one short transaction. Readers see the run
//! before or this one, never a mixture, never nothing.
//!
//! The database needs nothing but an empty database and the right to create a schema: the
//! migrations of `infra/migrations` are part of the program and applied by it. They need
//! a session that stays on one server connection; a pooler in transaction mode does not do.

mod check;
mod copy;
mod database;
mod digest;
mod encode;
mod erase;
mod failure;
mod handler;
mod iam;
mod laps;
mod limits;
mod load;
mod locks;
mod migrate;
mod moves;
mod names;
mod partition;
mod place;
mod profile;
mod prune;
mod publish;
mod read;
mod run;
mod runs;
mod session;
mod shards;
mod staging;
mod stored;
mod switch;
mod tally;
mod tls;
mod tombstones;
mod workers;

pub use database::Database;
pub use erase::{Erased, erase};
pub use handler::{Context, Published, handle};
pub use iam::Iam;
pub use limits::Limits;
pub use migrate::{MIGRATIONS, Migration};
pub use moves::Moved;
pub use names::RunId;
pub use publish::{Outcome, migrate, migrate_to, publish_rows, publish_shards};
pub use read::batches;
pub use run::PublishRun;
pub use runs::{KeptRun, Rollback, kept_runs, rollback};
pub use shards::ShardRows;
