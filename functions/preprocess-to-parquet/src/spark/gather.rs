//! Takes in what Spark left of a run.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use shared::contracts::{Artifact, Failure, Layout, Part, RunState, Scale};
use shared::failpoint::reach;
use shared::features::Features;
use shared::measure::Stage;
use shared::tables::read_sums;
use shared::value::{Purchases, Value};
use shared::{Blame, Error, Result};

use super::quality::{Counted, Own};
use super::{folder, job, rejected};
use crate::handler::{Context, enough};
use crate::{checks, features, uploads};

/// What the job says of its failure.
#[derive(Debug, Deserialize)]
struct Said {
    error: String,
    message: String,
}

/// Goes on with a run that Spark has summed up: values of the customers, checks, tables.
///
/// # Errors
/// [`Error::Job`] with what went wrong in the job; [`Error::Conflict`] for an upload that was replaced while it ran.
pub async fn gather(context: &Context, mut state: RunState) -> Result<RunState> {
    let store = &context.store;
    let mut stage = Stage::start("preprocess-to-parquet: gather");
    let run = state.run.clone();
    if !Layout::is_name(&run.run_id) {
        return Err(Error::config("event", "its run has no id"));
    }
    let folder = folder(&run.run_id);
    let key = format!("{folder}/quality.json");
    let job = state.spark.take();
    let failure = job.as_ref().and_then(|job| job.failure.clone());
    let found = match failure {
        None => store.get_optional(&key).await?,
        Some(_) => None,
    };
    let Some((bytes, _)) = found else {
        return said(context, &folder, failure).await;
    };
    let counted = Counted::read(&bytes, &key)?;
    let own = &counted.own;
    let wrong = |reason: String| Error::Corrupt {
        object: key.clone(),
        reason,
    };
    if own.run_id != run.run_id {
        return Err(wrong(format!("it is of run {:?}", own.run_id)));
    }
    let uploads = uploads::of_run(store, &run).await?;
    for upload in &uploads {
        job::unchanged(store, upload).await?;
    }
    context.progress.step("gather");
    let (mut all, purchases) = sums(context, &folder, own).await?;
    stage.lap("load");
    reach("gather: sums read")?;
    enough(&run, all.len())?;
    let settings = &run.settings;
    let (value, report) = Value::of(&all, &purchases, &settings.rfm, &settings.value);
    drop(purchases);
    all.value = value;
    let (as_of, counts) = (own.as_of, own.counts.clone());
    let quality = counted.finish(&all, &report)?;
    stage.lap("value");
    let checks = checks::against_last(store, &run, as_of, &quality).await?;

    let names: Vec<&str> = uploads.iter().map(|upload| upload.name.as_str()).collect();
    let parts = store.keys(&format!("{folder}/quarantine/")).await?;
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|key| key.ends_with(".parquet"))
        .collect();
    let rows = counts.rows_quarantined;
    let quarantine = rejected::write(store, &run.run_id, &parts, &names, rows).await?;
    reach("gather: quarantine written")?;
    let scale = Scale {
        engine: None,
        shards: job.and_then(|job| job.shards),
    };
    let shards = scale.shards(&settings.scale, all.len() as u64);
    let (part, table) = features::write(store, &run.run_id, &all, shards).await?;
    reach("gather: features written")?;
    let key = Layout::new(&run.run_id).key(Part::Quality);
    let quality = store
        .put(&key, "application/json", Bytes::from(quality))
        .await?;
    reach("gather: quality written")?;
    stage.lap("write");
    let artifacts = [
        (part, table),
        (Part::Quarantine, quarantine),
        (Part::Quality, quality),
    ];
    let named = |(part, artifact): (Part, Artifact)| (part.file_name().to_owned(), artifact);
    Ok(RunState {
        as_of: Some(as_of),
        stages: vec![stage.finish(counts.rows_read, counts.customers)],
        checks,
        counts,
        artifacts: artifacts.into_iter().map(named).collect::<BTreeMap<_, _>>(),
        ..RunState::begun(run)
    })
}

/// All customers in the order of their ids.
async fn sums(context: &Context, folder: &str, own: &Own) -> Result<(Features, Vec<Purchases>)> {
    let (mut all, mut purchases) = (Features::default(), Vec::new());
    for part in &own.features {
        let key = format!("{folder}/{}", part.file);
        let corrupt = |reason: String| Error::Corrupt {
            object: key.clone(),
            reason,
        };
        let bytes = context.store.table(&key).await?;
        let bytes = bytes.ok_or_else(|| corrupt("it is missing".to_owned()))?;
        let (features, others) = read_sums(bytes, &key)?;
        if features.len() as u64 != part.rows {
            let found = features.len();
            return Err(corrupt(format!("it has {found} rows, not {}", part.rows)));
        }
        all.append(features);
        purchases.extend(others);
    }
    if let Some(order) = all.order() {
        all = all.select(&order);
        purchases = shared::features::pick(&purchases, &order);
    }
    let twice = all
        .customer_id
        .windows(2)
        .any(|pair| pair.first() == pair.get(1));
    if twice || all.len() as u64 != own.counts.customers {
        return Err(Error::Corrupt {
            object: format!("{folder}/features"),
            reason: "its customers are not those that were counted, each once".to_owned(),
        });
    }
    Ok((all, purchases))
}

/// The error of a job that left no result.
async fn said<T>(context: &Context, folder: &str, failure: Option<Failure>) -> Result<T> {
    let key = format!("{folder}/error.json");
    if let Some((bytes, _)) = context.store.get_optional(&key).await? {
        let said: Said = serde_json::from_slice(&bytes).map_err(|e| Error::Corrupt {
            object: key,
            reason: e.to_string(),
        })?;
        return Err(Error::Job {
            blame: Blame::named(&said.error),
            message: said.message,
        });
    }
    let reason = match failure {
        Some(failure) => format!("{}: {}", failure.error, failure.cause),
        None => "it left no result".to_owned(),
    };
    Err(Error::Job {
        blame: Blame::Job,
        message: format!("the Spark job of {folder} ended without a word: {reason}"),
    })
}
