//! What the run is, decided from what is asked for and what is there.

use shared::bundle::{Champion, champion};
use shared::contracts::{Inputs, Request, Run, Source};
use shared::erasure::{Tombstones, tombstones};
use shared::failpoint::reach;
use shared::history::{self, keep_list, ledger};
use shared::settings::{History, Settings};
use shared::store::Store;
use shared::{Error, Result};

use crate::handler::{Context, settings_of};
use crate::uploads::admit;

/// A run, and who must not come back by it.
pub(crate) struct Planned {
    pub(crate) run: Run,
    /// The champion of the moment.
    pub(crate) champion: Option<Champion>,
    pub(crate) erased: Option<Tombstones>,
}

/// Decides the run. Where uploads add up, the upload is in the ledger from here on.
pub(crate) async fn plan(context: &Context, request: &Request) -> Result<Planned> {
    let store = &context.store;
    let settings = match &context.settings {
        Some(settings) => settings.clone(),
        None => settings_of(store).await?,
    };
    let (source, champion, erased) = tokio::try_join!(
        store.source(&request.source),
        champion(store),
        tombstones(store)
    )?;
    let champion = champion.map(|(champion, _)| champion);
    let (erased, digest) = erased.unzip();
    let mut inputs = match settings.source.history {
        History::Snapshot => Inputs::from(source),
        History::Append => append(store, source, &settings, erased.as_ref()).await?,
    };
    inputs.erased = digest;
    let run = Run::plan(store.bucket(), request, inputs, settings, champion.as_ref())?;
    Ok(Planned {
        run,
        champion,
        erased,
    })
}

/// Lists an upload, if it is not listed already, and keeps what there is then. Only what can
/// be read is listed: a file that is none would stand in the way of every run to come.
async fn append(
    store: &Store,
    source: Source,
    settings: &Settings,
    erased: Option<&Tombstones>,
) -> Result<Inputs> {
    let known = ledger(store).await?.map(|(ledger, _)| ledger);
    let ledger = match known.filter(|ledger| ledger.lists(&source)) {
        Some(ledger) => ledger,
        None => {
            let sha256 = admit(store, &source, settings, erased).await?;
            reach("preprocess: upload admitted")?;
            history::update(store, |ledger| ledger.add(&source, &sha256)).await?
        }
    };
    reach("preprocess: upload listed")?;
    let last = ledger
        .uploads
        .last()
        .map(|upload| upload.source.clone())
        .ok_or_else(|| Error::Internal("the ledger is empty".to_owned()))?;
    Ok(Inputs {
        source: last,
        history: Some(keep_list(store, &ledger).await?),
        erased: None,
    })
}
