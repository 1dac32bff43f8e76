//! The rules of a run's segments, the customers' next steps, and whether the models agree.

use shared::Result;
use shared::contracts::Quality;
use shared::features::Features;
use shared::measure::Stage;
use shared::models::random::{Key, Stream};
use shared::progress::{Progress, Silent};
use shared::segments::next_step::{NextStep, Purchase, Scales, next_steps};
use shared::segments::rules::{Measured, Rule, induce};

use crate::apply::{Models, apply};

/// Customers whose next step is tried on the models.
const TRIED: usize = 500;

/// What is said of the segments, and to their customers.
pub(crate) struct Ruled {
    /// By position of the segment.
    pub(crate) rules: Vec<Rule>,
    pub(crate) measured: Measured,
    /// By customer.
    pub(crate) steps: Vec<NextStep>,
}

/// The rules on these customers: those `stored` with the models, or new ones if there are
/// none. `labels` are positions of segments.
pub(crate) fn rules(
    models: Models,
    stored: &[Rule],
    features: &Features,
    labels: &[u32],
    seed: u64,
) -> Result<(Vec<Rule>, Measured)> {
    let rules = if stored.is_empty() {
        induce(features, labels, models.kmeans.centroids().nrows(), seed)?
    } else {
        stored.to_vec()
    };
    let measured = Measured::of(&rules, features, labels);
    Ok((rules, measured))
}

/// The same with each customer's next step; `quality` gets their figures.
pub(crate) fn ruled(
    models: Models,
    stored: &[Rule],
    features: &Features,
    labels: &[u32],
    seed: u64,
    quality: &mut Quality,
    progress: &dyn Progress,
) -> Result<Ruled> {
    progress.step("rules");
    let (rules, measured) = rules(models, stored, features, labels, seed)?;
    let steps = steps(&rules, features, labels, &Scales::of(features));
    let purchases: Vec<Option<Purchase>> = steps.iter().map(|step| step.purchase).collect();
    tell(quality, models, &measured, features, &purchases, seed)?;
    Ok(Ruled {
        rules,
        measured,
        steps,
    })
}

/// Each customer's next step, by the rule of the first segment.
pub(crate) fn steps(
    rules: &[Rule],
    features: &Features,
    labels: &[u32],
    scales: &Scales,
) -> Vec<NextStep> {
    let is_member: Vec<bool> = labels.iter().map(|&label| label == 0).collect();
    let first = rules.first();
    first.map_or_else(Vec::new, |rule| {
        next_steps(rule, features, &is_member, scales)
    })
}

/// Gives `quality` the figures of the rules, and of the steps by their purchases.
pub(crate) fn tell(
    quality: &mut Quality,
    models: Models,
    measured: &Measured,
    features: &Features,
    purchases: &[Option<Purchase>],
    seed: u64,
) -> Result<()> {
    quality.rules_f1 = Some(measured.mean_f1);
    if let Some((share, tried)) = verified(models, features, purchases, seed)? {
        quality.next_step_verified_share = Some(share);
        quality.next_step_sample = Some(tried);
    }
    Ok(())
}

/// Lets some customers take their step and asks the models where they are then: the share of
/// them in the first segment, and how many they are. `None` where nobody has a step.
fn verified(
    models: Models,
    features: &Features,
    purchases: &[Option<Purchase>],
    seed: u64,
) -> Result<Option<(f64, u64)>> {
    let purchases = purchases.iter().enumerate();
    let can: Vec<(usize, Purchase)> = purchases
        .filter_map(|(row, purchase)| purchase.map(|purchase| (row, purchase)))
        .collect();
    let key = Key::new(seed, Stream::Rules).child(1);
    let tried = key.distinct(TRIED, can.len());
    let tried = tried.into_iter().filter_map(|i| can.get(i as usize));
    let (rows, purchases): (Vec<usize>, Vec<Purchase>) = tried.copied().unzip();
    if rows.is_empty() {
        return Ok(None);
    }
    let changed = Purchase::applied(&features.select(&rows), &purchases);
    // of no interest among the run's own
    let mut stage = Stage::start("next steps");
    let labels = apply(models, &changed, &Silent, &mut stage)?.labels;
    let there = labels.iter().filter(|&&label| label == 0).count();
    Ok(Some((there as f64 / rows.len() as f64, rows.len() as u64)))
}
