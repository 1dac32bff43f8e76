//! The memory that a function has, and far less of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::parts::{reference, shop, tally};

/// A limit of memory that a process is started under.
enum Limit {
    /// A control group of this process's own, removed with the value.
    Group {
        folder: PathBuf,
        /// The file of the peak, in bytes.
        peak: &'static str,
    },
    /// Data of the process, in KiB: where no group can be made. Threads' stacks count whole.
    Data(usize),
}

impl Limit {
    /// `megabytes` for everything that the process and its children hold.
    fn of(name: &str, megabytes: usize) -> Self {
        let bytes = (megabytes << 20).to_string();
        let versions = [
            (
                "/sys/fs/cgroup/memory",
                "memory.limit_in_bytes",
                "memory.max_usage_in_bytes",
            ),
            ("/sys/fs/cgroup", "memory.max", "memory.peak"),
        ];
        for (root, limit, peak) in versions {
            let folder = Path::new(root).join(format!("insiders-{}-{name}", std::process::id()));
            // Version 2 has it only where the root hands memory down.
            if std::fs::create_dir(&folder).is_ok() {
                if std::fs::write(folder.join(limit), &bytes).is_ok() {
                    return Self::Group { folder, peak };
                }
                let _ = std::fs::remove_dir(&folder);
            }
        }
        Self::Data(megabytes << 10)
    }

    fn is(&self) -> &'static str {
        match self {
            Self::Group { .. } => "control group",
            Self::Data(_) => "RLIMIT_DATA",
        }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("sh");
        match self {
            Self::Group { folder, .. } => {
                let join = "echo $$ > \"$0/cgroup.procs\" && exec \"$@\"";
                command.args(["-c", join]).arg(folder);
            }
            Self::Data(kib) => {
                let lower = format!("ulimit -d {kib} && exec \"$0\" \"$@\"");
                command.args(["-c", &lower]);
            }
        }
        command.arg(env!("CARGO_BIN_EXE_insiders")).args(arguments);
        // A function has two cores at this size, whatever this machine has.
        command.env("RAYON_NUM_THREADS", "2").stdin(Stdio::null());
        command.output().unwrap()
    }

    /// Most that was held, where that is counted.
    fn peak(&self) -> String {
        let Self::Group { folder, peak } = self else {
            return "peak not counted".to_owned();
        };
        match std::fs::read_to_string(folder.join(peak)) {
            Ok(bytes) => {
                let bytes: u64 = bytes.trim().parse().unwrap();
                format!("peak {} MB, page cache included", bytes >> 20)
            }
            Err(_) => "peak not counted".to_owned(),
        }
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        if let Self::Group { folder, .. } = self {
            // The kernel lets go of a process that was killed a moment later.
            for _ in 0..50 {
                if std::fs::remove_dir(folder.as_path()).is_ok() {
                    return;
                }
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            eprintln!("{} stays", folder.display());
        }
    }
}

/// MB that the template gives the smaller of the two functions that compute, by default.
fn function_size() -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml");
    let template = std::fs::read_to_string(path).unwrap();
    let sizes = ["PreprocessMemory: ", "EmbedMemory: "].map(|parameter| {
        let lines = template.lines().map(str::trim);
        let mut found = lines.filter_map(|line| line.strip_prefix(parameter));
        let (_, size) = found.next().unwrap().split_once("Default: ").unwrap();
        let end = size.find(|c: char| !c.is_ascii_digit()).unwrap();
        size[..end].parse().unwrap()
    });
    sizes.into_iter().min().unwrap()
}

/// Digests of what a run made.
fn artifacts(output: &Output) -> Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
    let manifest: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut artifacts = manifest["artifacts"].clone();
    artifacts.as_object_mut().unwrap().remove("report.html");
    artifacts
}

fn arguments<'a>(sales: &'a str, data: &'a str, config: Option<&'a str>) -> Vec<&'a str> {
    let mut arguments = vec!["run", sales, "--dir", data, "--no-publish", "--json"];
    arguments.extend(config.into_iter().flat_map(|config| ["--config", config]));
    arguments
}

#[test]
fn the_real_data_fit_the_functions_memory() {
    let Some(sales) = reference("data/online-retail.csv.gz") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let (megabytes, data) = (function_size(), dir.path().join("data"));
    let limit = Limit::of("real", megabytes);
    let arguments = arguments(sales.to_str().unwrap(), data.to_str().unwrap(), None);
    artifacts(&limit.run(&arguments));
    tally(
        "both computing stages fit the smaller function's memory",
        &format!("541,909 real lines within {megabytes} MB ({})", limit.is()),
        1,
        &format!("done; {}", limit.peak()),
    );
}

#[test]
fn far_too_little_memory_ends_a_run_and_leaves_nothing_to_see() {
    const LINES: u64 = 500_000;
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("sales.csv"), shop(LINES, 0.001)).unwrap();
    // Enough of a model to need its memory, and not the minutes of hundreds of restarts.
    std::fs::write(
        at("small.toml"),
        "[embedding]\ntrees = 30\n[clustering]\nn_init = 5\n",
    )
    .unwrap();
    let (sales, config) = (at("sales.csv"), at("small.toml"));
    let within = at("within");
    let size = function_size();
    let enough = Limit::of("enough", size);
    let expected = artifacts(&enough.run(&arguments(&sales, &within, Some(&config))));
    tally(
        "both computing stages fit the smaller function's memory",
        &format!("{LINES} generated lines within {size} MB ({})", enough.is()),
        1,
        &format!("done; {}", enough.peak()),
    );
    let little = at("little");
    let mut ended = Vec::new();
    for megabytes in [24, 40] {
        let limit = Limit::of(&format!("little-{megabytes}"), megabytes);
        let output = limit.run(&arguments(&sales, &little, Some(&config)));
        // Killed by the kernel, or ended by the allocator: no code of ours runs any more.
        assert!(
            !output.status.success() && output.status.code().is_none(),
            "{megabytes} MB: {}",
            output.status
        );
        assert!(output.stdout.is_empty());
        let runs = std::fs::read_dir(Path::new(&little).join("runs"));
        for run in runs.into_iter().flatten() {
            assert!(!run.unwrap().path().join("manifest.json").exists());
        }
        ended.push(format!("{megabytes} MB: {}", output.status));
    }
    let free = Command::new(env!("CARGO_BIN_EXE_insiders"))
        .args(arguments(&sales, &little, Some(&config)))
        .output()
        .unwrap();
    assert_eq!(artifacts(&free), expected);
    tally(
        "a run that is killed for its memory leaves nothing to see, and the next one is the same",
        &format!("{LINES} generated lines in far too little memory"),
        ended.len(),
        &format!("{}; then the same bytes", ended.join(", ")),
    );
}
