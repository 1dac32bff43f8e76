//! The fast ways held against slow and obvious ones, on inputs that nobody would think of.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;

use proptest::prelude::*;
use shared::settings::{Decimal, Settings};
use shared::transactions::fields::Fields;
use shared::transactions::reader::{Nowhere, read};
use shared::transactions::records::{Records, Shape};

/// Records and fields as the csv crate has them.
fn by_csv(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let records = reader.records().map(|record| {
        let record = record.unwrap();
        record.iter().map(str::to_owned).collect()
    });
    records.collect()
}

/// The same by ours, up to a quote that is never closed; whether there was one.
fn by_ours(text: &str, buffer: usize) -> (Vec<Vec<String>>, bool) {
    let source = BufReader::with_capacity(buffer, text.as_bytes());
    let mut records = Records::new(source, b',');
    let mut fields = Fields::default();
    let mut found = Vec::new();
    while let Some(record) = records.next().unwrap() {
        if !matches!(record.shape, Shape::Plain | Shape::Quoted) {
            return (found, true);
        }
        let raw = std::str::from_utf8(record.raw).unwrap();
        let n = fields.split(raw, b',', record.shape, 1_000);
        found.push((0..n).map(|i| fields.get(raw, i).to_owned()).collect());
    }
    (found, false)
}

/// One invoice line: customer (0 has no id), invoice, quantity, price in pence, minute.
type Line = (u8, u8, i64, i64, i64);

const MINUTES_A_DAY: i64 = 24 * 60;

/// A day and minute of 2011 as the export writes it.
fn moment(minute: i64) -> String {
    let (day, minute) = (minute / MINUTES_A_DAY, minute % MINUTES_A_DAY);
    let (month, day) = (day / 28 + 1, day % 28 + 1);
    format!("{month}/{day}/2011 {}:{:02}", minute / 60, minute % 60)
}

/// Minutes since the year began, of a minute as `moment` counts them.
fn since_new_year(minute: i64) -> i64 {
    const DAYS: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let (day, minute) = (minute / MINUTES_A_DAY, minute % MINUTES_A_DAY);
    (DAYS[(day / 28) as usize] + day % 28) * MINUTES_A_DAY + minute
}

fn csv_of(lines: &[Line]) -> String {
    let mut text = String::from(
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n",
    );
    for &(customer, invoice, quantity, pence, minute) in lines {
        let customer = match customer {
            0 => String::new(),
            n => n.to_string(),
        };
        let price = format!("{}.{:02}", pence / 100, pence % 100);
        let moment = moment(minute);
        text += &format!("{invoice},85123A,A LAMP,{quantity},{moment},{price},{customer},Malta\n");
    }
    text
}

#[derive(Debug, Default, PartialEq)]
struct Customer {
    gross_revenue: f64,
    recency_days: i64,
    quantity_of_products: i64,
    returns: i64,
    frequency: f64,
}

/// Features as one would explain them.
fn slowly(lines: &[Line]) -> BTreeMap<String, Customer> {
    let kept = lines.iter().filter(|line| line.3 >= 4);
    let mut by_customer: BTreeMap<String, Vec<&Line>> = BTreeMap::new();
    for line in kept {
        let id = match line.0 {
            0 => format!("guest-{}", line.1),
            n => n.to_string(),
        };
        by_customer.entry(id).or_default().push(line);
    }
    let purchases = by_customer.values().flatten().filter(|line| line.2 > 0);
    let end = purchases.map(|line| since_new_year(line.4)).max();
    let mut found = BTreeMap::new();
    for (id, lines) in by_customer {
        let bought: Vec<_> = lines.iter().filter(|line| line.2 > 0).collect();
        let moments = || bought.iter().map(|line| since_new_year(line.4));
        let (Some(first), Some(last), Some(end)) = (moments().min(), moments().max(), end) else {
            continue;
        };
        let distinct = |lines: &mut dyn Iterator<Item = u8>| lines.collect::<BTreeSet<_>>().len();
        let returned = lines.iter().filter(|line| line.2 < 0).map(|line| line.1);
        let pence: i128 = bought
            .iter()
            .map(|l| i128::from(l.2) * i128::from(l.3))
            .sum();
        let days = (last - first) / MINUTES_A_DAY;
        let invoices = distinct(&mut bought.iter().map(|line| line.1)) as f64;
        let customer = Customer {
            gross_revenue: pence as f64 / 100.0,
            recency_days: (end - last) / MINUTES_A_DAY,
            quantity_of_products: bought.iter().map(|line| line.2).sum(),
            returns: distinct(&mut { returned }) as i64,
            frequency: if days == 0 {
                0.0
            } else {
                invoices / days as f64
            },
        };
        found.insert(id, customer);
    }
    found
}

fn piece() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "a", "b c", " ", "é", ",", ",", "\"", "\"", "\"\"", "\n", "\r\n", "1.5",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn records_and_fields_are_those_of_the_csv_crate(
        pieces in proptest::collection::vec(piece(), 0..60),
        buffer in 1_usize..40,
    ) {
        let text = pieces.concat();
        let (ours, unclosed) = by_ours(&text, buffer);
        let theirs = by_csv(&text);
        if unclosed {
            // It would take the rest of the file for one field; ours goes on at the next line.
            prop_assert_eq!(&ours, &theirs[..ours.len()]);
            prop_assert_eq!(theirs.len(), ours.len() + 1);
        } else {
            prop_assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn features_are_what_one_would_count_by_hand(
        lines in proptest::collection::vec(
            (0_u8..5, 1_u8..9, -3_i64..6, 0_i64..3_000, 0_i64..300 * MINUTES_A_DAY),
            1..40,
        ),
    ) {
        let settings = Settings::default();
        let expected = slowly(&lines);
        let csv = csv_of(&lines);
        match read(csv.as_bytes(), "sales.csv", &settings, None, &mut Nowhere) {
            Ok(outcome) => {
                let features = outcome.features;
                let found = (0..features.len()).map(|i| {
                    let customer = Customer {
                        gross_revenue: features.gross_revenue[i],
                        recency_days: features.recency_days[i],
                        quantity_of_products: features.quantity_of_products[i],
                        returns: features.returns[i],
                        frequency: features.frequency[i],
                    };
                    (features.customer_id[i].clone(), customer)
                });
                let found: Vec<_> = found.collect();
                prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
            }
            Err(error) => {
                prop_assert!(expected.is_empty(), "{}", error);
                prop_assert!(error.to_string().contains("no customer is left"));
            }
        }
    }

    /// Whatever the bytes: read, or refused with one line.
    #[test]
    fn no_bytes_stop_the_reader(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        after_header in any::<bool>(),
    ) {
        let mut csv = if after_header { csv_of(&[]).into_bytes() } else { Vec::new() };
        csv.extend_from_slice(&bytes);
        let result = read(&csv[..], "sales.csv", &Settings::default(), None, &mut Nowhere);
        if let Err(error) = result {
            prop_assert_eq!(error.to_string().lines().count(), 1);
        }
    }

    #[test]
    fn no_text_stops_the_settings(text in "[a-z_=\\[\\]\"'{}.,0-9\n# -]{0,80}") {
        if let Err(error) = Settings::parse(&text, "insiders.toml") {
            prop_assert!(error.to_string().contains("insiders.toml"), "{}", error);
        }
    }

    #[test]
    fn decimals_are_exact(whole in 0_u64..1_000_000_000_000, fraction in "[0-9]{0,18}", minus in any::<bool>()) {
        let sign = if minus { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        let text = format!("{sign}{whole}{point}{fraction}");
        let digits: i128 = format!("{whole}{fraction:0<18}").parse().unwrap();
        let expected = if minus { -digits } else { digits };
        prop_assert_eq!(Decimal::parse(text.as_bytes()).unwrap().0, expected);
    }
}
