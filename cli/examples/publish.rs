//! Publishing alone, for `bench/run`.
//!
//! ```text
//! publish serve DIR                     a Postgres server until standard input ends; prints its URL
//! publish run DIR NUMBER CUSTOMERS      publishes a made-up run to DATABASE_URL
//! ```
//! Run NUMBER is of day NUMBER; one customer in sixteen is in another segment than in the run
//! before. Its table is written to an S3 server in process first, which is not timed.
#![allow(missing_docs, clippy::print_stdout)]

use std::error::Error;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use insiders::local::{Install, LocalPostgres, LocalS3};
use insiders::pipeline;
use jiff::civil::date;
use publish_to_rds::{Database, PublishRun, RunId, batches, publish_rows};
use serde_json::{Value, json};
use shared::contracts::Artifact;
use shared::features::Features;
use shared::measure::Stage;
use shared::progress::Silent;
use shared::segments::next_step::NextStep;
use shared::segments::{Profile, SegmentProfile};
use shared::store::{ObjectWriter, Store};
use shared::tables::{SegmentRows, TableWriter, segments_batches, segments_schema};
use shared::value::{Group, Value as Worth};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Rows that are made, written and forgotten at a time.
const CHUNK: usize = 100_000;
const SEGMENTS: usize = 11;
const KEEP_RUNS: usize = 30;

#[tokio::main]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve", dir] => serve(dir.as_ref()).await,
        ["run", dir, number, customers] => {
            let said = run(dir.as_ref(), number.parse()?, customers.parse()?).await?;
            println!("{said}");
            Ok(())
        }
        _ => Err("usage: publish serve DIR, or run DIR NUMBER CUSTOMERS".into()),
    }
}

async fn serve(dir: &Path) -> Result<()> {
    let postgres = LocalPostgres::start(dir, Install::Never).await?;
    println!("{}", postgres.url());
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(postgres.stop().await?)
}

async fn run(dir: &Path, number: u32, customers: usize) -> Result<Value> {
    let database = Database::parse(&std::env::var("DATABASE_URL")?)?;
    std::fs::create_dir_all(dir)?;
    let s3 = LocalS3::start(dir).await?;
    let store = pipeline::store(&s3);
    let id = format!("{number:020x}");
    let key = format!("runs/{id}/segments.parquet");
    let (writer, profile) = {
        let (store, key) = (store.clone(), key.clone());
        let made = tokio::task::spawn_blocking(move || write(&store, &key, number, customers));
        made.await??
    };
    let pending = writer.finish(Some(customers as u64)).await?;
    let artifact = pending.commit().await?;
    let run = to_publish(&id, number, customers, &artifact, profile)?;

    let stage = Stage::start("publish-to-rds");
    let begin = Instant::now();
    let rows = batches(store.file_verified(&artifact), &artifact.key, 2);
    let outcome = publish_rows(&database, &run, rows, &Silent).await?;
    let seconds = begin.elapsed().as_secs_f64();
    let peak = stage.finish(0, 0).peak_memory_bytes.unwrap_or_default();
    s3.stop().await;
    Ok(json!({
        "seconds": { "publish": [seconds] },
        "facts": {
            "run_id": id,
            "customers": outcome.publication.customers,
            "moved": outcome.migrations.map(|m| m.moved.customers),
            "peak_mib": peak as f64 / f64::from(1 << 20),
            "steps": outcome.steps,
        },
    }))
}

fn to_publish(
    id: &str,
    number: u32,
    customers: usize,
    artifact: &Artifact,
    profile: Profile,
) -> Result<PublishRun> {
    let day = date(2011, 1, 1).at(12, 0, 0, 0);
    let day = day.checked_add(jiff::Span::new().days(number))?;
    Ok(PublishRun {
        run_id: RunId::parse(id)?,
        as_of: day.to_string().parse()?,
        source: "s3://shop/uploads/sales.csv".to_owned(),
        model_version: "m1".to_owned(),
        customers: customers as u64,
        segments_sha256: artifact.sha256.clone(),
        segments_key: artifact.key.clone(),
        segments_bytes: artifact.bytes,
        manifest: json!({ "run_id": id }),
        profile,
        force: false,
        fill_history: false,
        keep_runs: KEEP_RUNS,
    })
}

/// Writes a run's table in chunks.
fn write(
    store: &Store,
    key: &str,
    number: u32,
    customers: usize,
) -> Result<(ObjectWriter, Profile)> {
    let sink = store.writer(key, "application/vnd.apache.parquet");
    let mut writer = TableWriter::new(sink, segments_schema())?;
    let mut sums = [(0_u64, 0.0); SEGMENTS];
    for start in (0..customers).step_by(CHUNK) {
        let rows = chunk(number, start, CHUNK.min(customers - start));
        for (&label, &revenue) in rows.label.iter().zip(&rows.features.gross_revenue) {
            let sum = &mut sums[label as usize];
            *sum = (sum.0 + 1, sum.1 + revenue);
        }
        for batch in segments_batches(&rows) {
            writer.write(&batch?)?;
        }
    }
    let (writer, _) = writer.finish()?;
    let total: f64 = sums.iter().map(|sum| sum.1).sum();
    let segment = |(label, &(count, revenue)): (usize, &(u64, f64))| SegmentProfile {
        label: label as u32,
        segment: name(label),
        customers: count,
        share: count as f64 / customers as f64,
        gross_revenue: revenue / count.max(1) as f64,
        frequency: 0.5,
        returns: 0.5,
        recency_days: 1.0,
        revenue_share: revenue / total,
        rule: None,
    };
    let segments = sums.iter().enumerate().map(segment).collect();
    Ok((writer, Profile { segments }))
}

fn name(label: usize) -> String {
    format!("Segment {label}")
}

/// A number in 0..1 of a customer; its bits differ as those of real figures do.
fn noise(customer: usize, salt: u64) -> f64 {
    let mixed = (customer as u64 + salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ (mixed >> 29)) >> 11) as f64 / (1_u64 << 53) as f64
}

fn chunk(number: u32, start: usize, rows: usize) -> SegmentRows {
    let ids = start..start + rows;
    let real = |salt, scale| ids.clone().map(|id| noise(id, salt) * scale).collect();
    let whole = |salt, scale: f64| -> Vec<i64> {
        let cells = ids.clone().map(|id| (noise(id, salt) * scale) as i64);
        cells.collect()
    };
    let score = |salt| {
        ids.clone()
            .map(move |id| (noise(id, salt) * 5.0) as i32 + 1)
    };
    let maybe = |salt, scale: f64| -> Vec<Option<f64>> {
        let cells = ids
            .clone()
            .map(|id| (id % 3 > 0).then(|| noise(id, salt) * scale));
        cells.collect()
    };
    let moves = |id: usize| usize::from(id % 16 == number as usize % 16);
    let labels: Vec<usize> = ids.clone().map(|id| (id + moves(id)) % SEGMENTS).collect();
    let features = Features {
        customer_id: ids.clone().map(|id| format!("c{id}")).collect(),
        is_guest: ids.clone().map(|id| id % 4 == 0).collect(),
        gross_revenue: real(1, 1e4),
        recency_days: whole(2, 370.0),
        quantity_of_products: whole(3, 5e3),
        returns: whole(4, 5.0),
        frequency: real(5, 1.0),
        value: Worth {
            purchases: whole(6, 30.0).into_iter().map(|n| n + 1).collect(),
            rfm_recency: score(7).collect(),
            rfm_frequency: score(8).collect(),
            rfm_monetary: score(9).collect(),
            rfm_group: ids
                .clone()
                .map(|id| Group::ALL[id % Group::ALL.len()])
                .collect(),
            p_alive: maybe(10, 1.0),
            expected_purchases: maybe(11, 9.0),
            clv: maybe(12, 1e3),
        },
    };
    let step = |&label: &usize| match label {
        0 => NextStep {
            keep: Some("buy again within 9 days".to_owned()),
            ..NextStep::default()
        },
        1..5 => NextStep {
            text: Some(format!("buy {label} more pieces (about {label})")),
            ..NextStep::default()
        },
        _ => NextStep::default(),
    };
    SegmentRows {
        features,
        embedding_x: real(13, 20.0),
        embedding_y: real(14, 20.0),
        label: labels.iter().map(|&label| label as i32).collect(),
        segment: labels.iter().map(|&label| name(label)).collect(),
        next_step: labels.iter().map(step).collect(),
    }
}
