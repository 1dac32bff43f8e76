//! Which number of groups of a curve is recommended.

use serde::{Deserialize, Serialize};

use super::{Cell, Figures, elbow};

/// Why a number was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Of those that refits find again, the highest silhouette.
    HighestSilhouetteOfStable,
    /// None is found again often enough: the one that is most often.
    MostStable,
    /// Without refits: the highest silhouette.
    HighestSilhouette,
}

/// The recommended number of groups of one method in one space.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Groups.
    pub k: usize,
    /// Why.
    pub rule: Rule,
    /// Numbers of groups that refits find again, in ascending order.
    pub stable: Vec<usize>,
    /// The elbow of the inertia.
    pub elbow: Option<usize>,
}

/// Chooses among the cells of one curve, in ascending order of k: of those whose stability
/// is at least `threshold` the one of the highest silhouette, the smaller of equals; if there
/// is none, the most stable. `None` if no cell has a silhouette.
pub fn choose(curve: &[&Cell], threshold: f64) -> Option<Choice> {
    let measured: Vec<(usize, f64, &Figures)> = curve
        .iter()
        .filter_map(|cell| {
            let figures = cell.figures()?;
            Some((cell.k, figures.silhouette?, figures))
        })
        .collect();
    let steady = |figures: &Figures| figures.stability.map(|s| s.mean);
    let stable: Vec<usize> = measured
        .iter()
        .filter(|(_, _, figures)| steady(figures).is_some_and(|mean| mean >= threshold))
        .map(|(k, _, _)| *k)
        .collect();
    let refitted = measured.iter().any(|(_, _, f)| steady(f).is_some());
    let (k, rule) = if !stable.is_empty() {
        let candidates = measured.iter().filter(|(k, _, _)| stable.contains(k));
        let best = highest(candidates.map(|&(k, silhouette, _)| (k, silhouette)));
        (best?, Rule::HighestSilhouetteOfStable)
    } else if refitted {
        let all = measured.iter();
        let best = highest(all.filter_map(|&(k, _, figures)| Some((k, steady(figures)?))));
        (best?, Rule::MostStable)
    } else {
        let all = measured.iter();
        let best = highest(all.map(|&(k, silhouette, _)| (k, silhouette)));
        (best?, Rule::HighestSilhouette)
    };
    let falling: Vec<(usize, f64)> = curve
        .iter()
        .filter_map(|cell| Some((cell.k, cell.figures()?.inertia)))
        .collect();
    let points: Vec<(f64, f64)> = falling.iter().map(|&(k, y)| (k as f64, y)).collect();
    let bend = elbow(&points).and_then(|i| falling.get(i)).map(|&(k, _)| k);
    Some(Choice {
        k,
        rule,
        stable,
        elbow: bend,
    })
}

/// The first of the highest.
fn highest(values: impl Iterator<Item = (usize, f64)>) -> Option<usize> {
    let first = |best: (usize, f64), next: (usize, f64)| if next.1 > best.1 { next } else { best };
    values.reduce(first).map(|(k, _)| k)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exploration::{Method, Outcome, Space, Stability};

    fn cell(k: usize, silhouette: f64, stability: Option<f64>, inertia: f64) -> Cell {
        Cell {
            space: Space::Embedding,
            method: Method::KMeans,
            k,
            outcome: Outcome::Figures(Figures {
                groups: k,
                silhouette: Some(silhouette),
                stability: stability.map(|mean| Stability {
                    mean,
                    lowest: mean,
                    refits: 5,
                }),
                inertia,
                ..Figures::default()
            }),
        }
    }

    fn chosen(cells: &[Cell]) -> Option<Choice> {
        choose(&cells.iter().collect::<Vec<_>>(), 0.9)
    }

    #[test]
    fn of_the_stable_the_highest_silhouette() {
        let found = chosen(&[
            cell(2, 0.6, Some(0.99), 100.0),
            cell(3, 0.7, Some(0.95), 40.0),
            cell(4, 0.9, Some(0.5), 30.0),
            cell(5, 0.7, Some(0.9), 25.0),
        ])
        .unwrap();
        assert_eq!((found.k, found.rule), (3, Rule::HighestSilhouetteOfStable));
        assert_eq!((found.stable, found.elbow), (vec![2, 3, 5], Some(3)));
    }

    #[test]
    fn without_a_stable_one_the_most_stable() {
        let found = chosen(&[cell(2, 0.9, Some(0.2), 9.0), cell(3, 0.1, Some(0.4), 5.0)]).unwrap();
        assert_eq!(
            (found.k, found.rule, found.elbow),
            (3, Rule::MostStable, None)
        );
    }

    #[test]
    fn without_refits_the_highest_silhouette() {
        let found = chosen(&[cell(2, 0.3, None, 9.0), cell(3, 0.4, None, 5.0)]).unwrap();
        assert_eq!((found.k, found.rule), (3, Rule::HighestSilhouette));
    }

    #[test]
    fn what_failed_is_not_chosen() {
        let failed = Cell {
            outcome: Outcome::Failed("it".to_owned()),
            ..cell(2, 0.0, None, 0.0)
        };
        assert_eq!(chosen(std::slice::from_ref(&failed)), None);
        assert_eq!(chosen(&[failed, cell(3, -0.1, None, 1.0)]).unwrap().k, 3);
        assert_eq!(chosen(&[]), None);
    }
}
