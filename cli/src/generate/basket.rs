//! What is put on an invoice: how many lines, how much of a thing, and at what price.

use super::catalogue::Product;
use super::random::Random;

/// Quantiles of the lines of a customer's order.
const ORDER: [(u64, u64); 16] = [
    (0, 1),
    (50_000, 1),
    (100_000, 2),
    (200_000, 5),
    (300_000, 8),
    (400_000, 11),
    (500_000, 15),
    (600_000, 19),
    (700_000, 24),
    (800_000, 32),
    (900_000, 48),
    (950_000, 65),
    (980_000, 89),
    (990_000, 111),
    (998_000, 200),
    (1_000_000, 420),
];
/// The same for orders without a customer, most of them of the web shop.
const GUEST_ORDER: [(u64, u64); 14] = [
    (0, 1),
    (100_000, 2),
    (200_000, 5),
    (300_000, 13),
    (400_000, 30),
    (500_000, 47),
    (600_000, 67),
    (700_000, 135),
    (800_000, 186),
    (900_000, 264),
    (950_000, 429),
    (980_000, 572),
    (990_000, 635),
    (1_000_000, 900),
];
/// The same for cancellations.
const CANCELLATION: [(u64, u64); 7] = [
    (0, 1),
    (540_000, 1),
    (740_000, 2),
    (890_000, 4),
    (960_000, 9),
    (990_000, 20),
    (1_000_000, 50),
];
/// Quantities of a customer's line, and of how many in 1,000.
const PACKS: [(u32, u32); 17] = [
    (1, 184),
    (12, 151),
    (2, 146),
    (6, 95),
    (4, 81),
    (3, 68),
    (24, 60),
    (10, 53),
    (8, 29),
    (5, 20),
    (48, 15),
    (25, 13),
    (20, 12),
    (16, 10),
    (36, 9),
    (72, 5),
    (100, 5),
];
/// The same of a guest's.
const SINGLES: [(u32, u32); 9] = [
    (1, 562),
    (2, 179),
    (3, 76),
    (4, 47),
    (5, 27),
    (6, 24),
    (7, 12),
    (8, 11),
    (10, 8),
];

/// Lines of an order, at most `most`.
pub(super) fn order_lines(random: &mut Random, most: u64) -> u64 {
    random.quantile(&ORDER).clamp(1, most)
}

/// Lines of an order without a customer, at most `most`.
pub(super) fn guest_lines(random: &mut Random, most: u64) -> u64 {
    random.quantile(&GUEST_ORDER).clamp(1, most)
}

/// Lines of a cancellation, at most `most`.
pub(super) fn cancelled_lines(random: &mut Random, most: u64) -> u64 {
    random.quantile(&CANCELLATION).clamp(1, most)
}

/// How much of `product` a customer takes, and at what price: `appetite` is in sixteenths of
/// the usual; what is dear is bought by the piece, what is bought by the dozen is cheaper.
pub(super) fn line(random: &mut Random, product: &Product, appetite: u64) -> (i64, u32) {
    let pack = u64::from(random.weighted(&PACKS));
    let fitting = if product.price >= 1_000 {
        pack.div_ceil(8)
    } else if product.price >= 400 {
        pack.div_ceil(3)
    } else {
        pack
    };
    // Rounded to the one or the other neighbour.
    let mut quantity = (fitting * appetite + random.below(16)) / 16;
    if quantity > 24 {
        quantity -= quantity % 12; // whole cartons
    }
    if random.chance(1, 30_000) {
        quantity = quantity.max(12) * 40; // somebody's promotion
    }
    let price = if quantity >= 48 {
        product.price * 85 / 100
    } else {
        product.price
    };
    (quantity.max(1) as i64, price.max(4))
}

/// The same for a guest, who pays the web shop's prices.
pub(super) fn guest_line(random: &mut Random, product: &Product) -> (i64, u32) {
    let quantity = i64::from(random.weighted(&SINGLES));
    (quantity, (product.price * 5 / 3).max(4))
}
