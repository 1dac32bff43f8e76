//! The files in which s3s-fs keeps an object's `ETag`, and what it does not do for them.
//!
//! s3s-fs trusts a stored `ETag` for ever. But `DIR/uploads` is a folder that people see:
//! a file that was changed, replaced or deleted by hand would keep its old `ETag`, and with
//! it the run that was made of the old bytes. So a stored `ETag` older than its file is made
//! anew, from the bytes.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use shared::store::Hashed;

/// Which file, in which state: a write, a rename over it or a change of its times shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    device: u64,
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

impl State {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            changed: changed(metadata),
        }
    }
}

fn changed(metadata: &Metadata) -> (i64, i64) {
    (metadata.ctime(), metadata.ctime_nsec())
}

/// Where s3s-fs keeps the `ETag` and the checksums of an object.
fn info_path(root: &Path, bucket: &str, key: &str) -> PathBuf {
    root.join(format!(
        ".bucket-{}.object-{}.internal.json",
        base64url(bucket),
        base64url(key)
    ))
}

/// Where s3s-fs keeps the content type and the like.
fn attributes_path(root: &Path, bucket: &str, key: &str) -> PathBuf {
    root.join(format!(
        ".bucket-{}.object-{}.metadata.json",
        base64url(bucket),
        base64url(key)
    ))
}

/// Makes sure that the stored `ETag` is that of the bytes in `object`; returns the state in
/// which they are, or nothing if there is no such file.
pub(super) fn refresh(
    root: &Path,
    bucket: &str,
    key: &str,
    object: &Path,
) -> io::Result<Option<State>> {
    let Some(metadata) = existing(fs::metadata(object))?.filter(Metadata::is_file) else {
        return Ok(None);
    };
    let info = info_path(root, bucket, key);
    let stored = existing(fs::metadata(&info))?;
    if stored.is_some_and(|stored| changed(&stored) >= changed(&metadata)) {
        return Ok(Some(State::of(&metadata)));
    }

    let mut file = File::open(object)?;
    let state = State::of(&file.metadata()?);
    let mut read = Hashed::new(&mut file);
    io::copy(&mut read, &mut io::sink())?;
    set(root, bucket, key, object, (state, &etag(read)))?;
    Ok(Some(state))
}

/// Gives the object at `to` the `ETag` of the one at `from`.
pub(super) fn copy(root: &Path, bucket: &str, from: &str, to: &str) -> io::Result<()> {
    for path in [info_path, attributes_path] {
        let part = temporary(root);
        match existing(fs::copy(path(root, bucket, from), &part))? {
            Some(_) => fs::rename(&part, path(root, bucket, to))?,
            None => drop(existing(fs::remove_file(path(root, bucket, to)))?),
        }
    }
    Ok(())
}

/// Forgets a deleted object.
pub(super) fn remove(root: &Path, bucket: &str, key: &str) -> io::Result<()> {
    for path in [info_path, attributes_path] {
        existing(fs::remove_file(path(root, bucket, key)))?;
    }
    Ok(())
}

/// Removes what a killed process left: parts of uploads that nobody has the keys to finish.
pub(super) fn remove_leftovers(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(".upload") || name.contains(".upload-") || name.starts_with(".tmp.") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A name under which s3s-fs, too, knows an unfinished file.
pub(super) fn temporary(root: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    root.join(format!(".tmp.own-{n}.internal.part"))
}

/// `None` for what is not there.
fn existing<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) if e.kind() == io::ErrorKind::NotADirectory => Ok(None),
        Err(e) => Err(e),
    }
}

/// The `ETag` of what was read: as long as S3's, and made faster than an MD5.
pub(super) fn etag<R: Read>(read: Hashed<R>) -> String {
    let mut etag = read.sha256();
    etag.truncate(32);
    etag
}

/// Stores the `ETag` of the bytes that an object had in a state.
pub(super) fn set(
    root: &Path,
    bucket: &str,
    key: &str,
    object: &Path,
    (state, etag): (State, &str),
) -> io::Result<()> {
    let (part, info) = (temporary(root), info_path(root, bucket, key));
    fs::write(&part, format!("{{\"e_tag\":\"{etag}\"}}"))?;
    fs::rename(&part, &info)?;
    // Somebody put the object again meanwhile, and their `ETag` may be what was overwritten:
    // without one, it is computed on demand.
    let now = existing(fs::metadata(object))?;
    if now.as_ref().map(State::of) != Some(state) {
        existing(fs::remove_file(&info))?;
    }
    Ok(())
}

/// URL-safe base64 without padding, as s3s-fs writes it into file names.
fn base64url(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::with_capacity(text.len().div_ceil(3) * 4);
    for group in text.as_bytes().chunks(3) {
        let bits =
            group.iter().fold(0_usize, |n, &b| n << 8 | usize::from(b)) << (8 * (3 - group.len()));
        for i in 0..=group.len() {
            out.push(char::from(DIGITS[bits >> (18 - 6 * i) & 63]));
        }
    }
    out
}
