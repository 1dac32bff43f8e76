//! How good segments are: pure measures of labels, points and values.

mod agreement;
mod trustworthiness;
mod variance;

pub use agreement::{adjusted_rand_index, best_jaccard, by_overlap};
pub use trustworthiness::trustworthiness;
pub use variance::eta_squared;
