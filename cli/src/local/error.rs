//! What can keep a local service from starting, and what to do about it.

use std::path::PathBuf;

/// Why a local service can't be had. One line, lower case, says what to do.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// A file or folder could not be read or written.
    #[error("{}: cannot {doing}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, such as `create the folder`.
        doing: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The disk is full.
    #[error("no room in {} ({source}): make some, or give another --dir", path.display())]
    NoRoom {
        /// The store's root.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The store cannot keep an object of this name.
    #[error("{key}: {reason}: give the file another name")]
    Key {
        /// The object's key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Something else stands where a link into the bucket belongs.
    #[error("{} is in the way: it is not one of this store's own links; move it, or give another --dir", path.display())]
    InTheWay {
        /// What is in the way.
        path: PathBuf,
    },
    /// Another process works in the same folder.
    #[error("{} is in use by another insiders: wait for it to end, or give another --dir", dir.display())]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// The loopback gave no port.
    #[error("cannot listen on 127.0.0.1: {0}")]
    Listen(#[source] std::io::Error),
    /// The S3 server refused its folder.
    #[error("{}: the S3 server cannot use this folder: {reason}", path.display())]
    Store {
        /// The store's root.
        path: PathBuf,
        /// Its answer.
        reason: String,
    },
    /// No server binaries on this machine.
    #[error(
        "no PostgreSQL server found: {advice}, or give --database-url, or run the rest with --no-publish"
    )]
    PostgresNotFound {
        /// How to get one on this platform.
        advice: &'static str,
    },
    /// The package manager failed.
    #[error(
        "installing PostgreSQL failed at `{command}`: {reason}; install it by hand, or give --database-url, or run the rest with --no-publish"
    )]
    PostgresInstall {
        /// The command.
        command: String,
        /// The last lines it printed.
        reason: String,
    },
    /// The data were written by a version that is not installed.
    #[error(
        "{} holds data of PostgreSQL {wanted}, and {found} is installed: install version {wanted}, or move the folder away, or give another --dir", data.display()
    )]
    PostgresVersion {
        /// The data.
        data: PathBuf,
        /// The major version that wrote them.
        wanted: u32,
        /// What there is, such as `15 and 17`.
        found: String,
    },
    /// Postgres refuses to run as root, and there is nobody else to run it as.
    #[error(
        "PostgreSQL refuses to run as root, and neither of the users postgres and nobody exists: run as another user, or give --database-url"
    )]
    PostgresUser,
    /// The data exist, their password does not.
    #[error(
        "{} is missing, and the data in {} cannot be opened without it: put it back, or move the data away", password.display(), data.display()
    )]
    PostgresPassword {
        /// Where the password was kept.
        password: PathBuf,
        /// The data.
        data: PathBuf,
    },
    /// The folder for the data is not ours to use.
    #[error("{} is not a folder of PostgreSQL data that this user may use: {reason}; move it away, or give another --dir", path.display())]
    PostgresData {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// `initdb` failed.
    #[error("creating the PostgreSQL data failed: {reason}")]
    PostgresInit {
        /// The last lines it printed.
        reason: String,
    },
    /// The server ended before it answered.
    #[error("PostgreSQL ended as it started: {reason} (see {})", log.display())]
    PostgresEnded {
        /// The last lines of its log.
        reason: String,
        /// The log.
        log: PathBuf,
    },
    /// The server did not answer in time.
    #[error("PostgreSQL did not answer within {seconds} s: {reason} (see {})", log.display())]
    PostgresSlow {
        /// How long it was given.
        seconds: u64,
        /// The last error.
        reason: String,
        /// The log.
        log: PathBuf,
    },
    /// A command refused to be asked.
    #[error("PostgreSQL: cannot {doing}: {reason}")]
    PostgresQuery {
        /// What was asked.
        doing: &'static str,
        /// Its answer.
        reason: String,
    },
}

impl LocalError {
    /// Makes an [`LocalError::Io`] of the system's answer, for `map_err`.
    pub(crate) fn io(
        path: impl Into<PathBuf>,
        doing: &'static str,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            path,
            doing,
            source,
        }
    }
}
