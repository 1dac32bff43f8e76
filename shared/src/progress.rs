//! What a long stage tells whoever is watching.

/// Receives progress; the command line draws bars, Lambda notes the run for its log.
pub trait Progress: Send + Sync {
    /// The stage has decided which run it is about.
    fn run(&self, _run_id: &str) {}
    /// `done` of `total` bytes of the current stage's input have been read.
    fn bytes(&self, done: u64, total: u64);
    /// A step of the current stage began, such as `fit the forest`.
    fn step(&self, name: &str);
}

/// Nobody is watching.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn bytes(&self, _done: u64, _total: u64) {}
    fn step(&self, _name: &str) {}
}
