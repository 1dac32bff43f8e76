//! Where a falling curve stops falling steeply.

/// The position of the elbow of a falling curve over `x`: the point furthest below the
/// straight line from its first to its last, with both axes brought to `0..1` (the kneedle
/// of Satopää et al. 2011). `None` for fewer than three points, and where no point is below
/// the line.
pub fn elbow(curve: &[(f64, f64)]) -> Option<usize> {
    let (&(x0, y0), &(x1, y1)) = (curve.first()?, curve.last()?);
    if curve.len() < 3 || x1 <= x0 || y1 >= y0 {
        return None;
    }
    let below = |&(x, y): &(f64, f64)| 1.0 - (x - x0) / (x1 - x0) - (y - y1) / (y0 - y1);
    let mut best: Option<(usize, f64)> = None;
    for (i, point) in curve.iter().enumerate() {
        let depth = below(point);
        if depth > best.map_or(1e-12, |(_, most)| most) {
            best = Some((i, depth));
        }
    }
    best.map(|(i, _)| i)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bend_is_found() {
        let curve = [
            (2.0, 100.0),
            (3.0, 50.0),
            (4.0, 20.0),
            (5.0, 15.0),
            (6.0, 12.0),
        ];
        assert_eq!(elbow(&curve), Some(2));
        // the same curve in other units
        let scaled = curve.map(|(x, y)| (x * 10.0, y * 1e-6 + 3.0));
        assert_eq!(elbow(&scaled), Some(2));
    }

    #[test]
    fn a_line_and_a_rising_curve_have_none() {
        assert_eq!(elbow(&[(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)]), None);
        assert_eq!(elbow(&[(1.0, 1.0), (2.0, 1.0), (3.0, 2.0)]), None);
        assert_eq!(elbow(&[(1.0, 3.0), (2.0, 1.0)]), None);
        assert_eq!(elbow(&[]), None);
        assert_eq!(elbow(&[(1.0, f64::NAN), (2.0, 1.0), (3.0, 0.0)]), None);
    }
}
