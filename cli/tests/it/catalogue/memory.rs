//! Bombs and lines without end, in a process of their own whose memory is watched.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::inputs::{self, Case, Depth};
use super::table::{Entry, Table};
use super::{SMALL, refused};

#[test]
fn bombs_and_endless_lines_take_no_more_memory_than_a_good_file() {
    if !Path::new("/proc/self/status").exists() {
        println!("SKIPPED: there is no /proc here, so memory is not measured");
        return;
    }
    let cases = inputs::all();
    let good = cases.iter().find(|case| case.name == "cr-lf.csv").unwrap();
    let usual = run(good).peak;
    let mut table = Table::default();
    for case in &cases {
        let Depth::Watched(more) = case.depth else {
            continue;
        };
        let ran = run(case);
        let mut entry = entry(case, &ran);
        let limit = usual + (more << 10);
        entry.check(ran.peak <= limit, || {
            format!("{} KiB, more than {limit}", ran.peak)
        });
        entry.note(format!(
            " [{} MiB, a good file {} MiB]",
            ran.peak >> 10,
            usual >> 10
        ));
        table.add(case, ran.bytes, entry);
    }
    table.print();
    table.assert_good("bombs and endless lines");
}

struct Ran {
    /// Of the file.
    bytes: usize,
    code: Option<i32>,
    stdout: Vec<u8>,
    stderr: String,
    /// Peak resident memory in KiB.
    peak: u64,
    runs: usize,
}

fn run(case: &Case) -> Ran {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let (input, settings, data) = (path(&case.name), path("insiders.toml"), path("data"));
    let bytes = case.bytes();
    let size = bytes.len();
    std::fs::write(&input, bytes).unwrap();
    std::fs::write(&settings, format!("{SMALL}{}", case.settings)).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_insiders"))
        .arg("run")
        .arg(&input)
        .arg("--config")
        .arg(&settings)
        .arg("--dir")
        .arg(&data)
        .args(["--no-publish", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    // A manifest is smaller than a pipe, so the child never waits for a reader.
    while child.try_wait().unwrap().is_none() {
        peak = high_water(&status).unwrap_or(peak);
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().unwrap();
    assert!(peak > 0, "{}: no memory was measured", case.name);
    Ran {
        bytes: size,
        code: output.status.code(),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).unwrap(),
        peak,
        runs: std::fs::read_dir(data.join("runs")).unwrap().count(),
    }
}

/// The kernel's own peak, so that nothing between two looks is missed but the very end.
fn high_water(status: &str) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

fn entry(case: &Case, ran: &Ran) -> Entry {
    if ran.code == Some(0) {
        let manifest: Value = serde_json::from_slice(&ran.stdout).unwrap();
        return done(case, &manifest);
    }
    let said = ran.stderr.trim_end();
    let name = if ran.code == Some(3) {
        "Insiders.BadInput"
    } else {
        "another"
    };
    let mut entry = refused(case, &format!("uploads/{}", case.name), name, said);
    entry.check(ran.runs == 0, || "a run is left".to_owned());
    entry
}

fn done(case: &Case, manifest: &Value) -> Entry {
    let count = |name: &str| manifest["counts"][name].as_u64().unwrap();
    let (kept, dropped, unread) = (
        count("rows_kept"),
        count("rows_dropped"),
        count("rows_quarantined"),
    );
    let some = |name: &str, rows: u64| {
        [(name.to_owned(), rows)]
            .into_iter()
            .filter(|r| r.1 > 0)
            .collect()
    };
    let mut entry = Entry::done(kept, &some("any", dropped), &some("any", unread));
    entry.check(count("rows_read") == kept + dropped + unread, || {
        "a row is lost".to_owned()
    });
    match &case.expect {
        inputs::Expect::Refused(words) => {
            entry.check(false, || format!("it should be refused: {words:?}"));
        }
        inputs::Expect::Done {
            kept: k,
            dropped: d,
            quarantined: q,
        } => {
            let sum = |rows: &[(&str, u64)]| rows.iter().map(|r| r.1).sum::<u64>();
            entry.check((*k, sum(d), sum(q)) == (kept, dropped, unread), || {
                "other counts are expected".to_owned()
            });
        }
    }
    entry
}
