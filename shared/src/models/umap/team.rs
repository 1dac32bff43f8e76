//! Threads that go through many short steps together.
//!
//! A step of the layout takes some fifty microseconds, about what it takes to wake a thread that
//! has gone to sleep. So whoever waits spins for a while, and gives way after that.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Looks at the others before a thread gives way: some tens of microseconds.
const SPINS: usize = 4_000;

/// A barrier for threads that do not sleep.
#[derive(Debug, Default)]
pub(super) struct Team {
    members: usize,
    arrived: AtomicUsize,
    step: AtomicUsize,
    is_broken: AtomicBool,
}

/// Another member has panicked: there is nobody to wait for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken;

impl Team {
    pub(super) fn of(members: usize) -> Self {
        Self {
            members,
            ..Self::default()
        }
    }

    /// Waits for all members. What they did before is seen by all of them behind it.
    pub(super) fn wait(&self) -> Result<(), Broken> {
        let step = self.step.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.members {
            self.arrived.store(0, Ordering::Relaxed);
            self.step.store(step.wrapping_add(1), Ordering::Release);
            return Ok(());
        }
        let mut spins = 0;
        while self.step.load(Ordering::Acquire) == step {
            if self.is_broken.load(Ordering::Relaxed) {
                return Err(Broken);
            }
            if spins < SPINS {
                spins += 1;
                std::hint::spin_loop();
            } else {
                thread::yield_now();
            }
        }
        Ok(())
    }

    /// Runs `work` on a thread for each member, by its number; the caller is the first.
    pub(super) fn run(&self, work: impl Fn(usize) -> Result<(), Broken> + Sync) {
        thread::scope(|scope| {
            for member in 1..self.members {
                let work = &work;
                scope.spawn(move || self.as_member(|| work(member)));
            }
            self.as_member(|| work(0));
        });
    }

    fn as_member(&self, work: impl FnOnce() -> Result<(), Broken>) {
        let leaving = Leaving(self);
        // A broken team's panic is told by whoever panicked.
        let _ = work();
        drop(leaving);
    }
}

/// Tells the others if its thread panics.
struct Leaving<'a>(&'a Team);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.is_broken.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_a_step_ahead() {
        let team = Team::of(3);
        let counts: [AtomicUsize; 3] = Default::default();
        team.run(|member| {
            for step in 1..=1_000 {
                counts[member].store(step, Ordering::Relaxed);
                team.wait()?;
                for count in &counts {
                    assert_eq!(count.load(Ordering::Relaxed), step);
                }
                team.wait()?;
            }
            Ok(())
        });
    }

    #[test]
    fn one_that_panics_is_not_waited_for() {
        let team = Team::of(2);
        let run = std::panic::AssertUnwindSafe(|| {
            team.run(|member| {
                assert_eq!(member, 0, "on purpose");
                team.wait()
            });
        });
        assert!(std::panic::catch_unwind(run).is_err());
    }
}
