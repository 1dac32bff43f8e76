//! After `insiders erase`, nothing that is kept knows the person, everybody else is as they
//! were, and no upload brings the person back.

mod scan;
mod versions;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use insiders::local::{Install, LocalPostgres};
use serde_json::Value;
use tokio_postgres::NoTls;

use self::scan::{Table, customers, needles_in_store, rows_by_run, whole_runs};
use crate::parts::{artifact, insiders, shop, tally};

/// Ids that no other text holds by chance.
const PLAIN: &str = "Q77001Z";
const ODD: &str = "O'Neil-Q7, \"Ann\" é%_";
const GUEST: &str = "guest-GQ7005";
const PEOPLE: [&str; 3] = [PLAIN, ODD, GUEST];
/// What would give them away in any object, as it is or as CSV quotes it.
const NEEDLES: [&str; 4] = ["Q77001Z", "O'Neil-Q7", "\"\"Ann\"\" é", "GQ7005"];

const SETTINGS: &str =
    "[source]\nhistory = 'append'\nencoding = 'utf-8'\n[clustering]\nn_init = 5\n";

/// Lines of the three people on a day of 2025, one of them unreadable.
fn their_lines(month: u32) -> String {
    let odd = ODD.replace('"', "\"\"");
    format!(
        "\
GQ1,A1,nice thing,3,{month}/2/2025 9:00,2.5,{PLAIN},UK
GQ2,A1,nice thing,-1,{month}/3/2025 9:00,2.5,{PLAIN},UK
GQ3,A1,nice thing,2,{month}/4/2025 9:00,1.25,\"{odd}\",UK
GQ7005,A1,nice thing,2,{month}/5/2025 9:00,1.25,,UK
GQ4,A1,nice thing,many,{month}/5/2025 9:00,1.25,{PLAIN},UK
GQ5,A1,nice thing,2,{month}/5/2025 9:00,1.25,\"{odd}\",UK,more
"
    )
}

/// An export with their lines among the others.
fn with_them(part: &[u8], month: u32) -> Vec<u8> {
    let lines: Vec<&[u8]> = part.split_inclusive(|&byte| byte == b'\n').collect();
    let (first, last) = lines.split_at(lines.len() / 2);
    let theirs = their_lines(month);
    [first.concat(), theirs.into_bytes(), last.concat()].concat()
}

struct Shop {
    dir: tempfile::TempDir,
    data: PathBuf,
    config: PathBuf,
}

impl Shop {
    /// Three uploads, one plain, one gzip, one zstd, with the people in each.
    fn new() -> (Self, Vec<PathBuf>) {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("insiders.toml");
        std::fs::write(&config, SETTINGS).unwrap();
        let csv = shop(12_000, 0.001);
        let lines: Vec<&[u8]> = csv.split_inclusive(|&byte| byte == b'\n').collect();
        let (header, lines) = lines.split_first().unwrap();
        let mut uploads = Vec::new();
        for (part, chunk) in lines.chunks(lines.len().div_ceil(3)).enumerate() {
            let text = with_them(&[header, &chunk.concat()[..]].concat(), 2 + part as u32);
            let (name, bytes) = match part {
                0 => ("a.csv", text),
                1 => ("b.csv.gz", scan::gzip(&text)),
                _ => ("c.csv.zst", zstd::encode_all(&text[..], 3).unwrap()),
            };
            std::fs::write(dir.path().join(name), bytes).unwrap();
            uploads.push(dir.path().join(name));
        }
        let data = dir.path().join("data");
        (Self { dir, data, config }, uploads)
    }

    fn run(&self, input: &Path, more: &[&str]) -> Value {
        let config = self.config.to_str().unwrap();
        crate::parts::run(input, &self.data, &[&["--config", config], more].concat())
    }

    fn erase(&self, more: &[&str]) -> Value {
        let (data, config) = (self.data.to_str().unwrap(), self.config.to_str().unwrap());
        let mut args = vec!["erase", "--dir", data, "--config", config, "--json"];
        args.extend(more);
        args.extend(PEOPLE);
        let output = insiders(&args);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// Rows of the database's tables in which somebody is named, and those of everybody else.
async fn tables(url: &str) -> (Vec<String>, BTreeMap<String, Vec<String>>) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let names = "select c.relname::text from pg_class c where c.relnamespace = 'insiders'::regnamespace \
                 and c.relkind in ('r', 'p', 'v', 'm') order by 1";
    let (mut theirs, mut others) = (Vec::new(), BTreeMap::new());
    for name in client.query(names, &[]).await.unwrap() {
        let name: String = name.get(0);
        let rows = format!("select t::text from insiders.\"{name}\" t order by 1");
        for row in client.query(&rows, &[]).await.unwrap() {
            let text: String = row.get(0);
            if NEEDLES.iter().any(|needle| text.contains(needle)) {
                theirs.push(format!("{name}: {text}"));
            } else if name.starts_with("segment_members_") {
                others
                    .entry(name.clone())
                    .or_insert_with(Vec::new)
                    .push(text);
            }
        }
    }
    assert!(!others.is_empty(), "no members were published");
    (theirs, others)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_knows_them_and_everybody_else_is_as_they_were() {
    let (shop, uploads) = Shop::new();
    let postgres = tempfile::tempdir().unwrap();
    let server = LocalPostgres::start(postgres.path(), Install::IfAllowed(&|_| ()))
        .await
        .unwrap();
    let publish = ["--database-url", server.url()];
    let runs: Vec<Value> = uploads
        .iter()
        .map(|upload| shop.run(upload, &publish))
        .collect();
    let last = runs.last().unwrap();
    let before = rows_by_run(&shop.data, &PEOPLE);
    let theirs: usize = before
        .values()
        .flat_map(|run| run.values())
        .map(|table| table.theirs)
        .sum();
    // 6, 12 and 18 lines, a third of them unreadable; three people's features and segments.
    assert_eq!(theirs, 6 + 12 + 18 + 3 * 6);
    assert!(!needles_in_store(&shop.data, &NEEDLES).is_empty());
    let models = needles_in_store(&shop.data.join("models"), &NEEDLES);
    assert!(models.is_empty(), "models know no ids: {models:?}");
    let everybody = customers(&artifact(&shop.data, last, "features.parquet"));
    let named: Vec<&str> = everybody
        .iter()
        .map(String::as_str)
        .filter(|id| id.len() > 4)
        .collect();
    let models = needles_in_store(&shop.data.join("models"), &named);
    assert!(models.is_empty(), "models know no ids: {models:?}");
    let (known, members) = tables(server.url()).await;
    assert_eq!(
        known
            .iter()
            .filter(|row| row.starts_with("segment_members_"))
            .count(),
        9
    );

    let report = shop.erase(&publish);
    assert_eq!(report["customers"], 3);
    assert_eq!(report["new_tombstones"], 3);
    assert!(report["notes"].as_array().unwrap().is_empty(), "{report}");
    for upload in ["uploads/a.csv", "uploads/b.csv.gz", "uploads/c.csv.zst"] {
        assert_eq!(report["removed"][upload], 6, "{report}");
    }

    assert_eq!(needles_in_store(&shop.data, &NEEDLES), Vec::<String>::new());
    let (known, after) = tables(server.url()).await;
    assert_eq!(known, Vec::<String>::new());
    assert_eq!(after, members, "other members are as they were");
    assert_same_others(&before, &rows_by_run(&shop.data, &PEOPLE));
    whole_runs(&shop.data);

    // Twice is as once.
    let again = shop.erase(&publish);
    assert_eq!(
        (&again["new_tombstones"], &again["rewritten"]),
        (&0.into(), &0.into()),
        "{again}"
    );

    // The original bytes are no new upload; what they give now is what they gave without them.
    let same = shop.run(&uploads[2], &publish);
    assert_ne!(same["run_id"], last["run_id"]);
    let (was, is) = (&last["counts"], &same["counts"]);
    assert_eq!(
        is["rows_read"].as_u64().unwrap(),
        was["rows_read"].as_u64().unwrap() - 18
    );
    assert_eq!(
        is["rows_kept"].as_u64().unwrap(),
        was["rows_kept"].as_u64().unwrap() - 12
    );
    let now = rows_by_run(&shop.data, &PEOPLE);
    let (was, is) = (&before[run_id(last)], &now[run_id(&same)]);
    assert_eq!(
        own(&was["features.parquet"].others),
        own(&is["features.parquet"].others)
    );
    assert_eq!(
        was["transactions.parquet"].others,
        is["transactions.parquet"].others
    );
    assert_eq!(is["features.parquet"].theirs, 0);

    // New lines of theirs are dropped, counted, and leave no trace but in the upload itself.
    let more = shop.dir.path().join("d.csv");
    std::fs::write(&more, with_them(&crate::parts::shop(3_000, 0.0), 6)).unwrap();
    let later = shop.run(&more, &publish);
    let quality: Value =
        serde_json::from_slice(&artifact(&shop.data, &later, "quality.json")).unwrap();
    assert_eq!(quality["dropped"]["erased"], 6);
    let left = needles_in_store(&shop.data, &NEEDLES);
    assert!(
        left.iter().all(|place| place.contains("uploads/d.csv")),
        "{left:?}"
    );
    let (known, _) = tables(server.url()).await;
    assert_eq!(known, Vec::<String>::new());
    server.stop().await.unwrap();
}

fn run_id(manifest: &Value) -> &str {
    manifest["run_id"].as_str().unwrap()
}

fn assert_same_others(
    before: &BTreeMap<String, BTreeMap<String, Table>>,
    after: &BTreeMap<String, BTreeMap<String, Table>>,
) {
    assert_eq!(
        before.keys().collect::<Vec<_>>(),
        after.keys().collect::<Vec<_>>()
    );
    for (run, tables) in before {
        for (name, table) in tables {
            let now = &after[run][name];
            assert_eq!(now.theirs, 0, "{run}/{name}");
            assert_eq!(now.others, table.others, "{run}/{name}");
        }
    }
}

/// Times that the erasure is killed, each in a copy of the folder.
const KILLS: u64 = 12;

/// Killed at any moment and repeated, it ends where it would have ended.
#[test]
fn an_erasure_that_was_killed_is_finished_by_the_next() {
    let (mut shop, uploads) = Shop::new();
    for upload in &uploads {
        shop.run(upload, &["--no-publish"]);
    }
    let before = rows_by_run(&shop.data, &PEOPLE);
    let prepared = shop.data.clone();
    let kills = std::env::var("ERASURE_KILLS").map_or(KILLS, |n| n.parse().unwrap());
    let mut killed = 0;
    for attempt in 0..kills {
        shop.data = shop.dir.path().join("copy");
        copy(&prepared, &shop.data);
        let mut child = Command::new(env!("CARGO_BIN_EXE_insiders"))
            .args(["erase", "--dir", shop.data.to_str().unwrap()])
            .args(["--config", shop.config.to_str().unwrap()])
            .args(PEOPLE)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The first half is spread over the runs, the rest from there over the uploads.
        let wait = if attempt * 2 < kills {
            10 + attempt * 500 / kills
        } else {
            100 + (attempt * 2 - kills) * 1_400 / kills
        };
        std::thread::sleep(std::time::Duration::from_millis(wait));
        killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        finishes(&shop, &before, &uploads[1], attempt);
        std::fs::remove_dir_all(&shop.data).unwrap();
    }
    tally(
        "an erasure that is stopped is finished by the next",
        "SIGKILL of insiders erase at any moment",
        killed as usize,
        "nobody comes back, nothing is lost",
    );
    assert!(u64::from(killed) * 2 > kills);
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.unwrap().success());
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The two moments at which what is there and what is told of it differ: a run's tables are
/// ahead of its manifest, and uploads ahead of the ledger.
#[test]
fn what_is_ahead_of_its_record_is_told_from_what_is_damaged() {
    let (mut shop, uploads) = Shop::new();
    for upload in &uploads {
        shop.run(upload, &["--no-publish"]);
    }
    let before = rows_by_run(&shop.data, &PEOPLE);
    let (prepared, erased) = (shop.data.clone(), shop.dir.path().join("erased"));
    copy(&prepared, &erased);
    shop.data.clone_from(&erased);
    shop.erase(&[]);

    shop.data = shop.dir.path().join("between");
    copy(&erased, &shop.data);
    for run in before.keys() {
        let file = |data: &Path, name: &str| data.join("runs").join(run).join(name);
        for name in ["manifest.json", "profile.json"] {
            std::fs::copy(file(&prepared, name), file(&shop.data, name)).unwrap();
        }
    }
    let mut ledger = read(&prepared.join("history/uploads.json"));
    let after = read(&erased.join("history/uploads.json"));
    for (upload, next) in ledger["uploads"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .zip(after["uploads"].as_array().unwrap())
    {
        assert_ne!(upload["sha256"], next["sha256"]);
        upload["also"] = serde_json::json!([next["sha256"]]);
    }
    let ledger = serde_json::to_vec(&ledger).unwrap();
    std::fs::write(shop.data.join("history/uploads.json"), ledger).unwrap();

    // Without the journal nobody knows whether the tables are what they should be.
    let (data, config) = (shop.data.to_str().unwrap(), shop.config.to_str().unwrap());
    let args = ["erase", "--dir", data, "--config", config, PLAIN];
    let output = insiders(&args);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains(".parquet is damaged"), "{error}");

    for run in before.keys() {
        let manifest = read(&erased.join("runs").join(run).join("manifest.json"));
        let mut tables = manifest["artifacts"].clone();
        let is_table = |name: &String, _: &mut Value| name.ends_with(".parquet");
        tables.as_object_mut().unwrap().retain(is_table);
        let journal = serde_json::to_vec(&serde_json::json!({ "tables": tables })).unwrap();
        std::fs::write(
            shop.data.join("runs").join(run).join("erasure.json"),
            journal,
        )
        .unwrap();
    }
    finishes(&shop, &before, &uploads[1], 0);
}

/// The next erasure ends what the killed one began.
fn finishes(
    shop: &Shop,
    before: &BTreeMap<String, BTreeMap<String, Table>>,
    upload: &Path,
    attempt: u64,
) {
    shop.erase(&[]);
    let left = needles_in_store(&shop.data, &NEEDLES);
    assert_eq!(left, Vec::<String>::new(), "attempt {attempt}");
    assert_same_others(before, &rows_by_run(&shop.data, &PEOPLE));
    whole_runs(&shop.data);
    // The ledger lists what there is, each upload once.
    let again = shop.run(upload, &["--no-publish"]);
    let quality: Value =
        serde_json::from_slice(&artifact(&shop.data, &again, "quality.json")).unwrap();
    assert_eq!(quality["uploads"].as_array().unwrap().len(), 3);
    assert_eq!(quality["dropped"]["erased"], 0);
    let now = rows_by_run(&shop.data, &PEOPLE);
    let all = before.values().map(|run| &run["features.parquet"].others);
    let longest = all.max_by_key(|rows| rows.len()).unwrap();
    let found = &now[run_id(&again)]["features.parquet"].others;
    assert_eq!(own(found), own(longest), "attempt {attempt}");
}

/// Features without scores and values, which depend on everybody's and so change with a run
/// that knows fewer.
fn own(rows: &[String]) -> Vec<&str> {
    let own = rows.iter().map(|row| row.split(", rfm_recency").next());
    own.map(Option::unwrap).collect()
}

/// Where an upload is the whole history, too.
#[test]
fn a_snapshot_loses_their_records_and_every_other_byte_stays() {
    let (shop, _) = Shop::new();
    std::fs::write(&shop.config, SETTINGS.replace("append", "snapshot")).unwrap();
    let plain = crate::parts::shop(8_000, 0.002);
    let sales = shop.dir.path().join("sales.csv");
    std::fs::File::create(&sales)
        .unwrap()
        .write_all(&with_them(&plain, 4))
        .unwrap();
    let first = shop.run(&sales, &["--no-publish"]);
    shop.erase(&[]);
    assert_eq!(
        std::fs::read(shop.data.join("uploads/sales.csv")).unwrap(),
        plain
    );
    let second = shop.run(&sales, &["--no-publish"]);
    assert_ne!(first["run_id"], second["run_id"]);
    let found = needles_in_store(&shop.data, &NEEDLES);
    assert_eq!(
        found,
        [shop
            .data
            .join(".store/insiders/uploads/sales.csv")
            .display()
            .to_string()]
    );
    let output = insiders(&["erase", "--dir", shop.data.to_str().unwrap(), ""]);
    assert_eq!(output.status.code(), Some(2));
    let output = insiders(&["erase", "--dir", shop.dir.path().to_str().unwrap(), "x"]);
    assert_eq!(output.status.code(), Some(1));
}
