//! Each cleaning rule and each feature's edge on lines by hand; expected values are worked
//! out in the comments.

use shared::features::Features;
use shared::settings::{Guests, Settings};
use shared::transactions::line::Line;
use shared::transactions::quarantine::Defect;
use shared::transactions::reader::{Outcome, Sink, read};

use crate::parts::{HEADER, shop};

#[derive(Debug, Default)]
struct Rows {
    kept: Vec<(String, String, bool)>,
    quarantined: Vec<(u64, Defect, String)>,
}

impl Sink for Rows {
    fn kept(&mut self, line: &Line<'_>, customer_id: &str, is_guest: bool) -> shared::Result<()> {
        self.kept
            .push((line.invoice_no.to_owned(), customer_id.to_owned(), is_guest));
        Ok(())
    }

    fn quarantined(&mut self, line: u64, defect: Defect, raw: &str) -> shared::Result<()> {
        self.quarantined.push((line, defect, raw.to_owned()));
        Ok(())
    }
}

fn clean(lines: &str, settings: &Settings, as_of: Option<&str>) -> shared::Result<(Outcome, Rows)> {
    let text = format!("{HEADER}{lines}");
    let mut rows = Rows::default();
    let as_of = as_of.map(|text| text.parse().unwrap());
    let outcome = read(text.as_bytes(), "f.csv", settings, as_of, &mut rows)?;
    Ok((outcome, rows))
}

fn features(lines: &str) -> Features {
    clean(lines, &Settings::default(), None).unwrap().0.features
}

/// One customer's revenue, recency, pieces, returns and frequency.
fn of(features: &Features, id: &str) -> (f64, i64, i64, i64, f64) {
    let row = features
        .customer_id
        .iter()
        .position(|other| other == id)
        .unwrap();
    (
        features.gross_revenue[row],
        features.recency_days[row],
        features.quantity_of_products[row],
        features.returns[row],
        features.frequency[row],
    )
}

#[test]
fn each_rule_drops_its_line_and_a_line_counts_for_the_first_rule() {
    // Line by line: kept; no description (and a bad country); a letter code (and cheap);
    // a country; a price of 0.039 (0.04 itself is kept); the excluded customer.
    let lines = "\
1,A1,x,1,1/1/2011 9:00,0.04,7,UK
1,A1,,1,1/1/2011 9:00,1,7,Unspecified
1,POST,x,1,1/1/2011 9:00,0.01,7,UK
1,A1,x,1,1/1/2011 9:00,1,7,European Community
1,A1,x,1,1/1/2011 9:00,0.039,7,UK
2,A1,x,1,1/1/2011 9:00,1,16446,UK
";
    let (outcome, rows) = clean(lines, &Settings::default(), None).unwrap();
    let quality = outcome.quality;
    let dropped = &quality.dropped;
    assert_eq!(
        (
            dropped.no_description,
            dropped.stock_code,
            dropped.country,
            dropped.unit_price,
            dropped.customer
        ),
        (1, 1, 1, 1, 1)
    );
    assert_eq!(
        (quality.after_dropna, quality.after_stock, quality.after_bad),
        (5, 4, 1)
    );
    assert_eq!(quality.stock_code_letters, ["POST"]);
    assert_eq!(rows.kept.len(), 1);
    assert_eq!(outcome.counts.rows_read, 6);
}

#[test]
fn features_of_a_customer_with_purchases_and_returns() {
    // Purchases: invoice 1 on the 1st (2 lines: 2 x 1.10 + 3 x 0.20 = 2.80), invoice 2 on
    // the 11th, 10 whole days later (1 x 5.00). Two return lines of one invoice: 1 return.
    // Revenue 7.80, 6 pieces, 2 invoices in 10 days = 0.2; recency from the 15th 8:00, the
    // last purchase of all: 3 days 23 hours = 3.
    let found = features(
        "\
1,A1,x,2,1/1/2011 9:00,1.10,7,UK
1,A2,y,3,1/1/2011 9:00,0.20,7,UK
2,A1,x,1,1/11/2011 9:00,5,7,UK
C3,A1,x,-1,1/12/2011 9:00,5,7,UK
C3,A2,x,-1,1/12/2011 9:00,5,7,UK
4,A1,x,1,1/15/2011 8:00,1,8,UK
",
    );
    assert_eq!(of(&found, "7"), (7.8, 3, 6, 1, 0.2));
}

#[test]
fn a_customer_of_one_day_has_frequency_zero() {
    // 23 hours 59 minutes apart are no whole day; 24 hours are one: 2 invoices / 1 day.
    let found = features(
        "\
1,A1,x,1,1/1/2011 9:00,1,7,UK
2,A1,x,1,1/2/2011 8:59,1,7,UK
3,A1,x,1,1/1/2011 9:00,1,8,UK
4,A1,x,1,1/2/2011 9:00,1,8,UK
",
    );
    assert_eq!(of(&found, "7").4, 0.0);
    assert_eq!(of(&found, "8").4, 2.0);
}

#[test]
fn a_customer_with_returns_only_has_no_features() {
    let lines = "C1,A1,x,-1,1/1/2011 9:00,1,7,UK\n2,A1,x,1,1/1/2011 9:00,1,8,UK\n";
    let (outcome, _) = clean(lines, &Settings::default(), None).unwrap();
    assert_eq!(outcome.features.customer_id, ["8"]);
    assert_eq!(
        (
            outcome.quality.customers_ref,
            outcome.quality.na_ref["gross_revenue"]
        ),
        (2, 1)
    );
}

#[test]
fn a_guest_stands_beside_a_known_customer_in_one_invoice() {
    // Invoice 1 has a line with an id and two without: those are one guest's.
    let lines = "\
1,A1,x,1,1/1/2011 9:00,1,7,UK
1,A1,x,1,1/1/2011 9:00,2,,UK
1,A2,x,1,1/1/2011 9:00,3,,UK
2,A2,x,1,1/1/2011 9:00,4,,UK
";
    let (outcome, rows) = clean(lines, &Settings::default(), None).unwrap();
    assert_eq!(outcome.features.customer_id, ["7", "guest-1", "guest-2"]);
    assert_eq!(outcome.features.gross_revenue, [1.0, 5.0, 4.0]);
    assert_eq!(outcome.features.is_guest, [false, true, true]);
    assert_eq!(rows.kept[1], ("1".to_owned(), "guest-1".to_owned(), true));

    let mut settings = Settings::default();
    settings.cleaning.guests = Guests::Sequential;
    let (outcome, _) = clean(lines, &settings, None).unwrap();
    assert_eq!(outcome.features.customer_id, ["19000", "19001", "7"]);
    settings.cleaning.guests = Guests::Drop;
    let (outcome, _) = clean(lines, &settings, None).unwrap();
    assert_eq!(outcome.features.customer_id, ["7"]);
    assert_eq!(outcome.quality.dropped.no_customer_id, 3);
}

#[test]
fn guests_are_numbered_before_a_line_is_dropped() {
    // Invoice 1's only line is dropped for its country, yet its guest has taken 19000.
    let lines = "1,A1,x,1,1/1/2011 9:00,1,,Unspecified\n2,A1,x,1,1/1/2011 9:00,1,,UK\n";
    let mut settings = Settings::default();
    settings.cleaning.guests = Guests::Sequential;
    let (outcome, _) = clean(lines, &settings, None).unwrap();
    assert_eq!(outcome.features.customer_id, ["19001"]);
    assert_eq!(outcome.quality.backup_invoices, 2);
}

#[test]
fn a_guest_never_becomes_a_customer() {
    for (mode, id) in [(Guests::Sequential, "19000"), (Guests::Invoice, "guest-1")] {
        let mut settings = Settings::default();
        settings.cleaning.guests = mode;
        let guest = "1,A1,x,1,1/1/2011 9:00,1,,UK\n".to_owned();
        let real = format!("2,A1,x,1,1/1/2011 9:00,1,{id},UK\n");
        for lines in [format!("{guest}{real}"), format!("{real}{guest}")] {
            let error = clean(&lines, &settings, None).unwrap_err();
            assert!(error.is_bad_input());
            assert!(error.to_string().contains("line 3"), "{error}");
            assert!(error.to_string().contains(id), "{error}");
        }
    }
}

#[test]
fn lines_after_the_as_of_moment_are_ignored() {
    let lines = "\
1,A1,x,1,1/1/2011 9:00,1,7,UK
2,A1,x,1,1/3/2011 9:00,1,7,UK
3,A1,x,1,1/5/2011 9:00,1,,UK
";
    let (outcome, _) = clean(lines, &Settings::default(), Some("2011-01-04")).unwrap();
    // Seen from the end of the 4th: 1 day 14 h 59 min since the 3rd at 9:00.
    assert_eq!(of(&outcome.features, "7").1, 1);
    assert_eq!(
        (
            outcome.counts.rows_after_as_of,
            outcome.quality.backup_invoices
        ),
        (1, 0)
    );
    let error = clean(lines, &Settings::default(), Some("2010-01-01")).unwrap_err();
    assert!(error.to_string().contains("no customer is left"));
}

#[test]
fn a_bad_row_is_quarantined_with_its_place_and_text() {
    let good = "1,A1,x,1,1/1/2011 9:00,1,7,UK\n".repeat(200);
    let (outcome, rows) = clean(
        &format!("{good}1,A1,x,twelve,1/1/2011 9:00,1,7,UK\n"),
        &Settings::default(),
        None,
    )
    .unwrap();
    let (line, defect, raw) = &rows.quarantined[0];
    assert_eq!((*line, defect.column), (202, Some("quantity")));
    assert_eq!(raw, "1,A1,x,twelve,1/1/2011 9:00,1,7,UK");
    assert_eq!(outcome.quality.quarantined_by_reason["quantity"], 1);
}

#[test]
fn ids_are_text() {
    let found = features(
        "1,A1,x,1,1/1/2011 9:00,1,007,UK\n1,A1,x,1,1/1/2011 9:00,1,7,UK\n1,A1,x,1,1/1/2011 9:00,1,3f2a-é,UK\n",
    );
    assert_eq!(found.len(), 3, "leading zeros survive");
}

/// The order of the lines and the pieces in which they arrive change nothing.
#[test]
fn order_and_splitting_do_not_change_the_features() {
    let csv = shop(20_000, 0.0);
    let whole = {
        let mut rows = Rows::default();
        read(&csv[..], "f", &Settings::default(), None, &mut rows)
            .unwrap()
            .features
    };
    for chunk in [1, 7, 4096] {
        let pieces = std::io::BufReader::with_capacity(chunk, &csv[..]);
        let found = read(
            pieces,
            "f",
            &Settings::default(),
            None,
            &mut Rows::default(),
        )
        .unwrap();
        assert_eq!(found.features, whole, "chunks of {chunk} bytes");
    }
    let mut lines: Vec<&[u8]> = csv.split_inclusive(|&byte| byte == b'\n').collect();
    let header = lines.remove(0);
    lines.reverse();
    let reversed = [header, &lines.concat()].concat();
    let found = read(
        &reversed[..],
        "f",
        &Settings::default(),
        None,
        &mut Rows::default(),
    )
    .unwrap();
    assert_eq!(found.features, whole, "reversed");
}

/// Whatever the bytes are, reading ends in features or one error.
#[test]
fn any_bytes_never_panic() {
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let mut settings = Settings::default();
    settings.cleaning.max_quarantined_share = 1.0;
    let seed = shop(50, 0.2);
    for _ in 0..2_000 {
        let mut bytes = seed.clone();
        for _ in 0..=next() % 12 {
            let at = next() % bytes.len();
            match next() % 4 {
                0 => bytes[at] = b"\",\n\r\0;-+eE.\xff\x81"[next() % 13],
                1 => bytes.truncate(at.max(1)),
                2 => bytes.insert(at, b"\"\n,9"[next() % 4]),
                _ => bytes[at] = next() as u8,
            }
        }
        let _ = read(&bytes[..], "f", &settings, None, &mut Rows::default());
    }
}
