//! How fast bytes become sums, step by step, against the limit: finding the line ends.

use serde_json::{Value, json};
use shared::settings::Settings;
use shared::transactions::encoding::decode;
use shared::transactions::header::Header;
use shared::transactions::line::LineReader;
use shared::transactions::reader::{Nowhere, read};
use shared::transactions::records::{Record, Records};

use crate::Result;
use crate::clock::Clock;

/// Every step does what the ones before it do, too, over the same bytes in memory.
pub(crate) fn run(export: &str, repeat: usize) -> Result<Value> {
    let bytes = std::fs::read(export).map_err(|e| format!("{export}: {e}"))?;
    let settings = Settings::default();
    let mut clock = Clock::default();

    let ends = clock.repeat("newlines by memchr", repeat, || {
        Ok(memchr::memchr_iter(b'\n', &bytes).count())
    })?;
    let records = clock.repeat("records", repeat, || {
        let mut count = 0_u64;
        each(&bytes, &settings, |_| {
            count += 1;
            Ok(())
        })?;
        Ok(count)
    })?;
    let decoded = clock.repeat("decode", repeat, || {
        let mut length = 0;
        each(&bytes, &settings, |record| {
            length += decode(record.raw, settings.source.encoding).map_or(0, |text| text.len());
            Ok(())
        })?;
        Ok(length)
    })?;
    let pieces = clock.repeat("parse", repeat, || parse(&bytes, &settings))?;
    let outcome = clock.repeat("clean, accumulate, features", repeat, || {
        Ok(read(
            bytes.as_slice(),
            export,
            &settings,
            None,
            &mut Nowhere,
        )?)
    })?;
    Ok(clock.report(&json!({
        "bytes": bytes.len(),
        "newlines": ends,
        "records": records,
        "decoded": decoded,
        "pieces": pieces,
        "rows": outcome.counts.rows_read,
        "customers": outcome.counts.customers,
    })))
}

/// Every record, the header first.
fn each(
    bytes: &[u8],
    settings: &Settings,
    mut work: impl FnMut(&Record<'_>) -> Result<()>,
) -> Result<()> {
    let mut records = Records::new(bytes, settings.source.delimiter as u8);
    while let Some(record) = records.next()? {
        work(&record)?;
    }
    Ok(())
}

/// The sum of all quantities, so that no line is parsed in vain.
fn parse(bytes: &[u8], settings: &Settings) -> Result<i64> {
    let (source, mut reader, mut pieces) = (&settings.source, None, 0_i64);
    each(bytes, settings, |record| {
        let Some(text) = decode(record.raw, source.encoding) else {
            return Ok(());
        };
        match &mut reader {
            None => {
                let delimiter = source.delimiter as u8;
                let header =
                    Header::read(&text, record.shape, delimiter, &source.columns, "export")?;
                reader = Some(LineReader::new(header, settings)?);
            }
            Some(reader) => {
                if let Ok(line) = reader.read(&text, record.shape) {
                    pieces = pieces.wrapping_add(line.quantity);
                }
            }
        }
        Ok(())
    })?;
    Ok(pieces)
}
