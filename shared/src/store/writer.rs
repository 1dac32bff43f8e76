//! An object written as a blocking stream through bounded memory, visible only once it is
//! committed.

use std::io::{self, Write};

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Store, failure};
use crate::contracts::{Artifact, hex};
use crate::{Error, Result};

/// Bytes of one part (S3 wants at least 5 MiB, at most 10,000 parts: 78 GiB an object).
const PART: usize = 8 << 20;

/// Collects parts and hands them to an upload that runs beside it.
#[derive(Debug)]
pub struct ObjectWriter {
    part: Vec<u8>,
    bytes: u64,
    digest: Sha256,
    parts: Option<mpsc::Sender<Piece>>,
    upload: Option<JoinHandle<Result<Upload>>>,
    runtime: Option<Handle>,
    store: Store,
    key: String,
    content_type: &'static str,
}

/// What a writer tells its upload. A writer that goes away without `End` takes the upload
/// back.
#[derive(Debug)]
enum Piece {
    Part(Bytes),
    End,
}

/// A multipart upload whose parts so far have been sent.
#[derive(Debug)]
struct Upload {
    id: String,
    parts: Vec<CompletedPart>,
}

/// A whole object that nobody sees yet.
#[derive(Debug)]
#[must_use = "nothing is visible before commit"]
pub struct Pending {
    store: Store,
    key: String,
    content_type: &'static str,
    upload: Option<Upload>,
    /// The whole object, where it is small enough for one request.
    body: Bytes,
    artifact: Artifact,
}

impl ObjectWriter {
    pub(super) fn new(store: Store, key: String, content_type: &'static str) -> Self {
        Self {
            part: Vec::new(),
            bytes: 0,
            digest: Sha256::new(),
            parts: None,
            upload: None,
            runtime: Handle::try_current().ok(),
            store,
            key,
            content_type,
        }
    }

    /// Hands a full part to the upload, which begins with the first one.
    fn send_part(&mut self) -> io::Result<()> {
        let part = Bytes::from(std::mem::take(&mut self.part));
        let sender = if let Some(sender) = &self.parts {
            sender
        } else {
            let (sender, receiver) = mpsc::channel(1);
            let runtime = self
                .runtime
                .as_ref()
                .ok_or_else(|| io::Error::other("no runtime"))?;
            self.upload = Some(runtime.spawn(upload(
                self.store.clone(),
                self.key.clone(),
                self.content_type,
                receiver,
            )));
            self.parts.insert(sender)
        };
        // A closed channel is an upload that failed; `finish` tells why.
        sender
            .blocking_send(Piece::Part(part))
            .map_err(|_| io::Error::other("the upload of a part failed"))
    }

    /// Sends what is left. The caller commits or aborts the result; to learn why a write
    /// failed, call it after the failure as well.
    pub async fn finish(mut self, rows: Option<u64>) -> Result<Pending> {
        let last = Bytes::from(std::mem::take(&mut self.part));
        let mut pending = Pending {
            artifact: Artifact {
                key: self.key.clone(),
                bytes: self.bytes,
                sha256: hex(&std::mem::take(&mut self.digest).finalize()),
                rows,
            },
            store: self.store.clone(),
            key: self.key.clone(),
            content_type: self.content_type,
            upload: None,
            body: Bytes::new(),
        };
        match (self.parts.take(), self.upload.take()) {
            (Some(sender), Some(task)) => {
                // These fail only if the upload did; its own error follows.
                if !last.is_empty() {
                    let _ = sender.send(Piece::Part(last)).await;
                }
                let _ = sender.send(Piece::End).await;
                let upload = task.await.map_err(|e| Error::Internal(e.to_string()))?;
                pending.upload = Some(upload?);
            }
            _ => pending.body = last,
        }
        Ok(pending)
    }

    /// Ends the upload and leaves nothing behind.
    pub async fn discard(self) {
        if let Ok(pending) = self.finish(None).await {
            pending.abort().await;
        }
    }
}

impl Write for ObjectWriter {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let n = data.len().min(PART - self.part.len());
        let data = &data[..n];
        self.part.extend_from_slice(data);
        self.digest.update(data);
        self.bytes += n as u64;
        if self.part.len() == PART {
            self.send_part()?;
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sends parts as they come; a failure takes the whole upload back.
async fn upload(
    store: Store,
    key: String,
    content_type: &'static str,
    mut pieces: mpsc::Receiver<Piece>,
) -> Result<Upload> {
    let bucket = &*store.bucket;
    let created = store
        .client
        .create_multipart_upload()
        .bucket(bucket)
        .key(&key)
        .content_type(content_type)
        // S3 holds each part and the whole against it, and wants it named from the start.
        .checksum_algorithm(ChecksumAlgorithm::Crc32)
        .send()
        .await
        .map_err(|e| failure::of("CreateMultipartUpload", bucket, &key, &e))?;
    let Some(id) = created.upload_id else {
        return Err(Error::Internal("S3 gave no upload id".to_owned()));
    };
    let mut upload = Upload {
        id,
        parts: Vec::new(),
    };
    loop {
        let body = match pieces.recv().await {
            Some(Piece::Part(body)) => body,
            Some(Piece::End) => return Ok(upload),
            None => {
                take_back(&store, &key, &upload.id).await;
                return Err(Error::Internal("the writer went away".to_owned()));
            }
        };
        let number =
            i32::try_from(upload.parts.len() + 1).map_err(|e| Error::Internal(e.to_string()))?;
        let sent = store
            .client
            .upload_part()
            .bucket(bucket)
            .key(&key)
            .upload_id(&upload.id)
            .part_number(number)
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .body(ByteStream::from(body))
            .send()
            .await;
        match sent {
            Ok(part) => upload.parts.push(
                CompletedPart::builder()
                    .part_number(number)
                    .set_e_tag(part.e_tag)
                    .set_checksum_crc32(part.checksum_crc32)
                    .build(),
            ),
            Err(e) => {
                let failure = failure::of("UploadPart", bucket, &key, &e);
                take_back(&store, &key, &upload.id).await;
                return Err(failure);
            }
        }
    }
}

async fn take_back(store: &Store, key: &str, id: &str) {
    let aborted = store
        .client
        .abort_multipart_upload()
        .bucket(&*store.bucket)
        .key(key)
        .upload_id(id)
        .send()
        .await;
    if let Err(e) = aborted
        && !failure::is_no_upload(&e)
    {
        // The bucket's lifecycle rule removes what could not be taken back here.
        let reason = failure::of("AbortMultipartUpload", &store.bucket, key, &e);
        tracing::warn!(%reason, "an unfinished upload stays in the bucket");
    }
}

impl Pending {
    /// Size, digest and rows.
    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// Makes the object visible under its key. A failure takes the upload back.
    pub async fn commit(self) -> Result<Artifact> {
        let bucket = &*self.store.bucket;
        match self.upload {
            None => {
                self.store
                    .put_request(&self.key, self.content_type, self.body)
                    .send()
                    .await
                    .map_err(|e| failure::of("PutObject", bucket, &self.key, &e))?;
            }
            Some(upload) => {
                let parts = CompletedMultipartUpload::builder()
                    .set_parts(Some(upload.parts))
                    .build();
                let completed = self
                    .store
                    .client
                    .complete_multipart_upload()
                    .bucket(bucket)
                    .key(&self.key)
                    .upload_id(&upload.id)
                    .multipart_upload(parts)
                    .send()
                    .await;
                if let Err(e) = completed {
                    let failure = failure::of("CompleteMultipartUpload", bucket, &self.key, &e);
                    take_back(&self.store, &self.key, &upload.id).await;
                    return Err(failure);
                }
            }
        }
        Ok(self.artifact)
    }

    /// Leaves nothing behind.
    pub async fn abort(self) {
        if let Some(upload) = &self.upload {
            take_back(&self.store, &self.key, &upload.id).await;
        }
    }
}
