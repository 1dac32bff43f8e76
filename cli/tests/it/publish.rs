//! `publish-to-rds` against a real Postgres.

mod fixture;
mod ids;
mod measure;
mod migrations;
mod once;
mod outages;
mod readers;
mod retention;
mod tls;
