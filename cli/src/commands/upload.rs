//! Brings the export into the store, as a shop's upload would.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use shared::contracts::ObjectRef;
use shared::progress::Progress;
use shared::store::{ObjectWriter, Store};
use shared::{Error, Result};

use super::run::file_error;
use crate::Failure;

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

/// Copies the input to `uploads/`; gives its key.
pub(super) async fn upload(store: &Store, input: Input, progress: &dyn Progress) -> Result<String> {
    progress.step("upload");
    let (name, reader): (String, Box<dyn Read + Send>) = match input {
        Input::File { file, name } => (name, Box::new(file)),
        Input::Object(object) => {
            let remote = Store::from_env(&object.bucket).await;
            let source = remote.source(&object).await?;
            let name = object.key.rsplit('/').next().unwrap_or_default().to_owned();
            (name, Box::new(remote.reader(&source)))
        }
    };
    let key = format!("uploads/{name}");
    let writer = store.writer(&key, "text/csv");
    let copied = tokio::task::spawn_blocking(move || copy(reader, writer))
        .await
        .map_err(|e| Error::Internal(e.to_string()))?;
    match copied {
        (writer, Ok(())) => writer.finish(None).await?.commit().await?,
        (writer, Err(error)) => {
            // An upload that failed is why the copy stopped.
            if let Ok(pending) = writer.finish(None).await {
                pending.abort().await;
            }
            return Err(error);
        }
    };
    Ok(key)
}

fn copy(mut reader: Box<dyn Read + Send>, mut writer: ObjectWriter) -> (ObjectWriter, Result<()>) {
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
