//! Which segment of a refit is which of the one before.
//!
//! Segments are matched one to one such that as many customers as possible keep theirs (the
//! assignment problem, solved by Kuhn and Munkres' algorithm). A pair counts only if it holds
//! most of one of the two: what a segment means is not handed on to a few stray customers.

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;
use serde::{Deserialize, Serialize};

use super::Segment;
use super::names::{FIRST, unique};
use crate::{Error, Result};

/// What became of the segments in a refit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lineage {
    /// The model version whose segments were there before.
    pub predecessor: String,
    /// Share of the customers whose segment has the number that they had before.
    pub agreement: f64,
    /// Each segment of the refit, by number of its centroid.
    pub segments: Vec<Descent>,
    /// Segments that are no more.
    pub gone: Vec<Gone>,
}

/// Where a segment comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Descent {
    /// Its number.
    pub id: u32,
    /// What it is.
    pub origin: Origin,
    /// Numbers of the segments before that it is made of, the largest part first: those that
    /// make up half of it, or that it holds half of.
    pub from: Vec<u32>,
    /// Jaccard similarity to the segment before of the same number; 0 for a new number.
    pub similarity: f64,
}

/// What a segment of a refit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The one of its number.
    Kept,
    /// The one of its number, with most of others.
    Merged,
    /// A part of one whose number another segment carries on, or nobody.
    Split,
    /// Of many.
    New,
}

/// A segment that is no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// Its number.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// The number of the segment that has most of its customers now, if any are left.
    pub into: Option<u32>,
}

/// Pairs of segments before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matching {
    /// Customers by segment before (row) and after (column).
    shared: Vec<Vec<usize>>,
    before: Vec<usize>,
    after: Vec<usize>,
    /// By segment after, the one before.
    pairs: Vec<Option<usize>>,
    /// Customers in the best pairs, those that do not count included.
    best: usize,
}

impl Matching {
    /// Matches by customers: entry i of `before` and of `after` are segments of one customer,
    /// below `k_before` and `k_after`.
    pub fn of(before: &[u32], after: &[u32], k_before: usize, k_after: usize) -> Result<Self> {
        let mut shared = vec![vec![0_usize; k_after]; k_before];
        for (&old, &new) in before.iter().zip(after) {
            let cell = shared.get_mut(old as usize);
            let cell = cell.and_then(|row| row.get_mut(new as usize));
            *cell.ok_or_else(|| Error::Internal(format!("no segments {old} and {new}")))? += 1;
        }
        let sizes_before: Vec<usize> = shared.iter().map(|row| row.iter().sum()).collect();
        let sizes_after: Vec<usize> = (0..k_after)
            .map(|new| shared.iter().filter_map(|row| row.get(new)).sum())
            .collect();
        let mut pairs = vec![None; k_after];
        let mut best = 0;
        for (old, new) in assign(&shared, k_after)? {
            let at = |sizes: &[usize], i: usize| sizes.get(i).copied().unwrap_or_default();
            let both = cell(&shared, old, new);
            best += both;
            let smaller = at(&sizes_before, old).min(at(&sizes_after, new));
            if both > 0
                && both * 2 >= smaller
                && let Some(pair) = pairs.get_mut(new)
            {
                *pair = Some(old);
            }
        }
        Ok(Self {
            shared,
            before: sizes_before,
            after: sizes_after,
            pairs,
            best,
        })
    }

    /// Share of the customers on whom the two partitions agree, whatever the segments are
    /// called: the most that any one-to-one matching has in its pairs.
    pub fn best_agreement(&self) -> f64 {
        self.best as f64 / self.after.iter().sum::<usize>().max(1) as f64
    }

    /// Segments after that are none of those before.
    pub fn unmatched(&self) -> usize {
        self.pairs.iter().filter(|pair| pair.is_none()).count()
    }

    /// Share of the customers in matched pairs.
    pub fn agreement(&self) -> f64 {
        let pairs = self.pairs.iter().enumerate();
        let both: usize = pairs
            .filter_map(|(new, old)| old.map(|old| cell(&self.shared, old, new)))
            .sum();
        both as f64 / self.after.iter().sum::<usize>().max(1) as f64
    }

    /// The refit's segments: matched ones keep number and name, others get a number from
    /// `free` on and a name of `described`. The one of the highest revenue, which is the
    /// first, is called Insiders, and no other is.
    pub fn succeed(
        &self,
        predecessor: &str,
        before: &[Segment],
        described: &[String],
        free: u32,
    ) -> (Vec<Segment>, Lineage) {
        let mut free = free..;
        let mut names = Vec::with_capacity(self.pairs.len());
        let mut ids = Vec::with_capacity(self.pairs.len());
        for (new, pair) in self.pairs.iter().enumerate() {
            let old = pair.and_then(|old| before.get(old));
            let described = described.get(new).map_or("", String::as_str);
            let inherited = old.map(|old| old.name.as_str());
            names.push(match inherited {
                _ if new == 0 => FIRST.to_owned(),
                Some(name) if name != FIRST => name.to_owned(),
                _ => described.to_owned(),
            });
            ids.push(
                old.map(|old| old.id)
                    .or_else(|| free.next())
                    .unwrap_or(u32::MAX),
            );
        }
        let names = unique(names);
        let id_before = |old: usize| before.get(old).map_or(u32::MAX, |segment| segment.id);
        let segments = ids.iter().enumerate();
        let segments = segments.map(|(new, &id)| {
            let from = self.from(new);
            let (origin, similarity) = match self.pairs.get(new).copied().flatten() {
                Some(old) => {
                    let absorbed = from.iter().filter(|&&i| self.holds_half(i, new));
                    let merged = absorbed.filter(|&&i| i != old).count() > 0;
                    let kind = if merged { Origin::Merged } else { Origin::Kept };
                    (kind, self.similarity(old, new))
                }
                None if from.iter().any(|&i| self.is_half_of(i, new)) => (Origin::Split, 0.0),
                None => (Origin::New, 0.0),
            };
            Descent {
                id,
                origin,
                from: from.into_iter().map(id_before).collect(),
                similarity,
            }
        });
        let lineage = Lineage {
            predecessor: predecessor.to_owned(),
            agreement: self.agreement(),
            segments: segments.collect(),
            gone: self.gone(before, &ids),
        };
        let segments = ids.into_iter().zip(names);
        let segments = segments.map(|(id, name)| Segment { id, name }).collect();
        (segments, lineage)
    }

    fn gone(&self, before: &[Segment], ids: &[u32]) -> Vec<Gone> {
        let kept = |old: usize| self.pairs.contains(&Some(old));
        let gone = before.iter().enumerate().filter(|(old, _)| !kept(*old));
        gone.map(|(old, segment)| {
            let row = self.shared.get(old).map_or(&[][..], Vec::as_slice);
            let most = row.iter().zip(ids).rev().max_by_key(|(n, _)| **n);
            Gone {
                id: segment.id,
                name: segment.name.clone(),
                into: most.filter(|(n, _)| **n > 0).map(|(_, id)| *id),
            }
        })
        .collect()
    }

    /// Segments before that a segment after is made of, the largest part first.
    fn from(&self, new: usize) -> Vec<usize> {
        let all = 0..self.before.len();
        let mut from: Vec<usize> = all
            .filter(|&old| cell(&self.shared, old, new) > 0)
            .filter(|&old| self.holds_half(old, new) || self.is_half_of(old, new))
            .collect();
        from.sort_by_key(|&old| (std::cmp::Reverse(cell(&self.shared, old, new)), old));
        from
    }

    /// Whether half of the segment before is in the one after.
    fn holds_half(&self, old: usize, new: usize) -> bool {
        let size = self.before.get(old).copied().unwrap_or_default();
        cell(&self.shared, old, new) * 2 >= size.max(1)
    }

    /// Whether half of the segment after was in the one before.
    fn is_half_of(&self, old: usize, new: usize) -> bool {
        let size = self.after.get(new).copied().unwrap_or_default();
        cell(&self.shared, old, new) * 2 >= size.max(1)
    }

    fn similarity(&self, old: usize, new: usize) -> f64 {
        let size = |sizes: &[usize], i: usize| sizes.get(i).copied().unwrap_or_default();
        let both = cell(&self.shared, old, new);
        let either = size(&self.before, old) + size(&self.after, new) - both;
        both as f64 / either.max(1) as f64
    }
}

fn cell(shared: &[Vec<usize>], old: usize, new: usize) -> usize {
    shared
        .get(old)
        .and_then(|row| row.get(new))
        .copied()
        .unwrap_or_default()
}

/// Pairs of a row and a column of the greatest sum.
fn assign(shared: &[Vec<usize>], columns: usize) -> Result<Vec<(usize, usize)>> {
    let wide = shared.len() <= columns;
    let (rows, columns) = if wide {
        (shared.len(), columns)
    } else {
        (columns, shared.len())
    };
    if rows == 0 {
        return Ok(Vec::new());
    }
    let mut weights = Vec::with_capacity(rows * columns);
    for row in 0..rows {
        for column in 0..columns {
            let (old, new) = if wide { (row, column) } else { (column, row) };
            let weight = i64::try_from(cell(shared, old, new));
            weights.push(weight.map_err(|e| Error::Internal(e.to_string()))?);
        }
    }
    let weights =
        Matrix::from_vec(rows, columns, weights).map_err(|e| Error::Internal(e.to_string()))?;
    let (_, assigned) = kuhn_munkres(&weights);
    let pairs = assigned.into_iter().enumerate();
    Ok(pairs
        .map(|(row, column)| if wide { (row, column) } else { (column, row) })
        .collect())
}

#[cfg(test)]
mod tests;
