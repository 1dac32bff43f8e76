//! When the shop sells: a year of opening hours, each with its share of the sales.

use super::random::Random;

/// First of the year's days, a Sunday.
const FIRST: (u32, u32, u32) = (2024, 12, 1);
/// Length of each month from December on.
const MONTHS: [u32; 12] = [31, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30];
/// How much is sold on a day of each month: quiet after Christmas, a peak before it.
const SEASON: [u64; 12] = [104, 84, 86, 104, 100, 114, 108, 104, 96, 140, 158, 206];
/// From Sunday on; closed on Saturdays.
const WEEKDAYS: [u64; 7] = [55, 80, 92, 93, 110, 81, 0];
/// From 6 o'clock on.
const HOURS: [u64; 15] = [1, 2, 24, 70, 114, 122, 153, 130, 121, 118, 75, 46, 13, 8, 1];
const OPENS: u32 = 6;
/// Christmas to New Year, then Easter: days from the first.
const CLOSED: [(usize, usize); 3] = [(23, 34), (138, 139), (140, 141)];

/// A minute of the year.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    pub(super) year: u32,
    pub(super) month: u32,
    pub(super) day: u32,
    pub(super) hour: u32,
    pub(super) minute: u32,
}

/// An opening hour, and the share of the year's sales before its end.
#[derive(Debug)]
struct Slot {
    until: u64,
    start: Moment,
}

/// The opening hours, walked once from first to last.
#[derive(Debug)]
pub(super) struct Calendar {
    slots: Vec<Slot>,
    at: usize,
}

impl Calendar {
    pub(super) fn new(seed: u64) -> Self {
        let mut slots = Vec::with_capacity(312 * HOURS.len());
        let mut until = 0;
        let mut day_of_year = 0;
        for (index, length) in (0..).zip(MONTHS) {
            let (year, month) = if index == 0 {
                (FIRST.0, FIRST.1)
            } else {
                (FIRST.0 + 1, index)
            };
            for day in FIRST.2..=length {
                let closed = CLOSED.iter().any(|(a, b)| (*a..*b).contains(&day_of_year));
                let noise = 80 + Random::of(seed, 1, day_of_year as u64).below(41);
                let season = SEASON.get(index as usize).copied().unwrap_or_default();
                let weekday = WEEKDAYS.get(day_of_year % 7).copied().unwrap_or_default();
                day_of_year += 1;
                if closed || weekday == 0 {
                    continue;
                }
                for (hour, share) in (OPENS..).zip(HOURS) {
                    until += season * weekday * noise * share;
                    let start = Moment {
                        year,
                        month,
                        day,
                        hour,
                        minute: 0,
                    };
                    slots.push(Slot { until, start });
                }
            }
        }
        Self { slots, at: 0 }
    }

    /// The minute by which `done` of `rows` are sold; `done` may only grow.
    pub(super) fn moment(&mut self, done: u64, rows: u64) -> Moment {
        let total = self.slots.last().map_or(1, |slot| slot.until);
        let sold = (u128::from(done) * u128::from(total) / u128::from(rows.max(1))) as u64;
        while self
            .slots
            .get(self.at)
            .is_some_and(|slot| slot.until <= sold)
            && self.at + 1 < self.slots.len()
        {
            self.at += 1;
        }
        let before = match self.at.checked_sub(1).and_then(|i| self.slots.get(i)) {
            Some(slot) => slot.until,
            None => 0,
        };
        let Some(slot) = self.slots.get(self.at) else {
            return Moment::default();
        };
        let minute = sold.saturating_sub(before) * 60 / (slot.until - before).max(1);
        Moment {
            minute: minute.min(59) as u32,
            ..slot.start
        }
    }
}

impl Moment {
    /// From September to Christmas.
    pub(super) fn is_autumn(self) -> bool {
        self.month >= 9
    }

    /// Days from the year's first, roughly: for what changes over months.
    pub(super) fn day_of_year(self) -> u64 {
        let months = if self.year == FIRST.0 { 0 } else { self.month };
        u64::from(months * 30 + self.day)
    }
}
