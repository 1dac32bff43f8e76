//! The function itself: a run whose manifest lists shards.

use std::sync::Arc;

use bytes::Bytes;
use insiders::local::LocalS3;
use publish_to_rds::{Context, Published, handle};
use serde_json::{Value, json};
use shared::Result;
use shared::contracts::{Layout, Part, Run, RunState, Shard, ShardTable, Shards};
use shared::progress::Silent;
use shared::store::Store;
use shared::tables::{TableWriter, read_batches, segments_schema};

use super::super::fixture::Fixture;
use crate::parts::{run, shop, tally};

const JSON: &str = "application/json";
const SETTINGS: &str = "[embedding]\ntrees = 10\n[clustering]\nk = 3\nn_init = 5\n";

/// A run in a bucket.
struct Bucket {
    store: Store,
    s3: LocalS3,
    run_id: String,
    dir: tempfile::TempDir,
}

impl Bucket {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("sales.csv"), shop(5_000, 0.0)).unwrap();
        std::fs::write(at("small.toml"), SETTINGS).unwrap();
        let config = at("small.toml");
        let more = ["--no-publish", "--config", config.to_str().unwrap()];
        let (input, data) = (at("sales.csv"), at("data"));
        let made = tokio::task::spawn_blocking({
            let more = more.map(str::to_owned);
            move || run(&input, &data, &more.each_ref().map(String::as_str))
        });
        let manifest = made.await.unwrap();
        let s3 = LocalS3::start(&at("data")).await.unwrap();
        Self {
            store: insiders::pipeline::store(&s3),
            s3,
            run_id: manifest["run_id"].as_str().unwrap().to_owned(),
            dir,
        }
    }

    fn key(&self, part: Part) -> String {
        Layout::new(&self.run_id).key(part)
    }

    async fn put(&self, key: &str, body: Vec<u8>) {
        self.store.put(key, JSON, Bytes::from(body)).await.unwrap();
    }

    async fn manifest(&self) -> Value {
        let body = self.store.get(&self.key(Part::Manifest)).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    /// Puts the run's customers in so many shards of their order; gives the list.
    async fn split(&self, shards: usize) -> Shards {
        let table = self.store.get(&self.key(Part::Segments)).await.unwrap();
        let rows: Vec<_> = read_batches(table, "segments").unwrap().collect();
        let mut list = Shards::default();
        for number in 0..shards {
            let mut writer = TableWriter::new(Vec::new(), segments_schema()).unwrap();
            let mut count = 0;
            for batch in &rows {
                let batch = batch.as_ref().unwrap();
                let all = batch.num_rows();
                let (from, to) = (all * number / shards, all * (number + 1) / shards);
                writer.write(&batch.slice(from, to - from)).unwrap();
                count += to - from;
            }
            let body = writer.finish().unwrap().0;
            let key = Layout::new(&self.run_id).shard(ShardTable::Segments, number as u32);
            let mut table = self.store.put(&key, JSON, body.into()).await.unwrap();
            table.rows = Some(count as u64);
            list.0.push(Shard {
                number: number as u32,
                table,
            });
        }
        list
    }

    /// Has the manifest list the shards in place of the one table.
    async fn list(&self, shards: &Shards) {
        let key = self.key(Part::ScoredShards);
        let body = serde_json::to_vec(shards).unwrap();
        let mut list = self.store.put(&key, JSON, body.into()).await.unwrap();
        let mut manifest = self.manifest().await;
        list.rows = manifest["customers"].as_u64();
        let artifacts = manifest["artifacts"].as_object_mut().unwrap();
        artifacts.remove(Part::Segments.file_name());
        let name = Part::ScoredShards.file_name().to_owned();
        artifacts.insert(name, serde_json::to_value(list).unwrap());
        self.put_manifest(&manifest).await;
    }

    async fn put_manifest(&self, manifest: &Value) {
        let body = serde_json::to_vec(manifest).unwrap();
        self.put(&self.key(Part::Manifest), body).await;
    }

    async fn publish(&self, fixture: &Fixture) -> Result<Published> {
        let mut state = self.manifest().await;
        let run: Run = serde_json::from_value(state.clone()).unwrap();
        let fields = state.as_object_mut().unwrap();
        fields.retain(|name, _| name == "artifacts" || name == "counts");
        fields.insert("run".to_owned(), serde_json::to_value(run).unwrap());
        let state: RunState = serde_json::from_value(state).unwrap();
        let context = Context {
            store: self.store.clone(),
            database: fixture.database.clone(),
            progress: Arc::new(Silent),
        };
        handle(&context, state).await
    }
}

const ALL: &str = "SELECT * FROM insiders.insiders ORDER BY customer_id";

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_shards_is_published_from_its_list() {
    let bucket = Bucket::new().await;
    let fixture = Fixture::new("stored_whole").await;
    let whole = bucket.publish(&fixture).await.unwrap();
    let rows = fixture.ask(ALL).await;
    let mut manifest = bucket.manifest().await;
    manifest.as_object_mut().unwrap().remove("publication");

    let fixture = Fixture::new("stored_shards").await;
    let shards = bucket.split(6).await;
    bucket.put_manifest(&manifest).await;

    // What the list says of a table must be so.
    let damaged = |change: fn(&mut Shards)| {
        let mut shards = shards.clone();
        change(&mut shards);
        shards
    };
    let cases = [
        (
            damaged(|shards| shards.0[2].table.sha256 = "0".repeat(64)),
            "00002.parquet",
            "SHA-256",
        ),
        (
            damaged(|shards| shards.0[4].table.bytes -= 1),
            "00004.parquet",
            "bytes",
        ),
        (
            damaged(|shards| shards.0[4].table.rows = None),
            "segments.json",
            "the manifest says",
        ),
        (
            damaged(|shards| shards.0.swap(0, 1)),
            "segments.json",
            "can't be shard 1",
        ),
        (
            damaged(|shards| shards.0[5].table.key = "config/insiders.toml".to_owned()),
            "segments.json",
            "can't be shard 5",
        ),
    ];
    let mut refused = 0;
    for (list, object, says) in &cases {
        bucket.list(list).await;
        let error = bucket.publish(&fixture).await.unwrap_err();
        let text = error.to_string();
        assert_eq!(error.name(), "Insiders.Corrupt", "{text}");
        assert!(text.contains(object) && text.contains(says), "{text}");
        refused += 1;
    }
    bucket.list(&shards).await;

    // Another list than the manifest's, and a table that is not there, or not whole.
    let list = bucket.key(Part::ScoredShards);
    let right = bucket.store.get(&list).await.unwrap();
    bucket.put(&list, b"[]".to_vec()).await;
    let error = bucket.publish(&fixture).await.unwrap_err();
    assert_eq!(error.name(), "Insiders.Corrupt", "{error}");
    bucket.put(&list, right.to_vec()).await;
    let key = &shards.0[3].table.key;
    let right = bucket.store.get(key).await.unwrap();
    let mut flipped = right.to_vec();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    bucket.put(key, flipped).await;
    let error = bucket.publish(&fixture).await.unwrap_err();
    assert_eq!(error.name(), "Insiders.Corrupt", "{error}");
    assert!(error.to_string().contains(key), "{error}");
    std::fs::remove_file(bucket.dir.path().join("data").join(key)).unwrap();
    let error = bucket.publish(&fixture).await.unwrap_err();
    assert_eq!(error.name(), "Insiders.NotFound", "{error}");
    assert!(error.to_string().contains(key), "{error}");
    bucket.put(key, right.to_vec()).await;
    fixture.expect_nobody().await;
    let loads = "SELECT count(*) FROM pg_class WHERE relname LIKE '%\\_new%'";
    assert_eq!(fixture.ask(loads).await, "0");

    // A run has one or the other.
    let listed = bucket.manifest().await;
    let mut both = listed.clone();
    let table = manifest["artifacts"]["segments.parquet"].clone();
    both["artifacts"]["segments.parquet"] = table;
    bucket.put_manifest(&both).await;
    let error = bucket.publish(&fixture).await.unwrap_err();
    assert!(error.to_string().contains("both"), "{error}");
    let mut neither = listed.clone();
    let artifacts = neither["artifacts"].as_object_mut().unwrap();
    artifacts.remove("segments.json");
    bucket.put_manifest(&neither).await;
    let error = bucket.publish(&fixture).await.unwrap_err();
    assert!(error.to_string().contains("neither"), "{error}");
    bucket.put_manifest(&listed).await;

    let published = bucket.publish(&fixture).await.unwrap();
    assert_eq!(published, whole);
    assert_eq!(fixture.ask(ALL).await, rows);
    let recorded = bucket.manifest().await;
    assert_eq!(recorded["publication"], json!(whole.publication));
    let body = bucket.store.get(&bucket.key(Part::Manifest)).await.unwrap();
    assert!(!bucket.publish(&fixture).await.unwrap().changed);
    let again = bucket.store.get(&bucket.key(Part::Manifest)).await.unwrap();
    assert_eq!(again, body, "the same run again writes nothing");
    tally(
        "damage is not taken for data",
        "a list of shards, or a shard, that is missing, damaged or another's",
        refused + 5,
        "one clear error, nothing loaded is left, then published",
    );
    bucket.s3.stop().await;
}
