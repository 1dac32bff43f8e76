//! A small shop's bucket before each stage, and what must be true of a bucket at any moment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use insiders::local::LocalS3;
use serde_json::Value;
use shared::Result;
use shared::contracts::{Mode, ObjectRef, Request, RunState};
use shared::progress::Silent;
use shared::store::{Store, sha256};

use crate::parts::{copy, shop};

/// Models as small as they get: the faults are in the requests.
const SETTINGS: &str = "[embedding]\ntrees = 5\nn_neighbors = 5\n[clustering]\nk = 3\nn_init = 2\n[gates]\nresamples = 0\n";

/// What a stage is called with.
#[derive(Clone)]
pub(super) enum Given {
    Preprocess(Request),
    Embed(Box<RunState>),
}

impl Given {
    /// Calls the stage.
    pub(super) async fn call(&self, store: &Store) -> Result<RunState> {
        let store = store.clone();
        match self.clone() {
            Self::Preprocess(request) => {
                let context = preprocess_to_parquet::Context {
                    store,
                    settings: None,
                    progress: Arc::new(Silent),
                    spark: None,
                };
                preprocess_to_parquet::handle(&context, request).await
            }
            Self::Embed(state) => {
                let context = embed_and_cluster::Context {
                    store,
                    progress: Arc::new(Silent),
                    memory: None,
                };
                embed_and_cluster::handle(&context, *state).await
            }
        }
    }
}

pub(super) fn request(key: &str) -> Request {
    Request {
        source: ObjectRef {
            bucket: "insiders".to_owned(),
            key: key.to_owned(),
            version: None,
        },
        mode: Mode::Auto,
        as_of: None,
        force_publish: false,
        fill_history: false,
        scale: shared::contracts::Scale::default(),
    }
}

/// A bucket on which a stage is about to be called.
pub(super) struct Prepared {
    dir: tempfile::TempDir,
    pub(super) given: Given,
}

impl Prepared {
    /// Two uploads, of which the first was made a run if there is to be one `before`; the
    /// second one is the one at hand.
    async fn new(before: bool, preprocessed: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let s3 = LocalS3::start(dir.path()).await.unwrap();
        let store = insiders::pipeline::store(&s3);
        for (key, text) in [
            ("uploads/first.csv", shop(1_200, 0.0)),
            ("uploads/second.csv", shop(1_500, 0.005)),
            ("config/insiders.toml", SETTINGS.into()),
        ] {
            store.put(key, "text/plain", text.into()).await.unwrap();
        }
        if before {
            let request = Given::Preprocess(request("uploads/first.csv"));
            let state = request.call(&store).await.unwrap();
            Given::Embed(Box::new(state)).call(&store).await.unwrap();
        }
        let mut given = Given::Preprocess(request("uploads/second.csv"));
        if preprocessed {
            given = Given::Embed(Box::new(given.call(&store).await.unwrap()));
        }
        s3.stop().await;
        Self { dir, given }
    }

    /// Before the first stage of a run that another one precedes.
    pub(super) async fn to_preprocess() -> Self {
        Self::new(true, false).await
    }

    /// Before the second stage, which fits the first models.
    pub(super) async fn to_fit() -> Self {
        Self::new(false, true).await
    }

    /// Before the second stage, which applies stored models; another run precedes it.
    pub(super) async fn to_apply() -> Self {
        Self::new(true, true).await
    }

    /// Before the third stage, with what it is called with.
    pub(super) async fn to_publish() -> (Self, RunState) {
        let prepared = Self::to_fit().await;
        let s3 = LocalS3::start(prepared.dir.path()).await.unwrap();
        let store = insiders::pipeline::store(&s3);
        let state = prepared.given.call(&store).await.unwrap();
        s3.stop().await;
        (prepared, state)
    }

    /// A copy of its own, served.
    pub(super) async fn serve(&self) -> Bucket {
        let dir = tempfile::tempdir().unwrap();
        copy(self.dir.path(), dir.path());
        let s3 = LocalS3::start(dir.path()).await.unwrap();
        Bucket { dir, s3 }
    }
}

/// A bucket that is served.
pub(super) struct Bucket {
    pub(super) dir: tempfile::TempDir,
    pub(super) s3: LocalS3,
}

impl Bucket {
    /// One without objects.
    pub(super) async fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let s3 = LocalS3::start(dir.path()).await.unwrap();
        Self { dir, s3 }
    }

    /// Its folder, served no more.
    pub(super) async fn stop(self) -> tempfile::TempDir {
        self.s3.stop().await;
        self.dir
    }

    /// Every object by its key.
    fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        let top = self.dir.path().join(".store/insiders");
        let mut found = BTreeMap::new();
        let mut folders = vec![top.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path: PathBuf = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let key = path.strip_prefix(&top).unwrap().to_str().unwrap();
                    found.insert(key.to_owned(), std::fs::read(&path).unwrap());
                }
            }
        }
        found
    }

    /// What two buckets with the same runs have alike: all but what a stage took, which
    /// manifests tell and pages show.
    pub(super) fn contents(&self) -> BTreeMap<String, String> {
        let alike = |(key, bytes): (String, Vec<u8>)| {
            let said = if key.ends_with("/report.html") {
                "a page".to_owned()
            } else if key.starts_with("runs/") && key.ends_with("/manifest.json") {
                let mut manifest: Value = serde_json::from_slice(&bytes).unwrap();
                let fields = manifest.as_object_mut().unwrap();
                fields.remove("stages");
                let artifacts = fields["artifacts"].as_object_mut().unwrap();
                artifacts.remove("report.html").unwrap();
                manifest.to_string()
            } else {
                sha256(&bytes)
            };
            (key, said)
        };
        self.objects().into_iter().map(alike).collect()
    }

    /// Whatever can be seen is whole: a run's or a model's manifest tells of objects as they
    /// are, the champion is a model, the index lists runs. Returns the runs that can be seen.
    pub(super) fn expect_whole(&self) -> Vec<String> {
        let objects = self.objects();
        let json = |key: &str| -> Value { serde_json::from_slice(&objects[key]).unwrap() };
        let mut runs = Vec::new();
        for key in objects.keys().filter(|key| key.ends_with("/manifest.json")) {
            let manifest = json(key);
            let listed = if key.starts_with("runs/") {
                &manifest["artifacts"]
            } else {
                &manifest["files"]
            };
            for artifact in listed.as_object().unwrap().values() {
                let bytes = &objects[artifact["key"].as_str().unwrap()];
                assert_eq!(artifact["sha256"], sha256(bytes), "{key}: {artifact}");
            }
            if let Some(run) = manifest["run_id"].as_str() {
                runs.push(run.to_owned());
            }
        }
        if objects.contains_key("models/champion.json") {
            let champion = json("models/champion.json");
            let version = champion["version"].as_str().unwrap();
            assert!(objects.contains_key(&format!("models/{version}/manifest.json")));
        }
        if objects.contains_key("runs/index.json") {
            for run in json("runs/index.json")["runs"].as_array().unwrap() {
                let run = run["run_id"].as_str().unwrap();
                assert!(runs.iter().any(|there| there == run), "no run {run}");
            }
        }
        runs
    }

    /// Files of uploads that were neither completed nor taken back, and of writes that broke.
    pub(super) fn leftovers(&self) -> Vec<String> {
        leftovers(&self.dir.path().join(".store"))
    }
}

pub(super) fn leftovers(store: &Path) -> Vec<String> {
    let names = std::fs::read_dir(store).unwrap().map(|entry| {
        let name = entry.unwrap().file_name();
        name.into_string().unwrap()
    });
    names
        .filter(|name| name.contains(".upload") || name.starts_with(".tmp."))
        .collect()
}
