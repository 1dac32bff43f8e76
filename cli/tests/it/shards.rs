//! Customers in shards: any partition of them is the same run, to the last byte of what is told of
//! it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use insiders::local::LocalS3;
use serde_json::Value;
use shared::contracts::{Artifact, Layout, Part, RunState, Scale, Shard, ShardTable, Shards};
use shared::features::Features;
use shared::progress::Silent;
use shared::store::Store;
use shared::tables::{SegmentRows, TableWriter, features_batches, read_features, read_segments};

use crate::parts::{artifact, copy, insiders, run, shop};

const SETTINGS: &str = "[embedding]\ntrees = 40\n[clustering]\nk = 5\nn_init = 10\n[gates]\n\
    min_silhouette = -1.0\nresamples = 2\nmax_moved_share = 1.0\nmax_share_shift = 1.0\n\
    max_psi = 1e9\nmax_ks = 1.0\n";

/// A line after all generated ones: the run of its export comes after the others.
const LATER: &[u8] = b"990000,21687,LATE CARD,1,12/15/2025 10:00,2.50,12410,United Kingdom\n";

struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::write(world.path("first.csv"), shop(20_000, 0.0)).unwrap();
        let mut second = shop(24_000, 0.002);
        second.extend_from_slice(LATER);
        std::fs::write(world.path("second.csv"), second).unwrap();
        std::fs::write(world.path("settings.toml"), SETTINGS).unwrap();
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A run of an export in the folder `dir`, in so many shards, 0 for one function.
    fn run(&self, export: &str, dir: &str, mode: &str, shards: u32) -> Value {
        let (config, shards) = (self.path("settings.toml"), shards.to_string());
        let more = [
            "--no-publish",
            "--mode",
            mode,
            "--shards",
            &shards,
            "--config",
            config.to_str().unwrap(),
        ];
        run(&self.path(export), &self.path(dir), &more)
    }
}

/// All rows of a run, in the order of the ids.
fn rows(dir: &Path, manifest: &Value) -> SegmentRows {
    let name = Part::Segments.file_name();
    if manifest["artifacts"].get(name).is_some() {
        return read_segments(artifact(dir, manifest, name).into(), name).unwrap();
    }
    let list = artifact(dir, manifest, Part::ScoredShards.file_name());
    let run_id = manifest["run_id"].as_str().unwrap();
    let list = Shards::read(&list, "list", run_id, ShardTable::Segments).unwrap();
    let mut all = SegmentRows::default();
    for shard in list.0 {
        let key = shard.table.key;
        let bytes = std::fs::read(dir.join(&key)).unwrap();
        all.append(read_segments(bytes.into(), &key).unwrap());
    }
    match all.features.order() {
        Some(order) => all.select(&order),
        None => all,
    }
}

/// What is told of a run, but for its own tables and times.
fn told(dir: &Path, manifest: &Value) -> BTreeMap<String, Value> {
    let mut told = BTreeMap::new();
    for name in ["profile.json", "metrics.json", "quality.json"] {
        let bytes = artifact(dir, manifest, name);
        told.insert(name.to_owned(), serde_json::from_slice(&bytes).unwrap());
    }
    let manifest = manifest.as_object().unwrap();
    let own = ["artifacts", "stages", "report_path"];
    let same = manifest
        .iter()
        .filter(|(name, _)| !own.contains(&name.as_str()));
    told.extend(same.map(|(name, value)| (name.clone(), value.clone())));
    // The page has the times of the stages.
    told
}

/// Digests of a run's models.
fn models(dir: &Path, manifest: &Value) -> Value {
    let version = manifest["model_version"].as_str().unwrap();
    let path = dir.join("models").join(version).join("manifest.json");
    let model: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    model["files"].clone()
}

#[test]
fn any_number_of_shards_is_the_same_run() {
    let world = World::new();
    let whole = world.path("whole");
    let fitted = world.run("first.csv", "whole", "fit", 0);
    copy(&whole, &world.path("applied"));
    let applied = world.run("second.csv", "applied", "apply", 0);
    for shards in [1, 2, 7, 64] {
        let dir = format!("fit-{shards}");
        let found = world.run("first.csv", &dir, "fit", shards);
        let dir = world.path(&dir);
        assert_eq!(models(&dir, &found), models(&whole, &fitted), "{shards}");
        assert_eq!(rows(&dir, &found), rows(&whole, &fitted), "{shards}");
        assert_eq!(told(&dir, &found), told(&whole, &fitted), "{shards}");

        let dir = format!("apply-{shards}");
        copy(&whole, &world.path(&dir));
        let found = world.run("second.csv", &dir, "apply", shards);
        let (dir, before) = (world.path(&dir), world.path("applied"));
        assert_eq!(rows(&dir, &found), rows(&before, &applied), "{shards}");
        let (now, then) = (told(&dir, &found), told(&before, &applied));
        assert!(then["migrations"]["moved"]["customers"].is_u64());
        assert_eq!(now, then, "{shards}");
        let list = artifact(&dir, &found, Part::ScoredShards.file_name());
        let list: Vec<Value> = serde_json::from_slice(&list).unwrap();
        assert_eq!(list.len(), shards as usize);
        println!("{shards} shards: rows, profile, figures, models as in one function");
    }
}

#[test]
fn a_refit_on_a_sample_says_so_and_is_the_same_in_any_shards() {
    let world = World::new();
    let settings = SETTINGS.replace("trees = 40", "trees = 40\nfit_customers = 1000");
    std::fs::write(world.path("settings.toml"), settings).unwrap();
    std::fs::write(world.path("first.csv"), shop(200_000, 0.0)).unwrap();
    let whole = world.run("first.csv", "whole", "fit", 0);
    let sample = &whole["promotion"]["sample"];
    assert_eq!(sample["of"], whole["customers"], "{sample}");
    assert!(sample["customers"].as_u64().unwrap() <= 1_000, "{sample}");
    assert!(whole["customers"].as_u64().unwrap() > 1_500);
    let sharded = world.run("first.csv", "sharded", "fit", 7);
    let (one, other) = (world.path("whole"), world.path("sharded"));
    assert_eq!(models(&one, &whole), models(&other, &sharded));
    assert_eq!(rows(&one, &whole), rows(&other, &sharded));
    assert_eq!(told(&one, &whole), told(&other, &sharded));
}

/// A run whose shards are any partition of the customers, scored by the steps one by one.
struct Steps {
    s3: LocalS3,
    context: embed_and_cluster::Context,
    state: RunState,
}

impl Steps {
    async fn new(world: &World) -> Self {
        world.run("first.csv", "steps", "fit", 0);
        let s3 = LocalS3::start(&world.path("steps")).await.unwrap();
        let store = insiders::pipeline::store(&s3);
        let settings = shared::settings::Settings::parse(SETTINGS, "t").unwrap();
        let export = shop(24_000, 0.0);
        store
            .put("uploads/third.csv", "text/csv", export.into())
            .await
            .unwrap();
        let preprocess = preprocess_to_parquet::Context {
            store: store.clone(),
            settings: Some(settings),
            progress: Arc::new(Silent),
            spark: None,
        };
        let request = shared::contracts::Request {
            source: shared::contracts::ObjectRef {
                bucket: s3.bucket().to_owned(),
                key: "uploads/third.csv".to_owned(),
                version: None,
            },
            mode: shared::contracts::Mode::Apply,
            as_of: None,
            force_publish: false,
            fill_history: false,
            scale: Scale {
                engine: None,
                shards: Some(1),
            },
        };
        let state = preprocess_to_parquet::handle(&preprocess, request).await;
        let context = embed_and_cluster::Context {
            store,
            progress: Arc::new(Silent),
            memory: None,
        };
        Self {
            s3,
            context,
            state: state.unwrap(),
        }
    }

    fn store(&self) -> &Store {
        &self.context.store
    }

    async fn features(&self) -> Features {
        let key = Layout::new(&self.state.run.run_id).shard(ShardTable::Features, 0);
        read_features(self.store().get(&key).await.unwrap(), &key).unwrap()
    }

    /// Makes each list of rows a shard.
    async fn cut(&mut self, features: &Features, parts: &[Vec<usize>]) {
        let layout = Layout::new(&self.state.run.run_id);
        let mut list = Shards::default();
        for (number, rows) in (0..).zip(parts) {
            let part = features.select(rows);
            let (schema, batches) = features_batches(&part, 0..part.len());
            let mut table = TableWriter::new(Vec::new(), schema).unwrap();
            for batch in batches {
                table.write(&batch.unwrap()).unwrap();
            }
            let (bytes, count) = table.finish().unwrap();
            let key = layout.shard(ShardTable::Features, number);
            let table = self.store().put(&key, "x", bytes.into()).await.unwrap();
            let table = Artifact {
                rows: Some(count),
                ..table
            };
            list.0.push(Shard { number, table });
        }
        let key = layout.key(Part::Shards);
        let list = self.store().put_shards(&key, &list).await.unwrap();
        let name = Part::Shards.file_name().to_owned();
        self.state.artifacts.insert(name, list);
    }

    async fn step(&self, step: &str, more: Value) -> shared::Result<Value> {
        let mut event = serde_json::json!({ "step": step, "state": self.state });
        if !more.is_null() {
            event["shard"] = more;
        }
        let event = embed_and_cluster::Event::parse(event)?;
        let answer = embed_and_cluster::handle_event(&self.context, event).await?;
        Ok(serde_json::to_value(answer).unwrap())
    }

    async fn list(&self) -> Vec<Value> {
        let key = Layout::new(&self.state.run.run_id).key(Part::Shards);
        serde_json::from_slice(&self.store().get(&key).await.unwrap()).unwrap()
    }

    /// All steps, each of them twice, the shards backwards; gives the profile.
    async fn all(&mut self) -> Value {
        for _ in 0..2 {
            let state = self.step("prepare", Value::Null).await.unwrap();
            self.state = serde_json::from_value(state).unwrap();
        }
        for shard in self.list().await.into_iter().rev() {
            for _ in 0..2 {
                let number = self.step("shard", shard.clone()).await.unwrap();
                assert_eq!(number["number"], shard["number"]);
            }
        }
        let merged = self.step("merge", Value::Null).await.unwrap();
        let again = self.step("merge", Value::Null).await.unwrap();
        assert_eq!(
            merged["artifacts"]["profile.json"],
            again["artifacts"]["profile.json"]
        );
        merged["artifacts"]["profile.json"]["sha256"].clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_by_hash_is_the_same_run_as_one_by_order() {
    let world = World::new();
    let mut steps = Steps::new(&world).await;
    let features = steps.features().await;
    let ordered = steps.all().await;
    for shards in [2, 5, 11_u64] {
        let mut parts = vec![Vec::new(); shards as usize];
        for (row, id) in features.customer_id.iter().enumerate() {
            let hash = id
                .bytes()
                .fold(7_u64, |h, b| h.wrapping_mul(31) ^ u64::from(b));
            parts[(hash % shards) as usize].push(row);
        }
        // A shard of nobody is one too.
        parts.push(Vec::new());
        steps.cut(&features, &parts).await;
        assert_eq!(steps.all().await, ordered, "{shards}");
    }
    steps.s3.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_that_are_not_what_they_should_be_are_refused_by_name() {
    let world = World::new();
    let mut steps = Steps::new(&world).await;
    let features = steps.features().await;
    let half: Vec<usize> = (0..features.len() / 2).collect();
    let rest: Vec<usize> = (features.len() / 2..features.len()).collect();
    steps.cut(&features, &[half.clone(), rest.clone()]).await;
    let state = steps.step("prepare", Value::Null).await.unwrap();
    steps.state = serde_json::from_value(state).unwrap();
    let list = steps.list().await;

    // A shard that is not scored yet.
    steps.step("shard", list[0].clone()).await.unwrap();
    let error = steps.step("merge", Value::Null).await.unwrap_err();
    assert_eq!(error.name(), "Insiders.NotFound");
    assert!(error.to_string().contains("segments/00001.json"), "{error}");

    // A table of another run, and an unknown step.
    let mut foreign = list[1].clone();
    foreign["table"]["key"] = "runs/other/features/00001.parquet".into();
    let error = steps.step("shard", foreign).await.unwrap_err();
    assert_eq!(error.name(), "Insiders.Config", "{error}");
    let error = steps.step("shuffle", Value::Null).await.unwrap_err();
    assert!(error.to_string().contains("shuffle"), "{error}");

    // A table that was changed after it was listed.
    let mut damaged = list[1].clone();
    damaged["table"]["sha256"] = "00".into();
    let error = steps.step("shard", damaged).await.unwrap_err();
    assert_eq!(error.name(), "Insiders.Corrupt", "{error}");

    // A customer in two shards.
    let mut twice = rest;
    twice.insert(0, half[0]);
    steps.cut(&features, &[half, twice]).await;
    let state = steps.step("prepare", Value::Null).await.unwrap();
    steps.state = serde_json::from_value(state).unwrap();
    for shard in steps.list().await {
        steps.step("shard", shard).await.unwrap();
    }
    let error = steps.step("merge", Value::Null).await.unwrap_err();
    assert!(error.to_string().contains("twice"), "{error}");
    steps.s3.stop().await;
}

#[test]
fn nothing_of_a_run_in_shards_knows_who_was_erased() {
    let world = World::new();
    let before = world.run("first.csv", "data", "fit", 4);
    let dir = world.path("data");
    let all = rows(&dir, &before);
    let (gone, stays) = (&all.features.customer_id[3], &all.features.customer_id[4]);
    let erase = || {
        let output = insiders(&["erase", gone, "--dir", dir.to_str().unwrap(), "--json"]);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    erase();
    let path = dir.join("runs").join(before["run_id"].as_str().unwrap());
    let manifest = || -> Value {
        serde_json::from_slice(&std::fs::read(path.join("manifest.json")).unwrap()).unwrap()
    };
    let after = manifest();
    let left = rows(&dir, &after);
    assert_eq!(left.features.len() + 1, all.features.len());
    assert!(!left.features.customer_id.contains(gone) && left.features.customer_id.contains(stays));
    assert_eq!(after["customers"], left.features.len());
    let parts = std::fs::read_dir(path.join("features")).unwrap();
    for part in parts.map(|part| part.unwrap().path()) {
        if part.extension().is_some_and(|ending| ending == "parquet") {
            let features = read_features(std::fs::read(&part).unwrap().into(), "t").unwrap();
            assert!(!features.customer_id.contains(gone), "{}", part.display());
        }
    }
    // The lists are what the manifest says, so that the page can be made again; and again.
    let output = insiders(&[
        "report",
        before["run_id"].as_str().unwrap(),
        "--dir",
        dir.to_str().unwrap(),
    ]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    erase();
    assert_eq!(manifest()["artifacts"], after["artifacts"]);
}
