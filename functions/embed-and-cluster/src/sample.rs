//! Which customers a fit is made on.

use shared::bundle::Sample;
use shared::features::Features;
use shared::settings::Settings;

/// Customers that a fit takes at most, by the settings or else by the memory that it has.
pub(crate) fn most(settings: &Settings, _memory: Option<u64>) -> u64 {
    settings.embedding.fit_customers.unwrap_or(u64::MAX)
}

/// Chooses.
pub struct Sampler {
    all: Features,
}

impl Sampler {
    /// None yet.
    pub fn new(_most: u64, _seed: u64) -> Self {
        Self {
            all: Features::default(),
        }
    }

    /// Takes some in.
    pub fn add(&mut self, features: &Features) {
        self.all.append(features.clone());
    }

    /// The chosen, in the order of their ids.
    pub fn finish(self) -> (Features, Sample) {
        let n = self.all.len() as u64;
        (
            self.all.in_order(),
            Sample {
                customers: n,
                of: n,
            },
        )
    }
}
