//! Random numbers that are the same everywhere: splitmix64, and tables instead of formulas.

/// A stream of random numbers.
///
/// Source: Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// The stream number `n` of `kind`, which depends on nothing that was drawn before.
    pub(super) fn of(seed: u64, kind: u64, n: u64) -> Self {
        let mixed = mix(seed.wrapping_add(mix(kind.wrapping_mul(STEP).wrapping_add(1))));
        Self(mix(mixed ^ n.wrapping_mul(STEP)))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// From 0 to `n - 1`; 0 for an `n` of 0.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    /// True in `n` of `of` cases.
    pub(super) fn chance(&mut self, n: u64, of: u64) -> bool {
        self.below(of) < n
    }

    /// One of `options`, each as often as its weight says; 0 for no options.
    pub(super) fn weighted(&mut self, options: &[(u32, u32)]) -> u32 {
        let total: u64 = options.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut left = self.below(total);
        for (value, weight) in options {
            match left.checked_sub(u64::from(*weight)) {
                Some(rest) => left = rest,
                None => return *value,
            }
        }
        options.last().map_or(0, |(value, _)| *value)
    }

    /// A number whose distribution has the given quantiles, linear between them.
    pub(super) fn quantile(&mut self, knots: &Knots) -> u64 {
        interpolate(knots, self.below(1_000_000))
    }

    /// One element; `None` of nothing.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len() as u64) as usize)
    }
}

/// Points `(x, y)` of a function, both increasing; quantile tables have x from 0 to 1,000,000.
pub(super) type Knots = [(u64, u64)];

/// The function through `knots` at `x`; beyond them, their nearest end.
pub(super) fn interpolate(knots: &Knots, x: u64) -> u64 {
    let (mut x0, mut y0) = knots.first().copied().unwrap_or_default();
    for &(x1, y1) in knots {
        if x <= x1 {
            if x1 == x0 {
                return y1;
            }
            // Tables may fall as well as rise.
            let along = |from: u64, to: u64| (to - from) * x.saturating_sub(x0) / (x1 - x0);
            return if y1 >= y0 {
                y0 + along(y0, y1)
            } else {
                y0 - along(y1, y0)
            };
        }
        (x0, y0) = (x1, y1);
    }
    y0
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
