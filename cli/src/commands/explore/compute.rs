//! The figures of every choice that is not there yet.

use std::collections::BTreeMap;

use ndarray::{Array1, ArrayView2, Axis};
use rayon::prelude::*;
use shared::exploration::{Cell, Figures, Method, Outcome, Plan, Space, parts, stability};
use shared::models::{Init, KMeansParams};
use shared::{Error, Result};

use super::mixture::mixture;
use super::spaces::Spaces;
use super::ward::Tree;

/// Work that is done in one go.
enum Job {
    Fit(Space, Method, usize),
    /// One tree for all numbers of groups, and one for each resample.
    Trees(Space, Vec<usize>),
}

/// Computes the `missing` choices in parallel; each goes to `done` as soon as it is known, in
/// no particular order. A failure of `done` ends the work.
pub(super) fn compute(
    spaces: &Spaces,
    plan: &Plan,
    missing: &[(Space, Method, usize)],
    done: impl Fn(Cell) -> Result<()> + Sync,
) -> Result<()> {
    let bench = Bench {
        spaces,
        plan,
        parts: parts(spaces.len(), plan.resamples, plan.seed),
    };
    jobs(missing).par_iter().try_for_each(|job| match job {
        Job::Fit(space, method, k) => done(bench.fit(*space, *method, *k)?),
        Job::Trees(space, numbers) => bench.trees(*space, numbers, &done),
    })
}

fn jobs(missing: &[(Space, Method, usize)]) -> Vec<Job> {
    let mut trees: BTreeMap<Space, Vec<usize>> = BTreeMap::new();
    let mut fits = Vec::new();
    for &(space, method, k) in missing {
        match method {
            Method::Hierarchical => trees.entry(space).or_default().push(k),
            Method::KMeans | Method::GaussianMixture => fits.push(Job::Fit(space, method, k)),
        }
    }
    // The longest first: nothing is left alone at the end.
    let trees = trees.into_iter().map(|(space, ks)| Job::Trees(space, ks));
    trees.chain(fits.into_iter().rev()).collect()
}

struct Bench<'a> {
    spaces: &'a Spaces,
    plan: &'a Plan,
    /// Rows of each resample.
    parts: Vec<Vec<usize>>,
}

impl Bench<'_> {
    fn fit(&self, space: Space, method: Method, k: usize) -> Result<Cell> {
        let points = self.spaces.points(space);
        let outcome = match self.labels(method, points, k)? {
            Err(reason) => Outcome::Failed(reason),
            Ok(labels) => {
                let refit = |_, rows: &[usize]| {
                    let part = points.select(Axis(0), rows);
                    let refitted = self.labels(method, part.view(), k)?;
                    Ok(refitted.ok().map(|labels| labels.to_vec()))
                };
                let stability = stability(&labels.to_vec(), &self.parts, refit)?;
                Outcome::Figures(Figures::of(
                    points,
                    labels.view(),
                    &self.spaces.log_revenue,
                    stability,
                )?)
            }
        };
        Ok(Cell {
            space,
            method,
            k,
            outcome,
        })
    }

    /// The groups of the points, or why the method finds none.
    fn labels(
        &self,
        method: Method,
        points: ArrayView2<f64>,
        k: usize,
    ) -> Result<Result<Array1<u32>, String>> {
        match method {
            Method::KMeans => {
                let params = KMeansParams {
                    k,
                    init: Init::KMeansPlusPlus,
                    n_init: self.plan.restarts,
                    seed: self.plan.seed,
                    ..KMeansParams::default()
                };
                Ok(Ok(params.fit(points)?.labels().to_owned()))
            }
            Method::GaussianMixture => Ok(mixture(points, k, self.plan.seed)),
            Method::Hierarchical => Err(Error::Internal("a tree is not a fit".to_owned())),
        }
    }

    fn trees(
        &self,
        space: Space,
        numbers: &[usize],
        done: &impl Fn(Cell) -> Result<()>,
    ) -> Result<()> {
        let points = self.spaces.points(space);
        let whole = Tree::grow(points);
        let of_part = |rows: &Vec<usize>| Tree::grow(points.select(Axis(0), rows).view());
        let refits: Vec<Tree> = self.parts.iter().map(of_part).collect();
        for &k in numbers {
            let labels = whole.cut(k);
            let refit = |number: usize, _: &[usize]| {
                Ok(refits.get(number).map(|tree| tree.cut(k).to_vec()))
            };
            let stability = stability(&labels.to_vec(), &self.parts, refit)?;
            let log_revenue = &self.spaces.log_revenue;
            let figures = Figures::of(points, labels.view(), log_revenue, stability)?;
            done(Cell {
                space,
                method: Method::Hierarchical,
                k,
                outcome: Outcome::Figures(figures),
            })?;
        }
        Ok(())
    }
}
