//! An artifact as a file, through bounded memory.

use std::fs::File;
use std::io::{Read, Seek, Write};

use sha2::{Digest, Sha256};

use super::{ObjectReader, Store};
use crate::contracts::{Artifact, ObjectRef, Source, hex};
use crate::{Error, Result};

/// Bytes that are hashed and written at a time.
const BUFFER: usize = 1 << 20;

pub(super) async fn verified(store: &Store, artifact: &Artifact) -> Result<File> {
    let object = ObjectRef {
        bucket: store.bucket().to_owned(),
        key: artifact.key.clone(),
        version: None,
    };
    // Pinned by its entity tag alone: to name a version asks for a right of its own.
    let source = Source {
        version: None,
        ..store.source(&object).await?
    };
    if source.size != artifact.bytes {
        return Err(Error::Corrupt {
            object: artifact.key.clone(),
            reason: format!("it has {} bytes, expected {}", source.size, artifact.bytes),
        });
    }
    let reader = store.reader(&source);
    let artifact = artifact.clone();
    tokio::task::spawn_blocking(move || copy(reader, &artifact))
        .await
        .map_err(|e| Error::Internal(format!("the thread that downloads: {e}")))?
}

fn copy(mut reader: ObjectReader, artifact: &Artifact) -> Result<File> {
    let place = std::env::temp_dir();
    let unwritable = |e: std::io::Error| {
        Error::config(
            format!("temporary directory {}", place.display()),
            format!(
                "{} of {} bytes can't be written there ({e}): make room, in Lambda by EphemeralStorage, or name another in TMPDIR",
                artifact.key, artifact.bytes
            ),
        )
    };
    let mut file = tempfile::tempfile_in(&place).map_err(unwritable)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        let n = reader.read(&mut buffer).map_err(|e| {
            // The reader's own error travels inside.
            e.downcast::<Error>()
                .unwrap_or_else(|e| Error::Internal(e.to_string()))
        })?;
        let Some(bytes) = buffer.get(..n).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        hash.update(bytes);
        file.write_all(bytes).map_err(unwritable)?;
    }
    let found = hex(&hash.finalize());
    if found != artifact.sha256 {
        return Err(Error::Corrupt {
            object: artifact.key.clone(),
            reason: format!("its SHA-256 is {found}, expected {}", artifact.sha256),
        });
    }
    file.rewind().map_err(unwritable)?;
    Ok(file)
}
