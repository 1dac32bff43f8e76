//! The page of a run: what it is drawn up from is gathered here.

use bytes::Bytes;
use shared::bundle::{Bundle, BundleManifest};
use shared::contracts::{Artifact, Layout, Manifest, Part};
use shared::report::{Defects, Inputs, Report, Value, render};
use shared::segments::Profile;
use shared::store::{ETag, Store};
use shared::tables::{SegmentRows, read_batches};
use shared::{Error, Result};

use crate::order;

const HTML: &str = "text/html; charset=utf-8";

/// Draws up the page of a run from its tables as they are, and from what the store has
/// besides: quality.json, where rows could not be read, the models, the run before.
///
/// # Errors
/// [`Error::Corrupt`] for an artifact that is not what the manifest says.
pub async fn page(
    store: &Store,
    manifest: &Manifest,
    profile: &Profile,
    rows: &SegmentRows,
) -> Result<Bytes> {
    let quality = artifact(manifest, Part::Quality)?;
    let quality = order::parse(&store.get_verified(quality).await?, &quality.key)?;
    let defects = defects(store, manifest).await?;
    let model = model(store, &manifest.run.model_version).await?;
    let before = match &manifest.migrations {
        Some(migrations) => profile_of(store, &migrations.since).await?,
        None => None,
    };
    // Tables of earlier versions have none.
    let customers = &rows.features.value;
    let report = Report::of(&Inputs {
        manifest,
        profile,
        rows,
        quality: &quality,
        defects: &defects,
        model: model.as_ref(),
        before: before.as_ref(),
        value: (!customers.rfm_group.is_empty()).then_some(Value {
            rfm_group: &customers.rfm_group,
            clv: &customers.clv,
        }),
    })?;
    render(&report)
}

/// The page of a run that is there, from its artifacts; with the run's manifest.
///
/// # Errors
/// [`Error::NotFound`] for a run that is not there.
pub async fn rebuild(store: &Store, run_id: &str) -> Result<(Bytes, Manifest)> {
    let (page, manifest, _) = tagged(store, run_id).await?;
    Ok((page, manifest))
}

/// Makes the page of a run again and puts it among the run's artifacts.
///
/// # Errors
/// As [`rebuild`], and [`Error::Conflict`] where somebody else wrote the manifest meanwhile.
pub async fn refresh(store: &Store, run_id: &str) -> Result<Artifact> {
    let (page, mut manifest, etag) = tagged(store, run_id).await?;
    let page = put(store, run_id, page).await?;
    let name = Part::Report.file_name().to_owned();
    if manifest.artifacts.insert(name, page.clone()).as_ref() != Some(&page) {
        let key = Layout::new(run_id).key(Part::Manifest);
        let json =
            serde_json::to_vec_pretty(&manifest).map_err(|e| Error::Internal(e.to_string()))?;
        store
            .put_if(&key, "application/json", Bytes::from(json), Some(&etag))
            .await?;
    }
    Ok(page)
}

/// Puts a page in its place.
pub(crate) async fn put(store: &Store, run_id: &str, page: Bytes) -> Result<Artifact> {
    let key = Layout::new(run_id).key(Part::Report);
    store.put(&key, HTML, page).await
}

async fn tagged(store: &Store, run_id: &str) -> Result<(Bytes, Manifest, ETag)> {
    let layout = Layout::new(run_id);
    let key = layout.key(Part::Manifest);
    let Some((bytes, etag)) = store.get_optional(&key).await? else {
        return Err(Error::NotFound {
            what: format!("run {run_id}"),
            hint: "runs/index.json lists the runs".to_owned(),
        });
    };
    let manifest: Manifest = order::parse(&bytes, &key)?;
    let rows = order::segments(store, &manifest).await?;
    let rows = rows.ok_or_else(|| missing(&manifest, Part::Segments))?;
    Ok((drawn(store, &manifest, &rows).await?, manifest, etag))
}

/// The page of a run whose profile is among its artifacts.
async fn drawn(store: &Store, manifest: &Manifest, rows: &SegmentRows) -> Result<Bytes> {
    let profile = artifact(manifest, Part::Profile)?;
    let profile = order::parse(&store.get_verified(profile).await?, &profile.key)?;
    page(store, manifest, &profile, rows).await
}

/// Makes the page again for a manifest that has changed, and lists it there.
pub(crate) async fn redraw(
    store: &Store,
    manifest: &mut Manifest,
    rows: &SegmentRows,
) -> Result<()> {
    let page = drawn(store, manifest, rows).await?;
    let page = put(store, &manifest.run.run_id, page).await?;
    let name = Part::Report.file_name().to_owned();
    manifest.artifacts.insert(name, page);
    Ok(())
}

/// Where rows are that could not be read.
async fn defects(store: &Store, manifest: &Manifest) -> Result<Defects> {
    if manifest.counts.rows_quarantined == 0 {
        return Ok(Defects::default());
    }
    let table = artifact(manifest, Part::Quarantine)?;
    let (file, key) = (store.file_verified(table).await?, table.key.clone());
    let found = tokio::task::spawn_blocking(move || {
        let mut defects = Defects::default();
        for batch in read_batches(file, &key)? {
            defects.add(&batch?, &key)?;
        }
        Ok(defects)
    });
    found.await.map_err(|e| Error::Internal(e.to_string()))?
}

async fn model(store: &Store, version: &str) -> Result<Option<BundleManifest>> {
    match Bundle::describe(store, version).await {
        Ok(manifest) => Ok(Some(manifest)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The profile of another run; `None` if that has been deleted.
async fn profile_of(store: &Store, run_id: &str) -> Result<Option<Profile>> {
    let key = Layout::new(run_id).key(Part::Profile);
    let found = store.get_optional(&key).await?;
    found
        .map(|(bytes, _)| order::parse(&bytes, &key))
        .transpose()
}

fn artifact(manifest: &Manifest, part: Part) -> Result<&Artifact> {
    let found = manifest.artifacts.get(part.file_name());
    found.ok_or_else(|| missing(manifest, part))
}

fn missing(manifest: &Manifest, part: Part) -> Error {
    Error::Corrupt {
        object: Layout::new(&manifest.run.run_id).key(Part::Manifest),
        reason: format!("it lists no {}", part.file_name()),
    }
}
