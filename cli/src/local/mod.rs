//! The services that a laptop lacks: an S3 server in this process and a Postgres server of
//! our own, both under one folder, both on the loopback alone.
//!
//! ```text
//! DIR/uploads  runs  models  config  history    links into the bucket
//! DIR/.store/insiders/                 the bucket, one file an object
//! DIR/postgres/                        the data of Postgres (or a link to it)
//! DIR/postgres.log  postgres.password
//! ```

mod dir;
mod error;
pub mod postgres;
pub mod s3;

pub use error::LocalError;
pub use postgres::{Install, LocalPostgres};
pub use s3::LocalS3;

/// 64 hexadecimal digits that nobody can guess.
pub(crate) fn random() -> Result<String, LocalError> {
    dir::secret::<32>()
}
