//! Who moved since the run before.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::segments::{Flow, Migration, Migrations, Profile};

/// The flow between two runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FlowPanel {
    /// The earlier run.
    pub since: String,
    /// Its moment.
    pub since_as_of: String,
    /// Customers who are in the segment that they were in.
    pub stayed: Flow,
    /// Customers who are in another segment.
    pub moved: Flow,
    /// Customers who were not there before.
    pub entered: Flow,
    /// Customers who are no more there.
    pub left: Flow,
    /// The segments of then, the highest mean revenue first where that is known.
    pub before: Vec<Node>,
    /// The segments of now.
    pub now: Vec<Node>,
    /// Every pair of segments that customers went between, by number.
    pub cells: Vec<Migration>,
}

/// A segment of one of the runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Node {
    /// Its number.
    pub label: u32,
    /// Its name.
    pub name: String,
    /// Customers in it.
    pub customers: u64,
}

impl FlowPanel {
    pub(super) fn of(found: &Migrations, now: &Profile, before: Option<&Profile>) -> Self {
        Self {
            since: found.since.clone(),
            since_as_of: found.since_as_of.to_string(),
            stayed: found.stayed,
            moved: found.moved,
            entered: found.entered,
            left: found.left,
            before: nodes(found, |cell| cell.from, before, now),
            now: nodes(found, |cell| cell.to, Some(now), now),
            cells: found.matrix.clone(),
        }
    }
}

/// The segments of a side, named and ordered by its profile, else by the other's.
fn nodes(
    found: &Migrations,
    side: fn(&Migration) -> Option<u32>,
    own: Option<&Profile>,
    other: &Profile,
) -> Vec<Node> {
    let mut customers: BTreeMap<u32, u64> = BTreeMap::new();
    for cell in &found.matrix {
        if let Some(label) = side(cell) {
            *customers.entry(label).or_default() += cell.flow.customers;
        }
    }
    let profiles = own.into_iter().chain([other]);
    let known = profiles.flat_map(|profile| &profile.segments);
    let mut nodes = Vec::with_capacity(customers.len());
    for segment in known {
        if let Some(customers) = customers.remove(&segment.label) {
            nodes.push(Node {
                label: segment.label,
                name: segment.segment.clone(),
                customers,
            });
        }
    }
    nodes.extend(customers.into_iter().map(|(label, customers)| Node {
        label,
        name: format!("segment {label}"),
        customers,
    }));
    nodes
}
