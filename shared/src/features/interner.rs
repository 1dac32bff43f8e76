//! Texts that recur, each kept once and known by a number.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// Texts by number, in order of first appearance.
#[derive(Debug, Default)]
pub struct Interner {
    arena: String,
    ends: Vec<usize>,
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
    last: Option<u32>,
}

impl Interner {
    /// The number of `text`, and whether it is new. `None` past 2³² texts.
    pub fn intern(&mut self, text: &str) -> Option<(u32, bool)> {
        // Lines of one invoice follow each other: most look-ups ask for the same again.
        if let Some(last) = self.last
            && self.get(last) == text
        {
            return Some((last, false));
        }
        let Self {
            arena,
            ends,
            table,
            hasher,
            ..
        } = self;
        let hash = hasher.hash_one(text);
        let found = table.find(hash, |&number| slice(arena, ends, number) == text);
        let (number, new) = if let Some(&number) = found {
            (number, false)
        } else {
            let number = u32::try_from(ends.len()).ok()?;
            arena.push_str(text);
            ends.push(arena.len());
            table.insert_unique(hash, number, |&other| {
                hasher.hash_one(slice(arena, ends, other))
            });
            (number, true)
        };
        self.last = Some(number);
        Some((number, new))
    }

    /// The text of a number, empty for one that was never given.
    pub fn get(&self, number: u32) -> &str {
        slice(&self.arena, &self.ends, number)
    }

    /// Texts so far.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none yet.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

fn slice<'a>(arena: &'a str, ends: &[usize], number: u32) -> &'a str {
    let number = number as usize;
    let start = number
        .checked_sub(1)
        .and_then(|before| ends.get(before))
        .copied()
        .unwrap_or(0);
    ends.get(number)
        .and_then(|&end| arena.get(start..end))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_number() {
        let mut interner = Interner::default();
        assert_eq!(interner.intern("a"), Some((0, true)));
        assert_eq!(interner.intern(""), Some((1, true)));
        assert_eq!(interner.intern("a"), Some((0, false)));
        assert_eq!(interner.intern(""), Some((1, false)));
        for i in 0..10_000 {
            assert_eq!(interner.intern(&format!("x{i}")), Some((i + 2, true)));
        }
        assert_eq!(interner.intern("x7"), Some((9, false)));
        assert_eq!((interner.get(9), interner.len()), ("x7", 10_002));
    }
}
