//! Whether a refit may take the champion's place.

use serde::{Deserialize, Serialize};

use super::Drift;
use crate::settings::GateSettings;

/// A refit in figures, measured on the customers that it was fitted to.
#[derive(Debug, Clone, PartialEq)]
pub struct Challenge {
    /// Mean silhouette in the embedding.
    pub silhouette: f64,
    /// Mean adjusted Rand index of refits on parts of the customers, if it was measured.
    pub stability: Option<f64>,
    /// Share of the customers to whom the champion gives another segment.
    pub moved_share: f64,
    /// Largest difference of a segment's share of the customers between the two.
    pub share_shift: f64,
    /// The customers against the champion's training, where the champion knows it.
    pub drift: Option<Vec<Drift>>,
}

/// One figure against its threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Name of the threshold in the settings.
    pub name: String,
    /// What was measured.
    pub value: f64,
    /// What was asked for.
    pub threshold: f64,
    /// Whether that is reached.
    pub passed: bool,
}

/// Measures a refit against every threshold whose figure there is.
pub fn judge(challenge: &Challenge, gates: &GateSettings) -> Vec<Gate> {
    let at_least = |name: &str, value: f64, threshold: f64| Gate {
        name: name.to_owned(),
        value,
        threshold,
        passed: value >= threshold,
    };
    let at_most = |name: &str, value: f64, threshold: f64| Gate {
        name: name.to_owned(),
        value,
        threshold,
        passed: value <= threshold,
    };
    let silhouette = challenge.silhouette;
    let mut found = vec![at_least("min_silhouette", silhouette, gates.min_silhouette)];
    if let Some(stability) = challenge.stability {
        found.push(at_least("min_stability", stability, gates.min_stability));
    }
    for (name, value, threshold) in [
        (
            "max_moved_share",
            challenge.moved_share,
            gates.max_moved_share,
        ),
        (
            "max_share_shift",
            challenge.share_shift,
            gates.max_share_shift,
        ),
    ] {
        found.push(at_most(name, value, threshold));
    }
    if let Some(drift) = &challenge.drift {
        let most = |of: fn(&Drift) -> f64| drift.iter().map(of).fold(0.0, f64::max);
        found.push(at_most("max_psi", most(|d| d.psi), gates.max_psi));
        found.push(at_most("max_ks", most(|d| d.ks), gates.max_ks));
    }
    found
}

/// Largest difference between the shares that each segment's number has of the customers.
pub fn share_shift(before: &[u32], now: &[u32]) -> f64 {
    let mut counts = std::collections::BTreeMap::new();
    for &id in before {
        counts.entry(id).or_insert((0_u64, 0_u64)).0 += 1;
    }
    for &id in now {
        counts.entry(id).or_insert((0, 0)).1 += 1;
    }
    let share = |n: u64, all: &[u32]| n as f64 / all.len().max(1) as f64;
    counts.values().fold(0.0, |most, &(old, new)| {
        f64::max(most, (share(old, before) - share(new, now)).abs())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn each_gate_stops_alone() {
        let gates = Settings::default().gates;
        let fine = Challenge {
            silhouette: 0.8,
            stability: Some(0.9),
            moved_share: 0.05,
            share_shift: 0.01,
            drift: Some(vec![Drift {
                feature: "returns".into(),
                psi: 0.01,
                ks: 0.02,
            }]),
        };
        assert!(judge(&fine, &gates).iter().all(|gate| gate.passed));
        let drifted = |psi, ks| {
            let feature = "returns".into();
            Some(vec![Drift { feature, psi, ks }])
        };
        let worse: [(&str, Challenge); 6] = [
            (
                "min_silhouette",
                Challenge {
                    silhouette: f64::NAN,
                    ..fine.clone()
                },
            ),
            (
                "min_stability",
                Challenge {
                    stability: Some(0.1),
                    ..fine.clone()
                },
            ),
            (
                "max_moved_share",
                Challenge {
                    moved_share: 0.5,
                    ..fine.clone()
                },
            ),
            (
                "max_share_shift",
                Challenge {
                    share_shift: 0.2,
                    ..fine.clone()
                },
            ),
            (
                "max_psi",
                Challenge {
                    drift: drifted(0.3, 0.0),
                    ..fine.clone()
                },
            ),
            (
                "max_ks",
                Challenge {
                    drift: drifted(0.0, 0.3),
                    ..fine.clone()
                },
            ),
        ];
        for (name, challenge) in worse {
            let judged = judge(&challenge, &gates);
            let failed: Vec<_> = judged.iter().filter(|gate| !gate.passed).collect();
            assert_eq!(failed.len(), 1);
            assert_eq!(failed[0].name, name);
        }
        let unknown = Challenge {
            stability: None,
            drift: None,
            ..fine
        };
        assert_eq!(judge(&unknown, &gates).len(), 3);
    }

    #[test]
    fn shift_of_shares_by_hand() {
        assert_eq!(share_shift(&[0, 0, 1, 1], &[0, 1, 1, 7]), 0.25);
        assert_eq!(share_shift(&[], &[]), 0.0);
    }
}
