//! Writes the catalogue of bad input to a folder: `cargo run --release -p insiders --example
//! bad_input -- DIR`. The largest files have 100 MB.
#![allow(
    clippy::expect_used,
    clippy::format_collect,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods
)]

use std::path::PathBuf;
use std::process::ExitCode;

#[path = "../../tests/bad-input/mod.rs"]
mod inputs;

use inputs::{Depth, Expect};

fn main() -> ExitCode {
    let Some(dir) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: bad_input DIR");
        return ExitCode::from(2);
    };
    match write(&dir) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", dir.display());
            ExitCode::FAILURE
        }
    }
}

fn write(dir: &std::path::Path) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)?;
    let mut theme = "";
    for case in inputs::all() {
        if case.theme != theme {
            theme = case.theme;
            println!("# {theme}");
        }
        std::fs::write(dir.join(&case.name), case.bytes())?;
        if !case.settings.is_empty() {
            std::fs::write(dir.join(format!("{}.toml", case.name)), case.settings)?;
        }
        let large = if matches!(case.depth, Depth::Watched(_)) {
            " in bounded memory"
        } else {
            ""
        };
        let (name, about) = (&case.name, &case.about);
        match case.expect {
            Expect::Refused(words) => {
                println!("{name} {about}: refused{large}: {}", words.join(" … "));
            }
            Expect::Done {
                kept,
                dropped,
                quarantined,
            } => println!(
                "{name} {about}: done{large}: {kept} kept, dropped {dropped:?}, quarantined \
                 {quarantined:?}"
            ),
        }
    }
    Ok(())
}
