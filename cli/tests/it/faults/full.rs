//! No room: on the disk of the local store, and where functions put what they check before
//! they read it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use shared::contracts::Artifact;
use shared::store::{Endpoint, Patience, Store};

use super::bucket::{Bucket, leftovers};
use crate::parts::{shop, tally};

const SETTINGS: &str = "[cleaning]\nmax_quarantined_share = 0.5\n[embedding]\ntrees = 20\n[clustering]\nk = 3\nn_init = 5\n";

const KEY: &str = "runs/0/segments.parquet";
const ENDPOINT: &str = "INSIDERS_TEST_ENDPOINT";

/// The process that runs out of room: fetches one artifact into the temporary directory.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a part of temporary_storage_that_is_full_is_named"]
async fn fetches() {
    let Ok(endpoint) = std::env::var(ENDPOINT) else {
        return;
    };
    let (endpoint, artifact): ([String; 4], Artifact) = serde_json::from_str(&endpoint).unwrap();
    let [url, region, access_key, secret_key] = endpoint;
    let endpoint = Endpoint {
        url,
        region,
        access_key,
        secret_key,
        patience: Patience::default(),
    };
    let store = Store::at(&endpoint, "insiders");
    match store.file_verified(&artifact).await {
        Ok(_) => println!("\nfetched"),
        Err(error) => println!("\n{}: {error}", error.name()),
    }
}

/// `program` with no more than so many KiB in any file; told so by an error, not a signal.
fn with_short_files(kib: usize, program: &Path) -> Command {
    let mut command = Command::new("sh");
    // dash counts blocks of 512 bytes.
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", 2 * kib);
    command.args(["-c", &script]).arg(program);
    command.stdin(Stdio::null());
    command
}

/// `script`, with a file system of `size` at `$1` that nobody else sees; `None` where this
/// user may not mount one.
fn on_small_disk(size: &str, at: &Path, script: &str, more: &[&str]) -> Option<Output> {
    let mount = format!("mount -t tmpfs -o size={size} insiders-test \"$1\" || exit 99\n{script}");
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", &mount, "sh"])
        .arg(at)
        .args(more)
        .stdin(Stdio::null())
        .output();
    let output = output.ok().filter(|output| {
        let text = String::from_utf8_lossy(&output.stderr);
        output.status.code() != Some(99) && !text.contains("unshare failed")
    });
    if output.is_none() {
        eprintln!("SKIPPED: no file system can be mounted here; short files were tried instead");
    }
    output
}

#[tokio::test(flavor = "multi_thread")]
async fn temporary_storage_that_is_full_is_named() {
    let bucket = Bucket::empty().await;
    let store = insiders::pipeline::store(&bucket.s3);
    let bytes = Bytes::from(vec![7; 3 << 20]);
    let artifact = store
        .put(KEY, "application/octet-stream", bytes)
        .await
        .unwrap();
    let endpoint = [
        bucket.s3.endpoint(),
        bucket.s3.region(),
        bucket.s3.access_key(),
        bucket.s3.secret_key(),
    ];
    let endpoint = serde_json::to_string(&(endpoint, &artifact)).unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let place = temporary.path().to_str().unwrap().to_owned();
    let own = std::env::current_exe().unwrap();
    let arguments = [
        "faults::full::fetches",
        "--exact",
        "--ignored",
        "--nocapture",
    ];
    let fetch = |mut command: Command| {
        let (endpoint, place) = (endpoint.clone(), place.clone());
        tokio::task::spawn_blocking(move || {
            let command = command.args(arguments).env(ENDPOINT, endpoint);
            let output = command.env("TMPDIR", place).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        })
    };
    let full = fetch(with_short_files(1 << 10, &own)).await.unwrap();
    expect_named(&full, &place);
    let mut times = 1;
    let script =
        "export TMPDIR=\"$1\"; exec \"$2\" faults::full::fetches --exact --ignored --nocapture";
    let (at, program, variable) = (temporary.path().to_owned(), own.clone(), endpoint.clone());
    let output = tokio::task::spawn_blocking(move || {
        let script = format!("export {ENDPOINT}=\"$3\"; {script}");
        let more = [program.to_str().unwrap(), &variable];
        on_small_disk("1m", &at, &script, &more)
    });
    if let Some(output) = output.await.unwrap() {
        expect_named(&String::from_utf8(output.stdout).unwrap(), &place);
        times += 1;
    }
    assert_eq!(std::fs::read_dir(&place).unwrap().count(), 0);
    let enough = fetch(Command::new(&own)).await.unwrap();
    assert!(enough.contains("\nfetched\n"), "{enough}");
    tally(
        "an artifact that does not fit is refused, and nothing of it stays",
        "temporary storage full",
        times,
        "Insiders.Config, not tried again; names the directory and the setting",
    );
}

fn expect_named(said: &str, place: &str) {
    let line = said.lines().find(|line| line.starts_with("Insiders."));
    let line = line.unwrap_or_else(|| panic!("no error: {said}"));
    for word in [
        "Insiders.Config: ",
        "temporary directory",
        place,
        KEY,
        "EphemeralStorage",
    ] {
        assert!(line.contains(word), "'{word}' is not in: {line}");
    }
}

/// What a run of an export made, by the files' digests.
fn artifacts(manifest: &[u8]) -> Value {
    let manifest: Value = serde_json::from_slice(manifest).unwrap();
    let mut artifacts = manifest["artifacts"].clone();
    artifacts.as_object_mut().unwrap().remove("report.html");
    artifacts
}

/// One line, and it says where there is no room.
fn expect_no_room(output: &Output, dir: &Path) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert_eq!(errors.trim_end().lines().count(), 1, "{errors}");
    for word in ["no room", ".store"] {
        assert!(errors.contains(word), "'{word}' is not in: {errors}");
    }
    expect_nothing(dir);
}

fn expect_nothing(dir: &Path) {
    let runs = dir.join("runs");
    let manifests = std::fs::read_dir(&runs).into_iter().flatten();
    for run in manifests {
        let manifest = run.unwrap().path().join("manifest.json");
        assert!(!manifest.exists(), "{}", manifest.display());
    }
}

struct Shop {
    dir: tempfile::TempDir,
    /// The export's size in KiB.
    kib: usize,
    expected: Value,
}

fn made() -> Shop {
    let dir = tempfile::tempdir().unwrap();
    // Packed, so that what is made of it is larger than it.
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&shop(6_000, 0.02)).unwrap();
    let packed = packed.finish().unwrap();
    let kib = packed.len() >> 10;
    std::fs::write(dir.path().join("sales.csv.gz"), packed).unwrap();
    std::fs::write(dir.path().join("small.toml"), SETTINGS).unwrap();
    let free = dir.path().join("free");
    let output = insiders(dir.path(), &free).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let expected = artifacts(&output.stdout);
    Shop { dir, kib, expected }
}

fn insiders(shop: &Path, data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_insiders"));
    arguments(&mut command, shop, data);
    command
}

fn arguments(command: &mut Command, shop: &Path, data: &Path) {
    let at = |name: &str| shop.join(name);
    command.arg("run").arg(at("sales.csv.gz")).arg("--dir");
    command
        .arg(data)
        .args(["--no-publish", "--json", "--config"]);
    command.arg(at("small.toml"));
}

#[test]
fn a_file_that_the_local_store_has_no_room_for_ends_the_run_by_name() {
    let shop = made();
    let program = Path::new(env!("CARGO_BIN_EXE_insiders"));
    // Below the export itself, and then below what is made of it.
    let mut errors = 0;
    for kib in [4, 16, 40, 64, 80, 96, 112, 128, 160, 200, 300] {
        let data = shop.dir.path().join(format!("short-{kib}"));
        let mut command = with_short_files(kib, program);
        arguments(&mut command, shop.dir.path(), &data);
        let output = command.output().unwrap();
        if output.status.success() {
            break;
        }
        expect_no_room(&output, &data);
        errors += 1;
        let again = insiders(shop.dir.path(), &data).output().unwrap();
        assert_eq!(artifacts(&again.stdout), shop.expected, "{kib} KiB");
        assert_eq!(leftovers(&data.join(".store")), Vec::<String>::new());
    }
    assert!(errors > 2, "{errors}");
    tally(
        "a run without room leaves nothing to see, and the next one is the same",
        "files of the local store limited in size (EFBIG)",
        errors,
        "one line that names the store, exit code 1; then the same bytes",
    );
}

#[test]
fn a_full_disk_ends_the_run_by_name() {
    let shop = made();
    let data = shop.dir.path().join("disk");
    std::fs::create_dir(&data).unwrap();
    // Room for a part of what a run writes; then for all of it, in the same place.
    let script = "\
        \"$2\" run \"$3/sales.csv.gz\" --dir \"$1/data\" --no-publish --json --config \"$3/small.toml\"
        echo \"ended $?\" >&2
        find \"$1/data/\" -name manifest.json -path '*/runs/*' >&2
        mount -o remount,size=64m insiders-test \"$1\" || exit 98
        \"$2\" run \"$3/sales.csv.gz\" --dir \"$1/data\" --no-publish --json --config \"$3/small.toml\"";
    let program = env!("CARGO_BIN_EXE_insiders");
    let more = [program, shop.dir.path().to_str().unwrap()];
    let mut full = 0;
    for percent in [1, 30, 60, 90, 120, 150, 180, 220, 260, 300, 350, 400, 500] {
        let size = format!("{}k", shop.kib * percent / 100 + 4);
        let Some(output) = on_small_disk(&size, &data, script, &more) else {
            return;
        };
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{size}: {errors}");
        let lines: Vec<&str> = errors.lines().collect();
        if lines.first() == Some(&"ended 0") {
            break;
        }
        assert_eq!(lines.len(), 2, "{size}: {errors}");
        assert_eq!(lines[1], "ended 1", "{size}: {errors}");
        assert!(
            lines[0].to_lowercase().contains("no room"),
            "{size}: {errors}"
        );
        assert_eq!(artifacts(&output.stdout), shop.expected, "{size}");
        full += 1;
    }
    assert!(full > 3, "{full}");
    tally(
        "a run without room leaves nothing to see, and the next one is the same",
        "disk of the local store full (ENOSPC)",
        full,
        "one line that names the store, exit code 1; then the same bytes",
    );
}
