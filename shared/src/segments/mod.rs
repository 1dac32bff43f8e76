//! What the segments are: who is in them, what they are worth, what they are called, and
//! which is which after a refit.

mod matching;
mod migrations;
mod names;
pub mod next_step;
mod profile;
mod quality;
pub mod rules;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use matching::{Descent, Gone, Lineage, Matching, Origin};
pub use migrations::{Flow, Member, Migration, Migrations};
pub use names::{FIRST, names};
pub use profile::{Profile, SegmentProfile};
pub use quality::quality;

/// A segment as people know it: number and name mean the same customers in every run and
/// after every refit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Its number, never given to another segment.
    pub id: u32,
    /// Its name.
    pub name: String,
}

impl Segment {
    /// The segments of a first fit, numbered as they come.
    pub fn first(names: Vec<String>) -> Vec<Self> {
        let numbered = (0..).zip(names);
        numbered.map(|(id, name)| Self { id, name }).collect()
    }

    /// The segments under the names that people gave to some of them; another that has such
    /// a name by itself gets a number after it.
    pub fn renamed(segments: &[Self], names: &BTreeMap<u32, String>) -> Vec<Self> {
        let given = segments.iter().filter_map(|s| names.get(&s.id));
        let others = segments.iter().filter(|s| !names.contains_key(&s.id));
        let all = given.chain(others.map(|s| &s.name)).cloned().collect();
        let mut others = names::unique(all).into_iter().skip(
            segments
                .iter()
                .filter(|s| names.contains_key(&s.id))
                .count(),
        );
        let renamed = segments.iter().map(|segment| Self {
            id: segment.id,
            name: names
                .get(&segment.id)
                .cloned()
                .or_else(|| others.next())
                .unwrap_or_else(|| segment.name.clone()),
        });
        renamed.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_name_wins_over_one_that_is_like_it() {
        let segments = Segment::first(["a", "b", "c"].map(str::to_owned).to_vec());
        let names = BTreeMap::from([(2, "a".to_owned()), (9, "z".to_owned())]);
        let renamed = Segment::renamed(&segments, &names);
        let names: Vec<&str> = renamed.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["a 2", "b", "a"]);
    }
}
