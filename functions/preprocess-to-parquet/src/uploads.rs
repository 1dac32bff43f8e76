//! The uploads of a run, one after the other.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use shared::contracts::{Run, Source};
use shared::erasure::Tombstones;
use shared::history::{self, LEDGER};
use shared::progress::Progress;
use shared::settings::Settings;
use shared::store::{Hashed, ObjectReader, Store};
use shared::transactions::decompress;
use shared::transactions::pass::Pass;
use shared::transactions::reader::{Nowhere, Sink};
use shared::{Error, Result};

/// One upload.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) source: Source,
    /// Its name in errors and in quarantine.
    pub(crate) name: String,
    /// Its place among how many, where it is one of several.
    place: Option<(usize, usize)>,
}

/// What a run reads, in order.
pub(crate) async fn of_run(store: &Store, run: &Run) -> Result<Vec<Upload>> {
    let Some(artifact) = &run.history else {
        return Ok(vec![Upload {
            source: run.source.clone(),
            name: run.source.key.clone(),
            place: None,
        }]);
    };
    let uploads = history::list(store, artifact).await?.uploads;
    let mut keys = BTreeSet::new();
    let twice: BTreeSet<String> = uploads
        .iter()
        .filter(|upload| !keys.insert(&upload.source.key))
        .map(|upload| upload.source.key.clone())
        .collect();
    let all = uploads.len();
    let named = uploads.into_iter().enumerate().map(|(index, upload)| {
        let source = upload.source;
        let name = match &source.version {
            Some(version) if twice.contains(&source.key) => {
                format!("{}?versionId={version}", source.key)
            }
            _ => source.key.clone(),
        };
        Upload {
            source,
            name,
            place: Some((index + 1, all)),
        }
    });
    Ok(named.collect())
}

/// The uploads as they are read; whoever is watching is told how far.
pub(crate) struct Uploads {
    store: Store,
    uploads: Vec<Upload>,
    total: u64,
    progress: Arc<dyn Progress>,
}

impl Uploads {
    pub(crate) fn new(store: &Store, uploads: Vec<Upload>, progress: Arc<dyn Progress>) -> Self {
        Self {
            store: store.clone(),
            total: uploads.iter().map(|upload| upload.source.size).sum(),
            uploads,
            progress,
        }
    }

    /// Reads all of them, on a thread that may block.
    pub(crate) fn read(&self, pass: &mut Pass<'_>, sink: &mut impl Sink) -> Result<()> {
        let done = AtomicU64::new(0);
        for upload in &self.uploads {
            let source = Watched {
                reader: self.store.reader(&upload.source),
                done: &done,
                total: self.total,
                progress: self.progress.as_ref(),
            };
            let read = decompress::text(source, &upload.name)
                .and_then(|text| pass.upload(text, &upload.name, sink));
            read.map_err(|error| named(error, upload))?;
        }
        Ok(())
    }
}

/// An upload of a history that is not what it was, by its name and place.
fn named(error: Error, upload: &Upload) -> Error {
    match (error, upload.place) {
        (Error::NotFound { .. } | Error::Conflict { .. }, Some((place, all))) => Error::NotFound {
            what: format!(
                "upload {place} of {all}, '{}/{}', as {LEDGER} lists it,",
                upload.source.bucket, upload.name
            ),
            hint: "it was removed or replaced: put it back, or take its entry out of the list"
                .to_owned(),
        },
        (error, _) => error,
    }
}

/// Reads a new upload by itself: its SHA-256, if it can be read.
///
/// # Errors
/// [`Error::BadInput`] for what could not be read in a run of its own.
pub(crate) async fn admit(
    store: &Store,
    source: &Source,
    settings: &Settings,
    erased: Option<&Tombstones>,
) -> Result<String> {
    let (settings, erased) = (settings.clone(), erased.cloned());
    let (reader, name) = (store.reader(source), source.key.clone());
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = Hashed::new(reader);
        let mut pass = Pass::new(&settings, None, erased.as_ref())?;
        pass.upload(decompress::text(&mut bytes, &name)?, &name, &mut Nowhere)?;
        pass.check()?;
        // A decoder may stop before the end of what it is given.
        io::copy(&mut bytes, &mut io::sink()).map_err(|e| decompress::unreadable(&name, e))?;
        Ok(bytes.sha256())
    });
    read.await.map_err(|e| Error::Internal(e.to_string()))?
}

struct Watched<'a> {
    reader: ObjectReader,
    done: &'a AtomicU64,
    total: u64,
    progress: &'a dyn Progress,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        let done = self.done.fetch_add(n as u64, Ordering::Relaxed) + n as u64;
        self.progress.bytes(done, self.total);
        Ok(n)
    }
}
