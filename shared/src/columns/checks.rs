//! Holds an export against that of the run before: what changed that nobody meant to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ColumnProfile;
use crate::contracts::AsOf;
use crate::settings::{CheckSettings, Level};

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // as in the settings
pub enum CheckKind {
    Columns,
    Types,
    Units,
    Nulls,
    Rows,
    Freshness,
}

impl CheckKind {
    /// Its name in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Columns => "columns",
            Self::Types => "types",
            Self::Units => "units",
            Self::Nulls => "nulls",
            Self::Rows => "rows",
            Self::Freshness => "freshness",
        }
    }

    fn level(self, settings: &CheckSettings) -> Level {
        match self {
            Self::Columns => settings.columns,
            Self::Types => settings.types,
            Self::Units => settings.units,
            Self::Nulls => settings.nulls,
            Self::Rows => settings.rows,
            Self::Freshness => settings.freshness,
        }
    }
}

/// Something that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was looked at.
    pub kind: CheckKind,
    /// What follows.
    pub level: Level,
    /// What is different, in a sentence.
    pub message: String,
}

/// What is compared: a part of quality.json, as it was written.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Seen {
    /// Data rows.
    pub rows: u64,
    /// The export's columns, in its order.
    pub source_columns: Vec<String>,
    /// By canonical column; none in what earlier versions wrote.
    #[serde(default)]
    pub column_profile: BTreeMap<String, ColumnProfile>,
    /// Least and greatest value by column; of `invoice_date` it is looked at.
    #[serde(default)]
    pub ranges: BTreeMap<String, Option<(serde_json::Value, serde_json::Value)>>,
}

impl Seen {
    /// The moment of the last line.
    pub fn last_line(&self) -> Option<AsOf> {
        let range = self.ranges.get("invoice_date")?.as_ref()?;
        range.1.as_str()?.parse().ok()
    }
}

/// What is different in `now`, in the order of the settings. `adds_up` says that an upload is
/// not the whole history.
pub fn compare(now: &Seen, before: &Seen, settings: &CheckSettings, adds_up: bool) -> Vec<Check> {
    let mut found = Vec::new();
    let mut say = |kind: CheckKind, message: String| {
        let level = kind.level(settings);
        if level != Level::Off {
            found.push(Check {
                kind,
                level,
                message,
            });
        }
    };
    for message in renamed(&before.source_columns, &now.source_columns) {
        say(CheckKind::Columns, message);
    }
    let both: Vec<(&str, &ColumnProfile, &ColumnProfile)> = now
        .column_profile
        .iter()
        .filter_map(|(name, now)| Some((name.as_str(), before.column_profile.get(name)?, now)))
        .collect();
    for &(name, before, now) in &both {
        let (Some(then), Some(today)) = (before.digits_share, now.digits_share) else {
            continue;
        };
        if (then - today).abs() > 0.5 {
            let [then, today] = [then, today].map(percent);
            let message =
                format!("{name}: {then} of the values were whole numbers, now {today} are");
            say(CheckKind::Types, message);
        }
    }
    for &(name, before, now) in &both {
        let median = |profile: &ColumnProfile| profile.quantiles.get("0.5").copied();
        let (Some(then), Some(today)) = (median(before), median(now)) else {
            continue;
        };
        if then > 0.0 && today > 0.0 {
            let factor = (today / then).max(then / today);
            if factor > settings.unit_factor {
                let message =
                    format!("{name}: the median was {then} and is {today}: is it another unit?");
                say(CheckKind::Units, message);
            }
        }
    }
    for &(name, before, now) in &both {
        let share = |profile: &ColumnProfile| {
            profile.nulls as f64 / (profile.nulls + profile.values).max(1) as f64
        };
        let (then, today) = (share(before), share(now));
        if today - then > settings.null_rise {
            let [then, today] = [then, today].map(percent);
            let message = format!("{name}: {then} of the values were missing, now {today} are");
            say(CheckKind::Nulls, message);
        }
    }
    if !adds_up && (now.rows as f64) < before.rows as f64 * (1.0 - settings.rows_fall) {
        let message = format!("{} rows, {} in the run before", now.rows, before.rows);
        say(CheckKind::Rows, message);
    }
    if let (Some(then), Some(today)) = (before.last_line(), now.last_line())
        && today <= then
    {
        let message = format!("the last line is of {today}, in the run before of {then}");
        say(CheckKind::Freshness, message);
    }
    found
}

/// Seconds. The shop's own time may be a day apart from the bucket's.
const A_DAY: i64 = 86_400;

/// An upload whose last line was old already; both in seconds since 1970.
pub fn too_old(last_line: i64, uploaded: i64, settings: &CheckSettings) -> Option<Check> {
    let days = (uploaded - last_line).div_euclid(A_DAY) - 1;
    let most = i64::from(settings.max_age_days?);
    let level = settings.freshness;
    (days > most && level != Level::Off).then(|| Check {
        kind: CheckKind::Freshness,
        level,
        message: format!(
            "the last line was {days} days old when it was uploaded, checks.max_age_days is {most}"
        ),
    })
}

/// A last purchase after the upload: a date that is wrong, from which everybody's recency is
/// counted. It doesn't say how long after: another upload of the same file is to say the same.
pub fn in_the_future(
    last: AsOf,
    seconds: i64,
    uploaded: i64,
    settings: &CheckSettings,
) -> Option<Check> {
    let level = settings.freshness;
    let is_later = seconds - A_DAY > uploaded;
    (is_later && level != Level::Off).then(|| Check {
        kind: CheckKind::Freshness,
        level,
        message: format!(
            "the last purchase is of {last}, which is after its upload: is the date wrong? \
             Every customer's recency is counted from it"
        ),
    })
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

/// Columns that are gone and new; one in the place of the other, or of nearly the same name,
/// is taken for it.
fn renamed(before: &[String], now: &[String]) -> Vec<String> {
    let gone = before.iter().filter(|name| !now.contains(name));
    let mut new: Vec<&String> = now.iter().filter(|name| !before.contains(name)).collect();
    let place = |names: &[String], name: &String| names.iter().position(|other| other == name);
    let mut found = Vec::new();
    for name in gone {
        let same = |&other: &&String| {
            simple(other) == simple(name)
                || (before.len() == now.len() && place(now, other) == place(before, name))
        };
        match new.iter().position(same) {
            Some(at) => {
                let other = new.remove(at);
                found.push(format!(
                    "column '{}' is called '{}' now",
                    shown(name),
                    shown(other)
                ));
            }
            None => found.push(format!("column '{}' is gone", shown(name))),
        }
    }
    found.extend(
        new.iter()
            .map(|name| format!("column '{}' is new", shown(name))),
    );
    found
}

/// Letters and digits in lower case: `Unit_Price` is `unit price`.
pub(crate) fn simple(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// On one line, and not too long.
fn shown(name: &str) -> String {
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    name.chars().take(40).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen() -> Seen {
        let profile = |digits: Option<f64>, median: Option<f64>| ColumnProfile {
            values: 90,
            nulls: 10,
            digits_share: digits,
            quantiles: median.map(|m| ("0.5".to_owned(), m)).into_iter().collect(),
            ..ColumnProfile::default()
        };
        Seen {
            rows: 100,
            source_columns: ["Invoice", "Price", "City"].map(str::to_owned).to_vec(),
            column_profile: BTreeMap::from([
                ("customer_id".to_owned(), profile(Some(1.0), None)),
                ("unit_price".to_owned(), profile(None, Some(2.0))),
            ]),
            ranges: BTreeMap::from([(
                "invoice_date".to_owned(),
                Some(("2011-01-01T00:00:00".into(), "2011-01-31T00:00:00".into())),
            )]),
        }
    }

    fn later() -> Seen {
        let mut now = seen();
        let range = now.ranges.get_mut("invoice_date").unwrap();
        range.as_mut().unwrap().1 = "2011-02-28T00:00:00".into();
        now
    }

    fn messages(now: &Seen) -> Vec<String> {
        let found = compare(now, &seen(), &CheckSettings::default(), false);
        found
            .iter()
            .map(|check| format!("{}: {}", check.kind.name(), check.message))
            .collect()
    }

    #[test]
    fn what_is_as_before_is_not_told() {
        assert_eq!(messages(&later()), Vec::<String>::new());
    }

    #[test]
    fn every_difference_is_told_by_name() {
        let mut now = seen();
        now.rows = 49;
        now.source_columns = ["invoice ", "Prix", "Town", "Extra"]
            .map(str::to_owned)
            .to_vec();
        let id = now.column_profile.get_mut("customer_id").unwrap();
        (id.digits_share, id.values, id.nulls) = (Some(0.0), 70, 30);
        let price = now.column_profile.get_mut("unit_price").unwrap();
        price.quantiles.insert("0.5".to_owned(), 200.0);
        assert_eq!(
            messages(&now),
            [
                "columns: column 'Invoice' is called 'invoice ' now",
                "columns: column 'Price' is gone",
                "columns: column 'City' is gone",
                "columns: column 'Prix' is new",
                "columns: column 'Town' is new",
                "columns: column 'Extra' is new",
                "types: customer_id: 100.0% of the values were whole numbers, now 0.0% are",
                "units: unit_price: the median was 2 and is 200: is it another unit?",
                "nulls: customer_id: 10.0% of the values were missing, now 30.0% are",
                "rows: 49 rows, 100 in the run before",
                "freshness: the last line is of 2011-01-31T00:00:00, in the run before of \
                 2011-01-31T00:00:00",
            ]
        );
        // Where uploads add up, a small one is no loss.
        let off = CheckSettings {
            columns: Level::Off,
            ..CheckSettings::default()
        };
        let kinds: Vec<CheckKind> = compare(&now, &seen(), &off, true)
            .iter()
            .map(|check| check.kind)
            .collect();
        let [types, units] = [CheckKind::Types, CheckKind::Units];
        assert_eq!(
            kinds,
            [types, units, CheckKind::Nulls, CheckKind::Freshness]
        );
    }

    #[test]
    fn a_column_in_the_place_of_another_has_another_name() {
        let mut now = later();
        now.source_columns[1] = "Prix".to_owned();
        assert_eq!(
            messages(&now),
            ["columns: column 'Price' is called 'Prix' now"]
        );
    }

    #[test]
    fn an_upload_is_old_by_the_days_since_its_last_line() {
        let mut settings = CheckSettings::default();
        let day = 86_400;
        assert_eq!(too_old(0, 100 * day, &settings), None);
        settings.max_age_days = Some(7);
        assert_eq!(too_old(0, 8 * day, &settings), None);
        let check = too_old(0, 9 * day, &settings).unwrap();
        assert!(check.message.contains("8 days old"), "{}", check.message);
    }

    #[test]
    fn a_purchase_after_the_upload_is_told() {
        let mut settings = CheckSettings::default();
        let last: AsOf = "9999-01-01T09:00:00".parse().unwrap();
        let told = |seconds, settings: &CheckSettings| in_the_future(last, seconds, 5, settings);
        assert_eq!(told(A_DAY + 5, &settings), None, "shops are in other zones");
        let check = told(A_DAY + 6, &settings).unwrap();
        assert!(check.message.contains("9999-01-01"), "{}", check.message);
        settings.freshness = Level::Off;
        assert_eq!(told(A_DAY + 6, &settings), None);
    }
}
