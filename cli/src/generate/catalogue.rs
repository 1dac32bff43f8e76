//! What the shop sells.

use super::random::{Knots, Random, interpolate};
use super::words;

/// Stock codes in the catalogue.
const PRODUCTS: u64 = 3_900;
/// Times the product of a rank is sold, in a year of 541,909 lines: flat at the top, a long
/// tail.
const POPULARITY: [(u64, u64); 14] = [
    (0, 2_313),
    (2, 2_159),
    (5, 1_502),
    (10, 1_348),
    (50, 937),
    (100, 700),
    (300, 412),
    (500, 297),
    (1_000, 169),
    (1_500, 105),
    (2_000, 64),
    (2_500, 38),
    (3_000, 16),
    (3_900, 1),
];
/// Quantiles of the price in pence, by which the points below are chosen.
const PRICES: [(u64, u64); 12] = [
    (0, 12),
    (10_000, 19),
    (50_000, 42),
    (100_000, 65),
    (250_000, 125),
    (500_000, 195),
    (750_000, 375),
    (900_000, 715),
    (950_000, 925),
    (990_000, 1_695),
    (998_000, 4_995),
    (1_000_000, 16_500),
];
/// Prices end on one of these pence.
const ENDINGS: [u64; 6] = [5, 25, 45, 65, 85, 95];

/// A product; its texts as they stand in the file, quoted and in windows-1252.
#[derive(Debug)]
pub(super) struct Product {
    pub(super) code: String,
    pub(super) description: String,
    /// Pence.
    pub(super) price: u32,
    /// Sold from September on.
    pub(super) christmas: bool,
}

/// All products, the most popular first.
#[derive(Debug)]
pub(super) struct Catalogue {
    products: Vec<Product>,
    /// Sales up to each product's.
    until: Vec<u64>,
    /// For each 4,096th of the sales, the first product that can be meant.
    guide: Vec<u32>,
}

const GUIDE: u64 = 4_096;

impl Catalogue {
    pub(super) fn new(seed: u64) -> Self {
        let products: Vec<Product> = (0..PRODUCTS).map(|rank| product(seed, rank)).collect();
        let mut sum = 0;
        let until: Vec<u64> = (0..PRODUCTS)
            .map(|rank| {
                sum += interpolate(&POPULARITY, rank).max(1);
                sum
            })
            .collect();
        let guide = (0..GUIDE)
            .map(|n| until.partition_point(|until| *until <= n * sum / GUIDE) as u32)
            .collect();
        Self {
            products,
            until,
            guide,
        }
    }

    /// A product as the season has it, as often as it is bought.
    pub(super) fn draw(&self, random: &mut Random, autumn: bool) -> u32 {
        let mut drawn = 0;
        for _ in 0..3 {
            drawn = self.draw_any(random);
            let christmas = self.get(drawn).is_some_and(|product| product.christmas);
            // A few buy for Christmas in spring.
            if autumn || !christmas || random.chance(1, 12) {
                break;
            }
        }
        drawn
    }

    fn draw_any(&self, random: &mut Random) -> u32 {
        let total = self.until.last().copied().unwrap_or(1);
        let sold = random.below(total);
        let from = self
            .guide
            .get((sold * GUIDE / total) as usize)
            .copied()
            .unwrap_or(0);
        let later = self.until.get(from as usize..).unwrap_or_default();
        from + later.iter().take_while(|until| **until <= sold).count() as u32
    }

    pub(super) fn get(&self, product: u32) -> Option<&Product> {
        self.products.get(product as usize)
    }
}

fn product(seed: u64, rank: u64) -> Product {
    let mut random = Random::of(seed, 2, rank);
    // 4,999 is prime: every rank has a number of its own.
    let number = 20_000 + (rank * 1_237 + Random::of(seed, 3, 0).below(4_999)) % 4_999;
    let letter = if random.chance(1, 5) {
        random
            .pick(&["A", "B", "C", "D", "L", "S"])
            .copied()
            .unwrap_or("")
    } else {
        ""
    };
    let christmas = random.chance(1, 14);
    let style = random.pick(&words::STYLES).copied().unwrap_or("");
    let mut description = if random.chance(1, 110) || rank == 40 {
        random
            .pick(&words::QUOTED)
            .copied()
            .unwrap_or("")
            .to_owned()
    } else if christmas {
        let thing = random.pick(&words::CHRISTMAS).copied().unwrap_or("");
        format!("{style} {thing}")
    } else {
        let motif = random.pick(&words::MOTIFS).copied().unwrap_or("");
        let thing = random.pick(&words::THINGS).copied().unwrap_or("");
        format!("{style} {motif} {thing}")
    };
    if random.chance(1, 12) {
        description.push(' ');
    }
    Product {
        code: format!("{number}{letter}"),
        description: quoted(&description),
        price: price(&mut random, &PRICES),
        christmas,
    }
}

/// A price with a shop's ending.
fn price(random: &mut Random, quantiles: &Knots) -> u32 {
    let pence = random.quantile(quantiles);
    if pence < 100 {
        return pence as u32;
    }
    let ending = ENDINGS
        .iter()
        .min_by_key(|ending| ending.abs_diff(pence % 100));
    (pence / 100 * 100 + ending.copied().unwrap_or(95)) as u32
}

/// As a field of a CSV file: in quotes where it must be.
pub(super) fn quoted(text: &str) -> String {
    if text.contains([',', '"']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
