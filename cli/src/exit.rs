//! How a command ends: 0 done, 1 failed, 2 bad usage, 3 bad input data.

use std::process::ExitCode;

use crate::local::LocalError;
use crate::output;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A stage failed.
    #[error(transparent)]
    Stage(#[from] shared::Error),
    /// An embedded service failed.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// A file can't be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A program that was started ended with a failure.
    #[error("{0}")]
    Program(String),
}

impl Failure {
    /// Whether the data are to blame.
    pub fn is_bad_input(&self) -> bool {
        matches!(self, Self::Stage(error) if error.is_bad_input())
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            failure if failure.is_bad_input() => 3,
            Self::Stage(shared::Error::Config { .. }) => 2,
            _ => 1,
        }
    }
}

/// Prints a failure on one line and gives its exit code.
pub fn code(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::error(&failure);
            ExitCode::from(failure.code())
        }
    }
}
