//! The rows of a tree that is grown on some of many: copied next to each other, so that
//! growing it costs what they cost, whatever the number of the others.

use super::super::random::Key;

/// Distinct rows of a tree, renumbered in the order in which they are in the whole.
pub(super) struct Part {
    pub(super) columns: Vec<Vec<f32>>,
    /// The rows in the order of each feature.
    pub(super) sorted: Vec<Vec<u32>>,
    pub(super) targets: Vec<f64>,
    /// How often each was drawn.
    pub(super) counts: Vec<u32>,
}

impl Part {
    /// `most` of the rows of `columns` and `targets`, drawn with replacement or without.
    pub(super) fn draw(
        with_replacement: bool,
        key: Key,
        most: usize,
        columns: &[Vec<f32>],
        targets: &[f64],
    ) -> Self {
        let n = targets.len();
        let mut drawn = if with_replacement {
            (0..most).map(|i| key.below(i as u64, n) as u32).collect()
        } else {
            key.distinct(most, n)
        };
        drawn.sort_unstable();
        let mut rows: Vec<u32> = Vec::with_capacity(most);
        let mut counts = Vec::with_capacity(most);
        for same in drawn.chunk_by(|a, b| a == b) {
            rows.extend(same.first());
            counts.push(same.len() as u32);
        }
        let columns: Vec<Vec<f32>> = columns
            .iter()
            .map(|column| rows.iter().map(|&row| column[row as usize]).collect())
            .collect();
        let order = |column: &Vec<f32>| {
            let mut order: Vec<u32> = (0..rows.len() as u32).collect();
            order.sort_by(|&a, &b| column[a as usize].total_cmp(&column[b as usize]));
            order
        };
        Self {
            sorted: columns.iter().map(order).collect(),
            columns,
            targets: rows.iter().map(|&row| targets[row as usize]).collect(),
            counts,
        }
    }
}
