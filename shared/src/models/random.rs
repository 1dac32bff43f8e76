//! Counter-based random numbers.
//!
//! A number is a function of (seed, stream, row, counter) and of nothing else, so that it
//! does not matter in which order, on which thread or how often it is asked for. The
//! mixing is the finaliser of `SplitMix64` (Steele, Lea, Flood 2014).

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finaliser of `SplitMix64`: a bijection of 64 bits in which each bit depends on all.
#[inline]
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// What a sequence of random numbers is for. Two streams never share numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Rows drawn with replacement for a tree.
    Bootstrap = 1,
    /// Initial centroids of a k-means restart.
    Centroids = 2,
    /// Start vector of the Lanczos iteration.
    Lanczos = 3,
    /// Noise added to the initial layout.
    Noise = 4,
    /// Negative samples of the layout of training rows.
    NegativeFit = 5,
    /// Negative samples of the layout of a new row.
    NegativeTransform = 6,
    /// Rows sampled for the silhouette.
    Silhouette = 7,
    /// Points of components too small for a spectral layout.
    SmallComponent = 8,
    /// Random cuts of a tree.
    Cuts = 9,
    /// Customers of a resample.
    Resample = 10,
    /// Customers that rules are found on, and whose next step is tried.
    Rules = 11,
    /// Customers that a fit of very many is made on.
    Sample = 12,
    /// Points that restarts of k-means are compared on, where there are very many.
    Restarts = 13,
    /// Candidates that neighbours are sought among.
    Neighbors = 14,
}

/// A key under which numbers are drawn by counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key(u64);

impl Key {
    /// The key of one stream of one seed.
    pub fn new(seed: u64, stream: Stream) -> Self {
        Self(mix(
            mix(seed.wrapping_add(GOLDEN)) ^ (stream as u64).wrapping_mul(GOLDEN)
        ))
    }

    /// The key of one row (tree, restart, vertex) of the stream.
    #[inline]
    #[must_use]
    pub fn child(self, row: u64) -> Self {
        Self(mix(!self
            .0
            .wrapping_add(row.wrapping_add(1).wrapping_mul(GOLDEN))))
    }

    /// The number at a counter.
    #[inline]
    pub fn draw(self, counter: u64) -> u64 {
        mix(self
            .0
            .wrapping_add(counter.wrapping_add(1).wrapping_mul(GOLDEN)))
    }

    /// An index in `0..n` at a counter; `n` is at most 2^32 and more than 0.
    #[inline]
    pub fn below(self, counter: u64, n: usize) -> usize {
        ((self.draw(counter) >> 32).wrapping_mul(n as u64) >> 32) as usize
    }

    /// A number in `[0, 1)` at a counter.
    #[inline]
    pub fn unit(self, counter: u64) -> f64 {
        (self.draw(counter) >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// A standard normal number at a counter (Box and Muller 1958).
    pub fn normal(self, counter: u64) -> f64 {
        let radius = 1.0 - self.unit(counter.wrapping_mul(2));
        let angle = self.unit(counter.wrapping_mul(2).wrapping_add(1));
        libm::sqrt(-2.0 * libm::log(radius)) * libm::cos(std::f64::consts::TAU * angle)
    }

    /// `k` distinct indices of `0..n` in random order, or all of them if `k >= n`
    /// (the first steps of Fisher and Yates' shuffle).
    pub fn distinct(self, k: usize, n: usize) -> Vec<u32> {
        let mut rows: Vec<u32> = (0..n as u32).collect();
        let k = k.min(n);
        for i in 0..k {
            let j = i + self.below(i as u64, n - i);
            rows.swap(i, j);
        }
        rows.truncate(k);
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_depends_on_every_part_of_its_key() {
        let base = Key::new(1, Stream::Noise).child(2).draw(3);
        assert_eq!(base, Key::new(1, Stream::Noise).child(2).draw(3));
        assert_ne!(base, Key::new(2, Stream::Noise).child(2).draw(3));
        assert_ne!(base, Key::new(1, Stream::Lanczos).child(2).draw(3));
        assert_ne!(base, Key::new(1, Stream::Noise).child(3).draw(3));
        assert_ne!(base, Key::new(1, Stream::Noise).child(2).draw(4));
    }

    #[test]
    fn numbers_are_spread_evenly() {
        let key = Key::new(42, Stream::Bootstrap);
        let mut counts = [0_u32; 10];
        for i in 0..100_000 {
            counts[key.below(i, 10)] += 1;
        }
        assert!(
            counts.iter().all(|&c| (9_500..10_500).contains(&c)),
            "{counts:?}"
        );
        let mean = (0..100_000).map(|i| key.normal(i)).sum::<f64>() / 100_000.0;
        assert!(mean.abs() < 0.02);
    }

    #[test]
    fn distinct_rows_are_distinct_and_bounded() {
        let key = Key::new(7, Stream::Centroids);
        let mut rows = key.distinct(50, 60);
        rows.sort_unstable();
        rows.dedup();
        assert_eq!(rows.len(), 50);
        assert!(rows.iter().all(|&r| r < 60));
        assert_eq!(key.distinct(9, 3).len(), 3);
    }
}
