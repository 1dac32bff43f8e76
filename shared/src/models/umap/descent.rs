//! Points that go down the gradient side by side.
//!
//! A force on a point waits for the one before it, some fifty cycles of arithmetic. Which
//! forces there are depends on no point, though: so they are listed first, and then several
//! points go through their lists in turns. Each point's own sums are those of its list.

use super::forces::{Forces, Point, shift};

/// Points that take turns.
const LANES: usize = 6;
const REPELS: u32 = 1 << 31;

/// One force: from which point, and whether it repels; a tag for whoever listed it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Force {
    other: u32,
    kind: u32,
}

impl Force {
    /// `tag` is below 2^31.
    pub(super) fn attracts(other: u32, tag: u32) -> Self {
        let kind = tag & !REPELS;
        Self { other, kind }
    }

    pub(super) fn repels(other: usize, tag: u32) -> Self {
        Self {
            other: other as u32,
            kind: tag | REPELS,
        }
    }
}

/// The forces on some points, one after the other.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub(super) forces: Vec<Force>,
    /// Where each point's forces end.
    ends: Vec<usize>,
}

impl Lists {
    pub(super) fn clear(&mut self) {
        self.forces.clear();
        self.ends.clear();
    }

    /// Ends the list of a point.
    pub(super) fn end(&mut self) {
        self.ends.push(self.forces.len());
    }

    fn ranges(&self) -> impl Iterator<Item = (usize, usize)> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(self.ends.iter().copied())
    }
}

struct Lane<const D: usize> {
    number: usize,
    at: usize,
    end: usize,
    point: Point<D>,
}

/// Moves each of `points` by its list's forces from `others`; `rate` gives the learning rate
/// of a tag, and `moved` learns each step.
pub(super) fn descend<const D: usize>(
    forces: &Forces,
    others: &[Point<D>],
    lists: &Lists,
    points: &mut [Point<D>],
    rate: impl Fn(u32) -> f64,
    mut moved: impl FnMut(u32, &Point<D>),
) {
    let mut waiting = lists.ranges().enumerate();
    let mut lanes: Vec<Lane<D>> = Vec::with_capacity(LANES);
    loop {
        lanes.retain(|lane| {
            if lane.at == lane.end {
                points[lane.number] = lane.point;
            }
            lane.at < lane.end
        });
        let free = LANES - lanes.len();
        let full = waiting.by_ref().filter(|(_, (at, end))| at < end);
        lanes.extend(full.take(free).map(|(number, (at, end))| Lane {
            number,
            at,
            end,
            point: points[number],
        }));
        let Some(turns) = lanes.iter().map(|lane| lane.end - lane.at).min() else {
            return;
        };
        for _ in 0..turns {
            for lane in &mut lanes {
                let Force { other, kind } = lists.forces[lane.at];
                let tag = kind & !REPELS;
                let other = &others[other as usize];
                let step = forces.step(&lane.point, other, kind >> 31, rate(tag));
                shift(&mut lane.point, &step);
                moved(tag, &step);
                lane.at += 1;
            }
        }
    }
}
