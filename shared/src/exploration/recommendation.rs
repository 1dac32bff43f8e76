//! The whole of an exploration, and what it comes to.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::{Cell, Choice, Figures, Method, Plan, Rule, Space, choose};

/// Everything that was found: `explore.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exploration {
    /// Derives from what was explored and how.
    pub id: String,
    /// How it was explored.
    pub plan: Plan,
    /// The run whose customers these are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The stored model that made the embedding; absent if one was fitted for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Customers.
    pub customers: usize,
    /// Customers that were looked at.
    pub looked_at: usize,
    /// Segments as of now.
    pub current: usize,
    /// Number of segments that the embedding was made for, if it was made for one.
    pub laid_out_for: Option<usize>,
    /// Share of the variance of the scaled features in the principal components.
    pub pca_explained: f64,
    /// What to do.
    pub recommendation: Option<Recommendation>,
    /// What each method in each space comes to.
    pub curves: Vec<Curve>,
    /// Every choice.
    pub cells: Vec<Cell>,
}

/// What one method in one space comes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// What the customers are compared by.
    pub space: Space,
    /// How they are put into groups.
    pub method: Method,
    /// Its best number of groups.
    #[serde(flatten)]
    pub choice: Choice,
}

/// A number of segments for the product: k-means in the embedding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recommendation {
    /// Segments.
    pub k: usize,
    /// Why, in sentences.
    pub reason: String,
}

impl Exploration {
    /// Fills in what the cells come to.
    #[must_use]
    pub fn concluded(mut self) -> Self {
        self.curves = Space::ALL
            .into_iter()
            .flat_map(|space| Method::ALL.map(|method| (space, method)))
            .filter_map(|(space, method)| {
                let choice = choose(&self.curve(space, method), self.plan.stable)?;
                Some(Curve {
                    space,
                    method,
                    choice,
                })
            })
            .collect();
        self.recommendation = self.recommend();
        self
    }

    /// The cells of one method in one space, in ascending order of k.
    pub fn curve(&self, space: Space, method: Method) -> Vec<&Cell> {
        let of_curve = |cell: &&Cell| cell.space == space && cell.method == method;
        self.cells.iter().filter(of_curve).collect()
    }

    /// The figures of one choice.
    pub fn figures(&self, space: Space, method: Method, k: usize) -> Option<&Figures> {
        let found = |cell: &&Cell| cell.space == space && cell.method == method && cell.k == k;
        self.cells.iter().find(found)?.figures()
    }

    fn recommend(&self) -> Option<Recommendation> {
        let (space, method) = (Space::Embedding, Method::KMeans);
        let curve = self.curves.iter();
        let mut curve = curve.filter(|c| c.space == space && c.method == method);
        let choice = &curve.next()?.choice;
        let k = choice.k;
        let figures = self.figures(space, method, k)?;
        let silhouette = figures.silhouette?;
        let (range, stable) = (self.plan.k, self.plan.stable);
        let (from, to) = (range.from, range.to);
        let ari = |figures: &Figures| figures.stability.map_or(0.0, |s| s.mean);
        let mut reason = match choice.rule {
            Rule::HighestSilhouetteOfStable => format!(
                "{k} segments: of the {} numbers from {from} to {to} that refits on 80% of the \
                 customers find again (mean adjusted Rand index, ARI, of at least {stable:.2}), it \
                 has the highest silhouette, {silhouette:.3}, with an ARI of {:.3}.",
                choice.stable.len(),
                ari(figures)
            ),
            Rule::MostStable => format!(
                "{k} segments: no number from {from} to {to} is found again by refits on 80% of \
                 the customers (mean adjusted Rand index, ARI, of at least {stable:.2}); it comes \
                 nearest, with an ARI of {:.3} and a silhouette of {silhouette:.3}.",
                ari(figures)
            ),
            Rule::HighestSilhouette => format!(
                "{k} segments: the highest silhouette from {from} to {to}, {silhouette:.3}; \
                 without refits nothing is known of its stability."
            ),
        };
        // Writing to a String can't fail.
        if let Some(elbow) = choice.elbow {
            let _ = write!(reason, " The inertia bends at {elbow}.");
        }
        let current = self.current;
        let now = self.figures(space, method, current);
        let _ = match now {
            _ if current == k => write!(reason, " It is the current number."),
            None => write!(reason, " The current number, {current}, was not explored."),
            Some(now) => {
                let silhouette = now.silhouette.unwrap_or_default();
                write!(
                    reason,
                    " The current number, {current}, has a silhouette of {silhouette:.3}"
                )
                .and_then(|()| match now.stability {
                    Some(s) => write!(reason, " and an ARI of {:.3}.", s.mean),
                    None => write!(reason, "."),
                })
            }
        };
        if let Some(made_for) = self.laid_out_for {
            let _ = write!(
                reason,
                " The embedding was laid out for {made_for} segments, which favours that number: \
                 before another is used, refit with it and compare (insiders evaluate)."
            );
        }
        Some(Recommendation { k, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exploration::{KRange, Outcome, Stability};

    fn exploration(silhouettes: &[(usize, f64, f64)], current: usize) -> Exploration {
        let cell = |&(k, silhouette, mean): &(usize, f64, f64)| Cell {
            space: Space::Embedding,
            method: Method::KMeans,
            k,
            outcome: Outcome::Figures(Figures {
                groups: k,
                silhouette: Some(silhouette),
                stability: Some(Stability {
                    mean,
                    lowest: mean,
                    refits: 3,
                }),
                inertia: 100.0 / (k * k) as f64,
                ..Figures::default()
            }),
        };
        Exploration {
            id: "0".to_owned(),
            plan: Plan {
                k: KRange { from: 2, to: 5 },
                resamples: 3,
                stable: 0.9,
                restarts: 1,
                sample: 100,
                seed: 42,
            },
            run: None,
            model: None,
            customers: 100,
            looked_at: 100,
            current,
            laid_out_for: None,
            pca_explained: 0.9,
            recommendation: None,
            curves: Vec::new(),
            cells: silhouettes.iter().map(cell).collect(),
        }
        .concluded()
    }

    #[test]
    fn the_reason_names_the_rule_the_elbow_and_the_current_number() {
        let cells = [
            (2, 0.5, 0.95),
            (3, 0.8, 0.92),
            (4, 0.9, 0.5),
            (5, 0.6, 0.91),
        ];
        let found = exploration(&cells, 5);
        let recommended = found.recommendation.unwrap();
        assert_eq!(recommended.k, 3);
        assert_eq!(
            recommended.reason,
            "3 segments: of the 3 numbers from 2 to 5 that refits on 80% of the customers find \
             again (mean adjusted Rand index, ARI, of at least 0.90), it has the highest \
             silhouette, 0.800, with an ARI of 0.920. The inertia bends at 3. The current number, 5, has a silhouette of \
             0.600 and an ARI of 0.910."
        );
        assert_eq!(found.curves.len(), 1, "only what was explored has a curve");
    }

    #[test]
    fn the_current_number_may_be_the_one_or_none_of_them() {
        let cells = [(2, 0.5, 0.4), (3, 0.4, 0.6)];
        let reason = |current| exploration(&cells, current).recommendation.unwrap().reason;
        assert!(reason(3).contains("comes nearest, with an ARI of 0.600"));
        assert!(reason(3).contains("It is the current number."));
        assert!(reason(11).contains("The current number, 11, was not explored."));
        assert_eq!(exploration(&[], 3).recommendation, None);
    }
}
