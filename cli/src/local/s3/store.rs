//! s3s-fs, with what a store that people rely on needs besides: large reads, conditions on
//! reads, one conditional write at a time, `ETag`s that follow the bytes, and no traces of
//! what was deleted.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteObjectInput, DeleteObjectOutput,
    DeleteObjectsInput, DeleteObjectsOutput, ETag, ETagCondition, GetObjectInput, GetObjectOutput,
    HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput, ListObjectsV2Input,
    ListObjectsV2Output, PutObjectInput, PutObjectOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3, S3Error, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::spawn_blocking;

use super::sidecar::{self, State};
use super::{FOLDERS, LocalError, body};

/// Longest key whose side files' names fit a file system's 255 bytes.
const MAX_KEY: usize = 127;

/// The objects under one folder.
#[derive(Debug)]
pub(super) struct Store {
    files: FileSystem,
    root: PathBuf,
    /// Held from the check of a condition to the write that depends on it.
    conditional: Mutex<()>,
}

impl Store {
    pub(super) fn open(root: &Path) -> Result<Self, LocalError> {
        let refused = |reason: String| LocalError::Store {
            path: root.into(),
            reason,
        };
        Ok(Self {
            files: FileSystem::new(root).map_err(|e| refused(format!("{e:?}")))?,
            root: root
                .canonicalize()
                .map_err(LocalError::io(root, "find the folder"))?,
            conditional: Mutex::new(()),
        })
    }

    /// The file of an object.
    fn path(&self, bucket: &str, key: &str) -> S3Result<PathBuf> {
        if key.len() > MAX_KEY {
            return Err(s3_error!(
                KeyTooLongError,
                "this local store takes keys of up to {MAX_KEY} bytes"
            ));
        }
        if key.split('/').any(|s| matches!(s, "" | "." | "..")) || key.contains('\0') {
            return Err(s3_error!(
                InvalidArgument,
                "this local store takes keys that are file names only"
            ));
        }
        Ok(self.root.join(bucket).join(key))
    }

    /// Brings the stored `ETag` up to date; the object's state, or none if there is none.
    async fn refresh(&self, bucket: &str, key: &str) -> S3Result<Option<State>> {
        let object = self.path(bucket, key)?;
        let (root, bucket, key) = (self.root.clone(), bucket.to_owned(), key.to_owned());
        blocking(move || sidecar::refresh(&root, &bucket, &key, &object)).await
    }

    /// Waits for its turn to write if the write depends on what is there.
    async fn turn(
        &self,
        bucket: &str,
        key: &str,
        conditions: [Option<&ETagCondition>; 2],
    ) -> S3Result<Option<MutexGuard<'_, ()>>> {
        self.path(bucket, key)?;
        if conditions.iter().all(Option::is_none) {
            return Ok(None);
        }
        let turn = self.conditional.lock().await;
        self.refresh(bucket, key).await?;
        Ok(Some(turn))
    }

    /// Removes what s3s-fs leaves of a deleted object: its side files and empty folders.
    async fn forget(&self, bucket: &str, key: &str) -> S3Result<()> {
        let object = self.path(bucket, key)?;
        let (root, bucket, key) = (self.root.clone(), bucket.to_owned(), key.to_owned());
        blocking(move || {
            sidecar::remove(&root, &bucket, &key)?;
            let top = root.join(&bucket);
            for folder in object.ancestors().skip(1) {
                let kept = FOLDERS.iter().any(|name| folder == top.join(name));
                // It stops at the first folder that is not empty.
                if kept
                    || !folder.starts_with(&top)
                    || folder == top
                    || fs::remove_dir(folder).is_err()
                {
                    break;
                }
            }
            Ok(())
        })
        .await
    }
}

/// Runs file work where it may block.
async fn blocking<T, F>(work: F) -> S3Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> io::Result<T> + Send + 'static,
{
    spawn_blocking(work)
        .await
        .map_err(io::Error::other)
        .and_then(|done| done)
        .map_err(S3Error::internal_error)
}

/// The conditions of a read, on the object's `ETag`.
fn check(
    etag: Option<&ETag>,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<()> {
    let is = |condition: &ETagCondition| match (condition, etag) {
        (ETagCondition::Any, _) => true,
        (ETagCondition::ETag(wanted), Some(etag)) => etag.weak_cmp(wanted),
        (ETagCondition::ETag(_), None) => false,
    };
    if if_match.is_some_and(|condition| !is(condition)) {
        return Err(s3_error!(PreconditionFailed, "ETag does not match"));
    }
    if if_none_match.is_some_and(is) {
        return Err(s3_error!(NotModified));
    }
    Ok(())
}

#[async_trait::async_trait]
impl S3 for Store {
    async fn get_object(
        &self,
        req: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let (bucket, key) = (req.input.bucket.clone(), req.input.key.clone());
        let (if_match, if_none_match) =
            (req.input.if_match.clone(), req.input.if_none_match.clone());
        let range = req.input.range;
        let path = self.path(&bucket, &key)?;
        let Some(state) = self.refresh(&bucket, &key).await? else {
            return Err(s3_error!(NoSuchKey));
        };
        let mut response = self.files.get_object(req).await?;
        check(
            response.output.e_tag.as_ref(),
            if_match.as_ref(),
            if_none_match.as_ref(),
        )?;

        let (file, size, now) = blocking(move || {
            let file = fs::File::open(&path)?;
            let metadata = file.metadata()?;
            Ok((file, metadata.len(), State::of(&metadata)))
        })
        .await?;
        if now != state {
            // The headers are of one version, the file is of another: the client tries again.
            return Err(s3_error!(
                ServiceUnavailable,
                "the object was replaced as it was opened"
            ));
        }
        let bytes = match range {
            None => 0..size,
            Some(range) => range.check(size)?,
        };
        response.output.body = Some(body::stream(file, bytes.start, bytes.end));
        Ok(response)
    }

    async fn head_object(
        &self,
        req: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let (if_match, if_none_match) =
            (req.input.if_match.clone(), req.input.if_none_match.clone());
        if self
            .refresh(&req.input.bucket, &req.input.key)
            .await?
            .is_none()
        {
            return Err(s3_error!(NoSuchKey));
        }
        let response = self.files.head_object(req).await?;
        check(
            response.output.e_tag.as_ref(),
            if_match.as_ref(),
            if_none_match.as_ref(),
        )?;
        Ok(response)
    }

    async fn put_object(
        &self,
        req: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let input = &req.input;
        let conditions = [input.if_match.as_ref(), input.if_none_match.as_ref()];
        let _turn = self.turn(&input.bucket, &input.key, conditions).await?;
        self.files.put_object(req).await
    }

    async fn copy_object(
        &self,
        req: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let input = req.input.clone();
        let CopySource::Bucket { bucket, key, .. } = &input.copy_source else {
            return Err(s3_error!(NotImplemented));
        };
        if **bucket != *input.bucket
            || input.copy_source_if_match.is_some()
            || input.copy_source_if_none_match.is_some()
        {
            return Err(s3_error!(NotImplemented));
        }
        let (from, to) = (
            self.path(bucket, key)?,
            self.path(&input.bucket, &input.key)?,
        );
        if self.refresh(bucket, key).await?.is_none() {
            return Err(s3_error!(NoSuchKey));
        }
        // s3s-fs copies into the place itself, where a reader sees half an object.
        let (root, bucket) = (self.root.clone(), input.bucket.clone());
        let (source, target) = (key.to_string(), input.key.clone());
        blocking(move || {
            let part = sidecar::temporary(&root);
            fs::copy(&from, &part)?;
            if let Some(folder) = to.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::rename(&part, &to)?;
            sidecar::copy(&root, &bucket, &source, &target)
        })
        .await?;
        let head = HeadObjectInput {
            bucket: input.bucket,
            key: input.key,
            ..HeadObjectInput::default()
        };
        let head = self
            .files
            .head_object(req.map_input(|_| head))
            .await?
            .output;
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(CopyObjectResult {
                e_tag: head.e_tag,
                last_modified: head.last_modified,
                ..CopyObjectResult::default()
            }),
            ..CopyObjectOutput::default()
        }))
    }

    async fn delete_object(
        &self,
        req: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let (bucket, key) = (req.input.bucket.clone(), req.input.key.clone());
        self.path(&bucket, &key)?;
        let response = self.files.delete_object(req).await?;
        self.forget(&bucket, &key).await?;
        Ok(response)
    }

    async fn delete_objects(
        &self,
        req: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let bucket = req.input.bucket.clone();
        let keys: Vec<String> = req
            .input
            .delete
            .objects
            .iter()
            .map(|object| object.key.clone())
            .collect();
        for key in &keys {
            self.path(&bucket, key)?;
        }
        let response = self.files.delete_objects(req).await?;
        for key in &keys {
            self.forget(&bucket, key).await?;
        }
        Ok(response)
    }

    async fn list_objects_v2(
        &self,
        req: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        self.files.list_objects_v2(req).await
    }

    async fn head_bucket(
        &self,
        req: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.files.head_bucket(req).await
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        self.path(&req.input.bucket, &req.input.key)?;
        self.files.create_multipart_upload(req).await
    }

    async fn upload_part(
        &self,
        req: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        self.files.upload_part(req).await
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = &req.input;
        let conditions = [input.if_match.as_ref(), input.if_none_match.as_ref()];
        let _turn = self.turn(&input.bucket, &input.key, conditions).await?;
        self.files.complete_multipart_upload(req).await
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        self.files.abort_multipart_upload(req).await
    }
}
