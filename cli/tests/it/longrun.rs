//! Hundreds of runs in one warm process: what it holds does not grow, and what it makes is
//! what a fresh process makes.
//!
//! The process has the three handlers and nothing else, its contexts built once, as Lambda
//! keeps them between invocations. This test drives it as the state machine does, serves it
//! S3 and Postgres, does harm to its connections, and looks at it from outside after every
//! run: resident memory, bytes that are allocated, open files.

mod job;
mod warm;
mod watch;

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use insiders::local::{Install, LocalPostgres, LocalS3};
use insiders::pipeline;
use shared::store::Store;
use tokio_postgres::NoTls;

use crate::parts::tally;
use job::{Job, Kind};
use warm::{Gate, Process, Reply};
use watch::Watch;

/// How many runs, where the usual number is too few.
const RUNS: &str = "INSIDERS_LONG_RUN";
const USUAL: usize = 100;
/// Runs that are made again by a fresh process.
const SAMPLES: usize = 20;
/// Small models, gates that let every fit through so that the champion changes, and few runs
/// kept so that each publication drops an old one.
const SETTINGS: &str = "\
[embedding]
trees = 20
[clustering]
k = 5
n_init = 5
[gates]
min_silhouette = -1.0
min_stability = -1.0
max_moved_share = 1.0
max_share_shift = 1.0
max_psi = 1000.0
max_ks = 1.0
[publish]
keep_runs = 5
";

/// A run to make again: the models as they were, the upload, and what came of it.
struct Sample {
    models: Vec<(String, Bytes)>,
    job: Job,
    reply: Reply,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_process_stays_as_it_is_and_computes_as_a_fresh_one() {
    if !Path::new("/proc/self/status").exists() {
        println!("SKIPPED: there is no /proc here, so nothing is measured");
        return;
    }
    let runs: usize = std::env::var(RUNS).map_or(USUAL, |n| n.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let s3 = LocalS3::start(dir.path()).await.unwrap();
    let store = pipeline::store(&s3);
    prepare(&store).await;
    let say = |text: &str| println!("{text}");
    let postgres = LocalPostgres::start(dir.path(), Install::IfAllowed(&say));
    let postgres = postgres.await.unwrap();
    let (client, connection) = tokio_postgres::connect(postgres.url(), NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    // The process may die, the machine does not: nothing has to reach the disk.
    for sql in ["ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"] {
        client.simple_query(sql).await.unwrap();
    }

    let gates = Gate::pair(&s3, postgres.url()).await;
    let mut process = Process::start(&s3, &gates.s3.url, Some(&gates.postgres.url));
    let mut watch = Watch::new(runs);
    let mut samples = Vec::new();
    let mut outcomes: BTreeMap<(Kind, String), usize> = BTreeMap::new();
    let (mut retries, mut published) = (0, 0);
    let mut last = None;
    for number in 0..runs {
        let job = Job::of(number);
        let models = if number >= sampled(samples.len(), runs) && job.kind.is_whole() {
            Some(champion(dir.path()))
        } else {
            None
        };
        if let Some((key, bytes)) = job.upload() {
            store.put(&key, "text/csv", bytes).await.unwrap();
        }
        gates.harm(&job);
        let reply = process.run(&job.request(store.bucket())).await;
        job.expect(&reply);
        retries += reply.retries;
        if reply.error.is_none() && !reply.already {
            published += 1;
            last = Some(reply.run_id.clone());
        }
        *outcomes.entry((job.kind, reply.outcome())).or_default() += 1;
        watch.look(process.id(), reply.allocated);
        if let Some(models) = models.filter(|_| reply.is_done()) {
            samples.push(Sample { models, job, reply });
        }
    }
    process.stop().await;
    watch.print();

    let visible = "SELECT min(run_id), (SELECT count(*) FROM insiders.pointer_history) \
                   FROM insiders.insiders";
    let row = client.query_one(visible, &[]).await.unwrap();
    assert_eq!(row.get::<_, Option<String>>(0), last);
    assert_eq!(row.get::<_, i64>(1) as usize, published);
    drop(client);
    postgres.stop().await.unwrap();

    let mut same = 0;
    for sample in &samples {
        same += again(sample).await;
    }
    let (grown, promise) = (
        watch.growth(),
        "memory and files of a warm process stay flat",
    );
    let runs_of = |(kind, outcome): &(Kind, String)| format!("{kind:?}: {outcome}");
    for (key, times) in &outcomes {
        tally(promise, &runs_of(key), *times, "as expected");
    }
    tally(
        promise,
        "runs in a row in one process",
        runs,
        &grown.to_string(),
    );
    tally(
        "same input, same bytes",
        "a run of the warm process made again by a fresh one",
        samples.len(),
        &format!("{same} artifacts, equal byte for byte"),
    );
    println!("{retries} stages were tried again; {published} runs published");
    assert!(samples.len() + 1 >= SAMPLES, "{} samples", samples.len());
    grown.assert_flat();
}

/// The run from which on the next sample is taken: evenly, in turn of each kind, every fifth
/// of them a fit.
fn sampled(taken: usize, runs: usize) -> usize {
    let apart = (runs / SAMPLES).max(1);
    let further = if taken.is_multiple_of(5) {
        0
    } else {
        taken * 7 % apart
    };
    taken * apart + further
}

async fn prepare(store: &Store) {
    let settings = Bytes::from_static(SETTINGS.as_bytes());
    let key = shared::contracts::Layout::SETTINGS;
    store.put(key, "application/toml", settings).await.unwrap();
}

/// The champion's files, by key; none where there is none yet.
fn champion(dir: &Path) -> Vec<(String, Bytes)> {
    let models = dir.join("models");
    let read = |path: &Path, key: String| (key, Bytes::from(std::fs::read(path).unwrap()));
    let Ok(pointer) = std::fs::read(models.join("champion.json")) else {
        return Vec::new();
    };
    let pointer: serde_json::Value = serde_json::from_slice(&pointer).unwrap();
    let version = pointer["version"].as_str().unwrap();
    let mut files = vec![read(
        &models.join("champion.json"),
        "models/champion.json".to_owned(),
    )];
    for file in std::fs::read_dir(models.join(version)).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        files.push(read(&file.path(), format!("models/{version}/{name}")));
    }
    files
}

/// Makes a run again, in a process and a bucket of its own. How many artifacts are the same.
async fn again(sample: &Sample) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let s3 = LocalS3::start(dir.path()).await.unwrap();
    let store = pipeline::store(&s3);
    prepare(&store).await;
    let upload = sample.job.upload().into_iter();
    for (key, bytes) in sample.models.iter().cloned().chain(upload) {
        store
            .put(&key, "application/octet-stream", bytes)
            .await
            .unwrap();
    }
    let mut process = Process::start(&s3, s3.endpoint(), None);
    let reply = process.run(&sample.job.request(store.bucket())).await;
    process.stop().await;
    s3.stop().await;
    assert_eq!(reply.run_id, sample.reply.run_id);
    assert_eq!(reply.artifacts, sample.reply.artifacts, "{:?}", sample.job);
    assert!(reply.artifacts.len() > 6, "{:?}", reply.artifacts);
    reply.artifacts.len()
}
