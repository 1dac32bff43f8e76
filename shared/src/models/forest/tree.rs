//! One tree: nodes in depth-first order.

use ndarray::ArrayView2;

use super::super::error::ModelError;

/// Rows that go down a tree side by side: each step waits for the node before it, and for a
/// guess at the branch that is often wrong.
const LANES: usize = 8;
/// Most features of a forest, and most nodes of a tree: what a node of eight bytes can name.
pub(super) const MOST_FEATURES: usize = Step::LEAF as usize;
const MOST_NODES: usize = 1 << 24;
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

/// A node as rows pass it, in eight bytes: going down a tree is waiting for memory.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Step {
    /// The greatest single-precision number up to the threshold: rows are compared alike.
    threshold: f32,
    /// The right child, and the feature in the lowest byte.
    link: u32,
}

impl Step {
    const LEAF: u8 = u8::MAX;

    fn new(node: Node) -> Self {
        let nearest = node.threshold as f32;
        let above = f64::from(nearest) > node.threshold;
        Self {
            threshold: if above { nearest.next_down() } else { nearest },
            link: node.right << 8 | u32::from(node.feature as u8),
        }
    }

    fn feature(self) -> u8 {
        self.link as u8
    }

    fn right(self) -> u32 {
        self.link >> 8
    }
}

/// A regression tree whose nodes are numbered depth first, the left branch before the
/// right one: the left child of node `i` is `i + 1`.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    steps: Vec<Step>,
    /// The threshold of an inner node, the mean target of a leaf.
    numbers: Vec<f64>,
    /// The mean targets of the inner nodes, in their order: nobody asks for one of them.
    inner_values: Vec<f64>,
}

impl Tree {
    /// A tree from arrays of one entry a node, as scikit-learn keeps them: the feature
    /// compared (negative in a leaf), the threshold, the right child and the mean target.
    ///
    /// Fails unless the nodes are a whole tree numbered depth first, of at most 2^24 nodes and
    /// 255 features.
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
            .collect::<Vec<_>>();
        Self::new(&nodes, values)
    }

    pub(super) fn new(nodes: &[Node], values: &[f64]) -> Result<Self, ModelError> {
        let finite = nodes.iter().all(|n| n.threshold.is_finite());
        if !finite || values.iter().any(|v| !v.is_finite()) {
            return Err(ModelError::NotFinite {
                what: "a tree's thresholds or values",
            });
        }
        check_order(nodes)?;
        let pairs = || nodes.iter().zip(values.iter().copied());
        let mut inner_values = Vec::with_capacity(nodes.len() / 2);
        inner_values.extend(
            pairs()
                .filter(|(node, _)| !node.is_leaf())
                .map(|pair| pair.1),
        );
        let number = |(node, value): (&Node, f64)| {
            if node.is_leaf() {
                value
            } else {
                node.threshold
            }
        };
        Ok(Self {
            steps: nodes.iter().copied().map(Step::new).collect(),
            numbers: pairs().map(number).collect(),
            inner_values,
        })
    }

    /// Number of nodes, inner ones and leaves.
    pub fn n_nodes(&self) -> usize {
        self.steps.len()
    }

    /// What a node compares: the feature, the threshold up to which customers go left, and
    /// the right child; the left child is the next node. `None` in a leaf.
    pub fn cut(&self, node: usize) -> Option<(usize, f64, usize)> {
        let step = self.steps.get(node)?;
        let feature = step.feature();
        let inner = feature != Step::LEAF;
        inner.then(|| {
            let threshold = self.numbers[node];
            (feature.into(), threshold, step.right() as usize)
        })
    }

    /// One more than the highest feature compared.
    pub(super) fn n_features(&self) -> usize {
        let features = self.nodes().map(|n| i32::from(n.feature));
        features.max().map_or(0, |f| (f + 1) as usize)
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = Node> + Clone {
        let pairs = self.steps.iter().zip(&self.numbers);
        pairs.map(|(step, &threshold)| match step.feature() {
            Step::LEAF => Node::leaf(),
            feature => Node {
                threshold,
                right: step.right(),
                feature: i16::from(feature),
            },
        })
    }

    /// The mean target of every node.
    pub(super) fn values(&self) -> impl Iterator<Item = f64> + Clone {
        let mut inner = self.inner_values.iter();
        let pairs = self.steps.iter().zip(&self.numbers);
        pairs.map(move |(step, &number)| match step.feature() {
            Step::LEAF => number,
            // `new` keeps one for each
            _ => inner.next().copied().unwrap_or_default(),
        })
    }

    /// The mean target of a leaf; `None` for what is no leaf of this tree.
    #[inline]
    pub(super) fn leaf_value(&self, node: u32) -> Option<f64> {
        let step = self.steps.get(node as usize)?;
        let is_leaf = step.feature() == Step::LEAF;
        is_leaf.then(|| self.numbers[node as usize])
    }

    /// The mean target of the customer's leaf.
    #[inline]
    pub(super) fn predict(&self, row: &[f32]) -> f64 {
        self.numbers[self.leaf(row) as usize]
    }

    /// The leaf of a customer. Children have higher numbers than parents: it ends.
    #[inline]
    pub(super) fn leaf(&self, row: &[f32]) -> u32 {
        self.leaf_from(0, row)
    }

    fn leaf_from(&self, mut id: u32, row: &[f32]) -> u32 {
        while let Some(next) = self.step(id, row) {
            id = next;
        }
        id
    }

    /// The child that a row goes to; `None` from a leaf.
    #[inline]
    fn step(&self, id: u32, row: &[f32]) -> Option<u32> {
        let step = self.steps[id as usize];
        let feature = step.feature();
        if feature == Step::LEAF {
            return None;
        }
        let left = row[feature as usize] <= step.threshold;
        Some(std::hint::select_unpredictable(left, id + 1, step.right()))
    }

    /// The leaf of each of `rows`, `n_features` numbers each: `found(row, leaf)` in no order.
    ///
    /// A lane whose row has arrived takes the next row.
    pub(super) fn leaves(
        &self,
        rows: &[f32],
        n_features: usize,
        mut found: impl FnMut(usize, u32),
    ) {
        let mut rows = rows.chunks_exact(n_features).enumerate();
        let mut lanes = [Lane::default(); LANES];
        let mut busy = 0;
        for (lane, (number, row)) in lanes.iter_mut().zip(&mut rows) {
            *lane = Lane { row, number, id: 0 };
            busy += 1;
        }
        if busy == 0 {
            return;
        }
        'rows: loop {
            for lane in &mut lanes[..busy] {
                if let Some(child) = self.step(lane.id, lane.row) {
                    lane.id = child;
                    continue;
                }
                found(lane.number, lane.id);
                let Some((number, row)) = rows.next() else {
                    break 'rows;
                };
                *lane = Lane { row, number, id: 0 };
            }
        }
        // the lane that found its leaf last has it still
        for lane in &lanes[..busy] {
            found(lane.number, self.leaf_from(lane.id, lane.row));
        }
    }
}

/// A row on its way down a tree.
#[derive(Clone, Copy, Default)]
struct Lane<'a> {
    row: &'a [f32],
    number: usize,
    id: u32,
}

/// Checks that the nodes are exactly one binary tree in depth-first order, by walking it.
fn check_order(nodes: &[Node]) -> Result<(), ModelError> {
    let broken = |why: &'static str, node: usize| ModelError::Corrupt {
        file: "tree",
        why: format!("{why} (node {node})"),
    };
    if nodes.len() > MOST_NODES {
        return Err(broken("it has more than 2^24 nodes", nodes.len()));
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
        } else if !(0..MOST_FEATURES as i16).contains(&node.feature) {
            return Err(broken("a feature is not in 0..255", id));
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
