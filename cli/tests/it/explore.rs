//! `insiders explore`: what it finds, that it finds it again, and that it can be interrupted.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::parts::{HEADER, insiders, run, shop};

fn sales(dir: &Path, rows: u64) -> PathBuf {
    let path = dir.join("shop.csv");
    std::fs::write(&path, shop(rows, 0.0)).unwrap();
    path
}

fn command(input: &Path, dir: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_insiders"));
    command.arg("explore").arg(input).arg("--dir").arg(dir);
    command.args(more);
    command
}

fn explore(input: &Path, dir: &Path, more: &[&str]) -> Value {
    let output = command(input, dir, more).arg("--json").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert!(errors.is_empty(), "it is quiet in a pipe: {errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The one folder of an exploration under `dir`.
fn folder(dir: &Path) -> PathBuf {
    let mut found = std::fs::read_dir(dir.join("explore")).unwrap();
    let folder = found.next().unwrap().unwrap().path();
    assert!(found.next().is_none(), "one exploration");
    folder
}

fn names(dir: &Path) -> BTreeSet<String> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return BTreeSet::new();
    };
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect()
}

#[test]
fn an_export_is_explored_once_and_shown_at_once_after_that() {
    let dir = tempfile::tempdir().unwrap();
    let input = sales(dir.path(), 20_000);
    let data = dir.path().join("data");
    let few = ["--k", "2..4", "--resamples", "3", "--restarts", "5"];
    let found = explore(&input, &data, &few);
    let cells = found["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 3 * 3 * 3, "spaces, methods, numbers");
    for cell in cells {
        if cell["space"] == "features" && cell["method"] == "gaussian-mixture" {
            continue; // customers may be too far from every component
        }
        let figures = &cell["figures"];
        let number = |name: &str| figures[name].as_f64().unwrap_or_else(|| panic!("{cell}"));
        assert!((-1.0..=1.0).contains(&number("silhouette")), "{cell}");
        assert!(number("inertia") > 0.0 && number("davies_bouldin") > 0.0);
        assert!(number("calinski_harabasz") > 0.0);
        assert!((0.0..=1.0).contains(&number("eta_squared")));
        let stability = &figures["stability"];
        assert_eq!(stability["refits"], 3);
        assert!(stability["lowest"].as_f64() <= stability["mean"].as_f64());
    }
    let inertia = |k: u64| {
        let cell = cells.iter().find(|c| {
            c["space"] == "embedding" && c["method"] == "k-means" && c["k"].as_u64() == Some(k)
        });
        cell.unwrap()["figures"]["inertia"].as_f64().unwrap()
    };
    assert!(inertia(2) > inertia(3) && inertia(3) > inertia(4));
    let reason = found["recommendation"]["reason"].as_str().unwrap();
    assert!(reason.contains("The current number, 11, was not explored."));
    assert_eq!(found["curves"].as_array().unwrap().len(), 9);

    let folder = folder(&data);
    let whole = ["explore.html", "explore.json"].map(str::to_owned);
    assert_eq!(names(&folder), BTreeSet::from(whole), "no cells are left");
    let written = |name: &str| {
        std::fs::metadata(folder.join(name))
            .unwrap()
            .modified()
            .unwrap()
    };
    let before = written("explore.json");
    assert_eq!(explore(&input, &data, &few), found);
    assert_eq!(written("explore.json"), before, "nothing is computed again");

    let page = std::fs::read_to_string(folder.join("explore.html")).unwrap();
    assert!(page.contains("Content-Security-Policy"));
    for outside in ["http://", "https://", "<script", "src=", "url("] {
        assert!(!page.contains(outside), "the page needs {outside}");
    }
    assert_eq!(page.matches("<figure>").count(), 18);
    assert!(!page.contains("NaN") && !page.contains("inf,"));

    let table = command(&input, &data, &few).output().unwrap();
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("embedding, k-means") && table.contains(reason));
}

#[test]
fn a_run_is_explored_as_its_segments_are() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let manifest = run(&sales(dir.path(), 20_000), &data, &["--no-publish"]);
    let id = manifest["run_id"].as_str().unwrap();
    let args = |more: &[&'static str]| {
        let mut args = vec!["explore", "--run", id, "--dir", data.to_str().unwrap()];
        args.extend(["--json", "--k", "11", "--resamples", "0"]);
        args.extend(more);
        let output = insiders(&args);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let found = args(&[]);
    assert_eq!(
        (&found["run"], &found["model"]),
        (&id.into(), &manifest["model_version"])
    );
    assert_eq!(found["current"], manifest["quality"]["segments"]);
    assert_eq!(found["customers"], manifest["customers"]);
    assert_eq!(found["looked_at"], found["customers"]);
    // 20 restarts from k-means++ do as well as the run's own 300
    let figures = &found["cells"][0]["figures"];
    let (own, other) = (&manifest["quality"]["inertia"], &figures["inertia"]);
    let ratio = other.as_f64().unwrap() / own.as_f64().unwrap();
    assert!((0.9..1.02).contains(&ratio), "{own} {other}");
    assert!(figures["stability"].is_null());
    let reason = found["recommendation"]["reason"].as_str().unwrap();
    assert!(reason.contains("without refits nothing is known of its stability"));

    let sampled = args(&["--sample", "80"]);
    assert_eq!(
        (&sampled["looked_at"], &sampled["customers"]),
        (&80.into(), &found["customers"])
    );
    assert_ne!(sampled["id"], found["id"]);
}

/// The bytes do not depend on the threads.
#[test]
fn an_exploration_gives_the_same_bytes_every_time() {
    let dir = tempfile::tempdir().unwrap();
    let input = sales(dir.path(), 20_000);
    let mut seen = Vec::new();
    for threads in ["1", "2", "5"] {
        let data = dir.path().join(threads);
        let few = ["--k", "3..5", "--resamples", "2", "--restarts", "4"];
        let mut command = command(&input, &data, &few);
        let output = command.env("RAYON_NUM_THREADS", threads).output().unwrap();
        assert!(output.status.success());
        let read = |name: &str| std::fs::read(folder(&data).join(name)).unwrap();
        seen.push((read("explore.json"), read("explore.html")));
    }
    assert!(seen[0] == seen[1] && seen[0] == seen[2]);
}

/// Waits until some cells are kept, then kills the process as the power would.
fn kill_in_the_middle(mut child: Child, data: &Path) -> PathBuf {
    let deadline = Instant::now() + Duration::from_secs(120);
    let cells = loop {
        assert!(Instant::now() < deadline, "no cell was kept");
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before it was killed"
        );
        let explorations = data.join("explore");
        if let Some(id) = names(&explorations).first() {
            let cells = explorations.join(id).join("cells");
            if names(&cells).len() >= 5 {
                break cells;
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!names(&folder(data)).contains("explore.json"));
    cells
}

#[test]
fn a_killed_exploration_goes_on_where_it_stopped_and_ends_in_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let input = sales(dir.path(), 30_000);
    let (data, whole) = (dir.path().join("killed"), dir.path().join("whole"));
    let many = ["--k", "2..12", "--resamples", "4"];
    let start = || {
        let mut command = command(&input, &data, &many);
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let cells = kill_in_the_middle(start(), &data);
    let kept = names(&cells);
    assert!(
        kept.len() < 3 * 3 * 11,
        "it was killed too late to show anything"
    );
    // What is kept is taken as it is: one cell says so.
    let marked = dir.path().join("marked");
    let copied = Command::new("cp")
        .arg("-r")
        .arg(&data)
        .arg(&marked)
        .status();
    assert!(copied.unwrap().success());
    let name = kept.first().unwrap();
    let cell = folder(&marked).join("cells").join(name);
    let mut value: Value = serde_json::from_slice(&std::fs::read(&cell).unwrap()).unwrap();
    value.as_object_mut().unwrap().remove("figures");
    value["failed"] = "marked".into();
    std::fs::write(&cell, value.to_string()).unwrap();
    // And one that was cut off is computed again.
    let other = cells.join(kept.last().unwrap());
    let bytes = std::fs::read(&other).unwrap();
    std::fs::write(&other, &bytes[..bytes.len() / 2]).unwrap();

    let resumed = explore(&input, &data, &many);
    let uninterrupted = explore(&input, &whole, &many);
    assert_eq!(resumed, uninterrupted);
    for name in ["explore.json", "explore.html"] {
        let read = |data: &Path| std::fs::read(folder(data).join(name)).unwrap();
        assert!(read(&data) == read(&whole), "{name}");
    }
    let marked = explore(&input, &marked, &many);
    let found = marked["cells"].as_array().unwrap();
    let marks = found.iter().filter(|cell| cell["failed"] == "marked");
    assert_eq!(marks.count(), 1);
}

#[test]
fn what_cannot_be_explored_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("few.csv");
    let mut csv = String::from(HEADER);
    for customer in 0..12 {
        csv.push_str(&format!(
            "{customer},85123A,LAMP,{},12/1/2010 8:26,2.55,{},United Kingdom\n",
            customer + 1,
            17_000 + customer
        ));
    }
    std::fs::write(&input, csv).unwrap();
    let data = dir.path().join("data");
    let (input, data) = (input.to_str().unwrap(), data.to_str().unwrap());
    let fails = |args: &[&str], code: i32, says: &str| {
        let output = insiders(args);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {errors}");
        assert!(errors.contains(says), "{errors}");
    };
    fails(
        &["explore", input, "--dir", data],
        3,
        "12 customers are too few",
    );
    fails(
        &["explore", "--run", "no-such-run", "--dir", data],
        1,
        "run no-such-run does not exist",
    );
    fails(
        &["explore", input, "--dir", data, "--k", "1..5"],
        2,
        "a range is written 2..25",
    );
    fails(
        &["explore", input, "--dir", data, "--run", "r"],
        2,
        "cannot be used with",
    );
    fails(&["explore"], 2, "required");
    let missing = dir.path().join("missing");
    fails(
        &["explore", "--run", "r", "--dir", missing.to_str().unwrap()],
        1,
        "missing",
    );
    assert!(!missing.exists());
}
