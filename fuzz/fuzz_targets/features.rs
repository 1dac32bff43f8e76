//! Features of any lines are those that one counts by hand, in whatever order and in however
//! many uploads the lines come.
#![no_main]

use arbitrary::Arbitrary;
use fuzz::check;
use fuzz::obvious::{Customer, Line, MINUTES_A_DAY, csv_of, slowly};
use libfuzzer_sys::fuzz_target;
use shared::settings::Settings;
use shared::transactions::pass::{Outcome, Pass};
use shared::transactions::reader::Nowhere;

#[derive(Debug, Arbitrary)]
struct Input {
    uploads: u8,
    turn: u8,
    /// Customer, invoice, quantity, price in pence, minute of the year.
    lines: Vec<(u8, u8, i16, u16, u32)>,
}

fn of(uploads: &[&[Line]], settings: &Settings) -> shared::Result<Outcome> {
    let mut pass = Pass::new(settings, None, None)?;
    for (i, lines) in uploads.iter().enumerate() {
        let csv = csv_of(lines);
        pass.upload(csv.as_bytes(), &format!("{i}.csv"), &mut Nowhere)?;
    }
    pass.finish()
}

fuzz_target!(|input: Input| {
    let lines = input.lines.iter().take(200);
    let lines: Vec<Line> = lines
        .map(|&(customer, invoice, quantity, pence, minute)| {
            let minute = i64::from(minute) % (300 * MINUTES_A_DAY);
            (
                customer % 8,
                invoice % 16,
                quantity.into(),
                pence.into(),
                minute,
            )
        })
        .collect();
    if lines.is_empty() {
        return;
    }
    let settings = Settings::default();
    let expected = slowly(&lines);
    let whole = match of(&[&lines], &settings) {
        Ok(whole) => whole,
        Err(error) => {
            check(&error);
            assert!(expected.is_empty(), "{error}");
            assert!(error.to_string().contains("no customer is left"));
            return;
        }
    };
    assert_eq!(Customer::all(&whole.features), expected);

    let mut turned = lines.clone();
    turned.rotate_left(usize::from(input.turn) % lines.len());
    turned.reverse();
    let pieces = lines.len().div_ceil(usize::from(input.uploads % 4) + 1);
    let uploads: Vec<&[Line]> = turned.chunks(pieces).collect();
    let other = of(&uploads, &settings).unwrap();
    assert_eq!(other.features, whole.features);
    assert_eq!(other.counts, whole.counts);
    assert_eq!(other.as_of, whole.as_of);
});
