//! What plain RFM cuts reach: the best single box of scores for a segment.

use std::ops::RangeInclusive;

use serde::Serialize;

use crate::segments::rules::Figures;

/// Scores go from 1 to this.
const SCORES: usize = 5;

/// Ranges of the three scores.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RfmBox {
    /// Of recency, 5 the most recent.
    pub recency: RangeInclusive<usize>,
    /// Of the number of purchases.
    pub frequency: RangeInclusive<usize>,
    /// Of the money spent.
    pub monetary: RangeInclusive<usize>,
}

impl RfmBox {
    /// As people write it: `R 4-5, F 5, M 3-5`; a score that may be any is left out.
    pub fn text(&self) -> String {
        let named = [
            ("R", &self.recency),
            ("F", &self.frequency),
            ("M", &self.monetary),
        ];
        let parts = named.into_iter().filter_map(|(letter, range)| {
            let (low, high) = (*range.start(), *range.end());
            match (low, high) {
                (1, SCORES) => None,
                _ if low == high => Some(format!("{letter} {low}")),
                _ => Some(format!("{letter} {low}-{high}")),
            }
        });
        let parts: Vec<String> = parts.collect();
        if parts.is_empty() {
            return "every customer".to_owned();
        }
        parts.join(", ")
    }
}

/// Quintiles: 1 for the least fifth of the values, 5 for the greatest; equal values have
/// equal scores, so that a fifth may be larger.
pub fn quintiles(values: &[f64]) -> Vec<i32> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let cut = |fifth: usize| sorted.get(fifth * sorted.len() / SCORES).copied();
    let cuts: Vec<f64> = (1..SCORES).filter_map(cut).collect();
    let score = |value: &f64| cuts.partition_point(|cut| cut <= value) as i32 + 1;
    values.iter().map(score).collect()
}

/// For each of `k` segments the box whose customers agree best with the segment's (F1), of
/// all there are; the first of equals. `scores` are the customers' recency, frequency and
/// monetary scores, `labels` their segments.
pub fn best_rfm_boxes(scores: [&[i32]; 3], labels: &[u32], k: usize) -> Vec<(RfmBox, Figures)> {
    let mut all = Counts::default();
    let mut own = vec![Counts::default(); k];
    let [recency, frequency, monetary] = scores;
    let cells = recency.iter().zip(frequency).zip(monetary);
    for (((&r, &f), &m), &label) in cells.zip(labels) {
        let cell = [r, f, m].map(|score| usize::try_from(score).unwrap_or_default());
        all.add(cell);
        if let Some(own) = own.get_mut(label as usize) {
            own.add(cell);
        }
    }
    let customers = all.within(&RfmBox::all());
    let best = own.iter().filter_map(|own| {
        let members = own.within(&RfmBox::all());
        let figures =
            |one: &RfmBox| Figures::of(all.within(one), own.within(one), members, customers);
        let mut best: Option<(RfmBox, Figures)> = None;
        for one in boxes() {
            let found = figures(&one);
            if best.as_ref().is_none_or(|(_, best)| found.f1 > best.f1) {
                best = Some((one, found));
            }
        }
        best
    });
    best.collect()
}

impl RfmBox {
    fn all() -> Self {
        Self {
            recency: 1..=SCORES,
            frequency: 1..=SCORES,
            monetary: 1..=SCORES,
        }
    }
}

/// Every box: 15 ranges a score.
fn boxes() -> impl Iterator<Item = RfmBox> {
    let ranges = || (1..=SCORES).flat_map(|low| (low..=SCORES).map(move |high| low..=high));
    ranges().flat_map(move |recency| {
        ranges().flat_map(move |frequency| {
            let recency = recency.clone();
            ranges().map(move |monetary| RfmBox {
                recency: recency.clone(),
                frequency: frequency.clone(),
                monetary,
            })
        })
    })
}

/// Customers by cell of scores; a score outside of 1 to 5 is nowhere.
#[derive(Clone, Default)]
struct Counts([[[u64; SCORES]; SCORES]; SCORES]);

impl Counts {
    fn add(&mut self, [r, f, m]: [usize; 3]) {
        let at = |score: usize| score.wrapping_sub(1);
        let plane = self.0.get_mut(at(r)).and_then(|plane| plane.get_mut(at(f)));
        if let Some(cell) = plane.and_then(|row| row.get_mut(at(m))) {
            *cell += 1;
        }
    }

    fn within(&self, one: &RfmBox) -> u64 {
        fn of<'a, T>(cells: &'a [T], range: &RangeInclusive<usize>) -> &'a [T] {
            let bounds = range.start().saturating_sub(1)..*range.end();
            cells.get(bounds).unwrap_or_default()
        }
        let planes = of(&self.0, &one.recency).iter();
        let rows = planes.flat_map(|plane| of(plane, &one.frequency));
        rows.flat_map(|row| of(row, &one.monetary)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_equal_scores() {
        assert_eq!(quintiles(&[5.0, 1.0, 3.0, 2.0, 4.0]), [5, 1, 3, 2, 4]);
        assert_eq!(quintiles(&[1.0, 1.0, 1.0, 2.0, 9.0]), [3, 3, 3, 4, 5]);
        assert!(quintiles(&[]).is_empty());
    }

    #[test]
    fn a_segment_that_is_a_box_is_found() {
        // one customer in each of the 125 cells; the segment is R 4-5, F 1-2, M any
        let cell = |i: i32| [i / 25 + 1, i / 5 % 5 + 1, i % 5 + 1];
        let score = |of: usize| -> Vec<i32> { (0..125).map(|i| cell(i)[of]).collect() };
        let (r, f, m) = (score(0), score(1), score(2));
        let label = |i: i32| u32::from(!(cell(i)[0] >= 4 && cell(i)[1] <= 2));
        let labels: Vec<u32> = (0..125).map(label).collect();
        let found = best_rfm_boxes([&r, &f, &m], &labels, 2);
        let (best, figures) = &found[0];
        assert_eq!(best.text(), "R 4-5, F 1-2");
        assert_eq!((figures.precision, figures.recall), (1.0, 1.0));
        assert_eq!(figures.coverage, 20.0 / 125.0);
        // the rest is no box: the best one is measured as it is
        let (rest, figures) = &found[1];
        let named = |i: i32| {
            let [r, f, m] = cell(i).map(|score| score as usize);
            rest.recency.contains(&r) && rest.frequency.contains(&f) && rest.monetary.contains(&m)
        };
        let right = (0..125).filter(|&i| named(i) && label(i) == 1).count();
        let all = (0..125).filter(|&i| named(i)).count();
        assert_eq!(figures.precision, right as f64 / all as f64);
        assert!(figures.f1 < 1.0);
    }
}
