//! The uploads, and the ledger that lists them.

use std::collections::BTreeSet;
use std::time::Duration;

use shared::contracts::{ObjectRef, Source, UPLOADS};
use shared::erasure::{Found, Ids, Span, mentioned_in_spans, rewrite};
use shared::history::{self, Ledger};
use shared::settings::Settings;
use shared::store::{Hashed, ObjectVersion, Store};
use shared::transactions::decompress;
use shared::{Error, Result};

use super::report::Report;

/// S3 tells times by the second: what is written so long after another is newer.
const A_MOMENT: Duration = Duration::from_millis(1_100);

/// A version of an upload that was looked through.
struct Looked {
    version: ObjectVersion,
    source: Source,
    sha256: String,
    /// What in its text is theirs.
    theirs: Vec<Span>,
    /// Whether a run may still read it: the latest of its name, or one that the ledger lists.
    is_live: bool,
}

/// Rewrites the uploads without these people's records; former versions that hold any are
/// removed.
///
/// Times are what tells the newest upload, and the latest version of a name. So versions are
/// written in the order of their times; from the first of a name that changes on, those after
/// it are written again; and the newest of all is written last, changed or not.
pub(super) async fn erase(
    store: &Store,
    ids: &Ids,
    settings: &Settings,
    report: &mut Report,
) -> Result<()> {
    let ledger = history::ledger(store).await?;
    let ledger = ledger.map(|(ledger, _)| ledger).unwrap_or_default();
    let mut looked = Vec::new();
    for version in listed(store, &ledger, report).await? {
        if version.is_marker {
            continue;
        }
        looked.extend(look(store, version, &ledger, ids, settings, report).await?);
    }
    let hidden: BTreeSet<String> = {
        let all = store.versions(UPLOADS).await?.into_iter();
        let markers = all.filter(|version| version.is_marker && version.is_latest);
        markers.map(|version| version.key).collect()
    };
    let there: Vec<Source> = looked.iter().map(|upload| upload.source.clone()).collect();
    let (write, rest) = chosen(looked);
    let mut written = BTreeSet::new();
    for (place, upload) in write.iter().enumerate() {
        if place > 0 && place + 1 == write.len() {
            tokio::time::sleep(A_MOMENT).await;
        }
        replace(store, upload, report).await?;
        written.insert(upload.source.key.as_str());
    }
    for key in written {
        if hidden.contains(key) {
            // It was deleted, and is only read as a part of the history.
            store.remove(key, None).await?;
        }
    }
    for upload in &rest {
        if !upload.theirs.is_empty() {
            store
                .remove(&upload.source.key, upload.version.version.as_deref())
                .await?;
            report.removed_version();
        } else if upload.version.is_latest {
            resume(store, upload, &there).await?;
        }
    }
    Ok(())
}

/// Every version of every upload, the oldest first, and of what else the ledger lists.
async fn listed(store: &Store, ledger: &Ledger, report: &mut Report) -> Result<Vec<ObjectVersion>> {
    let mut versions = store.versions(UPLOADS).await?;
    let mut elsewhere = BTreeSet::new();
    for upload in &ledger.uploads {
        let source = &upload.source;
        if source.bucket != store.bucket() {
            report.note(format!(
                "the history reads s3://{}/{}, which was not looked into",
                source.bucket, source.key
            ));
        } else if !source.key.starts_with(UPLOADS) {
            elsewhere.insert(source.key.clone());
        }
    }
    for key in elsewhere {
        let found = store.versions(&key).await?.into_iter();
        versions.extend(found.filter(|version| version.key == key));
    }
    versions.retain(|version| !version.key.ends_with('/'));
    versions.sort_by_key(|version| (version.written, version.key.clone(), version.is_latest));
    Ok(versions)
}

/// Looks through one version. `None` where there is nothing that can be looked into.
async fn look(
    store: &Store,
    version: ObjectVersion,
    ledger: &Ledger,
    ids: &Ids,
    settings: &Settings,
    report: &mut Report,
) -> Result<Option<Looked>> {
    let named = version.version.clone();
    let named = named.filter(|id| !version.is_latest || id != "null");
    let object = ObjectRef {
        bucket: store.bucket().to_owned(),
        key: version.key.clone(),
        version: named,
    };
    let source = store.source(&object).await?;
    if source.size == 0 {
        return Ok(None);
    }
    let (again, pinned) = (store.clone(), source.clone());
    let (ids, settings) = (ids.clone(), settings.clone());
    let found = tokio::task::spawn_blocking(move || find(&again, &pinned, &ids, &settings));
    match found.await.map_err(|e| Error::Internal(e.to_string()))? {
        Ok((theirs, sha256)) => Ok(Some(Looked {
            is_live: version.is_latest || ledger.lists(&source),
            version,
            source,
            sha256,
            theirs,
        })),
        Err(Error::BadInput { object, reason, .. }) => {
            report.note(format!("{object} could not be looked into: {reason}"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn find(
    store: &Store,
    source: &Source,
    ids: &Ids,
    settings: &Settings,
) -> Result<(Vec<Span>, String)> {
    let name = &source.key;
    let mut bytes = Hashed::new(store.reader(source));
    let text = decompress::text(&mut bytes, name)?;
    let mut found = Found::in_text(text, name, settings, ids)?;
    std::io::copy(&mut bytes, &mut std::io::sink()).map_err(|e| decompress::unreadable(name, e))?;
    if !found.too_long.is_empty() {
        let text = decompress::text(store.reader(source), name)?;
        let encoding = settings.source.encoding;
        let named = mentioned_in_spans(text, name, encoding, ids, &found.too_long)?;
        found.theirs.extend(named);
        found.theirs.sort_unstable();
    }
    Ok((found.theirs, bytes.sha256()))
}

/// Which versions are written, in order, and the rest.
fn chosen(looked: Vec<Looked>) -> (Vec<Looked>, Vec<Looked>) {
    let is_hit = |upload: &Looked| upload.is_live && !upload.theirs.is_empty();
    let is_any_hit = looked.iter().any(is_hit);
    let newest = looked.iter().rposition(|upload| upload.version.is_latest);
    let mut changed = BTreeSet::new();
    let (mut write, mut rest) = (Vec::new(), Vec::new());
    for (place, upload) in looked.into_iter().enumerate() {
        if is_hit(&upload) {
            changed.insert(upload.source.key.clone());
        }
        let follows = upload.is_live && changed.contains(&upload.source.key);
        if follows || is_any_hit && Some(place) == newest {
            write.push(upload);
        } else {
            rest.push(upload);
        }
    }
    (write, rest)
}

/// Writes an upload without their records in place of itself. The ledger hears of the new
/// bytes before anybody can see them, so that nobody takes them for one more upload.
async fn replace(store: &Store, upload: &Looked, report: &mut Report) -> Result<()> {
    let key = &upload.source.key;
    let reader = store.reader(&upload.source);
    let writer = store.writer(key, "text/csv");
    let (name, theirs) = (key.clone(), upload.theirs.clone());
    let written = tokio::task::spawn_blocking(move || rewrite(reader, &name, &theirs, writer));
    let written = written
        .await
        .map_err(|e| Error::Internal(e.to_string()))??;
    let pending = written.finish(None).await?;
    let sha256 = pending.artifact().sha256.clone();
    let announced = history::update(store, |ledger| ledger.announce(&upload.sha256, &sha256)).await;
    if let Err(error) = announced {
        pending.abort().await;
        return Err(error);
    }
    pending.commit().await?;
    let now = current(store, key).await?;
    history::update(store, |ledger| {
        ledger.replace(&upload.sha256, &now, &sha256)
    })
    .await?;
    if let Some(version) = upload
        .version
        .version
        .as_deref()
        .filter(|_| now.version.is_some())
    {
        store.remove(key, Some(version)).await?;
        report.removed_version();
    }
    report.rewrote(key, upload.theirs.len() as u64);
    Ok(())
}

/// An erasure may have ended after it wrote an upload and before it told the ledger.
async fn resume(store: &Store, upload: &Looked, there: &[Source]) -> Result<()> {
    let resumed = history::update(store, |ledger| {
        let listed = ledger.of_content(&upload.sha256);
        let is_lost = listed.is_some_and(|listed| !there.contains(&listed.source));
        is_lost && ledger.replace(&upload.sha256, &upload.source, &upload.sha256)
    });
    resumed.await.map(drop)
}

async fn current(store: &Store, key: &str) -> Result<Source> {
    let object = ObjectRef {
        bucket: store.bucket().to_owned(),
        key: key.to_owned(),
        version: None,
    };
    store.source(&object).await
}
