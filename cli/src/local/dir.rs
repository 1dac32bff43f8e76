//! What both services need of the folder they share: one user at a time, and secrets.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use super::LocalError;

/// Creates `dir` and its parents, as other programs would.
pub(super) fn create(dir: &Path) -> Result<(), LocalError> {
    fs::create_dir_all(dir).map_err(LocalError::io(dir, "create the folder"))
}

/// Creates `dir`, for its owner alone; it must not exist.
pub(super) fn create_private(dir: &Path) -> Result<(), LocalError> {
    fs::DirBuilder::new()
        .mode(0o700)
        .create(dir)
        .map_err(LocalError::io(dir, "create the folder"))
}

const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Takes the lock file `path`, which guards `dir`; the lock goes with the returned file, and
/// with the process however it ends.
pub(super) fn lock(path: &Path, dir: &Path) -> Result<File, LocalError> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(LocalError::io(path, "open the lock"))?;
    match patiently(&file) {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LocalError::InUse { dir: dir.into() }),
        // A file system without locks: nothing to hold, and no reason to refuse the user.
        Err(TryLockError::Error(e)) if e.kind() == std::io::ErrorKind::Unsupported => Ok(file),
        Err(TryLockError::Error(e)) => Err(LocalError::io(path, "take the lock")(e)),
    }
}

/// Tries for a moment: a process that is just being started holds its parent's files, a lock that
/// was given back among them, until it has become the other program.
fn patiently(file: &File) -> Result<(), TryLockError> {
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            other => return other,
        }
    }
    file.try_lock()
}

/// `2 * BYTES` hexadecimal digits from the system's source of randomness.
pub(super) fn secret<const BYTES: usize>() -> Result<String, LocalError> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0_u8; BYTES];
    File::open(source)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(LocalError::io(source, "read random bytes"))?;
    let digit = |n: u8| char::from(if n < 10 { b'0' + n } else { b'a' + n - 10 });
    Ok(bytes
        .iter()
        .flat_map(|b| [digit(b >> 4), digit(b & 15)])
        .collect())
}

/// Writes `secret` to a new file that its owner alone may read, whole or not at all.
pub(super) fn write_secret(path: &Path, secret: &str) -> Result<(), LocalError> {
    let part = path.with_extension("password.part");
    match fs::remove_file(&part) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            return Err(LocalError::io(part, "remove the file")(e));
        }
        _ => {}
    }
    OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&part)
        .and_then(|mut file| {
            file.write_all(secret.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&part, path))
        .map_err(LocalError::io(path, "write the file"))
}
