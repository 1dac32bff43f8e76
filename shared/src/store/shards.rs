//! Lists of shards in the store.

use bytes::Bytes;

use super::Store;
use crate::contracts::{Artifact, ShardTable, Shards};
use crate::{Error, Result};

impl Store {
    /// The shards that a list of run `run_id` names.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a list that is not what its digest says, or of another run.
    pub async fn shards(&self, list: &Artifact, run_id: &str, table: ShardTable) -> Result<Shards> {
        let bytes = self.get_verified(list).await?;
        let shards = Shards::read(&bytes, &list.key, run_id, table)?;
        if list.rows == Some(shards.rows()) {
            return Ok(shards);
        }
        Err(Error::Corrupt {
            object: list.key.clone(),
            reason: format!(
                "its tables have {} rows in all, not {:?}",
                shards.rows(),
                list.rows
            ),
        })
    }

    /// Writes a list of shards; the artifact has the rows of all.
    pub async fn put_shards(&self, key: &str, shards: &Shards) -> Result<Artifact> {
        let json = serde_json::to_vec(shards).map_err(|e| Error::Internal(e.to_string()))?;
        let list = self.put(key, "application/json", Bytes::from(json)).await?;
        Ok(Artifact {
            rows: Some(shards.rows()),
            ..list
        })
    }
}
