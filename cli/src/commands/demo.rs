//! `insiders demo`.

use super::generate::to_file;
use super::run::{execute, file_error};
use crate::Failure;
use crate::args::{DemoArgs, ModeArg, RunArgs};
use crate::generate::Options;

/// Generates a shop and turns it into segments.
pub(crate) async fn demo(args: DemoArgs) -> Result<(), Failure> {
    std::fs::create_dir_all(&args.dir).map_err(|e| file_error(&args.dir, e))?;
    let sales = args.dir.join("demo.csv");
    to_file(
        &Options {
            rows: args.rows,
            customers: None,
            seed: 42,
            dirty: 0.001,
        },
        &sales,
    )?;
    let run = RunArgs {
        input: sales.to_string_lossy().into_owned(),
        dir: args.dir,
        mode: ModeArg::Auto,
        config: None,
        as_of: None,
        shards: None,
        publish: args.publish,
        json: args.json,
    };
    execute(run, true).await
}
