//! The fast ways held against slow and obvious ones, on inputs that nobody would think of.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;
use shared::settings::{Decimal, Settings};
use shared::transactions::reader::{Nowhere, read};

// fuzz/ has it as a module that others see.
#[allow(unreachable_pub)]
mod obvious;

use obvious::{Customer, MINUTES_A_DAY, by_csv, by_ours, csv_of, slowly};

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
        let (ours, unclosed) = by_ours(&text, b',', buffer);
        let theirs = by_csv(&text, b',');
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
                prop_assert_eq!(Customer::all(&features), expected);
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
