//! Brings the export into the store, as a shop's upload would.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::PathBuf;

use preprocess_to_parquet::settings_of;
use shared::Error;
use shared::contracts::{ObjectRef, UPLOADS};
use shared::history::ledger;
use shared::progress::Progress;
use shared::settings::{History, Settings};
use shared::store::{Hashed, ObjectWriter, Store};

use super::run::file_error;
use crate::local::LocalS3;
use crate::{Failure, pipeline};

/// Where the export is.
#[derive(Debug)]
pub(super) enum Input {
    File { file: File, name: String },
    Object(ObjectRef),
}

impl Input {
    /// A path, or `s3://bucket/key`.
    pub(super) fn open(text: &str) -> Result<Self, Failure> {
        if let Some(place) = text.strip_prefix("s3://") {
            let Some((bucket, key)) = place
                .split_once('/')
                .filter(|(b, k)| !b.is_empty() && !k.is_empty())
            else {
                return Err(Error::config(text, "an object is named s3://bucket/key").into());
            };
            let (bucket, key) = (bucket.to_owned(), key.to_owned());
            return Ok(Self::Object(ObjectRef {
                bucket,
                key,
                version: None,
            }));
        }
        let path = PathBuf::from(text);
        let file = File::open(&path).map_err(|e| file_error(&path, e))?;
        if file.metadata().is_ok_and(|meta| meta.is_dir()) {
            return Err(Error::config(text, "this is a folder, not a sales export").into());
        }
        let name = path.file_name().map_or_else(
            || "sales.csv".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        );
        Ok(Self::File { file, name })
    }
}

/// Brings the input into the store, as an upload that is the whole history or, for `Append`,
/// one that adds to it; gives the object. Without `settings` those of the bucket say which.
pub(super) async fn bring(
    s3: &LocalS3,
    input: Input,
    settings: Option<&Settings>,
    progress: &dyn Progress,
) -> Result<ObjectRef, Failure> {
    let store = &pipeline::store(s3);
    let history = match settings {
        Some(settings) => settings.source.history,
        None => settings_of(store).await?.source.history,
    };
    let object = |key: String, version: Option<String>| ObjectRef {
        bucket: store.bucket().to_owned(),
        key,
        version,
    };
    let known = match history {
        History::Snapshot => None,
        History::Append => ledger(store).await?,
    };
    let (Some((mut ledger, _)), Input::File { file, name }) = (known, &input) else {
        let key = upload(s3, input, progress).await?;
        return Ok(object(key, None));
    };
    progress.step("compare with the uploads so far");
    let (mut copy, name) = (file.try_clone().map_err(unreadable)?, name.clone());
    let hashed = tokio::task::spawn_blocking(move || {
        let mut bytes = Hashed::new(&mut copy);
        io::copy(&mut bytes, &mut io::sink())?;
        let sha256 = bytes.sha256();
        copy.rewind().map(|()| sha256)
    });
    let sha256 = hashed
        .await
        .map_err(|e| Error::Internal(e.to_string()))?
        .map_err(unreadable)?;
    if let Some(known) = ledger.of_content(&sha256) {
        let source = &known.source;
        return Ok(ObjectRef {
            bucket: source.bucket.clone(),
            key: source.key.clone(),
            version: source.version.clone(),
        });
    }
    // A bucket without versions would lose the earlier upload of this name.
    let taken = |name: &str| {
        let key = format!("{UPLOADS}{name}");
        ledger.uploads.iter().any(|upload| upload.source.key == key)
    };
    let digest: String = sha256.chars().take(12).collect();
    let free = if taken(&name) {
        format!("{digest}-{name}")
    } else {
        name
    };
    let Input::File { file, .. } = input else {
        return Err(Error::Internal("the input changed".to_owned()).into());
    };
    let key = upload(s3, Input::File { file, name: free }, progress).await?;
    Ok(object(key, None))
}

fn unreadable(error: io::Error) -> Error {
    Error::bad_input("the export", format!("it can't be read: {error}"))
}

/// Copies the input to `uploads/`; gives its key.
pub(super) async fn upload(
    s3: &LocalS3,
    input: Input,
    progress: &dyn Progress,
) -> Result<String, Failure> {
    progress.step("upload");
    match input {
        Input::File { file, name } => {
            let key = format!("{UPLOADS}{name}");
            s3.put_file(&key, file, &name).await?;
            Ok(key)
        }
        Input::Object(object) => Ok(fetch(&pipeline::store(s3), &object).await?),
    }
}

/// Copies an object of another store.
async fn fetch(store: &Store, object: &ObjectRef) -> Result<String, Error> {
    let remote = Store::from_env(&object.bucket).await;
    let source = remote.source(object).await?;
    let name = object.key.rsplit('/').next().unwrap_or_default();
    let key = format!("{UPLOADS}{name}");
    let (reader, writer) = (remote.reader(&source), store.writer(&key, "text/csv"));
    let copied = tokio::task::spawn_blocking(move || copy(reader, writer))
        .await
        .map_err(|e| Error::Internal(e.to_string()))?;
    match copied {
        (writer, Ok(())) => writer.finish(None).await?.commit().await?,
        (writer, Err(error)) => {
            let pending = match writer.finish(None).await {
                Ok(pending) => pending,
                // An upload that failed is why the copy stopped.
                Err(cause) => return Err(cause),
            };
            pending.abort().await;
            return Err(error);
        }
    };
    Ok(key)
}

fn copy(mut reader: impl Read, mut writer: ObjectWriter) -> (ObjectWriter, Result<(), Error>) {
    let mut buffer = vec![0; 1 << 20];
    let copied = loop {
        match reader.read(&mut buffer) {
            Ok(0) => break Ok(()),
            Ok(n) => {
                if let Err(e) = writer.write_all(buffer.get(..n).unwrap_or_default()) {
                    break Err(e);
                }
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => break Err(e),
        }
    };
    let copied = copied.map_err(|e| {
        e.downcast::<Error>()
            .unwrap_or_else(|e| Error::Unavailable {
                service: "S3",
                operation: "the upload of the export".to_owned(),
                reason: e.to_string(),
            })
    });
    (writer, copied)
}
