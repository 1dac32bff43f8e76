//! The whole command killed at any moment, with the services in it: the next run has the
//! result that it would have had.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use shared::store::sha256;

use crate::parts::{insiders, run, tally};

const SETTINGS: &str = "[embedding]\ntrees = 10\n[clustering]\nk = 3\nn_init = 5\n";
/// Kills by each signal.
const KILLS: usize = 12;

/// Export `number` of a shop that goes on selling.
fn export(number: usize) -> Vec<u8> {
    let options = insiders::generate::Options {
        rows: 3_000 + 50 * number as u64,
        customers: None,
        seed: number as u64,
        dirty: 0.002,
    };
    let mut csv = Vec::new();
    insiders::generate::write(&options, &mut csv).unwrap();
    csv
}

/// Starts a run and sends it a signal after so long; whether it came in time.
fn killed(args: &[&str], signal: Signal, after: Duration) -> bool {
    let mut child = Command::new(env!("CARGO_BIN_EXE_insiders"))
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(after);
    kill_process(Pid::from_child(&child), signal).unwrap();
    let status = child.wait().unwrap();
    assert!(
        status.success() || status.signal() == Some(signal.as_raw()),
        "{status}"
    );
    !status.success()
}

/// Every run that has a manifest has all that the manifest lists, as it lists it.
fn whole_runs(data: &Path) {
    let Ok(runs) = std::fs::read_dir(data.join("runs")) else {
        return;
    };
    for run in runs {
        let folder = run.unwrap().path();
        let Ok(manifest) = std::fs::read(folder.join("manifest.json")) else {
            continue;
        };
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        for (name, artifact) in manifest["artifacts"].as_object().unwrap() {
            let bytes = std::fs::read(folder.join(name)).unwrap();
            assert_eq!(artifact["sha256"], sha256(&bytes), "{name}");
        }
    }
}

/// What a run says of itself, without how long it took and what it published.
fn result(mut manifest: Value) -> Value {
    for name in ["stages", "publication", "report_path"] {
        manifest[name].take();
    }
    // It shows how long the run took.
    manifest["artifacts"]["report.html"].take();
    manifest
}

#[test]
fn a_run_that_is_killed_at_any_moment_is_run_again_with_the_same_result() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let (data, twin) = (dir.join("data"), dir.join("twin"));
    let config = dir.join("small.toml");
    std::fs::write(&config, SETTINGS).unwrap();
    let sales = dir.join("sales.csv");
    std::fs::write(&sales, export(0)).unwrap();
    let [config, sales_at, data_at] =
        [&config, &sales, &data].map(|path| path.to_str().unwrap().to_owned());
    let mut took = Duration::ZERO;
    let mut kills = [0; 2];
    let mut number = 0;
    while kills.iter().any(|&kills| kills < KILLS) {
        number += 1;
        std::fs::write(&sales, export(number)).unwrap();
        // Each is of a later moment than the one before.
        let as_of = format!("2026-{:02}-{:02}", 1 + number / 28, 1 + number % 28);
        let more = ["--config", &config, "--as-of", &as_of];
        let args = [&["run", &sales_at, "--dir", &data_at], &more[..]].concat();
        let which = number % 2;
        let signal = [Signal::TERM, Signal::KILL][which];
        // A sequence that covers the time evenly, whatever its length; none before there is
        // a time to cover.
        let share = (number as f64 * 0.618_033_988_75).fract();
        if number > 2 && killed(&args, signal, took.mul_f64(share)) {
            kills[which] += 1;
        }
        whole_runs(&data);
        let start = Instant::now();
        let output = insiders(&[&args[..], &["--json"]].concat());
        took = start.elapsed();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{number}: {errors}");
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(found["publication"]["current"], true, "{number}");
        let expected = run(&sales, &twin, &[&more[..], &["--no-publish"]].concat());
        assert_eq!(result(found), result(expected), "{number}");
    }
    for (name, kills) in ["SIGTERM", "SIGKILL"].iter().zip(kills) {
        tally(
            "a run that ends early leaves nothing to trip over",
            &format!("{name} to the whole command at any moment"),
            kills,
            "the next run has the same result",
        );
    }
    // Readers see the last one, whole.
    let sql = "SELECT count(*) = max(r.customers) AND count(DISTINCT run_id) = 1 \
               FROM insiders.insiders JOIN insiders.runs r USING (run_id)";
    let output = insiders(&["psql", "--dir", &data_at, "--", "-Atc", sql]);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "t");
}
