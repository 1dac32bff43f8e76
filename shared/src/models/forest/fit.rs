//! Growing trees.
//!
//! Each feature is sorted once for the whole forest. A tree filters those orders to its
//! bootstrap sample and then only ever partitions them, so that no node sorts anything.
//! Nodes are grown from an explicit stack: a degenerate tree is as deep as it has rows.

use ndarray::{ArrayView1, ArrayView2};
use rayon::prelude::*;

use super::{
    super::{
        error::ModelError,
        random::{Key, Stream},
    },
    Forest, ForestParams, Splitter,
    check::check,
    part::Part,
    random_split::RandomCuts,
    split::{Sample, Weight, best},
    tree::{Node, Tree, single_precision},
};

/// No parent waits for this node's number.
const NO_PARENT: u32 = u32::MAX;

pub(super) fn fit(
    params: &ForestParams,
    x: ArrayView2<f64>,
    y: ArrayView1<f64>,
) -> Result<Forest, ModelError> {
    let (n, n_features) = x.dim();
    check(params, x, y)?;
    let rows = single_precision(x)?;
    let columns: Vec<Vec<f32>> = (0..n_features)
        .map(|f| rows.iter().skip(f).step_by(n_features).copied().collect())
        .collect();
    let sorted: Vec<Vec<u32>> = columns
        .par_iter()
        .map(|column| {
            let mut order: Vec<u32> = (0..n as u32).collect();
            order.sort_by(|&a, &b| column[a as usize].total_cmp(&column[b as usize]));
            order
        })
        .collect();
    let targets: Vec<f64> = y.to_vec();
    let key = Key::new(params.seed, Stream::Bootstrap);
    let cuts = match &params.splitter {
        Splitter::Best => None,
        Splitter::Random {
            breaks,
            break_share,
        } => Some(RandomCuts::new(breaks, *break_share)),
    };
    let random = Key::new(params.seed, Stream::Cuts);
    let trees = (0..params.trees)
        .into_par_iter()
        .map(|t| {
            if let Some(most) = params.most_rows.filter(|&most| most < n) {
                let key = key.child(t as u64);
                let part = Part::draw(params.bootstrap, key, most, &columns, &targets);
                let cuts = cuts.as_ref().map(|cuts| (cuts, random.child(t as u64)));
                return grow(
                    params,
                    &part.columns,
                    &part.sorted,
                    &part.targets,
                    &part.counts,
                    cuts,
                );
            }
            let counts = counts(params.bootstrap, key.child(t as u64), n);
            let cuts = cuts.as_ref().map(|cuts| (cuts, random.child(t as u64)));
            grow(params, &columns, &sorted, &targets, &counts, cuts)
        })
        .collect::<Result<Vec<Tree>, ModelError>>()?;
    Forest::from_trees(n_features, trees)
}

/// How often each row is in the tree's sample.
fn counts(bootstrap: bool, key: Key, n: usize) -> Vec<u32> {
    if !bootstrap {
        return vec![1; n];
    }
    let mut counts = vec![0; n];
    for i in 0..n {
        counts[key.below(i as u64, n)] += 1;
    }
    counts
}

/// A node whose rows are known and whose number is not.
struct Open {
    start: usize,
    end: usize,
    /// The parent if this is its right child, else `NO_PARENT`.
    parent: u32,
}

fn grow(
    params: &ForestParams,
    columns: &[Vec<f32>],
    sorted: &[Vec<u32>],
    targets: &[f64],
    counts: &[u32],
    cuts: Option<(&RandomCuts, Key)>,
) -> Result<Tree, ModelError> {
    let weights: Vec<Weight> = counts
        .iter()
        .zip(targets)
        .map(|(&count, &target)| Weight {
            count: f64::from(count),
            target: f64::from(count) * target,
        })
        .collect();
    let mut orders: Vec<Vec<u32>> = sorted
        .iter()
        .map(|order| {
            let sampled = order.iter().copied();
            sampled.filter(|&r| counts[r as usize] > 0).collect()
        })
        .collect();
    let n = orders.first().map_or(0, Vec::len);
    let sample = Sample {
        columns,
        weights: &weights,
        min_leaf: params.min_samples_leaf,
    };
    let mut partition = Partition::new(targets.len());
    let mut nodes: Vec<Node> = Vec::with_capacity(2 * n);
    let mut values = Vec::with_capacity(2 * n);
    let mut open = vec![Open {
        start: 0,
        end: n,
        parent: NO_PARENT,
    }];
    while let Some(Open { start, end, parent }) = open.pop() {
        let id = nodes.len() as u32;
        if let Some(parent) = nodes.get_mut(parent as usize) {
            parent.right = id;
        }
        let rows = || orders.iter().map(|order| &order[start..end]);
        let (total, impurity) = summary(&orders[0][start..end], &weights, targets);
        values.push(total.target / total.count);
        let splits = end - start >= 2.max(2 * params.min_samples_leaf) && impurity > f64::EPSILON;
        let split = match cuts {
            _ if !splits => None,
            None => best(&sample, rows(), total),
            Some((cuts, key)) => cuts.best(&sample, rows(), total, key.child(u64::from(id))),
        };
        let Some(split) = split else {
            nodes.push(Node::leaf());
            continue;
        };
        nodes.push(Node {
            threshold: split.threshold,
            right: 0,
            feature: split.feature as i16,
        });
        let middle = start + split.left;
        partition.split(&mut orders, split.feature, start, middle, end);
        open.push(Open {
            start: middle,
            end,
            parent: id,
        });
        open.push(Open {
            start,
            end: middle,
            parent: NO_PARENT,
        });
    }
    Tree::new(&nodes, &values)
}

/// Sum of weights and weighted targets of a node, and its variance.
fn summary(rows: &[u32], weights: &[Weight], targets: &[f64]) -> (Weight, f64) {
    let mut total = Weight::default();
    let mut squares = 0.0;
    for &row in rows {
        let weight = weights[row as usize];
        total.count += weight.count;
        total.target += weight.target;
        squares += weight.target * targets[row as usize];
    }
    let mean = total.target / total.count;
    (total, squares / total.count - mean * mean)
}

/// Stable partitioning of every feature's order by the split of one.
struct Partition {
    goes_left: Vec<bool>,
    right: Vec<u32>,
}

impl Partition {
    fn new(n: usize) -> Self {
        Self {
            goes_left: vec![false; n],
            right: vec![0; n],
        }
    }

    /// Brings the rows of `start..middle` of `feature` to `start..middle` of every order.
    fn split(
        &mut self,
        orders: &mut [Vec<u32>],
        feature: usize,
        start: usize,
        middle: usize,
        end: usize,
    ) {
        for (i, &row) in orders[feature][start..end].iter().enumerate() {
            self.goes_left[row as usize] = start + i < middle;
        }
        for (f, order) in orders.iter_mut().enumerate() {
            if f == feature {
                continue;
            }
            let rows = &mut order[start..end];
            let right = &mut self.right[..rows.len()];
            // Both places are written to and one of them moves on: which one is a coin's toss, and
            // a wrong guess costs more than a write.
            let (mut left, mut others) = (0, 0);
            for i in 0..rows.len() {
                let row = rows[i];
                let goes_left = usize::from(self.goes_left[row as usize]);
                rows[left] = row;
                right[others] = row;
                left += goes_left;
                others += 1 - goes_left;
            }
            rows[left..].copy_from_slice(&right[..others]);
        }
    }
}
