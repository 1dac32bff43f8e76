//! Who moved between two runs.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::contracts::AsOf;

/// A customer of one run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Member<'a> {
    /// Their id.
    pub customer_id: &'a str,
    /// Their segment's number.
    pub segment: u32,
    /// Their gross revenue.
    pub gross_revenue: f64,
}

/// Customers who moved, and what they are worth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    /// How many.
    pub customers: u64,
    /// Sum of their gross revenue: in the later run, or for those who left in the earlier.
    pub gross_revenue: f64,
}

/// One cell of the matrix: customers who went from one segment to another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Migration {
    /// Number of the segment before; absent for those who were not there.
    pub from: Option<u32>,
    /// Number of the segment now; absent for those who are no more there.
    pub to: Option<u32>,
    /// Who went.
    #[serde(flatten)]
    pub flow: Flow,
}

/// What changed since an earlier run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Migrations {
    /// The earlier run.
    pub since: String,
    /// Its moment.
    pub since_as_of: AsOf,
    /// Customers who are in the segment that they were in.
    pub stayed: Flow,
    /// Customers who are in another segment.
    pub moved: Flow,
    /// Customers who were not there before.
    pub entered: Flow,
    /// Customers who are no more there.
    pub left: Flow,
    /// Every pair of segments that customers went between, by number.
    pub matrix: Vec<Migration>,
}

impl Migrations {
    /// Compares two runs, each in the byte order of the customers' ids.
    pub fn between<'a>(
        since: &str,
        since_as_of: AsOf,
        before: impl Iterator<Item = Member<'a>>,
        now: impl Iterator<Item = Member<'a>>,
    ) -> Self {
        let mut cells: BTreeMap<(Option<u32>, Option<u32>), Flow> = BTreeMap::new();
        let mut count = |from: Option<Member>, to: Option<Member>| {
            let segment = |member: Member| member.segment;
            let flow = cells
                .entry((from.map(segment), to.map(segment)))
                .or_default();
            flow.customers += 1;
            flow.gross_revenue += to.or(from).map_or(0.0, |member| member.gross_revenue);
        };
        let (mut before, mut now) = (before.peekable(), now.peekable());
        loop {
            let order = match (before.peek(), now.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) => old.customer_id.cmp(new.customer_id),
            };
            match order {
                Ordering::Less => count(before.next(), None),
                Ordering::Equal => count(before.next(), now.next()),
                Ordering::Greater => count(None, now.next()),
            }
        }
        Self::of(since, since_as_of, cells)
    }

    fn of(
        since: &str,
        since_as_of: AsOf,
        cells: BTreeMap<(Option<u32>, Option<u32>), Flow>,
    ) -> Self {
        let mut found = Self {
            since: since.to_owned(),
            since_as_of,
            stayed: Flow::default(),
            moved: Flow::default(),
            entered: Flow::default(),
            left: Flow::default(),
            matrix: Vec::with_capacity(cells.len()),
        };
        for ((from, to), flow) in cells {
            let sum = match (from, to) {
                (None, _) => &mut found.entered,
                (_, None) => &mut found.left,
                (from, to) if from == to => &mut found.stayed,
                _ => &mut found.moved,
            };
            sum.customers += flow.customers;
            sum.gross_revenue += flow.gross_revenue;
            found.matrix.push(Migration { from, to, flow });
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap as Map;

    use proptest::prelude::*;

    use super::*;

    fn members(run: &Map<String, (u32, f64)>) -> impl Iterator<Item = Member<'_>> {
        run.iter().map(|(id, &(segment, gross_revenue))| Member {
            customer_id: id,
            segment,
            gross_revenue,
        })
    }

    fn run(rows: &[(&str, u32, f64)]) -> Map<String, (u32, f64)> {
        let rows = rows.iter();
        rows.map(|&(id, segment, revenue)| (id.to_owned(), (segment, revenue)))
            .collect()
    }

    fn between(before: &Map<String, (u32, f64)>, now: &Map<String, (u32, f64)>) -> Migrations {
        let as_of = "2011-12-09".parse().unwrap();
        Migrations::between("r", as_of, members(before), members(now))
    }

    #[test]
    fn who_stayed_moved_entered_and_left() {
        let before = run(&[("a", 0, 1.0), ("b", 0, 2.0), ("c", 1, 4.0)]);
        let now = run(&[("a", 0, 10.0), ("b", 1, 20.0), ("d", 1, 40.0)]);
        let found = between(&before, &now);
        let flow = |customers, gross_revenue| Flow {
            customers,
            gross_revenue,
        };
        assert_eq!(found.stayed, flow(1, 10.0));
        assert_eq!(found.moved, flow(1, 20.0));
        assert_eq!(found.entered, flow(1, 40.0));
        assert_eq!(found.left, flow(1, 4.0));
        assert_eq!(found.matrix.len(), 4);
    }

    proptest! {
        #[test]
        fn the_matrix_sums_up_to_both_runs(
            before in prop::collection::btree_map("[a-f]{1,2}", (0_u32..3, 0.0..9.0), 0..20),
            now in prop::collection::btree_map("[a-f]{1,2}", (0_u32..3, 0.0..9.0), 0..20),
        ) {
            let found = between(&before, &now);
            for segment in 0..3 {
                let sum = |which: fn(&Migration) -> Option<u32>| -> u64 {
                    let cells = found.matrix.iter().filter(|cell| which(cell) == Some(segment));
                    cells.map(|cell| cell.flow.customers).sum()
                };
                let of = |run: &Map<String, (u32, f64)>| {
                    run.values().filter(|row| row.0 == segment).count() as u64
                };
                prop_assert_eq!(sum(|cell| cell.from), of(&before));
                prop_assert_eq!(sum(|cell| cell.to), of(&now));
            }
        }
    }
}
