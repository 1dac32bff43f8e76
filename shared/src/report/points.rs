//! The map of the customers: little-endian arrays in base64, two bytes a figure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::sample::stratified;
use crate::tables::SegmentRows;

/// Points that a page holds.
pub const MOST_POINTS: usize = 100_000;
/// Largest quantised value.
const TOP: f64 = 65_535.0;

/// The points.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Points {
    /// How many there are on the page.
    pub count: usize,
    /// Of how many customers.
    pub of: usize,
    /// Abscissa as u16, 0 at the left and 65535 at the right.
    pub x: String,
    /// Ordinate as u16, 0 at the bottom and 65535 at the top.
    pub y: String,
    /// Place of the segment in the list of segments, as u8.
    pub segment: String,
    /// Gross revenue.
    pub gross_revenue: Logarithmic,
    /// Days since the last purchase, as u16.
    pub recency_days: String,
    /// Pieces bought.
    pub quantity_of_products: Logarithmic,
    /// Return invoices, as u16.
    pub returns: String,
    /// Invoices a day.
    pub frequency: Logarithmic,
}

/// Values as u16 on a logarithmic scale: `expm1(u / 65535 * log1p(greatest))`, to about three
/// digits in a page that shows no more.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Logarithmic {
    /// The greatest value.
    pub greatest: f64,
    /// The values.
    pub values: String,
}

impl Points {
    /// The customers' points, or a sample of them; `places` has the place of each one's
    /// segment.
    pub(super) fn of(rows: &SegmentRows, places: &[usize], segments: usize) -> Self {
        let chosen = stratified(places, segments, MOST_POINTS);
        let features = &rows.features;
        let pick = |column: &[f64]| -> Vec<f64> {
            let values = chosen.iter().map(|&row| column.get(row).copied());
            values.map(Option::unwrap_or_default).collect()
        };
        let whole = |column: &[i64]| -> Vec<f64> {
            let values = chosen.iter().map(|&row| column.get(row).copied());
            values.map(|v| v.unwrap_or_default() as f64).collect()
        };
        let segment = chosen.iter().map(|&row| {
            let place = places.get(row).copied().unwrap_or(usize::MAX);
            u8::try_from(place).unwrap_or(u8::MAX)
        });
        Self {
            count: chosen.len(),
            of: places.len(),
            x: linear(&pick(&rows.embedding_x)),
            y: linear(&pick(&rows.embedding_y)),
            segment: STANDARD.encode(segment.collect::<Vec<u8>>()),
            gross_revenue: Logarithmic::of(&pick(&features.gross_revenue)),
            recency_days: encode(whole(&features.recency_days).into_iter()),
            quantity_of_products: Logarithmic::of(&whole(&features.quantity_of_products)),
            returns: encode(whole(&features.returns).into_iter()),
            frequency: Logarithmic::of(&pick(&features.frequency)),
        }
    }
}

impl Logarithmic {
    fn of(values: &[f64]) -> Self {
        let greatest = values.iter().copied().fold(0.0, f64::max);
        let top = libm::log1p(greatest);
        let scaled = values.iter().map(|&value| {
            if top > 0.0 {
                libm::log1p(value.max(0.0)) / top * TOP
            } else {
                0.0
            }
        });
        Self {
            greatest,
            values: encode(scaled),
        }
    }
}

/// The values between their least and their greatest.
fn linear(values: &[f64]) -> String {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let scaled = values.iter().map(|&value| {
        if high > low {
            (value - low) / (high - low) * TOP
        } else {
            TOP / 2.0
        }
    });
    encode(scaled)
}

/// Rounded and cut to what u16 holds; what is no number is 0.
fn encode(values: impl Iterator<Item = f64>) -> String {
    let bytes = values.flat_map(|value| (value.round().clamp(0.0, TOP) as u16).to_le_bytes());
    STANDARD.encode(bytes.collect::<Vec<u8>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &str) -> Vec<u16> {
        let bytes = STANDARD.decode(text).unwrap();
        let pairs = bytes.chunks_exact(2);
        pairs.map(|b| u16::from_le_bytes([b[0], b[1]])).collect()
    }

    #[test]
    fn coordinates_lie_between_their_least_and_greatest() {
        assert_eq!(decode(&linear(&[-2.0, 0.0, 2.0])), [0, 32_768, 65_535]);
        assert_eq!(decode(&linear(&[7.0])), [32_768]);
        assert_eq!(linear(&[]), "");
    }

    #[test]
    fn figures_keep_three_digits() {
        let values = [0.0, 0.0031, 0.5, 12.25, 999.0, 1.23e6];
        let coded = Logarithmic::of(&values);
        for (u, value) in decode(&coded.values).into_iter().zip(values) {
            let back = libm::expm1(f64::from(u) / TOP * libm::log1p(coded.greatest));
            assert!(
                (back - value).abs() <= 2e-4 * (1.0 + value),
                "{value}: {back}"
            );
        }
        assert_eq!(decode(&Logarithmic::of(&[0.0]).values), [0]);
    }

    #[test]
    fn what_does_not_fit_is_cut() {
        assert_eq!(
            decode(&encode([-1.0, f64::NAN, 1e9].into_iter())),
            [0, 0, 65_535]
        );
    }
}
