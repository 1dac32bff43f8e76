//! Which rows stand for all, where all are too many for a page.

/// `most` of the rows, by segment in proportion to its size, none of a segment less than
/// one; within a segment every n-th. The same rows give the same sample.
pub(super) fn stratified(places: &[usize], segments: usize, most: usize) -> Vec<usize> {
    if places.len() <= most {
        return (0..places.len()).collect();
    }
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); segments];
    for (row, &place) in places.iter().enumerate() {
        if let Some(rows) = rows.get_mut(place) {
            rows.push(row);
        }
    }
    let all: usize = rows.iter().map(Vec::len).sum();
    let mut chosen = Vec::with_capacity(most);
    for rows in &rows {
        let quota = (rows.len() as u128 * most as u128 / all.max(1) as u128) as usize;
        let quota = quota.max(1).min(rows.len());
        let at = |i: usize| (i as u128 * rows.len() as u128 / quota.max(1) as u128) as usize;
        chosen.extend((0..quota).filter_map(|i| rows.get(at(i)).copied()));
    }
    chosen.sort_unstable();
    chosen.truncate(most);
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_are_all_taken() {
        assert_eq!(stratified(&[0, 1, 0], 2, 3), [0, 1, 2]);
    }

    #[test]
    fn many_rows_are_taken_in_proportion_and_no_segment_is_lost() {
        let places: Vec<usize> = (0..10_000)
            .map(|row| match row {
                5_000 => 2,
                _ => usize::from(row % 4 == 0),
            })
            .collect();
        let sample = stratified(&places, 3, 1_000);
        assert!(
            sample.len() <= 1_000 && sample.len() >= 998,
            "{}",
            sample.len()
        );
        assert!(sample.is_sorted_by(|a, b| a < b));
        let of = |place| sample.iter().filter(|&&row| places[row] == place).count();
        assert_eq!(of(2), 1);
        assert!((of(1) as f64 / 250.0 - 1.0).abs() < 0.01, "{}", of(1));
        assert_eq!(sample, stratified(&places, 3, 1_000));
    }
}
