//! What each step of a publication took.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Seconds by step.
pub(crate) struct Laps {
    last: Instant,
    pub(crate) steps: BTreeMap<String, f64>,
}

impl Laps {
    pub(crate) fn start() -> Self {
        Self {
            last: Instant::now(),
            steps: BTreeMap::new(),
        }
    }

    pub(crate) fn lap(&mut self, step: &str) {
        let now = Instant::now();
        self.note(step, now - self.last);
        self.last = now;
    }

    /// A part of a step.
    pub(crate) fn note(&mut self, step: &str, took: Duration) {
        let seconds = (took.as_secs_f64() * 1000.0).round() / 1000.0;
        self.steps.insert(step.to_owned(), seconds);
    }
}
