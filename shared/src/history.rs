//! Uploads that add up: which there are, in their order.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::contracts::{Artifact, Source};
use crate::store::{ETag, Store, sha256};
use crate::{Error, Result};

/// Where the ledger lies.
pub const LEDGER: &str = "history/uploads.json";

/// The uploads so far, the first one first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    schema_version: u32,
    /// The uploads.
    pub uploads: Vec<Upload>,
}

/// One upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// Where its bytes are.
    #[serde(flatten)]
    pub source: Source,
    /// SHA-256 of the bytes, in hexadecimal: what it is known by.
    pub sha256: String,
    /// Digests of other bytes that are the same upload: those that an erasure replaced, or
    /// is about to put in their place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
}

/// The format's version that this program writes and reads.
const SCHEMA_VERSION: u32 = 1;

impl Default for Ledger {
    fn default() -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            uploads: Vec::new(),
        }
    }
}

impl Ledger {
    /// Whether this very object version is listed.
    pub fn lists(&self, source: &Source) -> bool {
        self.uploads.iter().any(|upload| upload.source == *source)
    }

    /// The upload with these bytes.
    pub fn of_content(&mut self, sha256: &str) -> Option<&mut Upload> {
        let known = |upload: &&mut Upload| {
            upload.sha256 == sha256 || upload.also.iter().any(|also| also == sha256)
        };
        self.uploads.iter_mut().find(known)
    }

    /// Adds an upload, unless it is listed; whether it was added.
    pub fn add(&mut self, source: &Source, sha256: &str) -> bool {
        if self.of_content(sha256).is_some() {
            return false;
        }
        self.uploads.push(Upload {
            source: source.clone(),
            sha256: sha256.to_owned(),
            also: Vec::new(),
        });
        true
    }

    /// Other bytes will stand in place of those with this digest; whether that is news.
    pub fn announce(&mut self, sha256: &str, next: &str) -> bool {
        let Some(upload) = self.of_content(sha256) else {
            return false;
        };
        if upload.sha256 == next || upload.also.iter().any(|also| also == next) {
            return false;
        }
        upload.also.push(next.to_owned());
        true
    }

    /// Bytes with the digest `next` stand at `source` in place of the upload of this name and
    /// digest; whether that is news. What it was known by before it is still known by.
    pub fn replace(&mut self, sha256: &str, source: &Source, next: &str) -> bool {
        let Some(upload) = self.of_content(sha256) else {
            return false;
        };
        let is_it = upload.source.bucket == source.bucket && upload.source.key == source.key;
        if !is_it || upload.sha256 == next && upload.source == *source {
            return false;
        }
        if upload.sha256 != next {
            let before = std::mem::replace(&mut upload.sha256, next.to_owned());
            upload.also.retain(|also| also != next);
            upload.also.push(before);
        }
        upload.source = source.clone();
        true
    }

    /// What a run reads of the ledger: its bytes depend on the uploads alone.
    fn list(&self) -> Self {
        let mut list = self.clone();
        for upload in &mut list.uploads {
            upload.also.clear();
        }
        list
    }

    fn parse(bytes: &[u8], object: &str) -> Result<Self> {
        let corrupt = |reason: String| Error::Corrupt {
            object: object.to_owned(),
            reason,
        };
        let ledger: Self = serde_json::from_slice(bytes).map_err(|e| corrupt(e.to_string()))?;
        if ledger.schema_version != SCHEMA_VERSION {
            let version = ledger.schema_version;
            return Err(corrupt(format!("it has schema version {version}")));
        }
        Ok(ledger)
    }

    fn json(&self) -> Result<Bytes> {
        let json = serde_json::to_vec_pretty(self).map_err(|e| Error::Internal(e.to_string()))?;
        Ok(Bytes::from(json))
    }
}

/// The ledger, with the tag that a conditional write needs.
pub async fn ledger(store: &Store) -> Result<Option<(Ledger, ETag)>> {
    let Some((bytes, etag)) = store.get_optional(LEDGER).await? else {
        return Ok(None);
    };
    Ok(Some((Ledger::parse(&bytes, LEDGER)?, etag)))
}

/// Times that a lost race is run again: each is lost to another upload that got in.
const ATTEMPTS: u32 = 50;

/// Changes the ledger by `change`, which says whether there was something to change; what it
/// is then. Two at once: both changes are made.
pub async fn update(store: &Store, mut change: impl FnMut(&mut Ledger) -> bool) -> Result<Ledger> {
    for attempt in 0..ATTEMPTS {
        let (mut next, etag) = match ledger(store).await? {
            Some((ledger, etag)) => (ledger, Some(etag)),
            None => (Ledger::default(), None),
        };
        if !change(&mut next) {
            return Ok(next);
        }
        let written = store
            .put_if(LEDGER, "application/json", next.json()?, etag.as_ref())
            .await;
        match written {
            Ok(()) => return Ok(next),
            Err(Error::Conflict { .. }) => {
                let pause = std::time::Duration::from_millis(u64::from(attempt.min(10)) * 20);
                tokio::time::sleep(pause).await;
            }
            Err(e) => return Err(e),
        }
    }
    Err(Error::Unavailable {
        service: "S3",
        operation: format!("PutObject of {}/{LEDGER}", store.bucket()),
        reason: "others changed it each time: try again".to_owned(),
    })
}

/// Keeps what a run reads of the ledger under a key of its content, which never changes.
pub async fn keep_list(store: &Store, ledger: &Ledger) -> Result<Artifact> {
    let json = ledger.list().json()?;
    let key = format!("history/{}.json", sha256(&json));
    store.put(&key, "application/json", json).await
}

/// What a run reads.
pub async fn list(store: &Store, artifact: &Artifact) -> Result<Ledger> {
    Ledger::parse(&store.get_verified(artifact).await?, &artifact.key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(key: &str, etag: &str) -> Source {
        Source {
            bucket: "b".to_owned(),
            key: key.to_owned(),
            version: None,
            etag: etag.to_owned(),
            size: 1,
        }
    }

    #[test]
    fn the_same_bytes_count_once_whatever_their_name() {
        let mut ledger = Ledger::default();
        assert!(ledger.add(&source("a", "1"), "x"));
        assert!(!ledger.add(&source("again", "2"), "x"));
        assert!(ledger.add(&source("a", "3"), "y"), "one name, other bytes");
        assert!(ledger.lists(&source("a", "1")));
        assert!(!ledger.lists(&source("again", "2")));
        ledger.uploads[0].also.push("z".to_owned());
        assert!(!ledger.add(&source("a", "4"), "z"));
        assert!(ledger.announce("y", "y2") && !ledger.announce("y", "y2"));
        assert!(
            !ledger.add(&source("a", "5"), "y2"),
            "seen before it is told"
        );
        let next = source("a", "5");
        assert!(ledger.replace("y", &next, "y2") && !ledger.replace("y2", &next, "y2"));
        assert!(ledger.lists(&next) && !ledger.lists(&source("a", "3")));
        assert!(
            !ledger.add(&source("a", "6"), "y"),
            "the bytes of before are still known"
        );
        assert!(!ledger.replace("y", &source("other", "7"), "y2"));
        let text = ledger.json().unwrap();
        assert_eq!(Ledger::parse(&text, "t").unwrap(), ledger);
        assert!(
            ledger
                .list()
                .uploads
                .iter()
                .all(|upload| upload.also.is_empty())
        );
    }
}
