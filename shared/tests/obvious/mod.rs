//! What is slow and obvious, for tests and for fuzzing (`fuzz/`).

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;

use shared::features::Features;
use shared::transactions::fields::Fields;
use shared::transactions::records::{Records, Shape};

/// Records and fields as the csv crate has them.
pub fn by_csv(text: &str, delimiter: u8) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let records = reader.records().map(|record| {
        let record = record.unwrap();
        record.iter().map(str::to_owned).collect()
    });
    records.collect()
}

/// The same by ours, up to a quote that is never closed; whether there was one.
pub fn by_ours(text: &str, delimiter: u8, buffer: usize) -> (Vec<Vec<String>>, bool) {
    let source = BufReader::with_capacity(buffer, text.as_bytes());
    let mut records = Records::new(source, delimiter);
    let mut fields = Fields::default();
    let mut found = Vec::new();
    while let Some(record) = records.next().unwrap() {
        if !matches!(record.shape, Shape::Plain | Shape::Quoted) {
            return (found, true);
        }
        let raw = std::str::from_utf8(record.raw).unwrap();
        let n = fields.split(raw, delimiter, record.shape, 10_000);
        found.push((0..n).map(|i| fields.get(raw, i).to_owned()).collect());
    }
    (found, false)
}

/// One invoice line: customer (0 has no id), invoice, quantity, price in pence, minute.
pub type Line = (u8, u8, i64, i64, i64);

pub const MINUTES_A_DAY: i64 = 24 * 60;

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

/// An export of these lines.
pub fn csv_of(lines: &[Line]) -> String {
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

/// What is counted of a customer.
#[derive(Debug, Default, PartialEq)]
pub struct Customer {
    pub gross_revenue: f64,
    pub recency_days: i64,
    pub quantity_of_products: i64,
    pub returns: i64,
    pub frequency: f64,
}

impl Customer {
    /// Those of the features that `slowly` counts too.
    pub fn all(features: &Features) -> BTreeMap<String, Self> {
        let of = |i: usize| Self {
            gross_revenue: features.gross_revenue[i],
            recency_days: features.recency_days[i],
            quantity_of_products: features.quantity_of_products[i],
            returns: features.returns[i],
            frequency: features.frequency[i],
        };
        let ids = features.customer_id.iter().cloned();
        ids.enumerate().map(|(i, id)| (id, of(i))).collect()
    }
}

/// Features as one would explain them.
pub fn slowly(lines: &[Line]) -> BTreeMap<String, Customer> {
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
