//! Refits on parts of the customers: what of a clustering is there whoever is in it.

use std::collections::BTreeMap;

use shared::evaluation::adjusted_rand_index;
use shared::features::Features;
use shared::measure::Stage;
use shared::models::random::{Key, Stream};
use shared::progress::{Progress, Silent};
use shared::settings::Settings;
use shared::{Error, Result};

use crate::apply::apply;
use crate::fit::fit;

/// Share of the customers in a resample.
const SHARE: f64 = 0.8;

/// A refit on some of the customers.
pub(crate) struct Resample {
    /// Segment by row of the customers that it was fitted to.
    pub(crate) inside: BTreeMap<usize, u32>,
    /// And of those left out, by its models.
    pub(crate) outside: BTreeMap<usize, u32>,
}

/// Refits the whole pipeline on `count` parts of the customers.
pub(crate) fn resamples(
    features: &Features,
    settings: &Settings,
    count: usize,
    progress: &dyn Progress,
) -> Result<Vec<Resample>> {
    let refits = (0..count).map(|number| {
        progress.step(&format!("refit {} of {count}", number + 1));
        resample(features, settings, number as u64)
    });
    refits.collect()
}

/// Mean adjusted Rand index between each refit and the whole, on the customers of the refit;
/// `None` without refits.
pub(crate) fn stability(labels: &[u32], refits: &[Resample]) -> Option<f64> {
    let indices = refits.iter().map(|refit| {
        let (whole, own) = aligned(labels, &refit.inside);
        adjusted_rand_index(&whole, &own)
    });
    (!refits.is_empty()).then(|| indices.sum::<f64>() / refits.len() as f64)
}

fn resample(features: &Features, settings: &Settings, number: u64) -> Result<Resample> {
    let n = features.len();
    let key = Key::new(settings.clustering.seed, Stream::Resample).child(number);
    let inside = key.distinct((SHARE * n as f64) as usize, n);
    let mut is_inside = vec![false; n];
    for &row in &inside {
        if let Some(slot) = is_inside.get_mut(row as usize) {
            *slot = true;
        }
    }
    let rows = |wanted: bool| -> Vec<usize> {
        let all = is_inside.iter().enumerate();
        all.filter(|(_, inside)| **inside == wanted)
            .map(|(row, _)| row)
            .collect()
    };
    let (inside, outside) = (rows(true), rows(false));
    let mut stage = Stage::start("evaluate");
    let fitted = fit(&features.select(&inside), settings, &Silent, &mut stage)?;
    let others = features.select(&outside);
    let applied = apply((&fitted).into(), &others, &Silent, &mut stage)?;
    Ok(Resample {
        inside: inside.into_iter().zip(fitted.labels).collect(),
        outside: outside.into_iter().zip(applied.labels).collect(),
    })
}

/// The whole's labels and a refit's, of the customers that the refit has.
pub(crate) fn aligned(labels: &[u32], refit: &BTreeMap<usize, u32>) -> (Vec<u32>, Vec<u32>) {
    let both = refit.iter();
    both.filter_map(|(&row, &own)| labels.get(row).map(|&whole| (whole, own)))
        .unzip()
}

pub(crate) fn common(a: &BTreeMap<usize, u32>, b: &BTreeMap<usize, u32>) -> (Vec<u32>, Vec<u32>) {
    a.iter()
        .filter_map(|(row, &in_a)| b.get(row).map(|&in_b| (in_a, in_b)))
        .unzip()
}

/// Fewest customers that refits on a share of them make sense for.
pub(crate) fn enough(features: &Features, settings: &Settings) -> Result<()> {
    let have = features.len();
    let need = (settings.clustering.k as f64 / SHARE).ceil() as usize + 1;
    if have >= need {
        return Ok(());
    }
    Err(Error::Model(shared::models::ModelError::TooFewCustomers {
        have,
        need,
    }))
}
