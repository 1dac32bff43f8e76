//! `config/erased.json`: who must not come back.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Ids;
use super::mention::{is_edge, unquoted};
use crate::contracts::hex;
use crate::store::{Store, sha256};
use crate::{Error, Result};

/// Where the tombstones lie.
pub const TOMBSTONES: &str = "config/erased.json";

/// Salted digests of the ids of those who were erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tombstones {
    schema_version: u32,
    /// Random, so that nobody's list of digests fits this one.
    salt: String,
    /// Lengths of the ids in bytes: what to look at in a row that can't be taken apart.
    lengths: BTreeSet<usize>,
    /// SHA-256 of salt and id, in hexadecimal.
    erased: BTreeSet<String>,
}

/// The format's version that this program writes and reads.
const SCHEMA_VERSION: u32 = 1;

impl Tombstones {
    /// Nobody yet.
    pub fn new(salt: &str) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            salt: salt.to_owned(),
            lengths: BTreeSet::new(),
            erased: BTreeSet::new(),
        }
    }

    fn digest(&self, id: &str) -> String {
        let mut digest = Sha256::new();
        digest.update(self.salt.as_bytes());
        digest.update(id.as_bytes());
        hex(&digest.finalize())
    }

    /// Adds one; whether it is new.
    pub fn add(&mut self, id: &str) -> bool {
        self.lengths.insert(id.len());
        self.erased.insert(self.digest(id))
    }

    /// Whether this customer was erased.
    pub fn holds(&self, id: &str) -> bool {
        self.lengths.contains(&id.len()) && self.erased.contains(&self.digest(id))
    }

    /// Whether a text that can't be taken apart names somebody who was erased.
    pub fn are_mentioned_in(&self, text: &str) -> bool {
        self.named(text) || unquoted(text).is_some_and(|text| self.named(&text))
    }

    fn named(&self, text: &str) -> bool {
        let starts = text.char_indices().map(|(at, _)| at);
        let mut starts = starts.filter(|&start| is_edge(text, start));
        starts.any(|start| {
            let lengths = self.lengths.iter();
            let mut ends = lengths.filter_map(|&length| start.checked_add(length));
            ends.any(|end| {
                is_edge(text, end) && text.get(start..end).is_some_and(|id| self.holds(id))
            })
        })
    }
}

/// The tombstones, if there are any, with the SHA-256 of the object.
pub async fn tombstones(store: &Store) -> Result<Option<(Tombstones, String)>> {
    let Some((bytes, _)) = store.get_optional(TOMBSTONES).await? else {
        return Ok(None);
    };
    Ok(Some((parse(&bytes)?, sha256(&bytes))))
}

fn parse(bytes: &[u8]) -> Result<Tombstones> {
    let corrupt = |reason: String| Error::Corrupt {
        object: TOMBSTONES.to_owned(),
        reason,
    };
    let found: Tombstones = serde_json::from_slice(bytes).map_err(|e| corrupt(e.to_string()))?;
    if found.schema_version != SCHEMA_VERSION {
        let version = found.schema_version;
        return Err(corrupt(format!("it has schema version {version}")));
    }
    Ok(found)
}

/// Times that a lost race is run again.
const ATTEMPTS: usize = 10;

/// Leaves a tombstone for each id; how many are new. `salt` is used where there is none yet.
pub async fn bury(store: &Store, ids: &Ids, salt: &str) -> Result<usize> {
    let mut lost = None;
    for _ in 0..ATTEMPTS {
        let (mut next, etag) = match store.get_optional(TOMBSTONES).await? {
            Some((bytes, etag)) => (parse(&bytes)?, Some(etag)),
            None => (Tombstones::new(salt), None),
        };
        let added = ids.iter().filter(|id| next.add(id)).count();
        if added == 0 {
            return Ok(0);
        }
        let json = serde_json::to_vec_pretty(&next).map_err(|e| Error::Internal(e.to_string()))?;
        let written = store
            .put_if(
                TOMBSTONES,
                "application/json",
                Bytes::from(json),
                etag.as_ref(),
            )
            .await;
        match written {
            Ok(()) => return Ok(added),
            Err(e @ Error::Conflict { .. }) => lost = Some(e),
            Err(e) => return Err(e),
        }
    }
    Err(lost.unwrap_or_else(|| Error::Internal("the tombstones were not written".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tombstone_knows_its_id_and_does_not_hold_it() {
        let mut stones = Tombstones::new("5a17");
        for id in ["12346", "O'Neil, Ann \"A\"", "é", "guest-1"] {
            assert!(stones.add(id));
            assert!(!stones.add(id));
            assert!(stones.holds(id));
            let quoted = id.replace('"', "\"\"");
            for text in [
                format!("1,{id},UK"),
                format!("x,\"{quoted}\""),
                id.to_owned(),
            ] {
                assert!(stones.are_mentioned_in(&text), "{text}");
            }
            let json = serde_json::to_string(&stones).unwrap();
            assert!(!json.contains(id), "{json}");
            assert_eq!(parse(json.as_bytes()).unwrap(), stones);
        }
        for other in ["12347", "1234", "123467", "x12346", ""] {
            assert!(!stones.holds(other));
            assert!(
                !stones.are_mentioned_in(&format!("1,{other},UK")),
                "{other}"
            );
        }
    }

    #[test]
    fn a_length_that_no_id_has_is_passed_over() {
        let json =
            r#"{"schema_version":1,"salt":"s","lengths":[18446744073709551615],"erased":[]}"#;
        let stones = parse(json.as_bytes()).unwrap();
        assert!(!stones.are_mentioned_in("1,12346,UK"));
    }

    #[test]
    fn another_salt_is_another_digest() {
        let of = |salt: &str| Tombstones::new(salt).digest("12346");
        assert_ne!(of("a"), of("b"));
    }
}
