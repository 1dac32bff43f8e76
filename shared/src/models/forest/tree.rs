//! One tree: nodes in depth-first order.

use ndarray::ArrayView2;

use super::super::error::ModelError;

/// The feature of a leaf.
const LEAF: i16 = -1;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Node {
    pub(super) threshold: f64,
    /// The right child; the left one is the next node.
    pub(super) right: u32,
    /// The feature that is compared, or `LEAF`.
    pub(super) feature: i16,
}

impl Node {
    pub(super) const fn leaf() -> Self {
        Self {
            threshold: 0.0,
            right: 0,
            feature: LEAF,
        }
    }

    pub(super) fn is_leaf(self) -> bool {
        self.feature == LEAF
    }
}

/// A regression tree whose nodes are numbered depth first, the left branch before the
/// right one: the left child of node `i` is `i + 1`.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    nodes: Vec<Node>,
    values: Vec<f64>,
}

impl Tree {
    /// A tree from arrays of one entry a node, as scikit-learn keeps them: the feature
    /// compared (negative in a leaf), the threshold, the right child and the mean target.
    ///
    /// Fails unless the nodes are a whole tree numbered depth first.
    pub fn from_arrays(
        features: &[i16],
        thresholds: &[f64],
        right: &[u32],
        values: &[f64],
    ) -> Result<Self, ModelError> {
        let n = features.len();
        for found in [thresholds.len(), right.len(), values.len()] {
            if found != n {
                return Err(ModelError::shape("nodes of a tree", &[n], &[found]));
            }
        }
        let nodes = features
            .iter()
            .zip(thresholds)
            .zip(right)
            .map(|((&feature, &threshold), &right)| {
                if feature < 0 {
                    Node::leaf()
                } else {
                    Node {
                        threshold,
                        right,
                        feature,
                    }
                }
            })
            .collect();
        Self::new(nodes, values.to_vec())
    }

    pub(super) fn new(nodes: Vec<Node>, values: Vec<f64>) -> Result<Self, ModelError> {
        let finite = nodes.iter().all(|n| n.threshold.is_finite());
        if !finite || values.iter().any(|v| !v.is_finite()) {
            return Err(ModelError::NotFinite {
                what: "a tree's thresholds or values",
            });
        }
        check_order(&nodes)?;
        Ok(Self { nodes, values })
    }

    /// Number of nodes, inner ones and leaves.
    pub fn n_nodes(&self) -> usize {
        self.nodes.len()
    }

    /// What a node compares: the feature, the threshold up to which customers go left, and
    /// the right child; the left child is the next node. `None` in a leaf.
    pub fn cut(&self, node: usize) -> Option<(usize, f64, usize)> {
        let node = self.nodes.get(node).filter(|node| !node.is_leaf())?;
        Some((node.feature as usize, node.threshold, node.right as usize))
    }

    /// One more than the highest feature compared.
    pub(super) fn n_features(&self) -> usize {
        let features = self.nodes.iter().map(|n| i32::from(n.feature));
        features.max().map_or(0, |f| (f + 1) as usize)
    }

    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    /// The mean target of a node.
    #[inline]
    pub(super) fn value(&self, node: u32) -> f64 {
        self.values[node as usize]
    }

    /// The leaf of a customer. Children have higher numbers than parents: it ends.
    #[inline]
    pub(super) fn leaf(&self, row: &[f32]) -> u32 {
        let mut id = 0_u32;
        loop {
            let node = self.nodes[id as usize];
            if node.is_leaf() {
                return id;
            }
            let left = f64::from(row[node.feature as usize]) <= node.threshold;
            id = if left { id + 1 } else { node.right };
        }
    }
}

/// Checks that the nodes are exactly one binary tree in depth-first order, by walking it.
fn check_order(nodes: &[Node]) -> Result<(), ModelError> {
    let broken = |why: &'static str, node: usize| ModelError::Corrupt {
        file: "tree",
        why: format!("{why} (node {node})"),
    };
    if u32::try_from(nodes.len()).is_err() {
        return Err(broken(
            "it has more nodes than can be numbered",
            nodes.len(),
        ));
    }
    let mut pending: Vec<u32> = Vec::new();
    for (id, node) in nodes.iter().enumerate() {
        if node.is_leaf() {
            match pending.pop() {
                Some(next) if next as usize == id + 1 => {}
                Some(_) => return Err(broken("its nodes are not in depth-first order", id)),
                None if id + 1 == nodes.len() => return Ok(()),
                None => return Err(broken("it has nodes that nothing leads to", id)),
            }
        } else if node.feature < 0 {
            return Err(broken("a feature is negative", id));
        } else {
            pending.push(node.right);
        }
    }
    Err(broken("it ends before its last leaf", nodes.len()))
}

/// The rows of `x` in single precision, one after the other.
pub(super) fn single_precision(x: ArrayView2<f64>) -> Result<Vec<f32>, ModelError> {
    let rows: Vec<f32> = x.iter().map(|&v| v as f32).collect();
    if rows.iter().all(|v| v.is_finite()) {
        Ok(rows)
    } else {
        Err(ModelError::NotFinite {
            what: "the feature matrix in single precision",
        })
    }
}
