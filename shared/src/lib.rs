//! Features, models and contracts of Insiders: what the three functions and the command
//! line share.
//!
//! The modules follow a row on its way:
//! [`store`] brings its bytes from S3, [`transactions`] decodes, parses and cleans it,
//! [`features`] adds it to its customer, [`models`] places the customer in a segment and
//! [`segments`] describes the segments. [`contracts`] holds what the functions say to each
//! other, [`settings`] what a shop may change.
//!
//! Everything but [`store`], [`lambda`], [`measure`] and [`metrics`], and the parts of [`bundle`],
//! [`history`] and [`erasure`] that keep their objects in a store, is free of IO, clocks, environment
//! and global randomness: data in, data out, seeds passed in.

pub mod bundle;
pub mod columns;
pub mod contracts;
pub mod erasure;
pub mod error;
pub mod evaluation;
pub mod exploration;
pub mod failpoint;
pub mod features;
pub mod history;
pub mod import;
pub mod lambda;
pub mod measure;
pub mod metrics;
pub mod models;
pub mod progress;
pub mod report;
pub mod segments;
pub mod settings;
pub mod store;
pub mod tables;
pub mod transactions;
pub mod value;

pub use error::{Blame, Error, Result};
