//! A disk that is full: told as what it is, and so that no client tries again at once.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::path::Path;

use s3s::{S3Error, S3ErrorCode};

/// `error`, named if it came about because there is no room for what was to be written.
pub(super) fn named(error: S3Error, root: &Path) -> S3Error {
    let Some(cause) = cause(&error) else {
        return error;
    };
    let place = root.display();
    let message = format!("no room in {place} ({cause}): make some, or give another --dir");
    let code = S3ErrorCode::Custom("NoRoom".into());
    let mut named = S3Error::with_message(code, message);
    // Insufficient storage.
    if let Ok(status) = 507_u16.try_into() {
        named.set_status_code(status);
    }
    named
}

/// Whether there is no room for what was to be written.
pub(super) fn is_missing(error: &io::Error) -> bool {
    let full = [
        ErrorKind::StorageFull,
        ErrorKind::QuotaExceeded,
        ErrorKind::FileTooLarge,
    ];
    full.contains(&error.kind())
}

fn cause(error: &S3Error) -> Option<&io::Error> {
    let mut source: Option<&(dyn Error + 'static)> = error.source().map(|source| source as _);
    while let Some(error) = source {
        let found = error.downcast_ref::<io::Error>().filter(|e| is_missing(e));
        if found.is_some() {
            return found;
        }
        source = error.source();
    }
    None
}
