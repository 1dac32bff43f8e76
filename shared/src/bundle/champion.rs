//! The pointer to the version in use, with the history of its moves.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::contracts::Layout;
use crate::store::{ETag, Store};
use crate::{Error, Result};

/// `models/champion.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Champion {
    /// The version that `apply` uses.
    pub version: String,
    /// Every move of the pointer, the first one first.
    pub history: Vec<Move>,
}

/// One move of the pointer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The version that became champion.
    pub version: String,
    /// The run that fitted it, or asked for it.
    pub run_id: String,
}

/// The champion, if there is one, with the tag that a conditional write needs.
pub async fn champion(store: &Store) -> Result<Option<(Champion, ETag)>> {
    let Some((bytes, etag)) = store.get_optional(Layout::CHAMPION).await? else {
        return Ok(None);
    };
    let champion = serde_json::from_slice(&bytes).map_err(|e| Error::Corrupt {
        object: Layout::CHAMPION.to_owned(),
        reason: e.to_string(),
    })?;
    Ok(Some((champion, etag)))
}

/// Times that a lost race is run again.
const ATTEMPTS: usize = 5;

/// Makes `version` the champion; nothing changes if it is already. Two at once: both moves
/// are in the history, the later one counts.
pub async fn promote(store: &Store, version: &str, run_id: &str) -> Result<()> {
    let mut lost = None;
    for _ in 0..ATTEMPTS {
        let (mut next, etag) = match champion(store).await? {
            Some((current, _)) if current.version == version => return Ok(()),
            Some((current, etag)) => (current, Some(etag)),
            None => (
                Champion {
                    version: String::new(),
                    history: Vec::new(),
                },
                None,
            ),
        };
        version.clone_into(&mut next.version);
        next.history.push(Move {
            version: version.to_owned(),
            run_id: run_id.to_owned(),
        });
        let json = serde_json::to_vec_pretty(&next).map_err(|e| Error::Internal(e.to_string()))?;
        let written = store
            .put_if(
                Layout::CHAMPION,
                "application/json",
                Bytes::from(json),
                etag.as_ref(),
            )
            .await;
        match written {
            Err(e @ Error::Conflict { .. }) => lost = Some(e),
            other => return other,
        }
    }
    Err(lost.unwrap_or_else(|| Error::Internal("the champion was not written".to_owned())))
}
