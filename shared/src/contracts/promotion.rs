//! What became of a fit.

use serde::{Deserialize, Serialize};

use crate::bundle::Sample;
use crate::evaluation::Gate;

/// Whether a fit's models became the champion, and if not, why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Promotion {
    /// Whether they did; otherwise the run is not published.
    pub promoted: bool,
    /// The champion that they were measured against, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub champion: Option<String>,
    /// The figures against their thresholds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// Why they did not become champion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where the models were fitted to a sample of the customers: of how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
}

impl Promotion {
    /// The gates that were missed, in one line.
    pub fn missed(gates: &[Gate]) -> Option<String> {
        let missed = gates.iter().filter(|gate| !gate.passed);
        let missed: Vec<String> = missed
            .map(|gate| {
                format!(
                    "gates.{} is {}, measured {:.4}",
                    gate.name, gate.threshold, gate.value
                )
            })
            .collect();
        (!missed.is_empty()).then(|| missed.join("; "))
    }
}
