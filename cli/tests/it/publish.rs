//! `publish-to-rds` against a real Postgres.

mod beneath;
mod crash;
mod erasure;
mod files;
mod fixture;
mod ids;
mod measure;
mod migrations;
mod moves;
mod once;
mod outages;
mod readers;
mod retention;
mod roles;
mod rollback;
mod rules;
mod tls;
mod value;
