//! Names of the segments.

/// Names of `k` segments in the order of their mean revenue: the first are the Insiders.
pub fn names(k: usize) -> Vec<String> {
    (0..k)
        .map(|label| match label {
            0 => "Insiders".to_owned(),
            other => format!("Segment {other}"),
        })
        .collect()
}
