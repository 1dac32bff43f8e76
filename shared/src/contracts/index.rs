//! `runs/index.json`: the runs that were made with a champion, in the order of their moments.

use serde::{Deserialize, Serialize};

use super::{AsOf, Layout};
use crate::{Error, Result};

/// Runs that are remembered; the earliest are forgotten.
const MOST: usize = 2_000;

/// What a run is compared with is found here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunIndex {
    /// By moment, and in the order in which they were made where that is the same.
    pub runs: Vec<IndexedRun>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedRun {
    /// The run.
    pub run_id: String,
    /// Its moment.
    pub as_of: AsOf,
    /// The model that placed its customers.
    pub model_version: String,
}

impl RunIndex {
    /// Reads [`Layout::INDEX`]. Refused if it names a run that would lie elsewhere.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let corrupt = |reason: String| Error::Corrupt {
            object: Layout::INDEX.to_owned(),
            reason,
        };
        let index: Self = serde_json::from_slice(bytes).map_err(|e| corrupt(e.to_string()))?;
        match index.runs.iter().find(|run| !Layout::is_name(&run.run_id)) {
            Some(run) => Err(corrupt(format!("{:?} can't be a run's id", run.run_id))),
            None => Ok(index),
        }
    }

    /// Adds a run; one that is there stays where it is.
    pub fn add(&mut self, run: IndexedRun) {
        if self.runs.iter().any(|known| known.run_id == run.run_id) {
            return;
        }
        let at = self.runs.partition_point(|known| known.as_of <= run.as_of);
        self.runs.insert(at, run);
        let surplus = self.runs.len().saturating_sub(MOST);
        self.runs.drain(..surplus);
    }

    /// The last run before a moment, or of that moment and made before.
    pub fn before(&self, run_id: &str, as_of: AsOf) -> Option<&IndexedRun> {
        let known = self.runs.iter();
        let earlier = known
            .take_while(|run| run.run_id != run_id)
            .filter(|run| run.as_of <= as_of);
        earlier.last()
    }

    /// The run of the latest moment, other than this one.
    pub fn newest_but(&self, run_id: &str) -> Option<&IndexedRun> {
        self.runs.iter().rev().find(|run| run.run_id != run_id)
    }

    /// A run.
    pub fn get(&self, run_id: &str) -> Option<&IndexedRun> {
        self.runs.iter().find(|run| run.run_id == run_id)
    }

    /// The run that follows another.
    pub fn after(&self, run_id: &str) -> Option<&IndexedRun> {
        let mut later = self.runs.iter().skip_while(|run| run.run_id != run_id);
        later.nth(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_follows_the_last_one_of_an_earlier_moment() {
        let mut index = RunIndex::default();
        for (run_id, as_of) in [
            ("c", "2011-03-31"),
            ("a", "2011-01-31"),
            ("b", "2011-02-28"),
        ] {
            index.add(IndexedRun {
                run_id: run_id.into(),
                as_of: as_of.parse().unwrap(),
                model_version: "m".into(),
            });
        }
        let order: Vec<&str> = index.runs.iter().map(|run| run.run_id.as_str()).collect();
        assert_eq!(order, ["a", "b", "c"]);
        let before = |run_id, as_of: &str| {
            let found = index.before(run_id, as_of.parse().unwrap());
            found.map(|run| run.run_id.as_str())
        };
        assert_eq!(before("new", "2011-03-01"), Some("b"));
        assert_eq!(before("new", "2011-02-28"), Some("b"));
        assert_eq!(before("b", "2011-02-28"), Some("a"));
        assert_eq!(before("a", "2011-01-31"), None);
        let mut again = index.clone();
        again.add(index.runs[0].clone());
        assert_eq!(again, index);
    }
}
