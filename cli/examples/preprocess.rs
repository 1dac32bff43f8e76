//! Cleaning and features alone, for `bench/run`: one JSON object of what they took.
//!
//! ```text
//! preprocess features EXPORT.csv OUT [--repeat N]    features.parquet, out of the file
//! preprocess stage EXPORT.csv OUT                    the function, on an S3 server in process
//! ```
#![allow(missing_docs, clippy::print_stdout)]

use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use insiders::local::LocalS3;
use insiders::pipeline;
use preprocess_to_parquet::{Context, handle};
use serde_json::{Value, json};
use shared::contracts::{Mode, ObjectRef, Request};
use shared::progress::Silent;
use shared::settings::Settings;
use shared::tables::{TableWriter, features_batches};
use shared::transactions::reader::{Nowhere, read};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What is read at a time, as much as an S3 reader fetches.
const BUFFER: usize = 1 << 20;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let said = match words.as_slice() {
        ["features", export, out] => features(export.as_ref(), out.as_ref(), 0)?,
        ["features", export, out, "--repeat", times] => {
            features(export.as_ref(), out.as_ref(), times.parse()?)?
        }
        ["stage", export, out] => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?
            .block_on(stage(export.as_ref(), out.as_ref()))?,
        _ => return Err("usage: preprocess features|stage EXPORT.csv OUT [--repeat N]".into()),
    };
    println!("{said}");
    Ok(())
}

/// Once for practice, then `times` times.
fn features(export: &Path, out: &Path, times: usize) -> Result<Value> {
    std::fs::create_dir_all(out)?;
    let table = out.join("features.parquet");
    let (mut seconds, mut customers) = (Vec::with_capacity(times + 1), 0);
    for _ in 0..=times {
        let begin = Instant::now();
        customers = write_features(export, &table)?;
        seconds.push(begin.elapsed().as_secs_f64());
    }
    let again = seconds.split_off(1);
    Ok(report(
        &json!({ "work, first": seconds, "work": again }),
        &table,
        customers,
    ))
}

/// Gives the number of customers.
fn write_features(export: &Path, table: &Path) -> Result<u64> {
    let source = BufReader::with_capacity(BUFFER, File::open(export)?);
    let name = export.display().to_string();
    let outcome = read(source, &name, &Settings::default(), None, &mut Nowhere)?;
    let (schema, batches) = features_batches(&outcome.features, 0..outcome.features.len());
    let mut writer = TableWriter::new(File::create(table)?, schema)?;
    for batch in batches {
        writer.write(&batch?)?;
    }
    writer.finish()?;
    Ok(outcome.counts.customers)
}

/// The upload is not part of the stage.
async fn stage(export: &Path, out: &Path) -> Result<Value> {
    std::fs::create_dir_all(out)?;
    let s3 = LocalS3::start(out).await?;
    let store = pipeline::store(&s3);
    let begin = Instant::now();
    let key = "uploads/sales.csv".to_owned();
    let name = export.display().to_string();
    s3.put_file(&key, File::open(export)?, &name).await?;
    let uploaded = begin.elapsed().as_secs_f64();
    let context = Context {
        store: store.clone(),
        settings: Some(Settings::default()),
        progress: Arc::new(Silent),
        spark: None,
    };
    let request = Request {
        source: ObjectRef {
            bucket: store.bucket().to_owned(),
            key,
            version: None,
        },
        mode: Mode::Fit,
        as_of: None,
        force_publish: false,
        fill_history: false,
        scale: shared::contracts::Scale::default(),
    };
    let begin = Instant::now();
    let state = handle(&context, request).await?;
    let seconds = begin.elapsed().as_secs_f64();
    s3.stop().await;
    let table: PathBuf = ["runs", &state.run.run_id, "features.parquet"]
        .iter()
        .collect();
    Ok(report(
        &json!({ "upload": [uploaded], "work, first": [seconds] }),
        &out.join(table),
        state.counts.customers,
    ))
}

fn report(seconds: &Value, features: &Path, customers: u64) -> Value {
    let features = features.display().to_string();
    json!({ "seconds": seconds, "facts": { "features": features, "customers": customers } })
}
