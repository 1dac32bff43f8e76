//! One choice and its figures.

use ndarray::{ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};

use super::Stability;
use crate::Result;
use crate::evaluation::{Separation, eta_squared};
use crate::models::silhouette;

/// What the customers are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Space {
    /// The two dimensions of the UMAP on the forest's leaves: what the segments are made in.
    Embedding,
    /// The features as the models take them, min-max scaled.
    Features,
    /// The first two principal components of those.
    Pca,
}

/// How they are put into groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Lloyd's k-means.
    KMeans,
    /// A mixture of Gaussians with full covariances.
    GaussianMixture,
    /// Ward's hierarchical clustering, cut at k groups.
    Hierarchical,
}

impl Space {
    /// Every space, the product's own first.
    pub const ALL: [Self; 3] = [Self::Embedding, Self::Features, Self::Pca];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedding => "embedding",
            Self::Features => "features",
            Self::Pca => "pca",
        }
    }
}

impl Method {
    /// Every method, the product's own first.
    pub const ALL: [Self; 3] = [Self::KMeans, Self::GaussianMixture, Self::Hierarchical];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::KMeans => "k-means",
            Self::GaussianMixture => "gaussian-mixture",
            Self::Hierarchical => "hierarchical",
        }
    }
}

/// One choice of space, method and number of groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// What the customers are compared by.
    pub space: Space,
    /// How they are put into groups.
    pub method: Method,
    /// Groups that were asked for.
    pub k: usize,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

impl Cell {
    /// The figures, unless the method failed.
    pub fn figures(&self) -> Option<&Figures> {
        match &self.outcome {
            Outcome::Figures(figures) => Some(figures),
            Outcome::Failed(_) => None,
        }
    }
}

/// What came of a choice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A grouping, measured.
    Figures(Figures),
    /// The method gave no grouping; why.
    Failed(String),
}

/// How good a grouping is. What is not defined for it is absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Groups that have customers.
    pub groups: usize,
    /// Customers of the smallest group.
    pub smallest: usize,
    /// And of the largest.
    pub largest: usize,
    /// Mean silhouette, -1 to 1, higher is better.
    pub silhouette: Option<f64>,
    /// Sum of squared distances to the groups' centroids; falls with k.
    pub inertia: f64,
    /// Davies–Bouldin index, lower is better.
    pub davies_bouldin: Option<f64>,
    /// Calinski–Harabasz index, higher is better.
    pub calinski_harabasz: Option<f64>,
    /// Adjusted Rand index against refits on parts of the customers.
    pub stability: Option<Stability>,
    /// Share of the variance of log revenue between the groups, 0 to 1: the one figure
    /// that can be compared from one space to another.
    pub eta_squared: f64,
}

impl Figures {
    /// Measures `points`, shape `(n_customers, n_components)`, under `labels`, shape
    /// `(n_customers,)`; `log_revenue` is the customers' own.
    pub fn of(
        points: ArrayView2<f64>,
        labels: ArrayView1<u32>,
        log_revenue: &[f64],
        stability: Option<Stability>,
    ) -> Result<Self> {
        let separation = Separation::of(points, labels)?;
        let defined = separation.groups() >= 2 && separation.groups() < labels.len();
        let silhouette = defined
            .then(|| silhouette(points, labels, usize::MAX, 0, 0))
            .transpose()?;
        Ok(Self {
            groups: separation.groups(),
            smallest: separation.smallest(),
            largest: separation.largest(),
            silhouette: silhouette.map(|s| s.score),
            inertia: separation.inertia(),
            davies_bouldin: separation.davies_bouldin(),
            calinski_harabasz: separation.calinski_harabasz(),
            stability,
            eta_squared: eta_squared(&labels.to_vec(), log_revenue),
        })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn a_single_group_has_no_silhouette_and_is_no_failure() {
        let points = array![[0.0], [1.0], [4.0]];
        let found = Figures::of(points.view(), array![3, 3, 3].view(), &[1.0; 3], None).unwrap();
        assert_eq!((found.groups, found.silhouette), (1, None));
        assert_eq!((found.davies_bouldin, found.eta_squared), (None, 0.0));
    }

    #[test]
    fn cells_are_read_as_they_are_written() {
        let figures = Outcome::Figures(Figures::default());
        for outcome in [figures, Outcome::Failed("no".to_owned())] {
            let cell = Cell {
                space: Space::Pca,
                method: Method::KMeans,
                k: 4,
                outcome,
            };
            let text = serde_json::to_string(&cell).unwrap();
            assert_eq!(serde_json::from_str::<Cell>(&text).unwrap(), cell, "{text}");
        }
        let name = serde_json::to_string(&Method::KMeans).unwrap();
        assert_eq!(name, "\"k-means\"");
    }
}
