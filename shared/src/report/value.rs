//! RFM groups and lifetime values: what other parts say of the same customers.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::value::Group;

/// By customer, in the order of the rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Value<'a> {
    /// Their RFM groups.
    pub rfm_group: &'a [Group],
    /// Their lifetime values; guests have none.
    pub clv: &'a [Option<f64>],
}

/// Both worlds beside each other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValuePanel {
    /// Names of the RFM groups, the largest first.
    pub groups: Vec<String>,
    /// Customers by segment and group.
    pub counts: Vec<Vec<u64>>,
    /// Lifetime value by segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clv: Option<Vec<Clv>>,
}

/// Lifetime value of a segment's customers.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Clv {
    /// A customer's mean.
    pub mean: f64,
    /// Of all of them.
    pub sum: f64,
}

impl ValuePanel {
    pub(super) fn of(value: Value<'_>, places: &[usize], segments: usize) -> Self {
        let mut sizes: BTreeMap<&str, u64> = BTreeMap::new();
        for group in value.rfm_group {
            *sizes.entry(group.name()).or_default() += 1;
        }
        let mut order: Vec<(&str, u64)> = sizes.into_iter().collect();
        order.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let column: BTreeMap<&str, usize> =
            order.iter().map(|(group, _)| *group).zip(0..).collect();
        let mut counts = vec![vec![0; order.len()]; segments];
        for (&place, group) in places.iter().zip(value.rfm_group) {
            let at = column.get(group.name());
            let cell = counts.get_mut(place).zip(at);
            if let Some(count) = cell.and_then(|(row, &at)| row.get_mut(at)) {
                *count += 1;
            }
        }
        let groups = order.into_iter().map(|(group, _)| group.to_owned());
        Self {
            groups: groups.collect(),
            counts,
            clv: value
                .clv
                .iter()
                .any(Option::is_some)
                .then(|| by_segment(value.clv, places, segments)),
        }
    }
}

fn by_segment(clv: &[Option<f64>], places: &[usize], segments: usize) -> Vec<Clv> {
    let mut sums = vec![(0.0, 0_u64); segments];
    for (&place, &value) in places.iter().zip(clv) {
        if let (Some((sum, count)), Some(value)) = (sums.get_mut(place), value) {
            *sum += value;
            *count += 1;
        }
    }
    let sums = sums.into_iter();
    sums.map(|(sum, count)| Clv {
        mean: sum / count.max(1) as f64,
        sum,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three customers: two in segment 0, of them one a champion.
    #[test]
    fn segments_cross_groups() {
        let value = Value {
            rfm_group: &[Group::Lost, Group::Champions, Group::Lost],
            clv: &[Some(1.0), Some(5.0), None],
        };
        let panel = ValuePanel::of(value, &[0, 0, 1], 2);
        assert_eq!(panel.groups, [Group::Lost.name(), Group::Champions.name()]);
        assert_eq!(panel.counts, [[1, 1], [1, 0]]);
        let clv = panel.clv.unwrap();
        assert_eq!((clv[0].mean, clv[0].sum), (3.0, 6.0));
        assert_eq!((clv[1].mean, clv[1].sum), (0.0, 0.0));
    }
}
