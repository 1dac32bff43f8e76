//! What a process holds, from run to run.

use std::fmt;
use std::path::Path;

/// Runs after which the process has everything that it keeps: pools, caches, arenas.
const WARM_UP: usize = 100;
/// Lines of the table.
const LINES: usize = 10;

/// What is seen after a run.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// Resident memory in MiB.
    resident: f64,
    /// Allocated memory in MiB.
    allocated: f64,
    files: usize,
    sockets: usize,
}

pub(super) struct Watch {
    runs: usize,
    seen: Vec<Seen>,
}

impl Watch {
    pub(super) fn new(runs: usize) -> Self {
        Self {
            runs,
            seen: Vec::with_capacity(runs),
        }
    }

    /// Looks at a process.
    pub(super) fn look(&mut self, pid: u32, allocated: usize) {
        const MIB: f64 = 1_048_576.0;
        let proc = Path::new("/proc").join(pid.to_string());
        let status = std::fs::read_to_string(proc.join("status")).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident = resident.unwrap().trim().strip_suffix(" kB").unwrap();
        let (mut files, mut sockets) = (0, 0);
        for entry in std::fs::read_dir(proc.join("fd")).unwrap() {
            // One that was closed meanwhile is none.
            let Ok(target) = std::fs::read_link(entry.unwrap().path()) else {
                continue;
            };
            let is_socket = target.to_string_lossy().starts_with("socket:");
            sockets += usize::from(is_socket);
            files += usize::from(!is_socket);
        }
        self.seen.push(Seen {
            resident: resident.parse::<f64>().unwrap() / 1024.0,
            allocated: allocated as f64 / MIB,
            files,
            sockets,
        });
    }

    pub(super) fn print(&self) {
        println!("| run | resident MiB | allocated MiB | files | sockets |");
        println!("| --- | --- | --- | --- | --- |");
        let every = self.runs.div_ceil(LINES).max(1);
        for (run, seen) in self.seen.iter().enumerate() {
            if (run + 1) % every == 0 || run == 0 {
                println!(
                    "| {} | {:.1} | {:.2} | {} | {} |",
                    run + 1,
                    seen.resident,
                    seen.allocated,
                    seen.files,
                    seen.sockets
                );
            }
        }
    }

    /// What grew once the process was warm.
    pub(super) fn growth(&self) -> Growth {
        let from = WARM_UP.min(self.runs / 2);
        let (warming, warm) = self.seen.split_at(from);
        let line = |value: fn(&Seen) -> f64| slope(warm.iter().map(value)) * warm.len() as f64;
        let files: Vec<usize> = warm.iter().map(|seen| seen.files).collect();
        let most = |seen: &[Seen]| seen.iter().map(|seen| seen.sockets).max().unwrap_or(0);
        Growth {
            runs: warm.len(),
            resident: line(|seen| seen.resident),
            allocated: line(|seen| seen.allocated),
            files: [*files.iter().min().unwrap(), *files.iter().max().unwrap()],
            sockets: [most(warming), most(warm)],
        }
    }
}

/// Growth over the warm runs, by the line that fits best.
#[derive(Debug)]
pub(super) struct Growth {
    runs: usize,
    resident: f64,
    allocated: f64,
    files: [usize; 2],
    sockets: [usize; 2],
}

impl Growth {
    pub(super) fn assert_flat(&self) {
        // A leak of a run's features or of a model would be ten times that.
        assert!(self.allocated < 1.0, "{self}");
        assert!(self.resident < 16.0, "{self}");
        assert_eq!(self.files[0], self.files[1], "{self}");
        assert!(self.sockets[1] <= self.sockets[0] + 4, "{self}");
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "in the last {}: resident {:+.2} MiB, allocated {:+.3} MiB, {} files open, at most \
             {} sockets (before: {})",
            self.runs,
            self.resident,
            self.allocated,
            self.files[1],
            self.sockets[1],
            self.sockets[0]
        )
    }
}

/// Slope of the line with the least squares through values that are one apart.
fn slope(values: impl ExactSizeIterator<Item = f64> + Clone) -> f64 {
    let n = values.len() as f64;
    let middle = (n - 1.0) / 2.0;
    let mean = values.clone().sum::<f64>() / n;
    let pairs = values.enumerate();
    let (above, below) = pairs.fold((0.0, 0.0), |(above, below), (at, value)| {
        let at = at as f64 - middle;
        (above + at * (value - mean), below + at * at)
    });
    above / below
}

#[test]
fn a_line_through_a_slope_has_it() {
    let rising = (0..50).map(|at| 3.0 + 0.25 * f64::from(at));
    assert!((slope(rising) - 0.25).abs() < 1e-12);
    assert!(slope([1.0, 2.0, 2.0, 1.0].into_iter()).abs() < 1e-12);
}
