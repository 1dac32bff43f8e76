//! From text to lines that count: as the csv crate has them, in whatever pieces they come,
//! and no row lost.
#![no_main]

use std::io::Read;

use fuzz::obvious::{by_csv, by_ours};
use fuzz::{Pieces, check, knobs};
use libfuzzer_sys::fuzz_target;
use shared::Result;
use shared::settings::{Encoding, Guests, Settings};
use shared::transactions::decompress::{Packing, text};
use shared::transactions::line::Line;
use shared::transactions::quarantine::{Defect, Reason};
use shared::transactions::reader::{Outcome, Sink, read};
use shared::transactions::records::{MAX_RECORD, Records, Shape};

const COLUMNS: [&str; 8] = [
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
];

/// Everything that comes out of a source, in its order.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    kept: Vec<String>,
    bad: Vec<(u64, Defect, String)>,
}

impl Sink for Seen {
    fn kept(&mut self, line: &Line<'_>, customer_id: &str, is_guest: bool) -> Result<()> {
        assert!(!customer_id.is_empty());
        assert!(is_guest || line.customer_id == Some(customer_id));
        self.kept.push(format!("{line:?} {customer_id} {is_guest}"));
        Ok(())
    }

    fn quarantined(&mut self, line: u64, defect: Defect, raw: &str) -> Result<()> {
        assert!(!raw.contains('\0'));
        assert!(raw.len() <= 3 * MAX_RECORD);
        self.bad.push((line, defect, raw.to_owned()));
        Ok(())
    }
}

fn settings(knobs: [u8; 4]) -> Settings {
    let [_, source, rules, _] = knobs;
    let mut settings = Settings::default();
    settings.cleaning.max_quarantined_share = 1.0;
    settings.source.delimiter = [',', ';', '\t', '|'][usize::from(source % 4)];
    if source & 4 != 0 {
        settings.source.encoding = Encoding::Utf8;
    }
    settings.cleaning.guests =
        [Guests::Invoice, Guests::Sequential, Guests::Drop][usize::from(rules % 3)];
    if rules & 8 != 0 {
        settings.source.window_days = Some(90);
    }
    settings
}

/// The text behind a header, if it is to have one; 0x1f stands for a line too long to type.
fn source(bytes: &[u8], settings: &Settings, knobs: [u8; 4]) -> Vec<u8> {
    let mut text = Vec::new();
    if knobs[1] & 8 != 0 {
        let delimiter = settings.source.delimiter.to_string();
        text.extend_from_slice(COLUMNS.join(&delimiter).as_bytes());
        text.push(b'\n');
    }
    let mut long = 3;
    for &byte in bytes {
        if byte == 0x1f && long > 0 {
            long -= 1;
            text.resize(text.len() + MAX_RECORD / 2 + 5, b'y');
        } else {
            text.push(byte);
        }
    }
    text
}

fn outcome(
    source: impl Read + Send,
    settings: &Settings,
    knobs: [u8; 4],
) -> (Result<Outcome>, Seen) {
    let mut seen = Seen::default();
    let as_of = (knobs[2] & 4 != 0).then(|| "2011-06-01".parse().unwrap());
    let read = text(source, "f").and_then(|text| read(text, "f", settings, as_of, &mut seen));
    (read, seen)
}

fn accounted(outcome: &Outcome, seen: &Seen, text: &[u8], delimiter: u8) {
    let counts = &outcome.counts;
    assert_eq!(
        counts.rows_read,
        counts.rows_kept
            + counts.rows_dropped
            + counts.rows_quarantined
            + counts.rows_after_as_of
            + counts.rows_before_window
    );
    assert_eq!(counts.rows_kept, seen.kept.len() as u64);
    assert_eq!(counts.rows_quarantined, seen.bad.len() as u64);
    assert!(seen.bad.is_sorted_by(|a, b| a.0 < b.0), "each has its line");
    let mut records = Records::new(text, delimiter);
    let mut rows = 0;
    while let Some(record) = records.next().unwrap() {
        rows += 1;
        let (start, end) = (record.start as usize, record.end as usize);
        if record.shape == Shape::TooLong {
            assert_eq!(&text[start..start + MAX_RECORD], record.raw);
        } else {
            assert!(text[start..end].starts_with(record.raw));
        }
    }
    assert_eq!(counts.rows_read + 1, rows, "and the header");
    assert!(outcome.features.gross_revenue.iter().all(|x| x.is_finite()));
    let ids = &outcome.features.customer_id;
    assert!(ids.is_sorted_by(|a, b| a < b), "each customer once");
}

/// Where both have the same rules: text, whose carriage returns stand before line feeds.
fn as_the_csv_crate(bytes: &[u8], delimiter: u8, piece: u8) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let text = text.trim_start_matches('\u{feff}');
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'\r' && bytes.peek() != Some(&b'\n') {
            return;
        }
    }
    let (ours, unclosed) = by_ours(text, delimiter, usize::from(piece) + 1);
    let theirs = by_csv(text, delimiter);
    if unclosed {
        // To it the rest of the file is one field; ours goes on at the next line.
        assert_eq!(ours, theirs[..ours.len()]);
        assert_eq!(theirs.len(), ours.len() + 1);
    } else {
        assert_eq!(ours, theirs);
    }
}

fuzz_target!(|input: &[u8]| {
    let (bytes, knobs) = knobs::<4>(input);
    let settings = settings(knobs);
    let delimiter = settings.source.delimiter as u8;
    if !bytes.contains(&0x1f) {
        as_the_csv_crate(bytes, delimiter, knobs[0]);
    }
    let bytes = source(bytes, &settings, knobs);
    let (whole, seen) = outcome(&bytes[..], &settings, knobs);
    let (pieces, seen_in_pieces) = outcome(Pieces::new(&bytes, knobs[0]), &settings, knobs);
    // Of a damaged packing more or less may be read before the damage is met.
    let is_packed = Packing::of(&bytes) != Packing::None;
    if whole.is_ok() || !is_packed {
        assert_eq!(seen, seen_in_pieces);
    }
    match (whole, pieces) {
        (Ok(whole), Ok(pieces)) => {
            let text = |outcome: &Outcome| {
                let quality = serde_json::to_string(&outcome.quality).unwrap();
                format!("{:?} {quality} {:?}", outcome.features, outcome.as_of)
            };
            assert_eq!(text(&whole), text(&pieces));
            if !bytes.starts_with(b"\xef\xbb\xbf") && !is_packed {
                accounted(&whole, &seen, &bytes, delimiter);
            }
        }
        (Err(whole), Err(pieces)) => {
            check(&whole);
            assert!(whole.is_bad_input(), "{whole}");
            if !is_packed {
                assert_eq!(whole.to_string(), pieces.to_string());
            }
        }
        (whole, pieces) => panic!("{whole:?} {pieces:?}"),
    }
    let reasons = seen.bad.iter().map(|bad| bad.1.reason);
    assert!(
        reasons
            .into_iter()
            .all(|reason| Reason::ALL.contains(&reason))
    );
});
