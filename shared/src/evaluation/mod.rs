//! How good segments are: pure measures of labels, points and values.

mod agreement;
mod drift;
mod gates;
mod rfm_boxes;
mod separation;
mod trustworthiness;
mod variance;

pub use agreement::{adjusted_rand_index, best_jaccard, by_overlap};
pub use drift::{Drift, Reference};
pub use gates::{Challenge, Gate, judge, share_shift};
pub use rfm_boxes::{RfmBox, best_rfm_boxes, quintiles};
pub use separation::Separation;
pub use trustworthiness::trustworthiness;
pub use variance::eta_squared;
