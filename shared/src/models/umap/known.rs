//! Training rows by all their leaves: who has been seen before needs no neighbours.

use ndarray::{ArrayView1, ArrayView2};
use rayon::prelude::*;

use super::super::random::mix;

/// Rows that one thread looks up at a time.
const BLOCK: usize = 256;
/// A table is worth making where it is asked for at least one in so many of its rows.
const WORTH: usize = 8;

/// A table of training rows.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// Hash and row, ascending.
    rows: Vec<(u64, u32)>,
}

/// Whether `asked` rows at once pay for a table of `n`.
pub(super) fn is_worth(asked: usize, n: usize) -> bool {
    asked.saturating_mul(WORTH) >= n
}

impl Known {
    /// Of the rows of `leaves`, shape `(n_training, n_trees)`.
    pub(super) fn new(leaves: ArrayView2<u32>) -> Self {
        let numbered = |row: usize| (hash(leaves.row(row)), row as u32);
        let all = (0..leaves.nrows()).into_par_iter();
        let mut rows: Vec<(u64, u32)> = all.with_min_len(BLOCK).map(numbered).collect();
        rows.par_sort_unstable();
        Self { rows }
    }

    /// For each row of `leaves` the first row of `training`, of which this is the table, that
    /// has the same leaves.
    pub(super) fn find(
        &self,
        training: ArrayView2<u32>,
        leaves: ArrayView2<u32>,
    ) -> Vec<Option<u32>> {
        let first = |leaves: ArrayView1<u32>| {
            let hash = hash(leaves);
            let from = self.rows.partition_point(|row| row.0 < hash);
            let alike = self.rows[from..].iter().take_while(|row| row.0 == hash);
            let mut rows = alike.map(|row| row.1);
            rows.find(|&row| training.row(row as usize) == leaves)
        };
        let all = (0..leaves.nrows()).into_par_iter();
        all.with_min_len(BLOCK)
            .map(|row| first(leaves.row(row)))
            .collect()
    }
}

/// A number that two rows share if they have the same leaves, and hardly ever otherwise.
pub(super) fn hash(leaves: ArrayView1<u32>) -> u64 {
    leaves.iter().fold(0, |h, &leaf| mix(h ^ u64::from(leaf)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn the_first_of_equal_rows_is_found_and_no_other_row() {
        let training = Array2::from_shape_fn((900, 3), |(i, t)| (i % 300 * (t + 1)) as u32);
        let known = Known::new(training.view());
        let asked = Array2::from_shape_fn((400, 3), |(i, t)| (i * (t + 1)) as u32);
        let found = known.find(training.view(), asked.view());
        for (row, found) in found.into_iter().enumerate() {
            assert_eq!(found, (row < 300).then_some(row as u32));
        }
    }
}
