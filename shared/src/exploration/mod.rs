//! Which number of segments, by which method, in which space: the figures of each choice,
//! and which of them is recommended and why.

mod cell;
mod choice;
mod elbow;
mod plan;
mod principal;
mod recommendation;
mod refits;

pub use cell::{Cell, Figures, Method, Outcome, Space};
pub use choice::{Choice, Rule, choose};
pub use elbow::elbow;
pub use plan::{KRange, Plan};
pub use principal::principal;
pub use recommendation::{Curve, Exploration, Recommendation};
pub use refits::{Stability, parts, stability};
