//! Uploads that add up to one history, and windows on it.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::Value;
use shared::contracts::AsOf;
use shared::features::Features;
use shared::settings::Settings;
use shared::transactions::pass::{Outcome, Pass};
use shared::transactions::reader::Nowhere;

use crate::parts::{HEADER, artifact, insiders, run, shop};

fn pass(files: &[Vec<u8>], settings: &Settings) -> shared::Result<Outcome> {
    let mut pass = Pass::new(settings, None, None)?;
    for (number, file) in files.iter().enumerate() {
        pass.upload(&file[..], &format!("part-{number}.csv"), &mut Nowhere)?;
    }
    pass.finish()
}

/// The header and the lines of a generated export, some of them unreadable.
fn lines() -> (Vec<u8>, Vec<Vec<u8>>) {
    let csv = shop(3_000, 0.005);
    let mut lines = csv
        .split_inclusive(|&byte| byte == b'\n')
        .map(<[u8]>::to_vec);
    (lines.next().unwrap(), lines.collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    /// One export, cut at any rows into any number of files that come in any order: the
    /// features, the moment and the counts are those of the export.
    #[test]
    fn the_pieces_of_an_export_give_what_the_export_gives(
        pieces in prop::collection::vec(0_usize..6, 3_000),
        mut order in Just((0..6).collect::<Vec<usize>>()).prop_shuffle(),
        used in 1_usize..=6,
    ) {
        let (header, lines) = lines();
        let settings = Settings::default();
        let whole = pass(&[[header.clone(), lines.concat()].concat()], &settings).unwrap();
        let mut files = vec![header; 6];
        for (line, piece) in lines.iter().zip(&pieces) {
            files[piece % used].extend(line);
        }
        order.retain(|&piece| piece < used);
        let files: Vec<Vec<u8>> = order.iter().map(|&piece| files[piece].clone()).collect();
        let split = pass(&files, &settings).unwrap();
        prop_assert_eq!(&split.features, &whole.features);
        prop_assert_eq!(split.as_of, whole.as_of);
        prop_assert_eq!(&split.counts, &whole.counts);
        prop_assert_eq!(split.quality.uploads.len(), used);
        let rows: u64 = split.quality.uploads.iter().map(|upload| upload.rows).sum();
        prop_assert_eq!(rows, whole.counts.rows_read);
    }
}

fn features(lines: &str, as_of: Option<&str>, days: u32) -> shared::Result<(Outcome, Features)> {
    let as_of: Option<AsOf> = as_of.map(|text| text.parse().unwrap());
    let settings = Settings::default();
    let text = format!("{HEADER}{lines}");
    let mut first = Pass::new(&settings, None, None)?;
    first.upload(text.as_bytes(), "f", &mut Nowhere)?;
    let moment = as_of.or_else(|| first.last_purchase()).unwrap();
    let mut second = Pass::new(&settings, as_of, None)?.within(moment, days)?;
    second.upload(text.as_bytes(), "f", &mut Nowhere)?;
    let outcome = second.finish()?;
    let features = outcome.features.clone();
    Ok((outcome, features))
}

#[test]
fn lines_before_the_window_are_left_out_and_counted() {
    // The last purchase is on the 11th at 9:00. Ten days before it is the 1st at 9:00: that
    // line counts, the one a minute earlier does not. The return after the last purchase
    // stays, as it does without a window.
    let lines = "\
1,A1,x,1,1/1/2011 8:59,1,7,UK
2,A1,x,1,1/1/2011 9:00,2,7,UK
3,A1,x,1,1/11/2011 9:00,4,7,UK
C4,A1,x,-1,1/12/2011 9:00,4,7,UK
5,A1,x,1,1/1/2011 8:00,1,8,UK
";
    let (outcome, found) = features(lines, None, 10).unwrap();
    assert_eq!(found.customer_id, ["7"]);
    assert_eq!((found.gross_revenue[0], found.returns[0]), (6.0, 1));
    assert_eq!(outcome.counts.rows_before_window, 2);
    assert_eq!(outcome.counts.rows_after_as_of, 0);
    assert_eq!(outcome.quality.before_window, 2);
    assert_eq!(
        outcome.quality.ranges["invoice_date"].as_ref().unwrap().0,
        "2011-01-01T09:00:00"
    );

    // A given moment counts back from itself and bounds the other end, too.
    let (outcome, found) = features(lines, Some("2011-01-02T08:30:00"), 1).unwrap();
    assert_eq!(found.gross_revenue, [3.0]);
    assert_eq!(
        (
            outcome.counts.rows_before_window,
            outcome.counts.rows_after_as_of
        ),
        (1, 2)
    );
    let nobody = features(lines, Some("2011-06-01"), 1).unwrap_err();
    assert!(
        nobody.to_string().contains("5 are before the window"),
        "{nobody}"
    );
}

/// Where a run's files and settings are.
struct Shop {
    dir: tempfile::TempDir,
}

impl Shop {
    fn new(settings: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let shop = Self { dir };
        std::fs::write(shop.path("insiders.toml"), settings).unwrap();
        shop
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    fn data(&self) -> PathBuf {
        self.path("data")
    }

    fn run(&self, input: &Path) -> Value {
        let config = self.path("insiders.toml");
        let more = ["--no-publish", "--config", config.to_str().unwrap()];
        run(input, &self.data(), &more)
    }

    fn fails(&self, input: &Path) -> (i32, String) {
        let config = self.path("insiders.toml");
        let data = self.data();
        let args = [
            "run",
            input.to_str().unwrap(),
            "--dir",
            data.to_str().unwrap(),
        ];
        let args = [
            &args[..],
            &["--no-publish", "--config", config.to_str().unwrap()],
        ]
        .concat();
        let output = insiders(&args);
        let error = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), error)
    }
}

const APPEND: &str = "[source]\nhistory = 'append'\n";

/// `parts` files of a shop's lines, each with the header.
fn parts(rows: u64, dirty: f64, parts: usize) -> (Vec<u8>, Vec<Vec<u8>>) {
    let csv = shop(rows, dirty);
    let lines: Vec<&[u8]> = csv.split_inclusive(|&byte| byte == b'\n').collect();
    let (header, lines) = lines.split_first().unwrap();
    let files = lines
        .chunks(lines.len().div_ceil(parts))
        .map(|chunk| [header, &chunk.concat()[..]].concat())
        .collect();
    (csv, files)
}

#[test]
fn each_upload_adds_its_lines_once() {
    let shop = Shop::new(APPEND);
    let (csv, files) = parts(24_000, 0.002, 3);
    // The newest lines first: a late upload counts as it would have in its time.
    let uploads: Vec<PathBuf> = (0..3)
        .rev()
        .map(|part| shop.write(&format!("part-{part}.csv"), &files[part]))
        .collect();
    let mut rows = Vec::new();
    let mut manifests = Vec::new();
    for upload in &uploads {
        let manifest = shop.run(upload);
        rows.push(manifest["counts"]["rows_read"].as_u64().unwrap());
        manifests.push(manifest);
    }
    assert_eq!(rows, [8_000, 16_000, 24_000]);
    let last = &manifests[2];
    let quality: Value =
        serde_json::from_slice(&artifact(&shop.data(), last, "quality.json")).unwrap();
    let by_upload: Vec<_> = quality["uploads"]
        .as_array()
        .unwrap()
        .iter()
        .map(|upload| {
            (
                upload["object"].as_str().unwrap(),
                upload["rows"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        by_upload,
        [
            ("uploads/part-2.csv", 8_000),
            ("uploads/part-1.csv", 8_000),
            ("uploads/part-0.csv", 8_000)
        ]
    );

    // What one export of all the lines gives.
    let whole = Shop::new("");
    let one = whole.run(&whole.write("whole.csv", &csv));
    assert_eq!(one["counts"], last["counts"]);
    assert_eq!(one["effective_as_of"], last["effective_as_of"]);
    assert_eq!(
        artifact(&whole.data(), &one, "features.parquet"),
        artifact(&shop.data(), last, "features.parquet")
    );
    assert_ne!(one["run_id"], last["run_id"]);

    // The same bytes again, under any name: the run that is there.
    let again = shop.run(&shop.write("again.csv", &files[1]));
    assert_eq!(again["run_id"], last["run_id"]);
    assert_eq!(shop.run(&uploads[0])["run_id"], last["run_id"]);
    let gz = flate(&files[1]);
    let packed = shop.run(&shop.write("part-1.csv.gz", &gz));
    assert_eq!(
        packed["counts"]["rows_read"], 32_000,
        "other bytes are another upload"
    );
}

fn flate(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut child = std::process::Command::new("gzip")
        .args(["-n", "-c"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&bytes).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output.stdout
}

#[test]
fn uploads_of_one_name_are_two_and_what_is_bad_is_not_listed() {
    let shop = Shop::new(APPEND);
    let (_, files) = parts(24_000, 0.0, 3);
    shop.run(&shop.write("sales.csv", &files[0]));
    let (code, error) = shop.fails(&shop.write("book.csv", b"PK\x03\x04rest"));
    assert_eq!(code, 3, "{error}");
    let dirty = [HEADER.as_bytes(), b"x\n"].concat();
    let (code, error) = shop.fails(&shop.write("dirty.csv", &dirty));
    assert_eq!(code, 3, "{error}");
    // Neither stands in the way of the next; nor does its name overwrite the first one's bytes.
    let second = shop.run(&shop.write("sales.csv", &files[1]));
    assert_eq!(second["counts"]["rows_read"], 16_000);

    // An upload that is gone is named.
    let ledger: Value =
        serde_json::from_slice(&std::fs::read(shop.data().join("history/uploads.json")).unwrap())
            .unwrap();
    let key = ledger["uploads"][1]["key"].as_str().unwrap();
    assert!(key.ends_with("-sales.csv"), "{key}");
    std::fs::remove_file(shop.data().join(key)).unwrap();
    let (code, error) = shop.fails(&shop.write("third.csv", &files[2]));
    assert_eq!(code, 1, "{error}");
    assert!(error.contains(key) && error.contains("2 of 3"), "{error}");
    assert!(error.contains("history/uploads.json"), "{error}");
}

#[test]
fn quarantined_rows_tell_which_upload_they_are_from() {
    use arrow_array::cast::AsArray as _;

    let shop = Shop::new(APPEND);
    let (_, mut files) = parts(16_000, 0.0, 2);
    for (part, file) in files.iter_mut().enumerate() {
        file.extend(format!("bad {part}\n").bytes());
        shop.run(&shop.write(&format!("part-{part}.csv"), file));
    }
    let last = shop.run(&shop.path("part-1.csv"));
    let table = artifact(&shop.data(), &last, "quarantine.parquet");
    let mut found = Vec::new();
    for batch in shared::tables::read_batches(bytes::Bytes::from(table), "t").unwrap() {
        let batch = batch.unwrap();
        let column = |name: &str| {
            batch
                .column_by_name(name)
                .unwrap()
                .as_string::<i32>()
                .clone()
        };
        for (object, raw) in column("object").iter().zip(column("raw").iter()) {
            found.push((object.unwrap().to_owned(), raw.unwrap().to_owned()));
        }
    }
    let expected = [0, 1].map(|part| (format!("uploads/part-{part}.csv"), format!("bad {part}")));
    assert_eq!(found, expected);
}

#[test]
fn a_window_without_a_moment_counts_back_from_the_last_purchase() {
    let lines: String = (0..200)
        .map(|n| {
            let (month, day) = (n / 20 + 1, n % 20 + 1);
            format!(
                "{n},A1,x,2,{month}/{day}/2011 9:00,{}.5,c{},UK\n",
                n % 9 + 1,
                n % 40
            )
        })
        .collect();
    let text = format!("{HEADER}{lines}");
    let settings = "[source]\nwindow_days = 60\n[clustering]\nk = 2\nn_init = 3\n";
    let shop = Shop::new(settings);
    let found = shop.run(&shop.write("sales.csv", text.as_bytes()));
    let kept = found["counts"]["rows_kept"].as_u64().unwrap();
    let before = found["counts"]["rows_before_window"].as_u64().unwrap();
    assert_eq!(kept + before, 200);
    // 60 days before 20 October is 21 August: nothing of August's first twenty days is left.
    assert_eq!(kept, 40);
    assert_eq!(found["effective_as_of"], "2011-10-20T09:00:00");
}

/// Uploads that arrive at once are all listed.
#[tokio::test(flavor = "multi_thread")]
async fn uploads_at_once_all_get_in() {
    let dir = tempfile::tempdir().unwrap();
    let s3 = insiders::local::LocalS3::start(dir.path()).await.unwrap();
    let store = insiders::pipeline::store(&s3);
    let (_, files) = parts(24_000, 0.0, 8);
    let settings = Settings::parse(APPEND, "t").unwrap();
    let mut runs = tokio::task::JoinSet::new();
    for (part, file) in files.into_iter().enumerate() {
        let (store, settings) = (store.clone(), settings.clone());
        runs.spawn(async move {
            let key = format!("uploads/part-{part}.csv");
            store.put(&key, "text/csv", file.into()).await.unwrap();
            let source = shared::contracts::ObjectRef {
                bucket: store.bucket().to_owned(),
                key,
                version: None,
            };
            let context = preprocess_to_parquet::Context {
                store,
                settings: Some(settings),
                progress: std::sync::Arc::new(shared::progress::Silent),
                spark: None,
            };
            let request = shared::contracts::Request {
                source,
                mode: shared::contracts::Mode::Auto,
                as_of: None,
                force_publish: false,
                fill_history: false,
                scale: shared::contracts::Scale::default(),
            };
            preprocess_to_parquet::handle(&context, request)
                .await
                .unwrap()
                .counts
                .rows_read
        });
    }
    let mut rows = Vec::new();
    while let Some(read) = runs.join_next().await {
        rows.push(read.unwrap());
    }
    let (ledger, _) = shared::history::ledger(&store).await.unwrap().unwrap();
    assert_eq!(ledger.uploads.len(), 8);
    assert_eq!(
        rows.iter().max(),
        Some(&24_000),
        "the last one to be listed reads all: {rows:?}"
    );
    s3.stop().await;
}
