//! Every hot kernel on inputs that are made here, the same on every machine:
//!
//! ```text
//! cargo bench --bench kernels [-- FILTER]   how long each takes
//! kernels --names                           one a line
//! kernels --once NAME                       one of them once, for tools/instructions
//! ```
#![allow(missing_docs, clippy::print_stdout)]

mod export;
mod kernel;
mod lines;
mod models;
mod once;
mod rules;
mod shop;
mod tables;
mod timed;
mod umap;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--names"] => kernel::ALL.iter().for_each(|kernel| println!("{kernel}")),
        ["--once", name] => once::run(kernel::named(name)?)?,
        _ => divan::main(),
    }
    Ok(())
}
