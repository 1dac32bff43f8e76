//! s3s-fs, with what a store that people rely on needs besides: large reads, conditions on
//! reads, one conditional write at a time, `ETag`s that follow the bytes, and no traces of
//! what was deleted.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use s3s::dto::{ETag, ETagCondition};
use s3s::{S3Error, S3Result, s3_error};
use s3s_fs::FileSystem;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::spawn_blocking;

use super::sidecar::{self, State};
use super::{FOLDERS, LocalError};

/// Longest key whose side files' names fit a file system's 255 bytes.
const MAX_KEY: usize = 127;

/// The objects under one folder.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) files: FileSystem,
    pub(super) root: PathBuf,
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
    pub(super) fn path(&self, bucket: &str, key: &str) -> S3Result<PathBuf> {
        object_path(&self.root, bucket, key)
    }

    /// Brings the stored `ETag` up to date; the object's state, or none if there is none.
    pub(super) async fn refresh(&self, bucket: &str, key: &str) -> S3Result<Option<State>> {
        let object = self.path(bucket, key)?;
        let (root, bucket, key) = (self.root.clone(), bucket.to_owned(), key.to_owned());
        blocking(move || sidecar::refresh(&root, &bucket, &key, &object)).await
    }

    /// Waits for its turn to write if the write depends on what is there.
    pub(super) async fn turn(
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
    pub(super) async fn forget(&self, bucket: &str, key: &str) -> S3Result<()> {
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

/// The file of an object, if its key can be a file's name.
pub(super) fn object_path(root: &Path, bucket: &str, key: &str) -> S3Result<PathBuf> {
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
    Ok(root.join(bucket).join(key))
}

/// Runs file work where it may block.
pub(super) async fn blocking<T, F>(work: F) -> S3Result<T>
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
pub(super) fn check(
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
