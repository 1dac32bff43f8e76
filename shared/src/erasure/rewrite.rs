//! An upload without some of its records, packed as it was.

use std::io::{self, BufRead, BufReader, Read, Write};

use super::records::{Span, copy_without};
use crate::Result;
use crate::transactions::decompress::{Packing, text, unreadable};

/// Writes `source` to `to` without `spans` of its text; without any, byte for byte. `object`
/// names it in errors.
pub fn rewrite<W: Write>(
    source: impl Read + Send,
    object: &str,
    spans: &[Span],
    mut to: W,
) -> Result<W> {
    let failed = |e| unreadable(object, e);
    let mut source = BufReader::new(source);
    if spans.is_empty() {
        io::copy(&mut source, &mut to).map_err(failed)?;
        return Ok(to);
    }
    let packing = Packing::of(source.fill_buf().map_err(failed)?);
    let text = text(source, object)?;
    match packing {
        Packing::None => {
            copy_without(text, spans, &mut to).map_err(failed)?;
            Ok(to)
        }
        Packing::Gzip => {
            let mut packed = flate2::write::GzEncoder::new(to, flate2::Compression::default());
            copy_without(text, spans, &mut packed).map_err(failed)?;
            packed.finish().map_err(failed)
        }
        Packing::Zstd => {
            let level = zstd::DEFAULT_COMPRESSION_LEVEL;
            let mut packed = zstd::stream::write::Encoder::new(to, level).map_err(failed)?;
            copy_without(text, spans, &mut packed).map_err(failed)?;
            packed.finish().map_err(failed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_packed_the_same_way() {
        let plain = b"head\none\ntwo\nthree\n".to_vec();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&plain).unwrap();
        for packed in [
            plain.clone(),
            gzip.finish().unwrap(),
            zstd::encode_all(&plain[..], 1).unwrap(),
        ] {
            assert_eq!(rewrite(&packed[..], "f", &[], Vec::new()).unwrap(), packed);
            let written = rewrite(&packed[..], "f", &[(5, 9), (13, 19)], Vec::new()).unwrap();
            assert_eq!(Packing::of(&written), Packing::of(&packed));
            let mut left = String::new();
            text(&written[..], "f")
                .unwrap()
                .read_to_string(&mut left)
                .unwrap();
            assert_eq!(left, "head\ntwo\n");
        }
    }
}
