//! Where artifacts and models are: a folder, or a bucket of one's own.

use std::path::Path;

use shared::store::Store;

use super::run::file_error;
use crate::args::PlaceArgs;
use crate::local::LocalS3;
use crate::{Failure, pipeline};

/// Does `work` on the store of a place that is there.
pub(super) async fn with_store<T, F>(
    place: &PlaceArgs,
    work: impl FnOnce(Store) -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    if let Some(bucket) = &place.bucket {
        return work(Store::from_env(bucket).await).await;
    }
    exists(&place.dir)?;
    let s3 = LocalS3::start(&place.dir).await?;
    let done = work(pipeline::store(&s3)).await;
    s3.stop().await;
    done
}

/// A folder that is not there is a typing error, not an empty store.
fn exists(dir: &Path) -> Result<(), Failure> {
    match std::fs::metadata(dir) {
        Ok(_) => Ok(()),
        Err(e) => Err(file_error(dir, e)),
    }
}
