//! What the tests share.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The header of the UCI export.
pub(crate) const HEADER: &str =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

/// Runs the binary.
pub(crate) fn insiders(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_insiders"))
        .args(args)
        .output()
        .unwrap()
}

/// Runs an export without publishing; gives the manifest.
pub(crate) fn run(input: &Path, dir: &Path, more: &[&str]) -> Value {
    let (input, dir) = (input.to_str().unwrap(), dir.to_str().unwrap());
    let mut args = vec!["run", input, "--dir", dir, "--json"];
    args.extend(more);
    let output = insiders(&args);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A file of a run.
pub(crate) fn artifact(dir: &Path, manifest: &Value, name: &str) -> Vec<u8> {
    let run = manifest["run_id"].as_str().unwrap();
    std::fs::read(dir.join("runs").join(run).join(name)).unwrap()
}

/// Data that are not part of the project, if they are here.
pub(crate) fn reference(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared")
        .join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!(
        "SKIPPED: {} is not here, so the golden run is not compared",
        path.display()
    );
    None
}

/// Copies a folder; links stay links. Folders first: what the local store keeps of an object
/// stands until the object is newer, and lies above it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    let entries = std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap());
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by_key(|entry| !entry.file_type().unwrap().is_dir());
    for entry in entries {
        let to = to.join(entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(entry.path()).unwrap(), to).unwrap();
        } else if kind.is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// A generated shop.
pub(crate) fn shop(rows: u64, dirty: f64) -> Vec<u8> {
    let options = insiders::generate::Options {
        rows,
        customers: None,
        seed: 7,
        dirty,
    };
    let mut csv = Vec::new();
    insiders::generate::write(&options, &mut csv).unwrap();
    csv
}

/// A line of the table that `tools/guarantees` gathers: what is promised, what was done to
/// break it, how often, and how it ended. Also written behind the file INSIDERS_TALLY, whether
/// or not a test's output is shown.
pub(crate) fn tally(promise: &str, fault: &str, times: usize, outcome: &str) {
    let line = format!("tally | {promise} | {fault} | {times} | {outcome}\n");
    print!("{line}");
    if let Some(path) = std::env::var_os("INSIDERS_TALLY") {
        let file = std::fs::File::options()
            .append(true)
            .create(true)
            .open(path);
        file.unwrap().write_all(line.as_bytes()).unwrap();
    }
}
