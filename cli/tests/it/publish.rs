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
mod plain;
mod readers;
mod relay;
mod retention;
mod roles;
mod rollback;
mod rules;
mod silence;
mod tls;
mod value;
