//! Figures: `cargo test --release --workspace --test it -- --ignored million --nocapture`.

use std::time::Instant;

use insiders::local::LocalS3;
use publish_to_rds::{Outcome, PublishRun, batches, publish_rows};
use shared::contracts::Artifact;
use shared::measure::Stage;
use shared::progress::Silent;
use shared::segments::{Profile, SegmentProfile};
use shared::store::{ObjectWriter, Store};
use shared::tables::{TableWriter, segments_batches, segments_schema};

use super::fixture::{Fixture, Run};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn a_million_customers() {
    let fixture = Fixture::new("million").await;
    for number in 1..=3 {
        let run = Run::new(number, 1_000_000);
        let start = Instant::now();
        let outcome = fixture.publish(&run).await.unwrap();
        println!(
            "{:.2} s: {:?}",
            start.elapsed().as_secs_f64(),
            outcome.steps
        );
    }
    let size = "SELECT pg_size_pretty(sum(pg_total_relation_size(c.oid)) / 3) FROM pg_class c \
                WHERE relispartition AND relkind = 'r' AND relname LIKE 'segment\\_members%'";
    println!("{} a run", fixture.ask(size).await);
}

/// Customers of a run that memory does not hold: `INSIDERS_TEST_CUSTOMERS`, or ten million.
fn many() -> usize {
    let asked = std::env::var("INSIDERS_TEST_CUSTOMERS").ok();
    asked.map_or(10_000_000, |text| text.parse().unwrap())
}

/// Rows that are made, written and forgotten at a time.
const CHUNK: usize = 100_000;

/// One chunk of run `number`. The figures differ in every bit, as real ones do; about one
/// customer in sixteen is in another segment than in the run before.
fn chunk(number: u32, start: usize, rows: usize) -> Run {
    let ids: Vec<usize> = (start..start + rows).collect();
    let mut run = Run::of(number, ids.iter().map(|id| format!("c{id}")).collect());
    let noise = |id: usize, salt: u64| {
        let mixed = (id as u64 + salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed ^ (mixed >> 29)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    let names = super::fixture::names();
    let table = &mut run.rows;
    for (row, &id) in ids.iter().enumerate() {
        table.features.gross_revenue[row] = noise(id, 1) * 1e4;
        table.features.frequency[row] = noise(id, 2);
        table.embedding_x[row] = noise(id, 3);
        table.embedding_y[row] = noise(id, 4);
        let moves = usize::from(id % 16 == number as usize % 16);
        table.label[row] = ((id + moves) % 3) as i32;
        table.segment[row].clone_from(&names[table.label[row] as usize]);
    }
    run
}

/// Writes a run's table in chunks; gives its upload, and the run without rows.
fn write(store: &Store, number: u32, customers: usize) -> (ObjectWriter, PublishRun) {
    let mut run = chunk(number, 0, 3).run;
    let sink = store.writer(&run.segments_key, "application/octet-stream");
    let mut writer = TableWriter::new(sink, segments_schema()).unwrap();
    let mut sums = [(0_u64, 0.0); 3];
    for start in (0..customers).step_by(CHUNK) {
        let rows = chunk(number, start, CHUNK.min(customers - start)).rows;
        for (&label, &revenue) in rows.label.iter().zip(&rows.features.gross_revenue) {
            let sum = &mut sums[label as usize];
            *sum = (sum.0 + 1, sum.1 + revenue);
        }
        for batch in segments_batches(&rows) {
            writer.write(&batch.unwrap()).unwrap();
        }
    }
    let revenue: f64 = sums.iter().map(|sum| sum.1).sum();
    let segment = |(label, &(n, sum)): (usize, &(u64, f64))| SegmentProfile {
        label: label as u32,
        segment: super::fixture::names()[label].clone(),
        customers: n,
        share: n as f64 / customers as f64,
        gross_revenue: sum / n as f64,
        frequency: 0.5,
        returns: 0.5,
        recency_days: 1.0,
        revenue_share: sum / revenue,
        rule: None,
    };
    run.profile = Profile {
        segments: sums.iter().enumerate().map(segment).collect(),
    };
    run.customers = customers as u64;
    (writer.finish().unwrap().0, run)
}

async fn publish(
    fixture: &Fixture,
    store: &Store,
    run: &mut PublishRun,
    artifact: &Artifact,
) -> Outcome {
    run.segments_sha256.clone_from(&artifact.sha256);
    run.segments_bytes = artifact.bytes;
    let rows = batches(store.file_verified(artifact), &artifact.key, 2);
    publish_rows(&fixture.database, run, rows, &Silent)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn ten_million_customers_in_bounded_memory() {
    let customers = many();
    let fixture = Fixture::new("ten_million").await;
    let dir = tempfile::tempdir().unwrap();
    let s3 = LocalS3::start(dir.path()).await.unwrap();
    let store = insiders::pipeline::store(&s3);
    for number in 1..=2 {
        let (upload, mut run) = {
            let store = store.clone();
            tokio::task::spawn_blocking(move || write(&store, number, customers))
                .await
                .unwrap()
        };
        let pending = upload.finish(Some(run.customers)).await.unwrap();
        let artifact = pending.commit().await.unwrap();
        // The peak is this process's, the S3 server and the test among it.
        let stage = Stage::start("publish-to-rds");
        let outcome = publish(&fixture, &store, &mut run, &artifact).await;
        let report = stage.finish(outcome.rows_read, outcome.publication.customers);
        println!(
            "run {number}: {} customers, a file of {} MiB, {:.1} s, peak {} MiB\n  {:?}\n  {:?}",
            outcome.publication.customers,
            artifact.bytes >> 20,
            report.seconds,
            report.peak_memory_bytes.unwrap_or_default() >> 20,
            outcome.steps,
            outcome.migrations,
        );
    }
    s3.stop().await;
}
