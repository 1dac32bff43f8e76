//! The rule of every segment.

use std::hint::black_box;

use shared::segments::rules::induce;

use crate::kernel::Work;
use crate::{Result, shop};

const SEGMENTS: usize = 4;

pub(crate) fn induction() -> Result<Work> {
    let features = shop::features(2_000);
    // Segments that two features tell apart, but not at a single cut.
    let rows = features.recency_days.iter().zip(&features.gross_revenue);
    let labels = rows.map(|(&days, &revenue)| {
        let (is_away, spends) = (days > 120, revenue > 80.0 + days as f64 / 4.0);
        u32::from(is_away) * 2 + u32::from(spends)
    });
    let labels: Vec<u32> = labels.collect();
    Ok(Box::new(move || {
        black_box(induce(&features, &labels, SEGMENTS, 42)?);
        Ok(())
    }))
}
