//! `insiders models`: one file a verb.

mod import;

use crate::Failure;
use crate::args::{ModelsArgs, ModelsVerb};

/// Does what the verb says.
pub(super) async fn models(args: ModelsArgs) -> Result<(), Failure> {
    match args.verb {
        ModelsVerb::Import(args) => import::import(args).await,
    }
}
