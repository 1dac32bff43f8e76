//! What a grouping explains.

use std::collections::BTreeMap;

/// Share of the variance of `values` that lies between the groups of `labels`, from 0 to 1
/// (the correlation ratio, eta squared: Pearson 1905; Fisher 1925). 0 where the values do not vary.
pub fn eta_squared(labels: &[u32], values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let mut groups: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    for (&label, &value) in labels.iter().zip(values) {
        let group = groups.entry(label).or_default();
        group.0 += value;
        group.1 += 1.0;
    }
    let between: f64 = groups
        .values()
        .map(|&(sum, count)| count * (sum / count - mean) * (sum / count - mean))
        .sum();
    let total: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    if total > 0.0 { between / total } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1, 3 | 5, 7: mean 4, total 9+1+1+9 = 20, between 2·(2-4)² + 2·(6-4)² = 16.
    #[test]
    fn by_hand() {
        assert_eq!(eta_squared(&[0, 0, 1, 1], &[1.0, 3.0, 5.0, 7.0]), 0.8);
        assert_eq!(eta_squared(&[0, 1, 2], &[1.0, 2.0, 4.0]), 1.0);
        assert_eq!(eta_squared(&[0, 0], &[2.0, 2.0]), 0.0);
        assert_eq!(eta_squared(&[], &[]), 0.0);
    }
}
