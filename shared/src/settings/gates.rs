//! What a refit must reach to take the champion's place.

use serde::{Deserialize, Serialize};

use super::Profile;

/// Thresholds; a refit that misses one stays a challenger until somebody promotes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateSettings {
    /// Least mean silhouette in the embedding.
    pub min_silhouette: f64,
    /// Least stability: mean adjusted Rand index of refits on 80% of the customers.
    pub min_stability: f64,
    /// Refits that the stability is measured by; with 0 it is not.
    pub resamples: usize,
    /// Largest share of the customers who change segment.
    pub max_moved_share: f64,
    /// Largest change of a segment's share of the customers.
    pub max_share_shift: f64,
    /// Largest population stability index of a feature against the champion's training.
    pub max_psi: f64,
    /// Largest Kolmogorov-Smirnov statistic of the same.
    pub max_ks: f64,
}

impl GateSettings {
    pub(super) fn of(profile: Profile) -> Self {
        // What a fit on the notebook's settings reaches is less by itself: docs/QUALITY.md.
        let (min_silhouette, min_stability) = match profile {
            Profile::Default => (0.6, 0.7),
            Profile::Notebook => (0.4, 0.4),
        };
        Self {
            min_silhouette,
            min_stability,
            resamples: 5,
            max_moved_share: 0.3,
            max_share_shift: 0.1,
            max_psi: 0.25,
            max_ks: 0.2,
        }
    }

    /// What is wrong with them, if anything.
    pub(super) fn wrong(&self) -> Option<&'static str> {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        if !(-1.0..=1.0).contains(&self.min_silhouette) {
            return Some("gates.min_silhouette must be between -1 and 1");
        }
        if !(-1.0..=1.0).contains(&self.min_stability) {
            return Some("gates.min_stability must be between -1 and 1");
        }
        if self.resamples > 100 {
            return Some("gates.resamples must be at most 100");
        }
        if !(share(self.max_moved_share) && share(self.max_share_shift) && share(self.max_ks)) {
            return Some(
                "gates.max_moved_share, max_share_shift and max_ks must be between 0 and 1",
            );
        }
        if self.max_psi.is_nan() || self.max_psi < 0.0 {
            return Some("gates.max_psi must be at least 0");
        }
        None
    }
}
