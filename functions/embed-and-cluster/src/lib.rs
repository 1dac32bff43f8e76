//! `embed-and-cluster`: the second stage. From one row of features per customer to one
//! segment per customer: scale, leaves of the forest, UMAP, k-means, profile.
//!
//! [`handle`] is the whole stage: [`score`] fits or applies the models, [`succession`] says
//! which segments of a refit are which and whether it may become champion, [`write`] leaves
//! the run. [`shards`] does the same of customers who are too many for one function.

mod apply;
mod cuts;
mod embedding;
mod evaluate;
mod event;
mod explained;
mod figures;
mod fit;
mod handler;
mod large;
mod matrix;
mod measured;
mod order;
mod report;
mod resample;
mod ruled;
mod sample;
mod score;
mod settle;
mod shards;
mod start;
mod succession;
mod write;

pub use embedding::{embedding, scaled};
pub use evaluate::{Evaluation, evaluate};
pub use event::{Answer, Event, Step, handle_event, handle_shards};
pub use explained::{Explained, ExplainedSegment};
pub use figures::figures;
pub use handler::{Context, handle};
pub use measured::{Placed, place, recall};
pub use report::{page, rebuild, refresh};
pub use sample::{Sampler, customers_that_fit};
