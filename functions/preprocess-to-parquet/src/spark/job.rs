//! What Spark is to do.

use std::collections::BTreeSet;

use bytes::Bytes;
use shared::contracts::{ObjectRef, Request, Run, Source, SparkJob};
use shared::erasure::TOMBSTONES;
use shared::failpoint::reach;
use shared::settings::{Engine, ScaleSettings};
use shared::store::{Store, sha256};
use shared::{Error, Result};

use super::folder;
use super::program::Program;
use crate::handler::Context;
use crate::uploads::Upload;

/// How many times its size a packed export has when it is read: sales exports pack to an eighth.
const PACKED: u64 = 8;
/// Bytes of uploads for which a shard of customers is foreseen, where nobody asks for a
/// number: how many customers there are is not known before they are read.
const BYTES_A_SHARD: u64 = 512 << 20;
const LEAST_SHARDS: u32 = 8;
/// Bytes of arguments: they are part of the state machine's state, which holds 256 KiB.
const MOST_ARGUMENTS: usize = 100 << 10;

/// The job of a run whose uploads Spark is to read; `None` where one function does it, by size, by
/// the settings or by request.
///
/// # Errors
/// [`Error::Config`] where Spark is asked for and there is none, or for uploads that it can't read;
/// [`Error::Conflict`] for an upload that was replaced meanwhile.
pub(crate) async fn job(
    context: &Context,
    request: &Request,
    run: &Run,
    uploads: &[Upload],
) -> Result<Option<SparkJob>> {
    let bytes = uploads.iter().map(|upload| text_of(&upload.source));
    let bytes = bytes.fold(0, u64::saturating_add);
    let scale = ScaleSettings {
        engine: request.scale.engine.unwrap_or(run.settings.scale.engine),
        ..run.settings.scale.clone()
    };
    if !scale.is_for_spark(bytes) {
        return Ok(None);
    }
    let Some(program) = &context.spark else {
        if scale.engine == Engine::Auto {
            return Ok(None);
        }
        return Err(Error::config(
            "scale.engine",
            "there is no Spark here: leave it out",
        ));
    };
    let store = &context.store;
    let program = Program::lay(store, program).await?;
    reach("preprocess: job laid")?;
    let uri = |key: &str| format!("s3://{}/{key}", store.bucket());
    let folder = folder(&run.run_id);
    let mut arguments = sources(store, uploads).await?;
    let document = serde_json::to_vec(run).map_err(|e| Error::Internal(e.to_string()))?;
    let key = format!("{folder}/run.json");
    store
        .put(&key, "application/json", Bytes::from(document))
        .await?;
    arguments.extend(["--run".to_owned(), uri(&key)]);
    if let Some(digest) = &run.erased {
        let key = erased(store, &folder, digest).await?;
        arguments.extend(["--erased".to_owned(), uri(&key)]);
    }
    let foreseen = u32::try_from(bytes / BYTES_A_SHARD).unwrap_or(u32::MAX);
    let shards = request
        .scale
        .shards
        .filter(|&n| n > 0)
        .unwrap_or(foreseen.max(LEAST_SHARDS));
    let shards = shards.min(ScaleSettings::MOST_SHARDS);
    arguments.extend(["--shards".to_owned(), shards.to_string()]);
    arguments.extend(["--prefix".to_owned(), uri(&folder)]);
    if arguments.iter().map(String::len).sum::<usize>() > MOST_ARGUMENTS {
        let reason = "so many uploads are more than a state machine can name: join some of them";
        return Err(Error::config("source.history", reason));
    }
    reach("preprocess: job described")?;
    Ok(Some(SparkJob {
        entry_point: uri(&program.entry),
        parameters: format!("--py-files {}", uri(&program.package)),
        arguments,
        shards: request.scale.shards,
        failure: None,
    }))
}

/// Bytes of an upload as it is read, as far as its name tells.
fn text_of(source: &Source) -> u64 {
    let packed = [".gz", ".zst"]
        .iter()
        .any(|ending| source.key.ends_with(ending));
    source.size.saturating_mul(if packed { PACKED } else { 1 })
}

/// The uploads as arguments. Spark knows no versions of an object: it reads the newest.
async fn sources(store: &Store, uploads: &[Upload]) -> Result<Vec<String>> {
    let mut arguments = Vec::with_capacity(4 * uploads.len());
    let mut seen = BTreeSet::new();
    for upload in uploads {
        let source = &upload.source;
        if !seen.insert((&source.bucket, &source.key)) {
            let reason = format!(
                "'{}' is listed in two versions, of which Spark reads the newest alone: upload them under keys of their own",
                source.key
            );
            return Err(Error::config("source.history", reason));
        }
        unchanged(store, upload).await?;
        let uri = format!("s3://{}/{}", source.bucket, source.key);
        arguments.extend(["--source".to_owned(), uri]);
        arguments.extend(["--object".to_owned(), upload.name.clone()]);
    }
    Ok(arguments)
}

/// Refuses an upload whose newest content is not the one that the run pinned.
pub(super) async fn unchanged(store: &Store, upload: &Upload) -> Result<()> {
    let pinned = &upload.source;
    let newest = store
        .source(&ObjectRef {
            bucket: pinned.bucket.clone(),
            key: pinned.key.clone(),
            version: None,
        })
        .await?;
    if newest.etag == pinned.etag {
        return Ok(());
    }
    Err(Error::Conflict {
        what: format!("{}/{}", pinned.bucket, pinned.key),
        reason: "it was replaced since the run began, and Spark reads the newest version alone: start a run of that".to_owned(),
    })
}

/// The tombstones as the run knows them, where nobody writes them anew.
async fn erased(store: &Store, folder: &str, digest: &str) -> Result<String> {
    let tombstones = store.get(TOMBSTONES).await?;
    if sha256(&tombstones) != digest {
        return Err(Error::Conflict {
            what: TOMBSTONES.to_owned(),
            reason: "somebody was erased since the run began: start it again".to_owned(),
        });
    }
    let key = format!("{folder}/erased.json");
    store.put(&key, "application/json", tombstones).await?;
    Ok(key)
}
