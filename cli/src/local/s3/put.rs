//! A file of this machine as an object, as if somebody had put it into the folder by hand.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use shared::store::Hashed;

use super::store::object_path;
use super::{BUCKET, LocalError, LocalS3, room, sidecar};

const CHUNK: usize = 1 << 20;

impl LocalS3 {
    /// Copies `file`, which `name` names in errors, to the object `key`: readers have the
    /// object of before or all of the new one.
    ///
    /// As an upload over the loopback it would be cut in parts, hashed twice and put together.
    ///
    /// # Errors
    /// [`LocalError::Key`] for a key that this store does not take, [`LocalError::NoRoom`] on a
    /// full disk, [`LocalError::Io`] if the file can't be read.
    pub async fn put_file(&self, key: &str, file: File, name: &str) -> Result<(), LocalError> {
        let (root, key, name) = (self.root.clone(), key.to_owned(), name.to_owned());
        tokio::task::spawn_blocking(move || put(&root, &key, file, Path::new(&name)))
            .await
            .map_err(|e| LocalError::io(&self.root, "copy the export")(io::Error::other(e)))?
    }
}

fn put(root: &Path, key: &str, file: File, name: &Path) -> Result<(), LocalError> {
    let object = object_path(root, BUCKET, key).map_err(|e| LocalError::Key {
        key: key.to_owned(),
        reason: e.message().unwrap_or_default().to_owned(),
    })?;
    let written = |source: io::Error| {
        if room::is_missing(&source) {
            let path = root.into();
            LocalError::NoRoom { path, source }
        } else {
            LocalError::io(root, "copy the export")(source)
        }
    };
    let part = sidecar::temporary(root);
    let (copied, etag) = copy(file, &part, name, written).inspect_err(|_| {
        // The next start removes it, too.
        let _ = fs::remove_file(&part);
    })?;
    object
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .map_err(written)?;
    sidecar::remove(root, BUCKET, key).map_err(written)?;
    fs::rename(&part, &object).map_err(written)?;
    let state = sidecar::State::of(&copied.metadata().map_err(written)?);
    sidecar::set(root, BUCKET, key, &object, (state, &etag)).map_err(written)
}

fn copy(
    file: File,
    part: &Path,
    name: &Path,
    written: impl Fn(io::Error) -> LocalError,
) -> Result<(File, String), LocalError> {
    let mut source = Hashed::new(file);
    let mut target = File::create(part).map_err(&written)?;
    let mut chunk = vec![0; CHUNK];
    loop {
        let n = match source.read(&mut chunk) {
            Ok(0) => return Ok((target, sidecar::etag(source))),
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(LocalError::io(name, "read the export")(e)),
        };
        let bytes = chunk.get(..n).unwrap_or_default();
        target.write_all(bytes).map_err(&written)?;
    }
}
