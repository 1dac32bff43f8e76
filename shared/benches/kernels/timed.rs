//! The kernels by the clock.
#![allow(clippy::expect_used)] // where a kernel fails there is nothing to time

use divan::Bencher;

use crate::kernel::{ALL, Kernel};

/// Called once a sample: each kernel takes milliseconds.
#[divan::bench(args = ALL, sample_count = 30, sample_size = 1)]
fn kernel(bencher: Bencher<'_, '_>, kernel: &Kernel) {
    let work = (kernel.prepare)().expect("inputs can be made");
    bencher.bench_local(|| work().expect("a kernel runs on its inputs"));
}
