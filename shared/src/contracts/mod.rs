//! What the functions say to each other: small JSON messages of places and digests, never
//! data; and where each artifact lies.

mod index;
mod inputs;
mod layout;
mod manifest;
mod plan;
mod promotion;
mod request;
mod shards;
mod spark;
mod trigger;

pub use index::{IndexedRun, RunIndex};
pub use inputs::Inputs;
pub use layout::{Layout, Part, ShardTable};
pub use manifest::{Artifact, Counts, Manifest, Publication, Quality, StageReport};
pub(crate) use manifest::{format, hex};
pub use plan::{ModelAction, Run, RunState, Source};
pub use promotion::Promotion;
pub use request::{AsOf, Mode, ObjectRef, Request, Scale};
pub use shards::{Shard, Shards};
pub use spark::{Failure, SparkJob};
pub use trigger::{Trigger, UPLOADS};
