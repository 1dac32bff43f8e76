//! Publishing alone, for `bench/run`.
//!
//! ```text
//! publish serve DIR                     a Postgres server until standard input ends; prints its URL
//! publish run DIR NUMBER CUSTOMERS      publishes a made-up run to DATABASE_URL
//! publish run DIR NUMBER CUSTOMERS SHARDS    the same rows in shards; PUBLISH_CONNECTIONS load them
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
use publish_to_rds::{
    Database, Limits, PublishRun, RunId, ShardRows, batches, publish_rows, publish_shards,
};
use serde_json::{Value, json};
use shared::contracts::{Artifact, Layout, Part, ShardTable};
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
        ["run", dir, number, customers, shards @ ..] if shards.len() < 2 => {
            let shards = shards.first().map(|shards| shards.parse()).transpose()?;
            let said = run(dir.as_ref(), number.parse()?, customers.parse()?, shards).await?;
            println!("{said}");
            Ok(())
        }
        _ => Err("usage: publish serve DIR, or run DIR NUMBER CUSTOMERS [SHARDS]".into()),
    }
}

async fn serve(dir: &Path) -> Result<()> {
    let postgres = LocalPostgres::start(dir, Install::Never).await?;
    println!("{}", postgres.url());
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(postgres.stop().await?)
}

async fn run(dir: &Path, number: u32, customers: usize, shards: Option<u32>) -> Result<Value> {
    let mut database = Database::parse(&std::env::var("DATABASE_URL")?)?;
    if let Ok(connections) = std::env::var("PUBLISH_CONNECTIONS") {
        database.limits.connections = Limits::parse_connections(&connections)?;
    }
    std::fs::create_dir_all(dir)?;
    let s3 = LocalS3::start(dir).await?;
    let store = pipeline::store(&s3);
    let id = format!("{number:020x}");
    let layout = Layout::new(&id);
    let mut sums = Sums::default();
    let mut tables = Vec::new();
    for shard in 0..shards.unwrap_or(1) {
        let key = match shards {
            None => layout.key(Part::Segments),
            Some(_) => layout.shard(ShardTable::Segments, shard),
        };
        let ids = (shard as usize..customers).step_by(shards.unwrap_or(1) as usize);
        let rows = ids.len() as u64;
        let (store, made) = (store.clone(), std::mem::take(&mut sums));
        let made = tokio::task::spawn_blocking(move || write(&store, &key, number, ids, made));
        let writer;
        (writer, sums) = made.await??;
        tables.push(writer.finish(Some(rows)).await?.commit().await?);
    }
    let mut run = to_publish(&id, number, customers, sums.profile(customers))?;
    run.segments_bytes = tables.iter().map(|table| table.bytes).sum();

    let stage = Stage::start("publish-to-rds");
    let begin = Instant::now();
    let outcome = if shards.is_none() {
        let table = tables.first().ok_or("no table")?;
        run.segments_sha256.clone_from(&table.sha256);
        let rows = batches(store.file_verified(table), &table.key, 2);
        publish_rows(&database, &run, rows, &Silent).await?
    } else {
        // One name for each sharding, as of the list of the shards.
        run.segments_sha256 = format!("{:064x}", tables.len());
        run.segments_key = layout.key(Part::ScoredShards);
        let shard = |table: Artifact| {
            let (store, key) = (store.clone(), table.key.clone());
            let rows = table.rows.unwrap_or_default();
            let file = async move { store.file_verified(&table).await };
            let batches = batches(file, &key, 2);
            ShardRows { key, rows, batches }
        };
        let shards = tables.into_iter().map(shard).collect();
        publish_shards(&database, &run, shards, &Silent).await?
    };
    let seconds = begin.elapsed().as_secs_f64();
    let peak = stage.finish(0, 0).peak_memory_bytes.unwrap_or_default();
    s3.stop().await;
    Ok(json!({
        "seconds": { "publish": [seconds] },
        "facts": {
            "run_id": id,
            "customers": outcome.publication.customers,
            "row_digest": outcome.publication.row_digest,
            "shards": shards,
            "connections": database.limits.connections,
            "moved": outcome.migrations.map(|m| m.moved.customers),
            "peak_mib": peak as f64 / f64::from(1 << 20),
            "steps": outcome.steps,
        },
    }))
}

fn to_publish(id: &str, number: u32, customers: usize, profile: Profile) -> Result<PublishRun> {
    let day = date(2011, 1, 1).at(12, 0, 0, 0);
    let day = day.checked_add(jiff::Span::new().days(number))?;
    Ok(PublishRun {
        run_id: RunId::parse(id)?,
        as_of: day.to_string().parse()?,
        source: "s3://shop/uploads/sales.csv".to_owned(),
        model_version: "m1".to_owned(),
        customers: customers as u64,
        segments_sha256: String::new(),
        segments_key: Layout::new(id).key(Part::Segments),
        segments_bytes: 0,
        manifest: json!({ "run_id": id }),
        profile,
        force: false,
        fill_history: false,
        keep_runs: KEEP_RUNS,
    })
}

/// Customers and revenue by segment.
#[derive(Default)]
struct Sums([(u64, f64); SEGMENTS]);

impl Sums {
    fn profile(&self, customers: usize) -> Profile {
        let total: f64 = self.0.iter().map(|sum| sum.1).sum();
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
        let segments = self.0.iter().enumerate().map(segment).collect();
        Profile { segments }
    }
}

/// Writes a table of these customers in chunks.
fn write(
    store: &Store,
    key: &str,
    number: u32,
    mut ids: impl Iterator<Item = usize>,
    mut sums: Sums,
) -> Result<(ObjectWriter, Sums)> {
    let sink = store.writer(key, "application/vnd.apache.parquet");
    let mut writer = TableWriter::new(sink, segments_schema())?;
    loop {
        let some: Vec<usize> = ids.by_ref().take(CHUNK).collect();
        if some.is_empty() {
            return Ok((writer.finish()?.0, sums));
        }
        let rows = chunk(number, &some);
        for (&label, &revenue) in rows.label.iter().zip(&rows.features.gross_revenue) {
            let sum = &mut sums.0[label as usize];
            *sum = (sum.0 + 1, sum.1 + revenue);
        }
        for batch in segments_batches(&rows) {
            writer.write(&batch?)?;
        }
    }
}

fn name(label: usize) -> String {
    format!("Segment {label}")
}

/// A number in 0..1 of a customer; its bits differ as those of real figures do.
fn noise(customer: usize, salt: u64) -> f64 {
    let mixed = (customer as u64 + salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ (mixed >> 29)) >> 11) as f64 / (1_u64 << 53) as f64
}

fn chunk(number: u32, ids: &[usize]) -> SegmentRows {
    let ids = ids.iter().copied();
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
