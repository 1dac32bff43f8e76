//! Who buys: traits worked out from a customer's number whenever they are wanted.

use super::random::{Random, interpolate};
use super::words;

/// More than these have no nine-digit id.
pub(super) const MOST: u64 = 800_000_000;
/// Of 1,000 customers, those that buy once.
const ONCE: u64 = 220;
/// Which share (of a million) of the orders of those who come back is made by the best
/// customers: by 0.2% of them 4.2%, by a tenth of them 38%.
const LOYALTY: [(u64, u64); 16] = [
    (0, 0),
    (2_000, 42_000),
    (5_000, 78_000),
    (10_000, 114_000),
    (20_000, 164_000),
    (50_000, 269_000),
    (100_000, 383_000),
    (200_000, 536_000),
    (300_000, 644_000),
    (400_000, 727_000),
    (500_000, 794_000),
    (600_000, 849_000),
    (700_000, 899_000),
    (800_000, 933_000),
    (900_000, 967_000),
    (1_000_000, 1_000_000),
];
/// Quantiles of how much a customer takes of what it buys, in sixteenths of the usual.
const APPETITE: [(u64, u64); 9] = [
    (0, 5),
    (50_000, 8),
    (250_000, 12),
    (500_000, 16),
    (750_000, 22),
    (900_000, 32),
    (970_000, 56),
    (995_000, 110),
    (1_000_000, 240),
];
/// The same among the best hundredth: wholesalers.
const WHOLESALE: [(u64, u64); 6] = [
    (0, 8),
    (250_000, 18),
    (500_000, 32),
    (750_000, 64),
    (950_000, 180),
    (1_000_000, 220),
];

/// The registered customers.
#[derive(Debug)]
pub(super) struct Customers {
    seed: u64,
    count: u64,
    /// Those from this number on buy once, one after the other through the year.
    once_from: u64,
    once_next: u64,
    /// A step that visits every number once.
    stride: u64,
    /// One bit a customer: occurs in the file.
    seen: Vec<u64>,
}

/// What is particular to a customer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Customer {
    pub(super) number: u64,
    pub(super) country: &'static str,
    /// In sixteenths of the usual quantity.
    pub(super) appetite: u64,
}

impl Customers {
    pub(super) fn new(seed: u64, count: u64) -> Self {
        let once_from = count - count * ONCE / 1_000;
        let mut stride = count * 618 / 1_000 + 1;
        while gcd(stride, count) != 1 {
            stride += 1;
        }
        Self {
            seed,
            count,
            once_from,
            once_next: once_from,
            stride,
            seen: vec![0; count.div_ceil(64) as usize],
        }
    }

    /// Who makes the next order, `done` of `rows` lines into the year, on its `day`.
    pub(super) fn next(&mut self, random: &mut Random, done: u64, rows: u64, day: u64) -> Customer {
        let once = u128::from(self.count - self.once_from);
        let due = (u128::from(done) * once / u128::from(rows.max(1))) as u64;
        if self.once_next < self.count
            && self.once_next - self.once_from <= due
            && random.chance(1, 2)
        {
            self.once_next += 1;
            return self.traits(self.once_next - 1);
        }
        let mut number = 0;
        for _ in 0..6 {
            number = self.regular(random);
            if self.is_active(number, day) {
                break;
            }
        }
        self.traits(number)
    }

    /// One of those who come back, as often as it does: the lower the number, the oftener.
    fn regular(&self, random: &mut Random) -> u64 {
        let share = random.below(1_000_000);
        let (mut low, mut high) = (0, 1_000_000);
        while low < high {
            let middle = u64::midpoint(low, high);
            if interpolate(&LOYALTY, middle) <= share {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        // Within a millionth, any.
        let place = u128::from(low.saturating_sub(1)) * 1_000 + u128::from(random.below(1_000));
        (place * u128::from(self.once_from) / 1_000_000_000) as u64
    }

    /// Some join during the year, some are lost.
    fn is_active(&self, number: u64, day: u64) -> bool {
        let mut random = Random::of(self.seed, 4, number);
        let joined = if random.chance(6, 10) {
            0
        } else {
            random.below(330)
        };
        let lost = if random.chance(6, 10) {
            1_000
        } else {
            joined + 20 + random.below(300)
        };
        (joined..lost).contains(&day)
    }

    pub(super) fn traits(&self, number: u64) -> Customer {
        let mut random = Random::of(self.seed, 5, number);
        let appetite = if number < self.once_from / 66 {
            random.quantile(&WHOLESALE)
        } else {
            random.quantile(&APPETITE)
        };
        Customer {
            number,
            country: place(&mut random, &words::COUNTRIES),
            appetite,
        }
    }

    /// The id in the file: numbers in no order, below where the notebook's guests begin, or
    /// of nine digits if there are too many, above any invoice number. Notes that it occurs.
    pub(super) fn id(&mut self, number: u64) -> u64 {
        if let Some(word) = self.seen.get_mut((number / 64) as usize) {
            *word |= 1 << (number % 64);
        }
        let shuffled =
            (u128::from(number) * u128::from(self.stride) % u128::from(self.count)) as u64;
        if self.count > 6_600 {
            return 100_000_000 + shuffled;
        }
        // 16446 is a customer that the built-in rules leave out.
        let id = 12_346 + shuffled;
        if id >= 16_446 { id + 1 } else { id }
    }

    pub(super) fn occurring(&self) -> u64 {
        self.seen
            .iter()
            .map(|word| u64::from(word.count_ones()))
            .sum()
    }
}

/// One of `places`, by weight.
pub(super) fn place(random: &mut Random, places: &[(&'static str, u32)]) -> &'static str {
    let total: u64 = places.iter().map(|(_, weight)| u64::from(*weight)).sum();
    let mut left = random.below(total);
    for (name, weight) in places {
        match left.checked_sub(u64::from(*weight)) {
            Some(rest) => left = rest,
            None => return name,
        }
    }
    "United Kingdom"
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
