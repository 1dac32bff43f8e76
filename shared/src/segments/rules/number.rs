//! Numbers as people read them.

/// `value` to some significant digits, by way of its decimal text: the text is the same on
/// every machine, a power of ten need not be.
pub(super) fn rounded(value: f64, digits: usize) -> f64 {
    let places = digits.saturating_sub(1);
    format!("{value:.places$e}").parse().unwrap_or(value)
}

/// The number with its thousands apart: 3,400 or 0.35.
pub(in crate::segments) fn readable(value: f64) -> String {
    let text = value.to_string();
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or(("", text.as_str()), |d| ("-", d));
    let (whole, rest) = digits
        .split_once('.')
        .map_or((digits, None), |(w, r)| (w, Some(r)));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    rest.map_or_else(
        || format!("{sign}{grouped}"),
        |rest| format!("{sign}{grouped}.{rest}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        for (value, text) in [
            (0.0, "0"),
            (7.0, "7"),
            (999.0, "999"),
            (3_400.0, "3,400"),
            (-1_234_567.0, "-1,234,567"),
            (0.35, "0.35"),
            (12_000.5, "12,000.5"),
        ] {
            assert_eq!(readable(value), text);
        }
    }

    #[test]
    fn digits_are_the_significant_ones() {
        assert_eq!(rounded(1_991.0, 1), 2_000.0);
        assert_eq!(rounded(1_991.0, 3), 1_990.0);
        assert_eq!(rounded(0.034_69, 2), 0.035);
        assert_eq!(rounded(0.0, 2), 0.0);
    }
}
