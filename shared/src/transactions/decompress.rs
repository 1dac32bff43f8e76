//! What the bytes are, by their content and not by the object's name.

use std::io::{self, BufRead, BufReader, Read};

use crate::{Error, Result};

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// Formats that a shop sends by mistake, by their first bytes.
const FOREIGN: [(&[u8], &str); 8] = [
    (b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (b"PK\x05\x06", "a zip archive with nothing in it"),
    (b"PAR1", "a Parquet file"),
    (b"%PDF", "a PDF"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
];
/// How much is looked at to tell text from something else.
const SNIFFED: usize = 8 << 10;

/// How a text is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
}

impl Packing {
    /// Bytes by which it is told.
    pub(crate) const TOLD_BY: usize = ZSTD.len();

    /// How the bytes that begin with `start` are packed.
    pub fn of(start: &[u8]) -> Self {
        if start.starts_with(GZIP) {
            Self::Gzip
        } else if start.starts_with(ZSTD) {
            Self::Zstd
        } else {
            Self::None
        }
    }
}

/// The text inside `source`: gzip and zstd are unpacked. `object` names it in errors.
pub fn text<'a>(
    source: impl Read + Send + 'a,
    object: &str,
) -> Result<Box<dyn BufRead + Send + 'a>> {
    let source = BufReader::with_capacity(256 << 10, source);
    let (start, source) = begin(source, Packing::TOLD_BY, object)?;
    let text: Box<dyn BufRead + Send + 'a> = match Packing::of(&start) {
        Packing::Gzip => {
            let unpacked = flate2::bufread::MultiGzDecoder::new(source);
            Box::new(BufReader::with_capacity(256 << 10, unpacked))
        }
        Packing::Zstd => {
            let unpacked = zstd::stream::read::Decoder::with_buffer(source)
                .map_err(|e| unreadable(object, e))?;
            Box::new(BufReader::with_capacity(256 << 10, unpacked))
        }
        Packing::None => Box::new(source),
    };
    let (start, text) = begin(text, SNIFFED, object)?;
    check_text(&start, object)?;
    Ok(Box::new(text))
}

/// The first `length` bytes of `source`, however small the pieces in which they come, and the
/// whole of it.
pub(crate) fn begin<R: BufRead>(
    mut source: R,
    length: usize,
    object: &str,
) -> Result<(Vec<u8>, impl BufRead + use<R>)> {
    let mut start = Vec::with_capacity(length);
    (&mut source)
        .take(length as u64)
        .read_to_end(&mut start)
        .map_err(|e| unreadable(object, e))?;
    Ok((start.clone(), io::Cursor::new(start).chain(source)))
}

fn check_text(start: &[u8], object: &str) -> Result<()> {
    let refuse = |what: &str, advice: &str| {
        Err(Error::bad_input(
            object,
            format!("this is {what}, not a CSV file: {advice}"),
        ))
    };
    if start.is_empty() {
        return Err(Error::bad_input(object, "the file is empty"));
    }
    for (magic, what) in FOREIGN {
        if start.starts_with(magic) {
            return refuse(what, "export the sales as CSV text");
        }
    }
    // It was unpacked once already.
    if Packing::of(start) != Packing::None {
        return refuse("packed twice", "compress the export once");
    }
    if start.starts_with(&[0xff, 0xfe, 0, 0]) || start.starts_with(&[0, 0, 0xfe, 0xff]) {
        return refuse("utf-32 text", "save it as utf-8 or windows-1252");
    }
    if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
        return refuse("utf-16 text", "save it as utf-8 or windows-1252");
    }
    // The header alone: a stray NUL in a row below it is that row's defect, not the file's.
    let header = memchr::memchr(b'\n', start).and_then(|end| start.get(..end));
    let start = header.unwrap_or(start);
    // Latin text in utf-16 has its NULs on one side of every pair; other binary on both.
    let nul_at = |side: usize| {
        start
            .iter()
            .skip(side)
            .step_by(2)
            .filter(|&&b| b == 0)
            .count()
    };
    let nuls = [nul_at(0), nul_at(1)];
    if nuls.contains(&0) && nuls.iter().any(|&n| n * 3 > start.len()) {
        return refuse("utf-16 text", "save it as utf-8 or windows-1252");
    }
    if nuls != [0, 0] {
        return refuse("a binary file", "export the sales as CSV text");
    }
    Ok(())
}

/// What zstd says of a frame that would have to keep more than 128 MiB of text behind it, the most
/// that it unpacks unasked; `zstd --long=28` and more make such.
const WIDE_WINDOW: &str = "Frame requires too much memory for decoding";

/// Why reading failed: the store's own error where it was the store, else the packing.
pub fn unreadable(object: &str, error: io::Error) -> Error {
    error.downcast::<Error>().unwrap_or_else(|error| {
        if error.to_string() == WIDE_WINDOW {
            return Error::bad_input(
                object,
                "its zstd window is larger than 128 MiB, more than is held in memory to unpack \
                 it: compress the export again without --long, or with --long=27 at most",
            );
        }
        Error::bad_input(
            object,
            format!(
                "the compressed data can't be unpacked, they are damaged or not whole ({error}): \
                 compress and upload the export again"
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn unpack(bytes: &[u8]) -> Result<String> {
        let mut text_ = String::new();
        text(bytes, "f")?
            .read_to_string(&mut text_)
            .map_err(|e| unreadable("f", e))?;
        Ok(text_)
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn packed_text_is_unpacked_by_its_content() {
        assert_eq!(unpack(b"a,b").unwrap(), "a,b");
        assert_eq!(unpack(&gzip(b"a,b")).unwrap(), "a,b");
        let members = [gzip(b"a,"), gzip(b"b")].concat();
        assert_eq!(unpack(&members).unwrap(), "a,b");
        assert_eq!(
            unpack(&zstd::encode_all(&b"a,b"[..], 1).unwrap()).unwrap(),
            "a,b"
        );
    }

    #[test]
    fn what_is_not_text_is_named() {
        let error = |bytes: &[u8]| unpack(bytes).unwrap_err().to_string();
        assert!(error(b"").contains("empty"));
        assert!(error(&gzip(b"")).contains("empty"));
        assert!(error(b"PK\x03\x04rest").contains("Excel"));
        assert!(error(b"\xff\xfea\0,\0").contains("utf-16"));
        assert!(error(b"a\0,\0b\0\n\0").contains("utf-16"));
        assert!(error(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0").contains("binary"));
        let packed = gzip(&[b'x'; 100_000]);
        assert!(error(&packed[..packed.len() / 2]).contains("unpacked"));
    }

    #[test]
    fn a_stray_nul_below_the_header_does_not_make_a_file_binary() {
        assert!(unpack(b"a,b\n1,2\n1,\0\n").is_ok());
        assert!(unpack(b"a,\0b\n1,2\n").is_err());
    }
}
