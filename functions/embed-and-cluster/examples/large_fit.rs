//! Fits on many customers, or on some of them, step by step: docs/LARGE-FITS.md.
//!
//! ```text
//! large_fit fit FEATURES.parquet PROFILE OUT.u32 [key=value]…    one JSON object of what it took
//!     customers=N    the first so many by a keyed hash of their ids; all by default
//!     sample=N       fit on a stratified sample, place everyone
//!     seed=S         of the models; 42 by default
//!     draw=S         of the sample; 42 by default
//!     exact=N        the limit up to which all customers are compared with all
//! large_fit recall FEATURES.parquet PROFILE CUSTOMERS          of neighbours, on 2,000 customers
//! large_fit compare A.u32 B.u32                  adjusted Rand index of two fits' segments
//! large_fit compare A.u32 B.u32 FEATURES.parquet           where B is of fewer, customers=N
//! ```
#![allow(missing_docs, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Mutex;

use embed_and_cluster::{Sampler, place};
use serde_json::{Value, json};
use shared::evaluation::adjusted_rand_index;
use shared::features::Features;
use shared::measure::Stage;
use shared::progress::Progress;
use shared::settings::{Profile, Settings};
use shared::tables::read_features;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Processor time and peak memory at the beginning of each step: on a machine with other work
/// the time of day tells little.
#[derive(Default)]
struct Watch(Mutex<Vec<(String, f64, u64)>>);

impl Progress for Watch {
    fn bytes(&self, _done: u64, _total: u64) {}

    fn step(&self, what: &str) {
        let mut seen = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        seen.push((what.to_owned(), processor_seconds(), peak_mib()));
    }
}

impl Watch {
    /// By step: processor seconds that it took, and the peak of the memory up to its end.
    fn finish(self) -> Value {
        self.step("end");
        let seen = self.0.into_inner().unwrap_or_default();
        let steps = seen.windows(2).filter_map(|pair| {
            let [(step, from, _), (_, to, peak)] = pair else {
                return None;
            };
            let seconds = (to - from) * 1000.0;
            Some((step.clone(), json!([seconds.round() / 1000.0, peak])))
        });
        Value::Object(steps.collect())
    }
}

/// Of all threads; 0 where the system does not tell.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}

fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}

/// Of who is among the first `customers`: another seed than any sample's.
const FIRST: u64 = 7;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let said = match words.as_slice() {
        ["fit", features, profile, out, options @ ..] => fit(features, profile, out, options)?,
        ["recall", features, profile, n] => recall(features, profile, n.parse()?)?,
        ["compare", a, b] => json!(adjusted_rand_index(&read_labels(a)?, &read_labels(b)?)),
        ["compare", a, b, features] => {
            let (all, some) = (read_labels(a)?, read_labels(b)?);
            json!(adjusted_rand_index(
                &of_some(&all, some.len(), features)?,
                &some
            ))
        }
        _ => return Err("usage: see the head of the program's source".into()),
    };
    println!("{said}");
    Ok(())
}

fn fit(table: &str, profile: &str, out: &str, options: &[&str]) -> Result<Value> {
    let mut given = BTreeMap::new();
    for option in options {
        let (key, value) = option.split_once('=').ok_or("options are key=value")?;
        given.insert(key, value.parse::<u64>()?);
    }
    let mut settings = Settings::of(named(profile)?);
    if let Some(&seed) = given.get("seed") {
        settings.clustering.seed = seed;
    }
    let mut everyone = read_features(std::fs::read(table)?.into(), table)?;
    if let Some(&customers) = given.get("customers") {
        everyone = sample(&everyone, customers, FIRST);
    }
    let mut stage = Stage::start("large fit");
    let draw = given.get("draw").copied().unwrap_or(42);
    let some = given
        .get("sample")
        .map(|&size| sample(&everyone, size, draw));
    stage.lap("sample");
    let exact = given.get("exact").map(|&n| n as usize);
    let watch = Watch::default();
    let placed = match &some {
        Some(some) => place(some, Some(&everyone), &settings, exact, &watch, &mut stage)?,
        None => place(&everyone, None, &settings, exact, &watch, &mut stage)?,
    };
    let fitted_to = some.as_ref().unwrap_or(&everyone).len() as u64;
    let report = stage.finish(fitted_to, everyone.len() as u64);
    let labels = placed.labels.iter().flat_map(|label| label.to_le_bytes());
    std::fs::write(out, labels.collect::<Vec<u8>>())?;
    Ok(json!({
        "fitted_to": fitted_to,
        "customers": everyone.len(),
        "embedded": placed.embedded,
        "leaves_of_a_tree": placed.leaves,
        "stored_forest": placed.stored[0],
        "stored_embedding": placed.stored[1],
        "silhouette": placed.silhouette,
        "inertia": placed.inertia,
        "seconds": report.seconds,
        "peak_mib": report.peak_memory_bytes.map(|bytes| bytes >> 20),
        "steps": report.steps,
        "processor_seconds_and_peak_mib": watch.finish(),
    }))
}

fn named(profile: &str) -> Result<Profile> {
    match profile {
        "default" => Ok(Profile::Default),
        "notebook" => Ok(Profile::Notebook),
        other => Err(format!("no profile {other}").into()),
    }
}

/// How many of the neighbours of a large fit are right.
fn recall(table: &str, profile: &str, customers: u64) -> Result<Value> {
    let everyone = read_features(std::fs::read(table)?.into(), table)?;
    let some = sample(&everyone, customers, FIRST);
    let settings = Settings::of(named(profile)?);
    let watch = Watch::default();
    watch.step("recall");
    let recall = embed_and_cluster::recall(&some, &settings)?;
    Ok(json!({ "recall": recall, "processor_seconds_and_peak_mib": watch.finish() }))
}

fn sample(features: &Features, size: u64, seed: u64) -> Features {
    let mut sampler = Sampler::new(size as usize, seed);
    sampler.add(features);
    sampler.finish().0
}

/// Everyone's labels, of those who are among the first `n`.
fn of_some(labels: &[u32], n: usize, table: &str) -> Result<Vec<u32>> {
    let everyone = read_features(std::fs::read(table)?.into(), table)?;
    let some = sample(&everyone, n as u64, FIRST);
    let ids = everyone.customer_id.iter().zip(labels);
    let chosen = ids.filter(|(id, _)| some.customer_id.binary_search(id).is_ok());
    Ok(chosen.map(|(_, &label)| label).collect())
}

fn read_labels(path: &str) -> Result<Vec<u32>> {
    let bytes = std::fs::read(path).map_err(|e| format!("{path}: {e}"))?;
    let words = bytes.as_chunks::<4>().0;
    Ok(words.iter().map(|&word| u32::from_le_bytes(word)).collect())
}
