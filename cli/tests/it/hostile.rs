//! Stored things that somebody else wrote: each is refused, by name and before anything is
//! done with it. What the bytes of a file can be is in `shared/tests/hostile.rs`.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use insiders::local::LocalS3;
use serde_json::{Value, json};
use shared::Error;
use shared::bundle::{Bundle, champion};
use shared::contracts::RunState;
use shared::progress::Silent;
use shared::store::{Store, sha256};

use crate::parts::{copy, insiders, run, shop, tally};

const JSON: &str = "application/json";
const SETTINGS: &str = "[embedding]\ntrees = 10\n[clustering]\nk = 3\nn_init = 5\n";

/// A small run and its models, made once; each test has a copy.
struct Shop {
    dir: tempfile::TempDir,
    s3: LocalS3,
    store: Store,
    run_id: String,
    version: String,
}

fn made() -> &'static (tempfile::TempDir, Value) {
    static MADE: OnceLock<(tempfile::TempDir, Value)> = OnceLock::new();
    MADE.get_or_init(|| {
        // A static is never dropped: it lies where builds lie.
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("sales.csv"), shop(5_000, 0.0)).unwrap();
        std::fs::write(at("small.toml"), SETTINGS).unwrap();
        let config = at("small.toml");
        let more = ["--no-publish", "--config", config.to_str().unwrap()];
        let manifest = run(&at("sales.csv"), &at("data"), &more);
        (dir, manifest)
    })
}

impl Shop {
    async fn new() -> Self {
        let (made, manifest) = made();
        let dir = tempfile::tempdir().unwrap();
        copy(made.path(), dir.path());
        let s3 = LocalS3::start(&dir.path().join("data")).await.unwrap();
        Self {
            store: insiders::pipeline::store(&s3),
            s3,
            dir,
            run_id: manifest["run_id"].as_str().unwrap().to_owned(),
            version: manifest["model_version"].as_str().unwrap().to_owned(),
        }
    }

    fn model(&self, file: &str) -> String {
        format!("models/{}/{file}", self.version)
    }

    fn run(&self, file: &str) -> String {
        format!("runs/{}/{file}", self.run_id)
    }

    async fn get(&self, key: &str) -> Vec<u8> {
        self.store.get(key).await.unwrap().to_vec()
    }

    async fn put(&self, key: &str, bytes: Vec<u8>) {
        let bytes = Bytes::from(bytes);
        self.store.put(key, JSON, bytes).await.unwrap();
    }

    async fn json(&self, key: &str) -> Value {
        serde_json::from_slice(&self.get(key).await).unwrap()
    }

    async fn change(&self, key: &str, change: impl FnOnce(&mut Value)) {
        let mut value = self.json(key).await;
        change(&mut value);
        self.put(key, serde_json::to_vec(&value).unwrap()).await;
    }

    /// Why the models are refused.
    async fn refused(&self) -> Error {
        Bundle::load(&self.store, &self.version).await.unwrap_err()
    }

    /// The state that the last stage gets.
    async fn state(&self) -> RunState {
        let mut state = self.json(&self.run("manifest.json")).await;
        let run: shared::contracts::Run = serde_json::from_value(state.clone()).unwrap();
        let fields = state.as_object_mut().unwrap();
        fields.retain(|name, _| name == "artifacts" || name == "counts");
        fields.insert("run".to_owned(), serde_json::to_value(run).unwrap());
        serde_json::from_value(state).unwrap()
    }

    /// Why the last stage refuses the run: nobody listens at its database, so it can't have
    /// been asked.
    async fn unpublished(&self, state: RunState) -> Error {
        let url = "postgres://nobody@127.0.0.1:1/shop";
        let context = publish_to_rds::Context {
            store: self.store.clone(),
            database: publish_to_rds::Database::parse(url).unwrap(),
            progress: Arc::new(Silent),
        };
        publish_to_rds::handle(&context, state).await.unwrap_err()
    }

    /// What a run of the same export says; the folder is its own meanwhile.
    async fn said(self) -> (Self, String) {
        let Self {
            dir,
            s3,
            run_id,
            version,
            ..
        } = self;
        s3.stop().await;
        let errors = failed(dir.path());
        let s3 = LocalS3::start(&dir.path().join("data")).await.unwrap();
        let shop = Self {
            store: insiders::pipeline::store(&s3),
            dir,
            s3,
            run_id,
            version,
        };
        (shop, errors)
    }
}

fn failed(dir: &Path) -> String {
    let at = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let (sales, data, config) = (at("sales.csv"), at("data"), at("small.toml"));
    let output = insiders(&[
        "run",
        &sales,
        "--dir",
        &data,
        "--no-publish",
        "--config",
        &config,
    ]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert_eq!(errors.trim_end().lines().count(), 1, "{errors}");
    errors
}

/// The error is of a damaged thing, names it and says each of `says`.
fn tells(error: &Error, object: &str, says: &[&str]) {
    let text = error.to_string();
    assert!(
        matches!(error.name(), "Insiders.Corrupt" | "Insiders.Config"),
        "{}: {text}",
        error.name()
    );
    assert_eq!(text.lines().count(), 1, "{text}");
    for word in says.iter().chain([&object]) {
        assert!(text.contains(word), "'{word}' is not in: {text}");
    }
    println!("{}: {text}", error.name());
}

/// Keys that are somebody else's.
const ELSEWHERE: [&str; 6] = [
    "../secrets",
    "/etc/passwd",
    "s3://other/segments.parquet",
    "uploads/sales.csv",
    "runs/00000000000000000000/segments.parquet",
    "",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_a_bundle_that_its_digest_does_not_tell_of_is_refused() {
    let shop = Shop::new().await;
    for file in ["scaler", "forest", "umap", "kmeans", "reference"] {
        let key = shop.model(&format!("{file}.safetensors"));
        let whole = shop.get(&key).await;
        for end in [0, 7, 8, whole.len() / 2, whole.len() - 1] {
            shop.put(&key, whole[..end].to_vec()).await;
            tells(&shop.refused().await, &key, &["SHA-256"]);
        }
        for at in (0..whole.len()).step_by(whole.len() / 16 + 1) {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            shop.put(&key, flipped).await;
            tells(&shop.refused().await, &key, &["SHA-256"]);
        }
        let longer = [whole.as_slice(), &[0]].concat();
        shop.put(&key, longer).await;
        tells(&shop.refused().await, &key, &["expected at most"]);
        shop.put(&key, whole).await;
    }
    Bundle::load(&shop.store, &shop.version).await.unwrap();
    shop.s3.stop().await;
}

/// Whoever writes the manifest too has the digests agree.
#[tokio::test(flavor = "multi_thread")]
async fn files_of_two_fits_or_of_another_kind_are_not_one_bundle() {
    let shop = Shop::new().await;
    let manifest = shop.model("manifest.json");
    let scaler = shared::models::MinMaxScaler::fit(ndarray_of(3).view()).unwrap();
    let kmeans = shop.get(&shop.model("kmeans.safetensors")).await;
    let cases: [(&str, Vec<u8>, &str, &str); 3] = [
        ("forest", kmeans, "forest.safetensors", "n_features"),
        (
            "scaler",
            scaler.to_bytes().unwrap(),
            "manifest.json",
            "3 scaled features instead of 4",
        ),
        (
            "umap",
            b"{}".to_vec(),
            "umap.safetensors",
            "restore it, or fit again",
        ),
    ];
    for (file, bytes, object, why) in cases {
        let name = format!("{file}.safetensors");
        let before = (
            shop.get(&shop.model(&name)).await,
            shop.get(&manifest).await,
        );
        let digest = json!({
            "key": shop.model(&name), "bytes": bytes.len(), "sha256": sha256(&bytes)
        });
        shop.put(&shop.model(&name), bytes).await;
        let listed = name.clone();
        shop.change(&manifest, |m| m["files"][listed] = digest)
            .await;
        tells(&shop.refused().await, &shop.model(object), &[why]);
        shop.put(&shop.model(&name), before.0).await;
        shop.put(&manifest, before.1).await;
    }
    shop.s3.stop().await;
}

fn ndarray_of(features: usize) -> ndarray::Array2<f64> {
    ndarray::Array2::from_shape_fn((2, features), |(row, column)| (row + column) as f64)
}

/// A change of a document, and what is said of it.
type Change<'a> = (&'a dyn Fn(&mut Value), &'a str);

#[tokio::test(flavor = "multi_thread")]
async fn a_bundles_manifest_of_another_format_or_place_is_refused() {
    let shop = Shop::new().await;
    let key = shop.model("manifest.json");
    let whole = shop.get(&key).await;
    let segments: Change = (
        &|m| drop(m["segments"].as_array_mut().unwrap().pop()),
        "2 segments",
    );
    let changes: [Change; 6] = [
        (&|m| m["schema_version"] = json!(3), "schema version is 3"),
        // Of a format that has not even the same fields.
        (
            &|m| *m = json!({"schema_version": 9}),
            "schema version is 9",
        ),
        (&|m| m["version"] = json!("other"), "version other"),
        (&|m| m["features"] = json!(["age"]), "other features"),
        (&|m| m["files"] = json!({}), "does not list"),
        segments,
    ];
    for (change, why) in changes {
        shop.change(&key, change).await;
        tells(&shop.refused().await, &key, &[why]);
        shop.put(&key, whole.clone()).await;
    }
    for elsewhere in ELSEWHERE {
        shop.change(&key, |m| {
            m["files"]["umap.safetensors"]["key"] = json!(elsewhere);
        })
        .await;
        tells(&shop.refused().await, &key, &["umap.safetensors"]);
        shop.put(&key, whole.clone()).await;
    }
    let long = "v".repeat(2_000);
    for version in ["", "..", "../models", "a/b", "/", "a\0b", long.as_str()] {
        let error = Bundle::load(&shop.store, version).await.unwrap_err();
        tells(&error, "model version", &["can't be one"]);
    }
    shop.s3.stop().await;
}

/// No digest tells of a document. Each bit turned: refused by name, or read as what it says,
/// and never more.
#[tokio::test(flavor = "multi_thread")]
async fn documents_with_turned_bits_are_refused_or_read() {
    let shop = Shop::new().await;
    let (mut refused, mut read) = (0, 0);
    let mut count = |result: Result<(), Error>, object: &str| match result {
        Ok(()) => read += 1,
        Err(error) => {
            assert_eq!(error.name(), "Insiders.Corrupt", "{error}");
            assert!(error.to_string().contains(object), "{error}");
            refused += 1;
        }
    };
    let key = "models/champion.json";
    let whole = shop.get(key).await;
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        shop.put(key, flipped).await;
        count(champion(&shop.store).await.map(drop), key);
        if at + 2 < whole.len() {
            shop.put(key, whole[..at].to_vec()).await;
            assert!(champion(&shop.store).await.is_err(), "cut at {at}");
        }
    }
    // The readers themselves, of what is longer.
    let key = shop.run("manifest.json");
    let whole = shop.get(&key).await;
    for at in 0..whole.len() {
        for bit in [at % 8, 7] {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << bit;
            let manifest = shared::contracts::Manifest::read(&flipped, &shop.run_id);
            count(manifest.map(drop), &key);
        }
    }
    let whole = shop.get("runs/index.json").await;
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << bit;
            let index = shared::contracts::RunIndex::read(&flipped);
            count(index.map(drop), "runs/index.json");
        }
    }
    tally(
        "damage is not taken for data",
        "a bit turned in a manifest, the champion or the index",
        refused + read,
        &format!("{refused} refused by name, {read} still documents; no panic"),
    );
    assert!(refused > 1_000 && read > 0);
    shop.s3.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_manifest_points_elsewhere_is_not_published() {
    let shop = Shop::new().await;
    let key = shop.run("manifest.json");
    let whole = shop.get(&key).await;
    let state = shop.state().await;
    for part in ["segments.parquet", "profile.json", "report.html"] {
        for elsewhere in ELSEWHERE {
            shop.change(&key, |m| m["artifacts"][part]["key"] = json!(elsewhere))
                .await;
            let error = shop.unpublished(state.clone()).await;
            tells(&error, &key, &[part, elsewhere]);
            shop.put(&key, whole.clone()).await;
        }
    }
    let ids = [
        ("schema_version", json!(2)),
        ("run_id", json!("0".repeat(20))),
    ];
    for (field, other) in ids {
        shop.change(&key, |m| m[field] = other).await;
        tells(&shop.unpublished(state.clone()).await, &key, &[]);
        shop.put(&key, whole.clone()).await;
    }
    for end in (0..whole.len()).step_by(97) {
        shop.put(&key, whole[..end].to_vec()).await;
        tells(&shop.unpublished(state.clone()).await, &key, &[]);
    }
    shop.put(&key, whole).await;
    for id in [
        "../x",
        "",
        "00000000000000000000/../x",
        "0'; DROP TABLE runs; --",
    ] {
        let mut state = state.clone();
        state.run.run_id = id.to_owned();
        tells(&shop.unpublished(state).await, "run_id", &["hexadecimal"]);
    }
    let profile = shop.run("profile.json");
    shop.put(&profile, b"{}".to_vec()).await;
    tells(&shop.unpublished(state).await, &profile, &["SHA-256"]);
    shop.s3.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_names_other_objects_is_refused_by_the_second_stage() {
    let shop = Shop::new().await;
    let context = embed_and_cluster::Context {
        store: shop.store.clone(),
        progress: Arc::new(Silent),
        memory: None,
    };
    let state = shop.state().await;
    for elsewhere in ELSEWHERE {
        let mut state = state.clone();
        let features = state.artifacts.get_mut("features.parquet").unwrap();
        features.key = elsewhere.to_owned();
        let error = embed_and_cluster::handle(&context, state)
            .await
            .unwrap_err();
        tells(&error, "event", &["features.parquet", elsewhere]);
    }
    for version in ["../x", "a/b", ""] {
        let mut state = state.clone();
        state.run.model_version = version.to_owned();
        let error = embed_and_cluster::handle(&context, state)
            .await
            .unwrap_err();
        tells(&error, "model version", &["can't be one"]);
    }
    let key = shop.run("features.parquet");
    let whole = shop.get(&key).await;
    shop.put(&key, whole[..whole.len() / 2].to_vec()).await;
    let error = embed_and_cluster::handle(&context, state)
        .await
        .unwrap_err();
    tells(&error, &key, &["SHA-256"]);
    shop.s3.stop().await;
}

/// Through the command line: one line that names the object, exit code 1.
#[tokio::test(flavor = "multi_thread")]
async fn damaged_documents_stop_a_run_by_name() {
    let mut shop = Shop::new().await;
    let cases: [(String, Vec<u8>, &str); 6] = [
        (
            "models/champion.json".into(),
            b"{\"version\":".to_vec(),
            "champion.json",
        ),
        (
            "models/champion.json".into(),
            br#"{"version":"../../x","history":[]}"#.to_vec(),
            "can't be a model's version",
        ),
        (
            "models/champion.json".into(),
            vec![b' '; (64 << 20) + 1],
            "at most",
        ),
        (
            "runs/index.json".into(),
            br#"{"runs":[{"run_id":"../x","as_of":"2011-01-01","model_version":"m"}]}"#.to_vec(),
            "can't be a run's id",
        ),
        (shop.run("manifest.json"), b"[]".to_vec(), "manifest.json"),
        (
            shop.model("manifest.json"),
            b"\0\0".to_vec(),
            "manifest.json",
        ),
    ];
    for (key, bytes, why) in cases {
        let whole = shop.get(&key).await;
        shop.put(&key, bytes).await;
        // The models are read only where the run is not there yet.
        let manifest = shop.get(&shop.run("manifest.json")).await;
        if key == shop.model("manifest.json") {
            shop.store
                .remove(&shop.run("manifest.json"), None)
                .await
                .unwrap();
        }
        let said;
        (shop, said) = shop.said().await;
        assert!(said.contains(why) && said.contains(&key), "{key}: {said}");
        shop.put(&shop.run("manifest.json"), manifest).await;
        shop.put(&key, whole).await;
    }
    shop.s3.stop().await;
}
