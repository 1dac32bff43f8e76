//! What people and the rest of the product count on.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::catalogue::Catalogue;
use super::customers::Customers;
use super::random::{Random, interpolate};
use super::{Options, Summary, write};

const ROWS: u64 = 60_000;

fn options(rows: u64, seed: u64, dirty: f64) -> Options {
    Options {
        rows,
        customers: None,
        seed,
        dirty,
    }
}

fn generate(options: &Options) -> (Summary, Vec<u8>) {
    let mut out = Vec::new();
    let summary = write(options, &mut out).unwrap();
    (summary, out)
}

/// The fields of each line below the header; bytes above ASCII become `?`, but for the pound.
fn rows(file: &[u8]) -> Vec<Vec<String>> {
    let text: String = file
        .iter()
        .map(|b| match b {
            0xa3 => '£',
            b if b.is_ascii() => char::from(*b),
            _ => '?',
        })
        .collect();
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(
        lines[0],
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
    );
    assert_eq!(lines[lines.len() - 1], "", "the last line ends");
    lines[1..lines.len() - 1]
        .iter()
        .map(|line| fields(line))
        .collect()
}

fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => fields.last_mut().unwrap().push(c),
        }
    }
    fields
}

/// `12/1/2024 8:26` as numbers in order; `None` if it is no such date.
fn date(text: &str) -> Option<[u32; 5]> {
    let parts: Vec<&str> = text.split(['/', ' ', ':']).collect();
    let [month, day, year, hour, minute] = parts.try_into().ok()?;
    assert!(
        minute.len() == 2 && hour == hour.trim_start_matches('0'),
        "{text}"
    );
    let [month, day, year, hour, minute] = [month, day, year, hour, minute].map(|n| n.parse().ok());
    let day = day.filter(|day| !(month == Some(2) && *day > 29))?;
    Some([year?, month?, day, hour?, minute?])
}

fn is_readable(row: &[String]) -> bool {
    row.len() == 8
        && row[3].parse::<i64>().is_ok()
        && date(&row[4]).is_some()
        && row[5].parse::<f64>().is_ok_and(f64::is_finite)
}

#[test]
fn the_same_options_give_the_same_bytes() {
    let (summary, first) = generate(&options(ROWS, 1, 0.01));
    assert_eq!((summary, first.clone()), generate(&options(ROWS, 1, 0.01)));
    assert_ne!(first, generate(&options(ROWS, 2, 0.01)).1);
    // On every machine and in every later version: who keeps a seed keeps a shop.
    let digest = first.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    assert_eq!(digest, 0x255a_9b13_de86_8a3c, "{digest:#018x}");
}

#[test]
fn as_many_rows_as_asked_for() {
    for n in [0, 1, 2, 19, 1_000, 12_345] {
        let (summary, file) = generate(&options(n, 3, 0.0));
        assert_eq!(summary.rows, n);
        let rows = rows(&file);
        assert_eq!(rows.len() as u64, n);
        let invoices: HashSet<&String> = rows.iter().map(|row| &row[0]).collect();
        assert_eq!(summary.invoices, invoices.len() as u64);
        let customers: HashSet<&String> = rows
            .iter()
            .map(|row| &row[6])
            .filter(|id| !id.is_empty())
            .collect();
        // The last invoice may end before its customer's first line.
        assert!(
            summary.customers.abs_diff(customers.len() as u64) <= 1,
            "{summary:?}"
        );
    }
}

#[test]
fn few_customers_and_many() {
    for customers in [0, 1, 2, 7_000] {
        let options = Options {
            customers: Some(customers),
            ..options(5_000, 3, 0.0)
        };
        let (summary, _) = generate(&options);
        assert!(summary.customers <= customers.max(1), "{summary:?}");
    }
}

#[test]
fn exactly_the_share_of_unreadable_rows() {
    for (dirty, expected) in [
        (0.0, 0),
        (0.01, 600),
        (0.5, 30_000),
        (1.0, ROWS),
        (7.0, ROWS),
    ] {
        let (summary, file) = generate(&options(ROWS, 4, dirty));
        let unreadable = rows(&file).iter().filter(|row| !is_readable(row)).count() as u64;
        assert_eq!((summary.dirty, unreadable), (expected, expected));
    }
    assert_eq!(generate(&options(100, 4, f64::NAN)).0.dirty, 0);
    let (_, file) = generate(&options(ROWS, 4, 0.01));
    for trace in ["x,", "2/31/2025", ",NaN,", ",1e400,", ",,1", "moved,here"] {
        let found = file
            .windows(trace.len())
            .any(|bytes| bytes == trace.as_bytes());
        assert!(found, "{trace}");
    }
}

#[test]
fn the_file_is_windows_1252_in_order_of_time() {
    let (_, file) = generate(&options(ROWS, 5, 0.0));
    // The bytes that windows-1252 leaves undefined, and all others but the pound sign.
    assert!(file.iter().all(|b| b.is_ascii() || *b == 0xa3));
    let rows = rows(&file);
    let vouchers = rows
        .iter()
        .filter(|row| row[2].contains("Gift Voucher £"))
        .count();
    assert!(vouchers > 0);
    assert!(rows.iter().all(|row| is_readable(row)));
    let dates: Vec<[u32; 5]> = rows.iter().map(|row| date(&row[4]).unwrap()).collect();
    assert!(dates.is_sorted());
    assert_eq!(dates[0][..3], [2024, 12, 1]);
    assert_eq!(dates[dates.len() - 1][..3], [2025, 11, 30]);
    let of = |month| dates.iter().filter(|date| date[1] == month).count();
    assert!(of(11) > 2 * of(1) && of(10) > of(6), "an autumn peak");
    assert!(
        dates.iter().all(|date| (6..21).contains(&date[3])),
        "shop hours"
    );
}

#[test]
fn it_looks_like_a_shop() {
    for seed in 0..4 {
        let (_, file) = generate(&options(ROWS, seed, 0.0));
        let rows = rows(&file);
        let share = |wanted: &dyn Fn(&Vec<String>) -> bool| {
            rows.iter().filter(|row| wanted(row)).count() as f64 / ROWS as f64
        };
        let check = |what: &str, share: f64, low: f64, high: f64| {
            assert!(
                (low..=high).contains(&share),
                "seed {seed}, {what}: {share}"
            );
        };
        check("no id", share(&|row| row[6].is_empty()), 0.24, 0.26);
        check(
            "negative",
            share(&|row| row[3].starts_with('-')),
            0.012,
            0.024,
        );
        check(
            "cancelled",
            share(&|row| row[0].starts_with('C')),
            0.010,
            0.022,
        );
        check(
            "no description",
            share(&|row| row[2].is_empty()),
            0.001,
            0.005,
        );
        check("no price", share(&|row| row[5] == "0.00"), 0.001, 0.008);
        check("postage", share(&|row| row[1] == "POST"), 0.0005, 0.006);
        check(
            "quoted",
            share(&|row| row[2].contains(',') || row[2].contains('"')),
            0.001,
            0.03,
        );
        assert!(
            rows.iter()
                .all(|row| row[0].starts_with('C') <= row[3].starts_with('-'))
        );

        let mut revenue: HashMap<&str, f64> = HashMap::new();
        let mut orders: HashMap<&str, HashSet<&str>> = HashMap::new();
        let mut guests: BTreeMap<&str, [bool; 2]> = BTreeMap::new();
        for row in &rows {
            guests.entry(&row[0]).or_default()[usize::from(row[6].is_empty())] = true;
            let quantity: f64 = row[3].parse().unwrap();
            if !row[6].is_empty() && quantity > 0.0 {
                *revenue.entry(&row[6]).or_default() += quantity * row[5].parse::<f64>().unwrap();
                orders.entry(&row[6]).or_default().insert(&row[0]);
            }
        }
        assert!(
            guests.values().any(|kinds| *kinds == [true, true]),
            "a mixed invoice"
        );
        let mut revenue: Vec<f64> = revenue.into_values().collect();
        revenue.sort_by(|a, b| b.total_cmp(a));
        let total: f64 = revenue.iter().sum();
        let best: f64 = revenue[..revenue.len() / 10].iter().sum();
        check("revenue of the best tenth", best / total, 0.45, 0.80);
        let again = orders.values().filter(|orders| orders.len() > 1).count();
        check("come back", again as f64 / orders.len() as f64, 0.45, 0.75);
        let mean = ROWS as f64 / guests.len() as f64;
        check("lines an invoice", mean, 17.0, 25.0);
    }
}

#[test]
fn every_product_and_every_customer_has_a_number_of_its_own() {
    let catalogue = Catalogue::new(1);
    let codes: BTreeSet<&str> = (0..)
        .map_while(|n| catalogue.get(n))
        .map(|p| p.code.as_str())
        .collect();
    assert_eq!(codes.len(), 3_900);
    let mut random = Random::of(1, 99, 0);
    assert!((0..10_000).all(|_| catalogue.get(catalogue.draw(&mut random, true)).is_some()));
    for count in [1, 2, 50, 6_600, 6_601, 20_000] {
        let mut customers = Customers::new(1, count);
        let ids: BTreeSet<u64> = (0..count).map(|n| customers.id(n)).collect();
        assert_eq!(ids.len() as u64, count);
        assert_eq!(customers.occurring(), count);
        // Guests of the notebook begin at 19000; 16446 is one that it leaves out.
        let free = |id: &u64| (12_346..19_000).contains(id) && *id != 16_446;
        assert!(ids.iter().all(|id| free(id) || *id >= 100_000_000));
    }
}

#[test]
fn memory_does_not_grow_with_the_rows() {
    // What grows is the customers' one bit: nothing else in the shop knows of the rows.
    let shop = |rows| {
        let options = Options {
            customers: Some(50),
            ..options(rows, 1, 0.0)
        };
        let mut shop = super::shop::Shop::new(&options);
        let mut out = std::io::sink();
        let mut sink = super::lines::Sink::new(&options, &mut out);
        while sink.remaining() > 0 {
            shop.invoice(&mut sink).unwrap();
        }
        shop.remembered()
    };
    assert_eq!(shop(100_000), shop(400_000));
}

#[test]
fn tables_between_their_knots() {
    let check = |x, expected| assert_eq!(interpolate(&[(0, 10), (10, 30), (20, 0)], x), expected);
    check(0, 10);
    check(5, 20);
    check(10, 30);
    check(15, 15);
    check(99, 0);
    assert_eq!(interpolate(&[], 3), 0);
}
