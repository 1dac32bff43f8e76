//! Neighbours by shared leaves, from an inverted index.
//!
//! A leaf of a fully grown tree holds a few rows, so the rows that share any leaf with a
//! given one are few, and counting them is all the work. The cost of a lookup is the sum
//! of the sizes of the row's leaves.

use ndarray::{ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

use super::BLOCK;

/// Leaf numbers for each row up to which a table of all numbers is less than a sort of the rows.
const MOST_EMPTY: usize = 8;

/// Rows by (tree, leaf).
#[derive(Debug, Clone)]
pub(in super::super) struct HammingIndex {
    n: usize,
    trees: Vec<Leaves>,
}

/// The leaves of one tree: `rows[starts[i]..starts[i + 1]]` fall in leaf `ids[i]`.
#[derive(Debug, Clone)]
struct Leaves {
    ids: Vec<u32>,
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl Leaves {
    /// Rows sorted by their leaf, those of a leaf ascending: by counting where that is less
    /// work than comparing.
    fn new(leaves: ArrayView1<u32>) -> Self {
        let most = leaves.iter().copied().max().unwrap_or(0) as usize;
        if most > MOST_EMPTY * leaves.len() {
            return Self::by_comparing(leaves);
        }
        let mut next = vec![0_u32; most + 1];
        for &leaf in leaves {
            next[leaf as usize] += 1;
        }
        // no room to spare: the index lives as long as the model
        let distinct = next.iter().filter(|&&count| count > 0).count();
        let (mut ids, mut starts) = (
            Vec::with_capacity(distinct),
            Vec::with_capacity(distinct + 1),
        );
        let mut from = 0;
        for (leaf, next) in next.iter_mut().enumerate() {
            let count = std::mem::replace(next, from);
            if count > 0 {
                ids.push(leaf as u32);
                starts.push(from);
                from += count;
            }
        }
        starts.push(from);
        let mut rows = vec![0; leaves.len()];
        for (row, &leaf) in leaves.iter().enumerate() {
            let next = &mut next[leaf as usize];
            rows[*next as usize] = row as u32;
            *next += 1;
        }
        Self { ids, starts, rows }
    }

    fn by_comparing(leaves: ArrayView1<u32>) -> Self {
        let with_row = leaves.iter().enumerate();
        let mut pairs: Vec<u64> = with_row
            .map(|(row, &leaf)| u64::from(leaf) << 32 | row as u64)
            .collect();
        pairs.sort_unstable();
        let mut ids = Vec::new();
        let mut starts = Vec::new();
        for (i, pair) in pairs.iter().enumerate() {
            let id = (pair >> 32) as u32;
            if ids.last() != Some(&id) {
                ids.push(id);
                starts.push(i as u32);
            }
        }
        starts.push(pairs.len() as u32);
        Self {
            ids,
            starts,
            rows: pairs.iter().map(|&pair| pair as u32).collect(),
        }
    }

    /// Where in `rows` a leaf's rows are.
    fn range(&self, leaf: u32) -> (u32, u32) {
        match self.ids.binary_search(&leaf) {
            Ok(i) => (self.starts[i], self.starts[i + 1]),
            Err(_) => (0, 0),
        }
    }
}

/// Leaves shared with each training row, and the rows that share any.
struct Counts {
    shared: Vec<u32>,
    touched: Vec<u32>,
    ranges: Vec<(u32, u32)>,
    keys: Vec<u64>,
}

impl HammingIndex {
    pub(super) fn new(leaves: ArrayView2<u32>) -> Self {
        let trees = (0..leaves.ncols())
            .into_par_iter()
            .map(|t| Leaves::new(leaves.column(t)))
            .collect();
        Self {
            n: leaves.nrows(),
            trees,
        }
    }

    pub(super) fn query(&self, rows: ArrayView2<u32>, k: usize, others: bool) -> Vec<(f32, u32)> {
        let mut pairs = vec![(0.0, 0); rows.nrows() * k];
        if k == 0 {
            return pairs;
        }
        let scratch = || Counts {
            shared: vec![0; self.n],
            touched: Vec::new(),
            ranges: vec![(0, 0); BLOCK * self.trees.len()],
            keys: Vec::new(),
        };
        pairs.par_chunks_mut(BLOCK * k).enumerate().for_each_init(
            scratch,
            |counts, (block, out)| {
                let start = block * BLOCK;
                let end = rows.nrows().min(start + BLOCK);
                let rows = rows.slice_axis(Axis(0), (start..end).into());
                let n_trees = self.trees.len();
                for (t, tree) in self.trees.iter().enumerate() {
                    for (i, &leaf) in rows.column(t).iter().enumerate() {
                        counts.ranges[i * n_trees + t] = tree.range(leaf);
                    }
                }
                for (i, out) in out.chunks_exact_mut(k).enumerate() {
                    let own = others.then_some((start + i) as u32);
                    self.query_row(counts, i, own, out);
                }
            },
        );
        pairs
    }

    fn query_row(&self, counts: &mut Counts, row: usize, own: Option<u32>, out: &mut [(f32, u32)]) {
        let n_trees = self.trees.len();
        let ranges = &counts.ranges[row * n_trees..(row + 1) * n_trees];
        counts.touched.clear();
        for (tree, &(start, end)) in self.trees.iter().zip(ranges) {
            for &other in &tree.rows[start as usize..end as usize] {
                let shared = &mut counts.shared[other as usize];
                if *shared == 0 {
                    counts.touched.push(other);
                }
                *shared += 1;
            }
        }
        counts.keys.clear();
        for &other in &counts.touched {
            if Some(other) != own {
                let different = n_trees as u64 - u64::from(counts.shared[other as usize]);
                counts.keys.push(different << 32 | u64::from(other));
            }
        }
        let k = out.len();
        if counts.keys.len() > k {
            counts.keys.select_nth_unstable(k - 1);
            counts.keys.truncate(k);
        }
        counts.keys.sort_unstable();
        for (out, &key) in out.iter_mut().zip(&counts.keys) {
            *out = (((key >> 32) as f64 / n_trees as f64) as f32, key as u32);
        }
        // rows that share nothing are all at distance 1: the first ones fill up
        let strangers = (0..self.n as u32)
            .filter(|&other| counts.shared[other as usize] == 0 && Some(other) != own);
        for (out, other) in out.iter_mut().skip(counts.keys.len()).zip(strangers) {
            *out = (1.0, other);
        }
        for &other in &counts.touched {
            counts.shared[other as usize] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn counting_is_comparing(leaves in prop::collection::vec(0_u32..40, 1..60)) {
            let leaves = ndarray::aview1(&leaves);
            let (counted, compared) = (Leaves::new(leaves), Leaves::by_comparing(leaves));
            prop_assert_eq!(counted.ids, compared.ids);
            prop_assert_eq!(counted.starts, compared.starts);
            prop_assert_eq!(counted.rows, compared.rows);
        }
    }
}
