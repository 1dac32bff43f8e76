//! Dates: those of the common formats as counted day by day, of every format the same again.
#![no_main]

use fuzz::check;
use jiff::fmt::strtime;
use libfuzzer_sys::fuzz_target;
use shared::settings::Settings;
use shared::transactions::header::Header;
use shared::transactions::line::{LineReader, moment_of};
use shared::transactions::quarantine::Reason;
use shared::transactions::records::Shape;

const HEADER: &str = "InvoiceNo\u{1}StockCode\u{1}Description\u{1}Quantity\u{1}InvoiceDate\u{1}UnitPrice\u{1}CustomerID\u{1}Country";

/// Formats of numbers alone, which one can read by hand.
const FORMATS: [&str; 7] = [
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%Y/%m/%d",
    "%Y-%m-%d %H:%M:%S%.f",
];

fn reader(format: &str) -> shared::Result<LineReader> {
    let mut settings = Settings::default();
    settings.source.delimiter = '\u{1}';
    settings.source.date_format = format.to_owned();
    let columns = &settings.source.columns;
    let header = Header::read(HEADER, Shape::Plain, 1, columns, "f").unwrap();
    LineReader::new(header, &settings)
}

fn seconds(reader: &mut LineReader, date: &str) -> Result<i64, Reason> {
    let record = format!("1\u{1}A\u{1}x\u{1}1\u{1}{date}\u{1}1\u{1}7\u{1}UK");
    let line = reader.read(&record, Shape::Plain);
    line.map(|line| line.seconds).map_err(|defect| {
        assert_eq!(defect.column, Some("invoice_date"));
        defect.reason
    })
}

/// jiff's last moment, 9999-12-30T22:00:00: the catalogue of bad input has what is later.
const LAST: i64 = 253_402_207_200;

/// Days from 1970, year by year and month by month; `None` where there is no such day.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_leap = |y: i64| y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
    let february = 28 + i64::from(is_leap(year));
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before = usize::try_from(month).ok()?.checked_sub(1)?;
    if !(1..=*months.get(before)?).contains(&day) {
        return None;
    }
    let length = |y: i64| 365 + i64::from(is_leap(y));
    let years: i64 = (1970..year).map(length).sum::<i64>() - (year..1970).map(length).sum::<i64>();
    Some(years + months[..before].iter().sum::<i64>() + day - 1)
}

/// Reads `text` by one of [`FORMATS`], if it is written in it to the letter.
fn slowly(format: &str, text: &str) -> Option<Option<i64>> {
    let (mut year, mut month, mut day, mut hour, mut minute, mut second) = (0, 0, 0, 0, 0, 0);
    let mut rest = text;
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            rest = rest.strip_prefix(letter)?;
            continue;
        }
        let letter = letters.next()?;
        if letter == '.' {
            letters.next();
            // A part of a second, which does not count.
            let digits = rest.strip_prefix('.')?;
            let is_short = (1..=9).contains(&digits.len());
            let is_part = is_short && digits.bytes().all(|b| b.is_ascii_digit());
            return is_part.then(|| moment([year, month, day, hour, minute, second]));
        }
        let most = if letter == 'Y' { 4 } else { 2 };
        let length = rest
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count()
            .min(most);
        if length == 0 || letter == 'Y' && length != 4 {
            return None;
        }
        let (digits, after) = rest.split_at(length);
        rest = after;
        let part = match letter {
            'Y' => &mut year,
            'm' => &mut month,
            'd' => &mut day,
            'H' => &mut hour,
            'M' => &mut minute,
            'S' => &mut second,
            other => panic!("%{other}"),
        };
        *part = digits.parse().unwrap();
    }
    rest.is_empty()
        .then(|| moment([year, month, day, hour, minute, second]))
}

/// Seconds since 1970, if there is such a moment and it is one that is read.
fn moment([year, month, day, hour, minute, second]: [i64; 6]) -> Option<i64> {
    // jiff takes the 60th second of a minute for its 59th, as POSIX does.
    let second = if second == 60 { 59 } else { second };
    let is_time = hour < 24 && minute < 60 && second < 60;
    let days = days(year, month, day).filter(|_| is_time && year >= 1000)?;
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(seconds).filter(|&seconds| seconds <= LAST)
}

fuzz_target!(|input: &str| {
    // The first line is a format, or the number of one.
    let (first, dates) = input.split_once('\n').unwrap_or(("0", input));
    let known = first.parse().ok().and_then(|i: usize| FORMATS.get(i));
    let format = known.copied().unwrap_or(first);
    let mut used = match reader(format) {
        Ok(reader) => reader,
        Err(error) => {
            assert!(known.is_none());
            return check(&error);
        }
    };
    for date in dates.split('\n').filter(|date| !date.contains('\u{1}')) {
        let found = seconds(&mut used, date);
        let mut fresh = reader(format).unwrap();
        assert_eq!(found, seconds(&mut fresh, date), "whatever was read before");
        if let Ok(found) = found {
            let moment = moment_of(found).unwrap();
            assert!((1000..=9999).contains(&moment.year()));
            // Formats may leave out what `moment` has; what is written is read the same way.
            let written = strtime::format(format, moment).unwrap();
            if let Ok(again) = seconds(&mut fresh, &written)
                && known.is_some()
            {
                assert_eq!(again, found, "{date:?} {written:?}");
            }
        }
        if known.is_some()
            && let Some(expected) = slowly(format, date.trim())
        {
            assert_eq!(found.ok(), expected, "{format} {date:?}");
        }
    }
});
