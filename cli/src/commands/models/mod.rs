//! `insiders models`: one file a verb.

mod describe;
mod import;
mod lifecycle;

use crate::Failure;
use crate::args::{ModelsArgs, ModelsVerb};

/// Does what the verb says.
pub(super) async fn models(args: ModelsArgs) -> Result<(), Failure> {
    match args.verb {
        ModelsVerb::Import(args) => import::import(args).await,
        ModelsVerb::List(args) => describe::list(args).await,
        ModelsVerb::Show(args) => describe::show(args).await,
        ModelsVerb::Diff(args) => describe::diff(args).await,
        ModelsVerb::Promote(args) => lifecycle::promote(args).await,
        ModelsVerb::Rollback(args) => lifecycle::rollback(args).await,
        ModelsVerb::Rename(args) => lifecycle::rename(args).await,
    }
}
