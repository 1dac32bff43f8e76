//! A random forest of regression trees, and the leaf of each tree that a customer falls in.
//!
//! The trees follow scikit-learn 1.9 (Breiman 2001; Breiman, Friedman, Olshen, Stone
//! 1984), so that an imported scikit-learn forest gives the same leaf, under the same node
//! number, for every input.

mod check;
mod fit;
mod part;
mod random_split;
mod split;
mod store;
mod tree;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use rayon::prelude::*;

use super::error::ModelError;
pub use tree::Tree;

/// Rows that go through all trees together, so that a tree's top stays in cache.
const BLOCK: usize = 1024;

/// How a forest is grown.
#[derive(Debug, Clone, PartialEq)]
pub struct ForestParams {
    /// Number of trees.
    pub trees: usize,
    /// Seed of the bootstrap.
    pub seed: u64,
    /// Whether each tree sees rows drawn with replacement, or all rows once.
    pub bootstrap: bool,
    /// Least number of distinct rows in a leaf.
    pub min_samples_leaf: usize,
    /// How a node is cut.
    pub splitter: Splitter,
    /// Most rows that a tree is grown on, drawn for each tree anew; all of them if there are
    /// no more. Bounds a tree's nodes, whose number otherwise grows with the customers'
    /// (subagging: Bühlmann and Yu 2002).
    pub most_rows: Option<usize>,
}

/// How a node is cut.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Splitter {
    /// The best cut of all features and values (CART).
    #[default]
    Best,
    /// The best of one cut drawn at random for each feature (extremely randomised trees,
    /// Geurts, Ernst, Wehenkel 2006). Cuts are drawn among the node's rows in the order of
    /// the feature, not among its values: no scaling of a feature changes a tree.
    Random {
        /// Values of each feature at which customers are told apart rather than anywhere
        /// else, ascending, in the units of the features that the forest is fitted to.
        breaks: Vec<Vec<f64>>,
        /// Share of the cuts that are made at a break, where the node spans one.
        break_share: f64,
    },
}

impl Default for ForestParams {
    fn default() -> Self {
        Self {
            trees: 100,
            seed: 42,
            bootstrap: true,
            min_samples_leaf: 1,
            splitter: Splitter::Best,
            most_rows: None,
        }
    }
}

impl ForestParams {
    /// Grows a forest on features `x`, shape `(n_customers, n_features)`, and targets `y`,
    /// shape `(n_customers,)`.
    ///
    /// Trees are grown in parallel, each from its own random numbers.
    pub fn fit(&self, x: ArrayView2<f64>, y: ArrayView1<f64>) -> Result<Forest, ModelError> {
        fit::fit(self, x, y)
    }
}

/// A grown forest.
#[derive(Debug, Clone, PartialEq)]
pub struct Forest {
    n_features: usize,
    trees: Vec<Tree>,
}

impl Forest {
    /// A forest of trees grown elsewhere.
    pub fn from_trees(n_features: usize, trees: Vec<Tree>) -> Result<Self, ModelError> {
        if trees.is_empty() {
            return Err(ModelError::parameter("trees", 0, "must be at least 1"));
        }
        if n_features == 0 || n_features > tree::MOST_FEATURES {
            return Err(ModelError::parameter(
                "features",
                n_features,
                "must be in 1..=255",
            ));
        }
        if let Some(tree) = trees.iter().find(|t| t.n_features() > n_features) {
            let found = [tree.n_features()];
            return Err(ModelError::shape(
                "features of a tree",
                &[n_features],
                &found,
            ));
        }
        Ok(Self { n_features, trees })
    }

    /// Features that a customer must have.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// The trees.
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// The leaf of every customer in every tree, shape `(n_customers, n_trees)`: node
    /// numbers in depth-first order as scikit-learn's `apply` gives them.
    ///
    /// `x` has shape `(n_customers, n_features)` and is rounded to single precision first,
    /// as scikit-learn does.
    pub fn leaf_indices(&self, x: ArrayView2<f64>) -> Result<Array2<u32>, ModelError> {
        let rows = self.single_precision(x)?;
        let n_trees = self.trees.len();
        let mut leaves = vec![0_u32; x.nrows() * n_trees];
        leaves
            .par_chunks_mut(BLOCK * n_trees)
            .zip(rows.par_chunks(BLOCK * self.n_features))
            .for_each(|(leaves, rows)| {
                for (t, tree) in self.trees.iter().enumerate() {
                    tree.leaves(rows, self.n_features, |row, leaf| {
                        leaves[row * n_trees + t] = leaf;
                    });
                }
            });
        let leaves = Array2::from_shape_vec((x.nrows(), n_trees), leaves);
        Ok(leaves.map_err(linfa::Error::from)?)
    }

    /// The mean of the trees' predictions, shape `(n_customers,)`.
    pub fn predict(&self, x: ArrayView2<f64>) -> Result<Array1<f64>, ModelError> {
        let rows = self.single_precision(x)?;
        let predicted: Vec<f64> = rows
            .par_chunks_exact(self.n_features)
            .map(|row| {
                let sum: f64 = self.trees.iter().map(|t| t.predict(row)).sum();
                sum / self.trees.len() as f64
            })
            .collect();
        Ok(predicted.into())
    }

    /// The mean of the trees' predictions for customers whose `leaves`, shape
    /// `(n_customers, n_trees)`, are known; shape `(n_customers,)`.
    pub fn predict_leaves(&self, leaves: ArrayView2<u32>) -> Result<Array1<f64>, ModelError> {
        let n_trees = self.trees.len();
        if leaves.ncols() != n_trees {
            let expected = [leaves.nrows(), n_trees];
            return Err(ModelError::shape("leaves", &expected, leaves.shape()));
        }
        let mean = |row: ArrayView1<u32>| {
            let mut sum = 0.0;
            for (tree, &leaf) in self.trees.iter().zip(row) {
                let Some(value) = tree.leaf_value(leaf) else {
                    return Err(ModelError::parameter(
                        "leaf",
                        leaf,
                        "must be a leaf of its tree",
                    ));
                };
                sum += value;
            }
            Ok(sum / n_trees as f64)
        };
        leaves.rows().into_iter().map(mean).collect()
    }

    fn single_precision(&self, x: ArrayView2<f64>) -> Result<Vec<f32>, ModelError> {
        if x.ncols() != self.n_features {
            let expected = [x.nrows(), self.n_features];
            return Err(ModelError::shape(
                "features of the forest",
                &expected,
                x.shape(),
            ));
        }
        tree::single_precision(x)
    }

    /// The forest as safetensors.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        store::to_bytes(self)
    }

    /// A forest from [`to_bytes`](Self::to_bytes). Trees that are not trees are refused as
    /// corrupt, so that following them always ends.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        store::from_bytes(bytes)
    }
}

impl<'a> linfa::traits::Fit<ArrayView2<'a, f64>, ArrayView1<'a, f64>, ModelError> for ForestParams {
    type Object = Forest;

    fn fit(
        &self,
        dataset: &linfa::DatasetBase<ArrayView2<'a, f64>, ArrayView1<'a, f64>>,
    ) -> Result<Forest, ModelError> {
        Self::fit(self, dataset.records().view(), dataset.targets().view())
    }
}

impl<'a> linfa::traits::Predict<ArrayView2<'a, f64>, Result<Array1<f64>, ModelError>> for Forest {
    fn predict(&self, x: ArrayView2<'a, f64>) -> Result<Array1<f64>, ModelError> {
        Self::predict(self, x)
    }
}

#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;
