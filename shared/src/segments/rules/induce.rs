//! A rule for every segment.

use ndarray::{Array1, Axis};
use rayon::prelude::*;

use super::{Rule, matrix, round, surrogate};
use crate::features::Features;
use crate::models::ModelError;
use crate::models::random::{Key, Stream};

/// Customers that rules are found on, where there are more; they are measured on all.
const MOST_CUSTOMERS: usize = 30_000;

/// A rule for each of `k` segments; `labels[i]` is the segment of `features`' row i.
///
/// For each segment a CART is grown to tell its customers from all others (one against the
/// rest, squared error on 0 and 1, which is Gini's impurity). One node of it, or two, become
/// the rule, which is then shortened and rounded. The same customers, labels and seed give
/// the same rules on any number of threads.
pub fn induce(
    features: &Features,
    labels: &[u32],
    k: usize,
    seed: u64,
) -> Result<Vec<Rule>, ModelError> {
    let all = matrix(features);
    if labels.len() != all.nrows() {
        let expected = [all.nrows()];
        return Err(ModelError::shape("labels", &expected, &[labels.len()]));
    }
    let mut rows = Key::new(seed, Stream::Rules).distinct(MOST_CUSTOMERS, labels.len());
    rows.sort_unstable();
    let rows: Vec<usize> = rows.into_iter().map(|row| row as usize).collect();
    let x = all.select(Axis(0), &rows);
    let known = rows.iter().filter_map(|&row| labels.get(row).copied());
    let known: Array1<u32> = known.collect();
    (0..k)
        .into_par_iter()
        .map(|segment| {
            let is_member = known.mapv(|label| label as usize == segment);
            if !is_member.iter().any(|&member| member) {
                return Ok(Rule::default());
            }
            let rule = surrogate::best(x.view(), is_member.view())?;
            Ok(round::simplify(rule, x.view(), is_member.view()))
        })
        .collect()
}
