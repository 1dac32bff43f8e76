//! One kernel, once, under a name that callgrind knows where to begin by.

use std::hint::black_box;

use crate::Result;
use crate::kernel::{Kernel, Work};

/// What is counted of a thread that is not in `counted_once` is nothing, so the kernel is called
/// inside the pool: one whose work goes there would else be done by a thread that never was.
pub(crate) fn run(kernel: &Kernel) -> Result<()> {
    let work = (kernel.prepare)()?;
    rayon::scope(|_| counted_once(&work))
}

/// `tools/instructions` names it.
#[inline(never)]
fn counted_once(work: &Work) -> Result<()> {
    // As a last call the work would be a jump, with which the function is left.
    black_box(work())
}
