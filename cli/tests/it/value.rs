//! RFM and lifetime value from lines, whatever their order and however they are split.

use shared::features::Features;
use shared::settings::Settings;
use shared::transactions::pass::{Outcome, Pass};
use shared::transactions::reader::Nowhere;

use crate::parts::{HEADER, shop};

/// What uploads of these lines give.
fn read(uploads: &[&str], settings: &Settings) -> Outcome {
    let mut pass = Pass::new(settings, None, None).unwrap();
    for (number, lines) in uploads.iter().enumerate() {
        let text = format!("{HEADER}{lines}");
        let name = format!("{number}.csv");
        pass.upload(text.as_bytes(), &name, &mut Nowhere).unwrap();
    }
    pass.finish().unwrap()
}

/// A shop's export; letters beyond ASCII are in descriptions alone.
fn generated() -> String {
    String::from_utf8_lossy(&shop(20_000, 0.0)).into_owned()
}

fn row(features: &Features, id: &str) -> usize {
    let mut ids = features.customer_id.iter();
    ids.position(|other| other == id).unwrap()
}

#[test]
fn purchases_are_distinct_invoices_and_guests_have_no_value() {
    // Customer 7: invoices 1 and 2, of which 2 has two lines, and a return.
    let lines = "\
1,A1,x,2,1/1/2011 9:00,1,7,UK
2,A1,x,1,1/1/2011 17:00,1,7,UK
2,A2,y,1,1/1/2011 17:00,1,7,UK
C3,A1,x,-1,1/2/2011 9:00,1,7,UK
4,A1,x,1,1/3/2011 9:00,1,,UK
";
    let outcome = read(&[lines], &Settings::default());
    let value = &outcome.features.value;
    assert_eq!(value.purchases[row(&outcome.features, "7")], 2);
    let guest = row(&outcome.features, "guest-4");
    assert_eq!((value.purchases[guest], value.clv[guest]), (1, None));
    let lifetime = &outcome.quality.value.lifetime;
    assert_eq!((lifetime.customers, lifetime.repeaters), (1, 0));
    assert!(lifetime.reason.as_ref().unwrap().contains("are needed"));
}

#[test]
fn neither_the_order_of_the_lines_nor_their_splitting_changes_a_bit() {
    let text = generated();
    let (_, lines) = text.split_once('\n').unwrap();
    let lines: Vec<&str> = lines.split_inclusive('\n').collect();
    let settings = Settings::default();
    let whole = read(&[&lines.concat()], &settings);
    let lifetime = &whole.quality.value.lifetime;
    assert!(
        lifetime.bg_nbd.is_some() && lifetime.gamma_gamma.is_some(),
        "{lifetime:?}"
    );
    let valued = whole.features.value.clv.iter().flatten().count() as u64;
    assert_eq!(valued, lifetime.customers);

    let backwards: Vec<&str> = lines.iter().rev().copied().collect();
    // Every third line apart: customers, invoices and days are spread over all three.
    let parts: Vec<String> = (0..3)
        .map(|part| lines.iter().skip(part).step_by(3).copied().collect())
        .collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    for other in [
        read(&[&backwards.concat()], &settings),
        read(&parts, &settings),
    ] {
        assert!(other.features == whole.features, "a customer is another");
        assert_eq!(other.quality.value, whole.quality.value);
    }
}

#[test]
fn cuts_and_horizon_are_the_settings() {
    let text = generated();
    let (_, lines) = text.split_once('\n').unwrap();
    let default = read(&[lines], &Settings::default());
    let toml = "[rfm]\ncuts = 3\nrecency_days = [30, 90]\n[value]\nhorizon_days = 30\n";
    let set = read(&[lines], &Settings::parse(toml, "t").unwrap());
    assert_eq!(set.quality.value.rfm.recency_days, [30.0, 90.0]);
    let (year, month) = (&default.features.value, &set.features.value);
    for (row, &days) in set.features.recency_days.iter().enumerate() {
        let expected = if days <= 30 {
            3
        } else {
            2 - i32::from(days > 90)
        };
        assert_eq!(month.rfm_recency[row], expected);
        assert!((1..=3).contains(&month.rfm_monetary[row]));
        let pair = month.expected_purchases[row].zip(year.expected_purchases[row]);
        assert!(pair.is_none_or(|(month, year)| month <= year));
    }
    assert_eq!(month.p_alive, year.p_alive, "the past is the same");
}
