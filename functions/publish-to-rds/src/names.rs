//! Names in the database: tables of a run, advisory locks. A run's id is checked before it
//! becomes part of a name.

use std::fmt;

use shared::{Error, Result};

/// A run's id: 20 lower-case hexadecimal digits, nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunId(String);

impl RunId {
    /// Checks `text`.
    pub fn parse(text: &str) -> Result<Self> {
        let hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == 20 && text.bytes().all(hex) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::config(
                "run_id",
                "it must be 20 lower-case hexadecimal digits",
            ))
        }
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The lock that lets one publisher at a time work on this run.
    pub(crate) fn lock(&self) -> (i32, i32) {
        let digits = self.0.get(..8).unwrap_or_default();
        (
            RUN_LOCKS,
            u32::from_str_radix(digits, 16)
                .unwrap_or_default()
                .cast_signed(),
        )
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A table that has a partition a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    /// The customers.
    Members,
    /// Those whose segment is another than in the run before.
    Moves,
}

impl Table {
    pub(crate) const ALL: [Self; 2] = [Self::Members, Self::Moves];

    /// Its name, without the schema.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Members => "segment_members",
            Self::Moves => "segment_moves",
        }
    }

    /// A run's partition, without the schema.
    pub(crate) fn partition(self, run: &RunId) -> String {
        format!("{}_{run}", self.name())
    }

    /// The table that is filled and checked before it becomes the partition.
    pub(crate) fn staging(self, run: &RunId) -> String {
        format!("{}_{run}_new", self.name())
    }

    /// What each index of a partition has after the partition's name.
    pub(crate) fn indexes(self) -> [&'static str; 2] {
        match self {
            Self::Members => ["key", "label"],
            Self::Moves => ["customer", "labels"],
        }
    }
}

/// Class of the runs' advisory locks ("insd").
const RUN_LOCKS: i32 = 0x696e_7364;
/// Class of the locks below.
const OTHER_LOCKS: i32 = RUN_LOCKS + 1;
/// Held while migrations are applied.
pub(crate) const MIGRATE_LOCK: (i32, i32) = (OTHER_LOCKS, 1);
/// Held while the pointer moves. Whoever moves it takes this lock, people included.
pub(crate) const SWITCH_LOCK: (i32, i32) = (OTHER_LOCKS, 2);
/// Held while old runs are dropped.
pub(crate) const PRUNE_LOCK: (i32, i32) = (OTHER_LOCKS, 3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_twenty_hexadecimal_digits_name_a_run() {
        assert!(RunId::parse("0123456789abcdef0123").is_ok());
        for wrong in [
            "",
            "0123456789abcdef012",
            "0123456789ABCDEF0123",
            "0123456789abcdef01\"; ",
        ] {
            assert!(RunId::parse(wrong).is_err(), "{wrong}");
        }
        let long = RunId::parse("ffffffffffffffffffff").unwrap();
        assert!(
            Table::Members.staging(&long).len() + "_label_idx".len() < 64,
            "a name of Postgres has 63 bytes"
        );
        assert_eq!(long.lock().1, -1);
    }
}
