//! Named RFM groups.

/// What a customer's scores are called. The eleven names are those of the RFM segments that
/// shops know from their tools (for one, Putler's "RFM Analysis" guide); since the ranges
/// there overlap, each pair of scores has one group here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // docs/VALUE.md has the table
pub enum Group {
    Champions,
    Loyal,
    PotentialLoyalists,
    New,
    Promising,
    NeedAttention,
    AboutToSleep,
    AtRisk,
    CannotLoseThem,
    Hibernating,
    Lost,
}

use Group::{
    AboutToSleep, AtRisk, CannotLoseThem, Champions, Hibernating, Lost, Loyal, NeedAttention, New,
    PotentialLoyalists, Promising,
};

/// By recency, 1 the longest ago, and by the rounded mean of frequency and monetary value.
const GRID: [[Group; 5]; 5] = [
    [Lost, Hibernating, AtRisk, AtRisk, CannotLoseThem],
    [Hibernating, Hibernating, AtRisk, AtRisk, CannotLoseThem],
    [AboutToSleep, AboutToSleep, NeedAttention, Loyal, Loyal],
    [
        Promising,
        PotentialLoyalists,
        PotentialLoyalists,
        Loyal,
        Loyal,
    ],
    [
        New,
        PotentialLoyalists,
        PotentialLoyalists,
        Champions,
        Champions,
    ],
];

impl Group {
    /// Every group, the best first.
    pub const ALL: [Self; 11] = [
        Champions,
        Loyal,
        PotentialLoyalists,
        New,
        Promising,
        NeedAttention,
        AboutToSleep,
        AtRisk,
        CannotLoseThem,
        Hibernating,
        Lost,
    ];

    /// The group of scores from 1 to `cuts`; halves of the mean count as the score above.
    /// Other than five cuts are spread over the five places, 1 at the first and the best at
    /// the last.
    pub fn of(recency: i32, frequency: i32, monetary: i32, cuts: u8) -> Self {
        let last = (i32::from(cuts) - 1).max(1);
        // Fourths of the way from the least to the most, rounded.
        let place = |way: i32, whole: i32| ((8 * way + whole) / (2 * whole)).clamp(0, 4) as usize;
        GRID[place(recency - 1, last)][place(frequency + monetary - 2, 2 * last)]
    }

    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Champions => "Champions",
            Loyal => "Loyal",
            PotentialLoyalists => "Potential Loyalists",
            New => "New",
            Promising => "Promising",
            NeedAttention => "Need Attention",
            AboutToSleep => "About to Sleep",
            AtRisk => "At Risk",
            CannotLoseThem => "Cannot Lose Them",
            Hibernating => "Hibernating",
            Lost => "Lost",
        }
    }

    /// The group of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pair_of_scores_has_a_group_and_each_group_a_pair() {
        assert_eq!(Group::of(5, 5, 5, 5), Champions);
        assert_eq!(Group::of(5, 3, 4, 5), Champions, "3.5 counts as 4");
        assert_eq!(Group::of(4, 5, 5, 5), Loyal);
        assert_eq!(Group::of(5, 1, 1, 5), New);
        assert_eq!(Group::of(1, 5, 5, 5), CannotLoseThem);
        assert_eq!(Group::of(1, 1, 1, 5), Lost);
        let mut met: Vec<Group> = GRID.concat();
        met.sort();
        met.dedup();
        assert_eq!(met, Group::ALL);
        for group in Group::ALL {
            assert_eq!(Group::named(group.name()), Some(group));
        }
        assert_eq!(Group::named("gold"), None);
    }

    #[test]
    fn the_ends_are_the_same_with_any_number_of_cuts() {
        for cuts in 2..=10 {
            let best = i32::from(cuts);
            assert_eq!(Group::of(best, best, best, cuts), Champions);
            assert_eq!(Group::of(1, 1, 1, cuts), Lost);
        }
    }
}
