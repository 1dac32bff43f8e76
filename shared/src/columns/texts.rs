//! Values of a column of text.

use crate::features::Interner;

/// Different values that are counted, and bytes of them that are kept: an export of a shop
/// has far fewer, and one that has more is told so.
const MOST: usize = 100_000;
const MOST_BYTES: usize = 8 << 20;
/// Frequent values that are told.
const TOP: usize = 10;
/// Rows that such a value has at least: what stands there once or twice may be a person's.
const LEAST_ROWS: u64 = 5;

/// How many values are whole numbers: ids that turn into `12345.0` are another type.
#[derive(Debug, Default)]
pub(super) struct Digits {
    pub(super) values: u64,
    digits: u64,
}

impl Digits {
    pub(super) fn add(&mut self, value: &str) {
        self.values += 1;
        let is_whole = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        self.digits += u64::from(is_whole);
    }

    pub(super) fn share(&self) -> Option<f64> {
        (self.values > 0).then(|| self.digits as f64 / self.values as f64)
    }
}

/// Rows by value.
#[derive(Debug, Default)]
pub(super) struct Texts {
    pub(super) digits: Digits,
    values: Interner,
    rows: Vec<u64>,
    bytes: usize,
    is_full: bool,
}

impl Texts {
    pub(super) fn add(&mut self, value: &str) {
        self.digits.add(value);
        if self.is_full {
            return;
        }
        match self.values.intern(value) {
            Some((number, false)) => {
                if let Some(rows) = self.rows.get_mut(number as usize) {
                    *rows += 1;
                }
            }
            Some((_, true)) => {
                self.rows.push(1);
                self.bytes += value.len();
                self.is_full = self.rows.len() > MOST || self.bytes > MOST_BYTES;
            }
            None => self.is_full = true,
        }
        if self.is_full {
            // Which values came first is of no meaning.
            self.values = Interner::default();
            self.rows = Vec::new();
        }
    }

    pub(super) fn distinct(&self) -> Option<u64> {
        (!self.is_full).then_some(self.rows.len() as u64)
    }

    /// The most frequent first; of equally frequent ones, by their bytes.
    pub(super) fn top(&self) -> Vec<(String, u64)> {
        let mut all: Vec<(&str, u64)> = (0_u32..)
            .zip(&self.rows)
            .filter(|&(_, &rows)| rows >= LEAST_ROWS)
            .map(|(number, &rows)| (self.values.get(number), rows))
            .collect();
        all.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        all.truncate(TOP);
        all.into_iter()
            .map(|(value, rows)| (value.to_owned(), rows))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_values_are_counted_and_not_told() {
        let mut texts = Texts::default();
        for value in ["b", "a", "c", "a", "b", "a", "b", "a", "b", "a", "b", "12"] {
            texts.add(value);
        }
        assert_eq!(texts.distinct(), Some(4));
        assert_eq!(texts.top(), [("a".to_owned(), 5), ("b".to_owned(), 5)]);
        assert_eq!(texts.digits.share(), Some(1.0 / 12.0));
    }

    #[test]
    fn too_many_values_are_not_counted_whatever_their_order() {
        let mut texts = Texts::default();
        for _ in 0..5 {
            texts.add("often");
        }
        for number in 0..MOST {
            texts.add(&number.to_string());
        }
        assert_eq!((texts.distinct(), texts.top().len()), (None, 0));
        let mut texts = Texts::default();
        let long = "x".repeat(1 << 20);
        (0..9).for_each(|number| texts.add(&format!("{number}{long}")));
        assert_eq!(texts.distinct(), None);
        assert_eq!(texts.digits.values, 9);
    }
}
