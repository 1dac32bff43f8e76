use proptest::prelude::*;

use super::*;

fn segments(names: &[&str]) -> Vec<Segment> {
    let named = names.iter().zip(0..);
    named
        .map(|(name, id)| Segment {
            id,
            name: (*name).to_owned(),
        })
        .collect()
}

fn described(k: usize) -> Vec<String> {
    (0..k).map(|i| format!("described {i}")).collect()
}

fn succeed(before: &[u32], after: &[u32], old: &[&str], k_after: usize) -> (Vec<Segment>, Lineage) {
    let matching = Matching::of(before, after, old.len(), k_after).unwrap();
    matching.succeed("m", &segments(old), &described(k_after), 100)
}

#[test]
fn permuted_labels_keep_numbers_and_names() {
    let before = [0, 0, 1, 1, 1, 2];
    let after = [0, 0, 2, 2, 2, 1];
    let (found, lineage) = succeed(&before, &after, &["Insiders", "b", "c"], 3);
    let ids: Vec<u32> = found.iter().map(|s| s.id).collect();
    assert_eq!(ids, [0, 2, 1]);
    assert_eq!(found[1].name, "c");
    assert_eq!(lineage.agreement, 1.0);
    assert!(lineage.segments.iter().all(|s| s.origin == Origin::Kept));
    assert!(lineage.gone.is_empty());
}

#[test]
fn a_split_a_merger_and_a_new_one_are_told_apart() {
    // 0 splits into 0 and 1; 1 and 2 merge into 2; 3 is of three parts
    let before = [0, 0, 0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 0, 1, 2];
    let after = [0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 4, 4, 4, 4, 3, 3, 3];
    let (found, lineage) = succeed(&before, &after, &["Insiders", "b", "c", "d"], 5);
    let origins: Vec<Origin> = lineage.segments.iter().map(|s| s.origin).collect();
    assert_eq!(
        origins,
        [
            Origin::Kept,
            Origin::Split,
            Origin::Merged,
            Origin::New,
            Origin::Kept
        ]
    );
    let ids: Vec<u32> = found.iter().map(|s| s.id).collect();
    assert_eq!(ids, [0, 100, 2, 101, 3]);
    assert_eq!(lineage.segments[1].from, [0]);
    assert_eq!(lineage.segments[2].from, [2, 1]);
    assert_eq!(
        lineage.gone,
        [Gone {
            id: 1,
            name: "b".into(),
            into: Some(2)
        }]
    );
    assert_eq!(found[1].name, "described 1");
}

#[test]
fn the_first_segment_alone_is_called_insiders() {
    // the former Insiders come second now
    let (found, _) = succeed(&[0, 0, 1, 1], &[1, 1, 0, 0], &["Insiders", "b"], 2);
    assert_eq!((found[0].id, found[0].name.as_str()), (1, "Insiders"));
    assert_eq!((found[1].id, found[1].name.as_str()), (0, "described 1"));
}

proptest! {
    /// No other one-to-one assignment of three by three keeps more customers, and what is
    /// reported as kept is what the customers' numbers say.
    #[test]
    fn the_matching_is_the_best(pairs in prop::collection::vec((0_u32..3, 0_u32..3), 1..60)) {
        let (before, after): (Vec<u32>, Vec<u32>) = pairs.into_iter().unzip();
        let matching = Matching::of(&before, &after, 3, 3).unwrap();
        let sum = |columns: [usize; 3]| -> usize {
            (0..3).map(|row| matching.shared[row][columns[row]]).sum()
        };
        let best = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
            .map(sum).into_iter().max().unwrap();
        let found: usize = assign(&matching.shared, 3).unwrap().iter()
            .map(|&(old, new)| matching.shared[old][new]).sum();
        prop_assert_eq!(found, best);
        let (segments, lineage) =
            matching.succeed("m", &segments(&["Insiders", "b", "c"]), &described(3), 3);
        let same = before.iter().zip(&after)
            .filter(|(old, new)| segments[**new as usize].id == **old).count();
        prop_assert_eq!(lineage.agreement, same as f64 / before.len() as f64);
        let mut names: Vec<_> = segments.iter().map(|s| &s.name).collect();
        names.sort();
        names.dedup();
        prop_assert_eq!(names.len(), 3);
    }
}
