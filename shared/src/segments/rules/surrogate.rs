//! The nodes of a decision tree as ranges of features, and whom they hold.

use ndarray::{Array2, ArrayView1, ArrayView2};

use super::{Condition, Figures, Rule, RuleFeature};
use crate::models::{Forest, ForestParams, ModelError};

/// Cuts between the root and a node that is thought of as a rule.
const MOST_CUTS: usize = 8;
/// Conditions of a conjunction, a range being one.
const MOST_CONDITIONS: usize = 4;
/// By how much a second conjunction must raise F1.
const WORTH_A_SECOND: f64 = 0.02;
/// A leaf has at least a customer in this many of the segment's.
const LEAVES: usize = 50;
/// A leaf need not have more customers than this.
const ENOUGH: usize = 50;

/// A node: the rows that its cuts let through.
struct Node {
    /// Nodes of its subtree: those from its own number up to here.
    end: usize,
    cuts: usize,
    ranges: [(Option<f64>, Option<f64>); 5],
    named: u64,
    right: u64,
}

/// The node, or the two, of a CART grown to tell members from others that name the members
/// best.
///
/// A node rather than a leaf: cuts further down may only part members from members. Of two
/// nodes neither is in the other, so their customers add up.
pub(super) fn best(x: ArrayView2<f64>, is_member: ArrayView1<bool>) -> Result<Rule, ModelError> {
    let members = is_member.iter().filter(|&&member| member).count();
    let params = ForestParams {
        trees: 1,
        bootstrap: false,
        min_samples_leaf: (members / LEAVES).clamp(1, ENOUGH),
        ..ForestParams::default()
    };
    let target = is_member.mapv(|member| f64::from(u8::from(member)));
    let tree = params.fit(x, target.view())?;
    let nodes = nodes(&tree, &tree.leaf_indices(x)?, is_member);
    let customers = is_member.len() as u64;
    let f1 = |named, right| Figures::of(named, right, members as u64, customers).f1;

    let short: Vec<(usize, &Node)> = nodes
        .iter()
        .enumerate()
        .filter(|(_, node)| node.right > 0 && node.is_short())
        .collect();
    let mut one: Option<(f64, &Node)> = None;
    let mut two: Option<(f64, &Node, &Node)> = None;
    for (place, &(_, node)) in short.iter().enumerate() {
        let alone = f1(node.named, node.right);
        if one.is_none_or(|(best, _)| alone > best) {
            one = Some((alone, node));
        }
        for &(_, other) in short
            .iter()
            .skip(place + 1)
            .filter(|(id, _)| *id >= node.end)
        {
            let both = f1(node.named + other.named, node.right + other.right);
            if two.is_none_or(|(best, ..)| both > best) {
                two = Some((both, node, other));
            }
        }
    }
    let any_of = match (one, two) {
        (Some((alone, _)), Some((both, a, b))) if both >= alone + WORTH_A_SECOND => {
            // the one that names more members is said first
            let (a, b) = if b.right > a.right { (b, a) } else { (a, b) };
            vec![a.conditions(), b.conditions()]
        }
        (Some((_, node)), _) => vec![node.conditions()],
        (None, _) => Vec::new(),
    };
    Ok(Rule { any_of })
}

impl Node {
    fn is_short(&self) -> bool {
        let ranges = self.ranges.iter();
        let conditions = ranges.filter(|(least, below)| least.is_some() || below.is_some());
        self.cuts <= MOST_CUTS && conditions.count() <= MOST_CONDITIONS
    }

    fn conditions(&self) -> Vec<Condition> {
        let ranges = RuleFeature::ALL.into_iter().zip(self.ranges);
        ranges
            .filter(|(_, (least, below))| least.is_some() || below.is_some())
            .map(|(feature, (at_least, below))| Condition {
                feature,
                at_least,
                below,
            })
            .collect()
    }
}

/// The nodes of the one tree, in its order: parents before children.
fn nodes(forest: &Forest, leaves: &Array2<u32>, is_member: ArrayView1<bool>) -> Vec<Node> {
    let Some(tree) = forest.trees().first() else {
        return Vec::new();
    };
    let mut nodes: Vec<Node> = (0..tree.n_nodes())
        .map(|id| Node {
            end: id + 1,
            cuts: 0,
            ranges: [(None, None); 5],
            named: 0,
            right: 0,
        })
        .collect();
    for (&leaf, &member) in leaves.iter().zip(is_member) {
        if let Some(node) = nodes.get_mut(leaf as usize) {
            node.named += 1;
            node.right += u64::from(member);
        }
    }
    for id in 0..nodes.len() {
        let (Some((column, threshold, right)), Some(node)) = (tree.cut(id), nodes.get(id)) else {
            continue;
        };
        let (cuts, ranges) = (node.cuts + 1, node.ranges);
        let Some(&feature) = RuleFeature::ALL.get(column) else {
            continue;
        };
        // up to the threshold is left: the first value on the right
        let value = if feature.is_whole() {
            threshold.floor() + 1.0
        } else {
            threshold.next_up()
        };
        for (child, is_left) in [(id + 1, true), (right, false)] {
            let Some(child) = nodes.get_mut(child) else {
                continue;
            };
            (child.cuts, child.ranges) = (cuts, ranges);
            if let Some((least, below)) = child.ranges.get_mut(column) {
                *(if is_left { below } else { least }) = Some(value);
            }
        }
    }
    for id in (0..nodes.len()).rev() {
        let Some((_, _, right)) = tree.cut(id) else {
            continue;
        };
        let sums = [id + 1, right].map(|child| {
            let child = nodes.get(child);
            child.map_or((0, 0, 0), |child| (child.named, child.right, child.end))
        });
        if let Some(node) = nodes.get_mut(id) {
            let [left, right] = sums;
            (node.named, node.right, node.end) = (left.0 + right.0, left.1 + right.1, right.2);
        }
    }
    nodes
}
