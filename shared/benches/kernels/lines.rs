//! From bytes to sums: every kernel does what the one before it does, too.

use std::hint::black_box;

use shared::settings::Settings;
use shared::transactions::encoding::decode;
use shared::transactions::header::Header;
use shared::transactions::line::LineReader;
use shared::transactions::reader::{Nowhere, read};
use shared::transactions::records::{Record, Records};

use crate::kernel::Work;
use crate::{Result, export};

pub(crate) fn records() -> Result<Work> {
    let (bytes, settings) = (export::bytes(), Settings::default());
    Ok(Box::new(move || {
        each(&bytes, &settings, |record| {
            black_box(record);
            Ok(())
        })
    }))
}

pub(crate) fn decoded() -> Result<Work> {
    let (bytes, settings) = (export::bytes(), Settings::default());
    Ok(Box::new(move || {
        each(&bytes, &settings, |record| {
            black_box(decode(record.raw, settings.source.encoding));
            Ok(())
        })
    }))
}

pub(crate) fn parse() -> Result<Work> {
    let (bytes, settings) = (export::bytes(), Settings::default());
    Ok(Box::new(move || parse_all(&bytes, &settings)))
}

fn parse_all(bytes: &[u8], settings: &Settings) -> Result<()> {
    let (source, mut reader) = (&settings.source, None);
    each(bytes, settings, |record| {
        let Some(text) = decode(record.raw, source.encoding) else {
            return Ok(());
        };
        if let Some(reader) = &mut reader {
            let reader: &mut LineReader = reader;
            let _ = black_box(reader.read(&text, record.shape));
        } else {
            let delimiter = source.delimiter as u8;
            let header = Header::read(&text, record.shape, delimiter, &source.columns, "export")?;
            reader = Some(LineReader::new(header, settings)?);
        }
        Ok(())
    })
}

pub(crate) fn whole_pass() -> Result<Work> {
    let (bytes, settings) = (export::bytes(), Settings::default());
    Ok(Box::new(move || {
        let outcome = read(bytes.as_slice(), "export", &settings, None, &mut Nowhere)?;
        black_box(outcome);
        Ok(())
    }))
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
