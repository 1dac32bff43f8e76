//! The artifact store: one bucket behind a small adapter over the S3 protocol. It moves
//! bytes and maps failures; it decides nothing.

mod client;
mod download;
mod failure;
mod hashed;
mod list;
mod reader;
mod shards;
mod versions;
mod writer;

use std::fs::File;
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::{ByteStream, ByteStreamError};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::contracts::{Artifact, ObjectRef, Source};
use crate::{Error, Result};

pub use client::{Endpoint, Patience};
pub use hashed::Hashed;
pub use reader::ObjectReader;
pub use versions::ObjectVersion;
pub use writer::{ObjectWriter, Pending};

/// Most bytes of an object that is read whole and that no digest tells of: the documents, of
/// which the longest, the index of 2,000 runs, has half a megabyte.
const MOST: u64 = 64 << 20;

/// A body in one piece, in memory once: room for all of it is there before it comes.
async fn whole(
    mut body: ByteStream,
    size: Option<u64>,
) -> std::result::Result<Bytes, ByteStreamError> {
    let mut bytes = Vec::new();
    if let Some(size) = size.and_then(|size| usize::try_from(size).ok()) {
        // a size that can't be had is a claim; what comes may be less
        let _ = bytes.try_reserve_exact(size);
    }
    while let Some(part) = body.try_next().await? {
        bytes.extend_from_slice(&part);
    }
    Ok(bytes.into())
}

/// A bucket. Cheap to clone; clients are built once.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    bucket: Arc<str>,
}

/// An object's entity tag, as S3 gives it, for conditional writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ETag(pub String);

impl Store {
    /// The bucket with credentials and region from the environment, as in Lambda.
    pub async fn from_env(bucket: &str) -> Self {
        Self {
            client: client::from_env().await,
            bucket: bucket.into(),
        }
    }

    /// A bucket behind an S3 server of our own.
    pub fn at(endpoint: &Endpoint, bucket: &str) -> Self {
        Self {
            client: client::at(endpoint),
            bucket: bucket.into(),
        }
    }

    /// The same connection to another bucket.
    #[must_use]
    pub fn bucket_of(&self, bucket: &str) -> Self {
        Self {
            client: self.client.clone(),
            bucket: bucket.into(),
        }
    }

    /// The bucket's name.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Pins an object of any bucket to the content that it has now.
    pub async fn source(&self, object: &ObjectRef) -> Result<Source> {
        let head = self.head(object).await?;
        let size = head.content_length().and_then(|n| u64::try_from(n).ok());
        let (Some(size), Some(etag)) = (size, head.e_tag()) else {
            return Err(Error::Unavailable {
                service: "S3",
                operation: format!("HeadObject of {}/{}", object.bucket, object.key),
                reason: "the answer has no size or entity tag".to_owned(),
            });
        };
        let version = head
            .version_id()
            .filter(|id| *id != "null")
            .map(str::to_owned);
        Ok(Source {
            bucket: object.bucket.clone(),
            key: object.key.clone(),
            version: object.version.clone().or(version),
            etag: etag.to_owned(),
            size,
        })
    }

    /// What an object is like. The answer to HEAD has no body, so that a refusal does not say
    /// whether rights lack, or the token or the clock is off: a GET tells.
    async fn head(&self, object: &ObjectRef) -> Result<HeadObjectOutput> {
        let ObjectRef {
            bucket,
            key,
            version,
        } = object;
        let head = || {
            let head = self.client.head_object().bucket(bucket).key(key);
            head.set_version_id(version.clone()).send()
        };
        let refused = match head().await {
            Err(e) if failure::is_mute(&e) => e,
            other => return other.map_err(|e| failure::of("HeadObject", bucket, key, &e)),
        };
        let get = self.client.get_object().bucket(bucket).key(key);
        match get.set_version_id(version.clone()).send().await {
            Err(e) if !failure::is_mute(&e) => Err(failure::of("GetObject", bucket, key, &e)),
            Err(_) => Err(failure::of("HeadObject", bucket, key, &refused)),
            // What was in the way is gone, such as a clock that the client knows by now.
            Ok(_) => head()
                .await
                .map_err(|e| failure::of("HeadObject", bucket, key, &e)),
        }
    }

    /// When a source was uploaded, in seconds since 1970 UTC; S3 always says it, not every store
    /// that speaks its protocol does.
    pub async fn uploaded(&self, source: &Source) -> Result<Option<i64>> {
        let object = ObjectRef {
            bucket: source.bucket.clone(),
            key: source.key.clone(),
            version: source.version.clone(),
        };
        let head = self.head(&object).await?;
        Ok(head.last_modified().map(|modified| modified.secs()))
    }

    /// A whole object.
    pub async fn get(&self, key: &str) -> Result<Bytes> {
        Ok(self.get_tagged(key).await?.0)
    }

    /// A whole object with its entity tag.
    pub async fn get_tagged(&self, key: &str) -> Result<(Bytes, ETag)> {
        self.get_at_most(key, MOST).await
    }

    /// Refused by its size before a byte of it is in memory.
    async fn get_at_most(&self, key: &str, most: u64) -> Result<(Bytes, ETag)> {
        let failed = |reason: String| Error::Unavailable {
            service: "S3",
            operation: format!("GetObject of {}/{key}", self.bucket),
            reason,
        };
        let mut attempt = 0;
        loop {
            let object = self
                .client
                .get_object()
                .bucket(&*self.bucket)
                .key(key)
                .send()
                .await
                .map_err(|e| failure::of("GetObject", &self.bucket, key, &e))?;
            let size = object.content_length().and_then(|n| u64::try_from(n).ok());
            if let Some(size) = size.filter(|&size| size > most) {
                return Err(Error::Corrupt {
                    object: key.to_owned(),
                    reason: format!("it has {size} bytes, expected at most {most}"),
                });
            }
            let Some(etag) = object.e_tag().map(|tag| ETag(tag.to_owned())) else {
                return Err(failed("the answer has no entity tag".to_owned()));
            };
            match whole(object.body, size).await {
                Ok(bytes) => return Ok((bytes, etag)),
                Err(e) if attempt == reader::RETRIES => return Err(failed(failure::broken(&e))),
                // The client makes a request again, and not one whose answer broke off.
                Err(_) => attempt += 1,
            }
        }
    }

    /// A whole object, or `None` where there is none.
    pub async fn get_optional(&self, key: &str) -> Result<Option<(Bytes, ETag)>> {
        match self.get_tagged(key).await {
            Ok(found) => Ok(Some(found)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// A whole table, however large, or `None` where there is none.
    pub async fn table(&self, key: &str) -> Result<Option<Bytes>> {
        match self.get_at_most(key, u64::MAX).await {
            Ok((bytes, _)) => Ok(Some(bytes)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// An artifact, refused if it is not what its digest says.
    pub async fn get_verified(&self, artifact: &Artifact) -> Result<Bytes> {
        let (body, _) = self.get_at_most(&artifact.key, artifact.bytes).await?;
        let found = sha256(&body);
        if found == artifact.sha256 {
            Ok(body)
        } else {
            Err(Error::Corrupt {
                object: artifact.key.clone(),
                reason: format!("its SHA-256 is {found}, expected {}", artifact.sha256),
            })
        }
    }

    /// An artifact that may be larger than memory, as a file without a name in the temporary
    /// directory, refused if it is not what its digest says.
    pub async fn file_verified(&self, artifact: &Artifact) -> Result<File> {
        download::verified(self, artifact).await
    }

    /// Writes a whole object.
    pub async fn put(&self, key: &str, content_type: &str, body: Bytes) -> Result<Artifact> {
        let artifact = Artifact {
            key: key.to_owned(),
            bytes: body.len() as u64,
            sha256: sha256(&body),
            rows: None,
        };
        self.put_request(key, content_type, body)
            .send()
            .await
            .map_err(|e| failure::of("PutObject", &self.bucket, key, &e))?;
        Ok(artifact)
    }

    /// Writes an object on the condition that it is still the one that was read (`Some`) or
    /// still absent (`None`); [`Error::Conflict`] if somebody was faster.
    pub async fn put_if(
        &self,
        key: &str,
        content_type: &str,
        body: Bytes,
        expected: Option<&ETag>,
    ) -> Result<()> {
        let request = self.put_request(key, content_type, body);
        let request = match expected {
            Some(etag) => request.if_match(&etag.0),
            None => request.if_none_match("*"),
        };
        request
            .send()
            .await
            .map(drop)
            .map_err(|e| failure::of("PutObject", &self.bucket, key, &e))
    }

    fn put_request(
        &self,
        key: &str,
        content_type: &str,
        body: Bytes,
    ) -> aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder {
        self.client
            .put_object()
            .bucket(&*self.bucket)
            .key(key)
            .content_type(content_type)
            .body(ByteStream::from(body))
    }

    /// Streams a pinned source through bounded memory. The reader blocks: use it on a
    /// thread that may.
    pub fn reader(&self, source: &Source) -> ObjectReader {
        ObjectReader::new(self.client.clone(), source.clone())
    }

    /// Streams an object out through bounded memory; nothing is visible under `key` before
    /// [`Pending::commit`]. The writer blocks: use it on a thread that may.
    pub fn writer(&self, key: &str, content_type: &'static str) -> ObjectWriter {
        ObjectWriter::new(self.clone(), key.to_owned(), content_type)
    }
}

/// SHA-256 in hexadecimal.
pub fn sha256(body: &[u8]) -> String {
    crate::contracts::hex(&Sha256::digest(body))
}
