//! What every shard is scored by.

use std::sync::Arc;

use shared::bundle::Bundle;
use shared::contracts::{Part, RunState, ShardTable};
use shared::failpoint::reach;
use shared::features::Features;
use shared::measure::Stage;
use shared::segments::next_step::Scales;
use shared::segments::rules::{Rule, RuleFeature};
use shared::tables::read_features;
use shared::{Error, Result};

use super::Prepared;
use crate::apply::apply;
use crate::handler::{Context, artifact, stored, train};
use crate::ruled::rules;
use crate::sample::{self, Sampler};
use crate::{settle, write};

/// Fits the models if the run is to, and finds what else the shards have to know of each other.
///
/// # Errors
/// As a fit, and [`Error::Corrupt`] for tables that are not what their digests say.
pub(crate) async fn prepare(context: &Context, mut state: RunState) -> Result<RunState> {
    let store = &context.store;
    let mut stage = Stage::start("embed-and-cluster: prepare");
    let run = state.run.clone();
    let list = artifact(&state, Part::Shards)?.clone();
    let shards = store
        .shards(&list, &run.run_id, ShardTable::Features)
        .await?;
    let stored = stored(store, &run).await?;
    let rules_of = |bundle: &Bundle| bundle.manifest.rules.clone();
    let known = stored.applied.as_ref().map(rules_of).unwrap_or_default();
    let most = sample::most(&run.settings, context.memory);
    let mut sampler = known
        .is_empty()
        .then(|| Sampler::new(most, run.settings.clustering.seed));
    let mut columns: [Vec<f64>; RuleFeature::ALL.len()] = Default::default();
    for shard in &shards.0 {
        let bytes = store.get_verified(&shard.table).await?;
        let features = read_features(bytes, &shard.table.key)?;
        for (column, feature) in columns.iter_mut().zip(RuleFeature::ALL) {
            column.extend(feature.column(&features));
        }
        if let Some(sampler) = &mut sampler {
            sampler.add(&features);
        }
    }
    stage.lap("load");
    reach("embed: shards read")?;
    let scales = Scales::among(columns);
    let mut chosen = sampler.map(Sampler::finish);
    if stored.applied.is_none()
        && let Some(chosen) = chosen.take()
    {
        stage = train(context, &run, &list, chosen, stored, stage).await?;
    }
    if let Some((promotion, _)) = settle::promote(store, &run).await? {
        state.promotion = Some(promotion);
    }
    let rules = match chosen {
        None if known.is_empty() => Bundle::describe(store, &run.model_version).await?.rules,
        None => known,
        Some((customers, _)) => {
            let bundle = Bundle::load(store, &run.model_version).await?;
            induced(context, bundle, customers).await?
        }
    };
    let prepared = Prepared { scales, rules };
    let key = shared::contracts::Layout::new(&run.run_id).key(Part::Prepared);
    let prepared = write::put_json(store, &key, &prepared).await?;
    reach("embed: prepared")?;
    let name = Part::Prepared.file_name().to_owned();
    state.artifacts.insert(name, prepared);
    let rows = shards.rows();
    state.stages.push(stage.finish(rows, rows));
    Ok(state)
}

/// Rules of models that were stored without any.
async fn induced(context: &Context, bundle: Bundle, customers: Features) -> Result<Vec<Rule>> {
    let progress = Arc::clone(&context.progress);
    let found = tokio::task::spawn_blocking(move || {
        let mut stage = Stage::start("rules");
        let applied = apply((&bundle).into(), &customers, progress.as_ref(), &mut stage)?;
        let (seed, labels) = (bundle.manifest.clustering.seed, applied.labels.to_vec());
        let found = rules((&bundle).into(), &[], &customers, &labels, seed)?;
        Ok(found.0)
    });
    found.await.map_err(|e| Error::Internal(e.to_string()))?
}
