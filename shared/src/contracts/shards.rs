//! `shards.json` and `segments.json`: a run's customers in parts.

use serde::{Deserialize, Serialize};

use super::layout::ShardTable;
use super::{Artifact, Layout};
use crate::{Error, Result};

/// One part of a run's customers. No customer is in two, and each is in the order of the ids; any
/// partition gives the same run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// From 0.
    pub number: u32,
    /// Its table of features, or of segments.
    pub table: Artifact,
}

/// A list of shards: an array, as the state machine's Map reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shards(pub Vec<Shard>);

impl Shards {
    /// Reads the list at `key` of run `run_id`. Refused unless it lists the run's own tables, one
    /// after the other.
    pub fn read(bytes: &[u8], key: &str, run_id: &str, table: ShardTable) -> Result<Self> {
        let corrupt = |reason: String| Error::Corrupt {
            object: key.to_owned(),
            reason,
        };
        let shards: Self = serde_json::from_slice(bytes).map_err(|e| corrupt(e.to_string()))?;
        for (number, shard) in (0..).zip(&shards.0) {
            shard.must_be(number, run_id, table).map_err(&corrupt)?;
        }
        Ok(shards)
    }

    /// Rows of all tables.
    pub fn rows(&self) -> u64 {
        let rows = self.0.iter().filter_map(|shard| shard.table.rows);
        rows.fold(0, u64::saturating_add)
    }

    /// Bytes of all tables.
    pub fn bytes(&self) -> u64 {
        let bytes = self.0.iter().map(|shard| shard.table.bytes);
        bytes.fold(0, u64::saturating_add)
    }
}

impl Shard {
    /// Says what is wrong if this is not shard `number` of run `run_id`.
    pub fn must_be(&self, number: u32, run_id: &str, table: ShardTable) -> Result<(), String> {
        let expected = Layout::new(run_id).shard(table, number);
        if self.number == number && self.table.key == expected && Layout::is_name(run_id) {
            return Ok(());
        }
        Err(format!(
            "shard {number} of run {run_id} can't be shard {} at {:?}",
            self.number, self.table.key
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(keys: &[&str]) -> Vec<u8> {
        let shard = |(number, key): (u32, &&str)| Shard {
            number,
            table: Artifact {
                key: (*key).to_owned(),
                bytes: 2,
                sha256: "a".to_owned(),
                rows: Some(3),
            },
        };
        serde_json::to_vec(&Shards((0..).zip(keys).map(shard).collect())).unwrap()
    }

    #[test]
    fn a_list_is_an_array_of_the_runs_own_tables() {
        let bytes = list(&[
            "runs/r/features/00000.parquet",
            "runs/r/features/00001.parquet",
        ]);
        assert!(bytes.starts_with(b"["));
        let read = |bytes: &[u8]| Shards::read(bytes, "k", "r", ShardTable::Features);
        let shards = read(&bytes).unwrap();
        assert_eq!((shards.rows(), shards.bytes()), (6, 4));
        for keys in [
            ["runs/r/features/00001.parquet"],
            ["runs/s/features/00000.parquet"],
            ["runs/r/segments/00000.parquet"],
        ] {
            let error = read(&list(&keys)).unwrap_err().to_string();
            assert!(error.contains("shard 0 of run r"), "{error}");
        }
    }
}
