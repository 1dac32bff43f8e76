//! What a stage took: wall time, peak memory, price. Reads the clock and the system, so it
//! is for the edges only.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::contracts::StageReport;

/// USD a GB-second of Lambda on x86_64, list price of us-east-1 (November 2026).
const USD_PER_GB_SECOND: f64 = 0.000_016_666_7;
/// USD a request of Lambda.
const USD_PER_REQUEST: f64 = 0.000_000_2;
/// What a function is taken to have where the environment does not say, in MB.
const ASSUMED_MEMORY_MB: f64 = 2048.0;

/// A running stage.
#[derive(Debug)]
pub struct Stage {
    name: &'static str,
    start: Instant,
    lap: Instant,
    steps: BTreeMap<String, f64>,
}

impl Stage {
    /// Starts the clock and, where the system allows, a new peak of the resident memory.
    pub fn start(name: &'static str) -> Self {
        reset_peak();
        let now = Instant::now();
        Self {
            name,
            start: now,
            lap: now,
            steps: BTreeMap::new(),
        }
    }

    /// Ends a step: the time since the last one is its own.
    pub fn lap(&mut self, step: &str) {
        let now = Instant::now();
        *self.steps.entry(step.to_owned()).or_default() += (now - self.lap).as_secs_f64();
        self.lap = now;
    }

    /// Ends the stage.
    pub fn finish(self, rows_in: u64, rows_out: u64) -> StageReport {
        let seconds = self.start.elapsed().as_secs_f64();
        let memory_mb = std::env::var("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
            .ok()
            .and_then(|mb| mb.parse::<f64>().ok())
            .unwrap_or(ASSUMED_MEMORY_MB);
        StageReport {
            stage: self.name.to_owned(),
            seconds: milli(seconds),
            peak_memory_bytes: peak_memory(),
            rows_in,
            rows_out,
            steps: self
                .steps
                .into_iter()
                .map(|(step, s)| (step, milli(s)))
                .collect(),
            estimated_cost_usd: USD_PER_REQUEST + seconds * memory_mb / 1024.0 * USD_PER_GB_SECOND,
        }
    }
}

fn milli(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// The peak of the resident memory since [`reset_peak`], or since the process began.
#[cfg(target_os = "linux")]
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(not(target_os = "linux"))]
fn peak_memory() -> Option<u64> {
    None
}

#[cfg(target_os = "linux")]
fn reset_peak() {
    // Where it is not allowed, the peak is the process's own: still an upper bound.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

#[cfg(not(target_os = "linux"))]
fn reset_peak() {}
