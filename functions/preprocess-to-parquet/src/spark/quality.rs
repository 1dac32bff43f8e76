//! `quality.json` as Spark leaves it, and what has to be added to it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use shared::contracts::{AsOf, Counts};
use shared::features::{Describe, Features};
use shared::value::ValueReport;
use shared::{Error, Result};

/// Where Spark keeps what is not for quality.json.
const OWN: &str = "spark";

/// What Spark counted.
#[derive(Debug)]
pub(super) struct Counted {
    document: Map<String, Value>,
    pub(super) own: Own,
}

/// What it says besides.
#[derive(Debug, Deserialize)]
pub(super) struct Own {
    pub(super) run_id: String,
    pub(super) as_of: AsOf,
    pub(super) counts: Counts,
    pub(super) features: Vec<Part>,
}

/// One of its tables.
#[derive(Debug, Deserialize)]
pub(super) struct Part {
    pub(super) file: String,
    pub(super) rows: u64,
}

impl Counted {
    /// Reads what is at `key`.
    pub(super) fn read(bytes: &[u8], key: &str) -> Result<Self> {
        let corrupt = |e: serde_json::Error| Error::Corrupt {
            object: key.to_owned(),
            reason: e.to_string(),
        };
        let mut document: Map<String, Value> = serde_json::from_slice(bytes).map_err(corrupt)?;
        let own = document.remove(OWN).unwrap_or_default();
        let own = serde_json::from_value(own).map_err(corrupt)?;
        Ok(Self { document, own })
    }

    /// quality.json of the customers whose features these are.
    pub(super) fn finish(mut self, features: &Features, value: &ValueReport) -> Result<Vec<u8>> {
        let internal = |e: serde_json::Error| Error::Internal(e.to_string());
        let describe: BTreeMap<&str, Option<Describe>> = features.described();
        for (name, value) in [
            ("describe", serde_json::to_value(describe)),
            ("value", serde_json::to_value(value)),
        ] {
            self.document
                .insert(name.to_owned(), value.map_err(internal)?);
        }
        serde_json::to_vec_pretty(&self.document).map_err(internal)
    }
}
