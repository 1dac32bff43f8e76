//! `insiders generate`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::run::file_error;
use crate::args::GenerateArgs;
use crate::generate::{Options, Summary, write};
use crate::{Failure, output};

/// Writes a made-up shop's sales.
pub(crate) fn generate(args: &GenerateArgs) -> Result<(), Failure> {
    let options = Options {
        rows: args.rows,
        customers: args.customers,
        seed: args.seed,
        dirty: args.dirty,
    };
    let summary = to_file(&options, &args.output)?;
    output::notice(&format!(
        "{}: {} rows, {} of them unreadable, {} invoices",
        args.output.display(),
        summary.rows,
        summary.dirty,
        summary.invoices
    ));
    Ok(())
}

/// The same, for the demo.
pub(super) fn to_file(options: &Options, path: &Path) -> Result<Summary, Failure> {
    let failed = |e| file_error(path, e);
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path).map_err(failed)?);
    let summary = write(options, &mut out).map_err(failed)?;
    out.flush().map_err(failed)?;
    Ok(summary)
}
