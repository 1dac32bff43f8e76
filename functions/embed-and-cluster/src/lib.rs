//! `embed-and-cluster`: the second stage. From one row of features per customer to one
//! segment per customer: scale, leaves of the forest, UMAP, k-means, profile.
//!
//! [`handle`] is the whole stage; [`fit`] makes the models, [`apply`] uses stored ones.

mod apply;
mod cuts;
mod evaluate;
mod figures;
mod fit;
mod handler;
mod matrix;
mod start;

pub use evaluate::{Evaluation, evaluate};
pub use figures::figures;
pub use handler::{Context, handle};
