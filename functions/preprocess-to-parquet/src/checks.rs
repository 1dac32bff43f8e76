//! The export of a run, held against that of the run before.

use shared::columns::{Check, Seen, compare, in_the_future, too_old};
use shared::contracts::{AsOf, Layout, Part, Run, RunIndex};
use shared::settings::{History, Level};
use shared::store::Store;
use shared::transactions::line::seconds_of;
use shared::{Error, Result};

/// What differs from the newest run, or from the one before a given moment; `quality` is the
/// run's own.
///
/// # Errors
/// [`Error::BadInput`] for a difference that the settings say is to stop the run.
pub(crate) async fn against_last(
    store: &Store,
    run: &Run,
    as_of: AsOf,
    quality: &[u8],
) -> Result<Vec<Check>> {
    let settings = &run.settings.checks;
    let now: Seen = serde_json::from_slice(quality).map_err(|e| Error::Internal(e.to_string()))?;
    let mut found = match last(store, run, as_of).await? {
        Some(before) => {
            let adds_up = run.settings.source.history == History::Append;
            compare(&now, &before, settings, adds_up)
        }
        None => Vec::new(),
    };
    if settings.freshness != Level::Off {
        match store.uploaded(&run.source).await? {
            Some(uploaded) => found.extend(times(run, &now, as_of, uploaded)),
            None => tracing::warn!(
                run_id = run.run_id,
                "the store does not say when the export was uploaded: its age is not looked at"
            ),
        }
    }
    for check in &found {
        tracing::warn!(
            run_id = run.run_id,
            check = check.kind.name(),
            "{}",
            check.message
        );
    }
    let stops: Vec<String> = found
        .iter()
        .filter(|check| check.level == Level::Stop)
        .map(|check| format!("{} (checks.{})", check.message, check.kind.name()))
        .collect();
    if stops.is_empty() {
        return Ok(found);
    }
    let reason = format!(
        "it differs from the export of the run before: {}; set the check to \"warn\" to go on",
        stops.join("; ")
    );
    Err(Error::bad_input(&run.source.key, reason))
}

/// What the time of the upload, in seconds since 1970, says of the export's dates.
fn times(run: &Run, now: &Seen, as_of: AsOf, uploaded: i64) -> Vec<Check> {
    let settings = &run.settings.checks;
    let last_line = now.last_line().and_then(|moment| seconds_of(moment.0));
    let old = last_line.and_then(|seconds| too_old(seconds, uploaded, settings));
    // A moment that was given is meant.
    let last_purchase = run.as_of.is_none().then(|| seconds_of(as_of.0)).flatten();
    let future =
        last_purchase.and_then(|seconds| in_the_future(as_of, seconds, uploaded, settings));
    old.into_iter().chain(future).collect()
}

/// What the run before counted. A record that can't be read is no reason to fail a run.
async fn last(store: &Store, run: &Run, as_of: AsOf) -> Result<Option<Seen>> {
    let Some((bytes, _)) = store.get_optional(Layout::INDEX).await? else {
        return Ok(None);
    };
    let index = RunIndex::read(&bytes)?;
    // An export of now is held against the newest, even where its own last line is older: that
    // is one of the things to tell.
    let before = match run.as_of {
        Some(_) => index.before(&run.run_id, as_of),
        None => index.newest_but(&run.run_id),
    };
    let Some(before) = before else {
        return Ok(None);
    };
    let key = Layout::new(&before.run_id).key(Part::Quality);
    let Some((bytes, _)) = store.get_optional(&key).await? else {
        return Ok(None);
    };
    match serde_json::from_slice(&bytes) {
        Ok(seen) => Ok(Some(seen)),
        Err(error) => {
            tracing::warn!(object = key, %error, "the run before can't be compared with");
            Ok(None)
        }
    }
}
