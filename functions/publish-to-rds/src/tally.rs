//! Customers by segment: the two files of a run must tell the same.

use std::collections::HashMap;

use shared::{Error, Result};

use crate::run::PublishRun;

/// Counts the customers of each segment and holds them against the profile.
pub(crate) struct Tally<'a> {
    run: &'a PublishRun,
    segments: HashMap<i32, Segment<'a>>,
}

/// One segment of the profile, and what came of it so far.
struct Segment<'a> {
    name: &'a str,
    customers: u64,
    expected: u64,
}

impl<'a> Tally<'a> {
    pub(crate) fn new(run: &'a PublishRun) -> Result<Self> {
        let mut segments = HashMap::new();
        for segment in &run.profile.segments {
            let label = i32::try_from(segment.label)
                .map_err(|_| damaged(run, &format!("label {} is too large", segment.label)))?;
            let none = Segment {
                name: &segment.segment,
                customers: 0,
                expected: segment.customers,
            };
            if segments.insert(label, none).is_some() {
                return Err(damaged(run, &format!("segment {label} is there twice")));
            }
        }
        Ok(Self { run, segments })
    }

    /// Counts one customer.
    pub(crate) fn count(&mut self, label: i32, segment: &str) -> Result<()> {
        let reason = match self.segments.get_mut(&label) {
            Some(found) if found.customers < found.expected && found.name == segment => {
                found.customers += 1;
                return Ok(());
            }
            Some(found) if found.customers >= found.expected => "has too few customers",
            Some(_) => "has another name",
            None => "is missing",
        };
        Err(damaged(self.run, &format!("segment {label} {reason}")))
    }

    /// What was counted so far.
    pub(crate) fn counted(&self) -> HashMap<i32, u64> {
        let counts = self.segments.iter();
        counts.map(|(&label, of)| (label, of.customers)).collect()
    }

    /// Adds what was counted elsewhere, of other customers.
    pub(crate) fn add(&mut self, counted: &HashMap<i32, u64>) -> Result<()> {
        for (label, customers) in counted {
            let found = self.segments.get_mut(label);
            let Some(found) = found else {
                return Err(damaged(self.run, &format!("segment {label} is missing")));
            };
            found.customers = found.customers.saturating_add(*customers);
            if found.customers > found.expected {
                let reason = format!("segment {label} has too few customers");
                return Err(damaged(self.run, &reason));
            }
        }
        Ok(())
    }

    /// No more customers.
    pub(crate) fn finish(&self, rows: u64) -> Result<()> {
        if rows != self.run.customers {
            return Err(Error::Corrupt {
                object: self.run.segments_key.clone(),
                reason: format!(
                    "it has {rows} rows, the manifest says {}",
                    self.run.customers
                ),
            });
        }
        let short = |segment: &Segment<'_>| segment.customers < segment.expected;
        match self.segments.iter().find(|(_, segment)| short(segment)) {
            Some((label, _)) => Err(damaged(
                self.run,
                &format!("segment {label} has too many customers"),
            )),
            None => Ok(()),
        }
    }
}

fn damaged(run: &PublishRun, reason: &str) -> Error {
    Error::Corrupt {
        object: format!("the profile of run {}", run.run_id),
        reason: format!("held against {}, {reason}", run.segments_key),
    }
}
