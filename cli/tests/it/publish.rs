//! `publish-to-rds` against a real Postgres.

mod beneath;
mod crash;
mod cuts;
mod erasure;
mod files;
mod fixture;
mod ids;
mod locks;
mod measure;
mod migrations;
mod moves;
mod once;
mod outages;
mod own;
mod plain;
mod readers;
pub(crate) mod relay;
mod restarts;
mod retention;
mod roles;
mod rollback;
mod room;
mod rules;
mod shards;
mod silence;
mod tls;
mod value;
